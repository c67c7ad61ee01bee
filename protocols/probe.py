"""`apical probe`: frozen read-outs of every population and of all together, beside two controls.

The controls are the same network at its random initialisation and the pixels themselves: a trained network that does not beat its own
random initialisation has learned nothing that the read-out can use.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from ..models import Network
from ..models.engine import checkpoint, rates
from .config import RunConfig
from .errors import ConfigError, ProtocolError, nearest
from .readout import ReadOut, knn_read_out, linear_read_out, ridge_read_out, standardise
from .run import RunFolder
from .stimuli import ImageSet, Stimulus
from .streams import stream
from .train import fresh_network, load_stimulus, pick_device

# The paper's read-out of VGG-6: every map pooled to this side, 32,768 features in all; the same for every rule, whatever its own grids.
READ_OUT_GRIDS = (8, 4, 4, 4, 2, 2)
TOGETHER = "all"
CHUNK = 500


def probe(
    run: Path,
    *,
    read_out: str | None = None,
    layers: list[str] | None = None,
    data_dir: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Read out a trained run.

    Args:
        run: folder of the run; its newest checkpoint is read.
        read_out: `linear` or `knn`; None for the run's own setting.
        layers: populations to read out, one by one and together; None for all of them.
        data_dir: folder of the data sets.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict, also written to RUN/probe.json: accuracy (the populations together), accuracy_random, accuracy_pixels in per cent,
        layers {name: {accuracy, accuracy_random}}, n_train, n_test, read_out, step.

    Raises:
        ConfigError: unknown layers.
        ProtocolError: the run has no checkpoint, or its stimulus no labels.
    """
    folder = RunFolder(run)
    config = folder.settings()
    stored = checkpoint.found(folder.checkpoints)
    if not stored:
        raise ProtocolError(
            f"{folder.checkpoints}: expected a checkpoint, got none; train further with --resume --out {run}"
        )
    kind = read_out or config.probe.read_out
    device = pick_device(config.training.device)
    stimulus = load_stimulus(config, data_dir, device)
    network = fresh_network(config, stimulus)
    wanted = choose_layers(layers, network.names)
    train = stimulus.train.labelled().subset(config.probe.n_train, seed=config.seed)
    test = stimulus.test.labelled()
    if not len(train) or not len(test):
        raise ProtocolError(
            f"probe.stimulus: expected labelled images, got {len(train)} for training and {len(test)} for testing"
        )
    bar = tqdm(total=2 * len(wanted) + 3, unit="read-out", file=sys.stderr, disable=None if progress else True)
    with bar:
        random = _read_out_network(network.to(device), stimulus, train, test, wanted, kind, config, bar)
        checkpoint.load_network(stored[-1], network)
        trained = _read_out_network(network, stimulus, train, test, wanted, kind, config, bar)
        pixels = _fit(
            kind, config, pixel_features(stimulus, train), train.labels, pixel_features(stimulus, test), test.labels
        )
        bar.update()
    result = {
        "run": str(run),
        "read_out": kind if kind == "knn" else f"linear ({config.probe.solver})",
        "step": checkpoint.read_state(stored[-1]).step,
        "accuracy": trained[TOGETHER].accuracy,
        "accuracy_random": random[TOGETHER].accuracy,
        "accuracy_pixels": pixels.accuracy,
        "layers": {n: {"accuracy": trained[n].accuracy, "accuracy_random": random[n].accuracy} for n in wanted},
        "choices": {n: found.choice for n, found in trained.items()},
        "n_train": len(train),
        "n_test": len(test),
    }
    folder.probe.write_text(json.dumps(result, indent=1) + "\n")
    return result


def choose_layers(layers: list[str] | None, names: list[str]) -> list[str]:
    """Populations to read out, bottom first; by default every one.

    Raises:
        ConfigError: a name that is no population.
    """
    for name in layers or []:
        if name not in names:
            raise ConfigError(
                f"probe.layers: expected names among {', '.join(names)}, got {name!r}{nearest(name, names)}"
            )
    return [name for name in names if layers is None or name in layers]


@torch.no_grad()
def features(network: Network, stimulus: Stimulus, images: ImageSet, device: torch.device) -> dict[str, Tensor]:
    """Pooled rates of every population for every image, {name: (images, features)}, float32 on the CPU.

    Args:
        network: the network, frozen.
        stimulus: normalises the images.
        images: what is shown, without augmentation.
        device: where the network lives.
    """
    kept: dict[str, list[Tensor]] = {name: [] for name in network.names}
    for start in range(0, len(images), CHUNK):
        shown = stimulus.still(images.images[start : start + CHUNK].to(device))
        found = rates(network, shown.contiguous(memory_format=torch.channels_last))
        for i, (name, rate) in enumerate(zip(network.names, found, strict=True)):
            kept[name].append(_pool(rate, i).cpu())
    return {name: torch.cat(parts) for name, parts in kept.items()}


def _pool(rate: Tensor, i: int) -> Tensor:
    if rate.dim() == 2:
        return rate
    side = READ_OUT_GRIDS[i] if i < len(READ_OUT_GRIDS) else 2
    return F.adaptive_avg_pool2d(rate, min(side, *rate.shape[-2:])).flatten(1)


def pixel_features(stimulus: Stimulus, images: ImageSet) -> Tensor:
    """The images themselves, (images, pixels)."""
    return stimulus.still(images.images).flatten(1).cpu()


def _read_out_network(
    network: Network,
    stimulus: Stimulus,
    train: ImageSet,
    test: ImageSet,
    wanted: list[str],
    kind: str,
    config: RunConfig,
    bar: Any,
) -> Mapping[str, ReadOut]:
    device = network.populations[0].weight.device
    seen, unseen = features(network, stimulus, train, device), features(network, stimulus, test, device)
    found = {}
    for name in [*wanted, TOGETHER]:
        bar.set_postfix_str(name)
        if name == TOGETHER:
            x, y = (torch.cat([parts[n] for n in wanted], 1) for parts in (seen, unseen))
            seen, unseen = {}, {}
        else:
            x, y = seen[name], unseen[name]
        found[name] = _fit(kind, config, x, train.labels, y, test.labels)
        bar.update()
    return found


def _fit(kind: str, config: RunConfig, x: Tensor, labels: Tensor, x_test: Tensor, labels_test: Tensor) -> ReadOut:
    labels, labels_test = labels.cpu(), labels_test.cpu()
    p = config.probe
    if kind == "knn":
        return knn_read_out(x, labels, x_test, labels_test, k=min(p.neighbours, len(x)), temperature=p.temperature)
    x, x_test = standardise(x, x_test)
    draws = stream(config.seed, "read-out")
    if p.solver == "ridge":
        return ridge_read_out(x, labels, x_test, labels_test, p.penalties, generator=draws)
    return linear_read_out(
        x, labels, x_test, labels_test, epochs=p.epochs, batch=p.batch, learning_rate=p.learning_rate, generator=draws
    )
