"""`apical probe`: frozen read-outs of every population and of all together, beside two controls.

The controls are the same network at its random initialisation and the pixels themselves: a trained network that does not beat its own
random initialisation has learned nothing that the read-out can use.
"""

import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from ..models import BlockNetwork, Network
from ..models.engine import checkpoint, settle
from .config import RunConfig, change, resolve
from .documents import write_json
from .errors import ConfigError, ProtocolError, nearest
from .features import features, pixel_features
from .goodness import TOGETHER, goodness_read_out, goodness_rule, summed
from .head import head_accuracy
from .identity import same_data
from .maps import maps_of
from .networks import initial_network, newest_checkpoint
from .presentation import shown_as
from .readout import RIDGE_LIMIT, ReadOut, knn_read_out, linear_read_out, ridge_read_out, ridge_refuses, standardise
from .robustness import corrupted_read_out
from .rules import make_rule
from .run import RunFolder
from .stimuli import ImageSet, Stimulus
from .streams import stream
from .terminal import notice
from .train import load_stimulus, pick_device

# images at whose rates a random network's relays find their running statistics
SETTLING = 5000


def probe(
    run: Path,
    *,
    read_out: str | None = None,
    layers: list[str] | None = None,
    corruptions: int | None = None,
    overrides: Sequence[str] = (),
    device: str | None = None,
    data_dir: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Read out a trained run.

    Args:
        run: folder of the run; its newest checkpoint is read.
        read_out: `linear`, `knn`, or `goodness` for rules that have one; None for the run's own setting.
        layers: populations to read out, one by one and together; None for all of them.
        corruptions: test images to read out under every corruption and severity as well; None for no corruptions.
        overrides: texts such as `probe.solver=logistic`; of `probe` alone.
        device: auto, cpu or cuda; None for the run's own setting.
        data_dir: folder of the data sets.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict, also written to RUN/probe.json: accuracy (the populations together), accuracy_random, accuracy_pixels in per cent,
        layers {name: {accuracy, accuracy_random}}, together (their names), populations (all names), n_train, n_test, read_out, settings
        (of the read-out), step. By goodness nothing is fitted
        and pixels have none: n_train is 0, accuracy_pixels None, and all populations but the first are summed by default. Of a network
        trained to classify, accuracy_head is that of its own output.

    Raises:
        ConfigError: unknown layers, goodness of a rule that has none, or more features than ridge solves.
        ProtocolError: the run has no checkpoint, its images are others than in training or have no labels, or nothing can be written to it.
    """
    folder = RunFolder(run)
    config = change(folder.settings(), "probe", overrides)
    kind = read_out or config.probe.read_out
    if corruptions is not None and kind == "goodness":
        raise ConfigError(
            "probe.corruptions: expected a linear or knn read-out, got goodness; choose --read-out linear"
        )
    newest_checkpoint(folder)
    if not os.access(run, os.W_OK):
        raise ProtocolError(f"{run}: expected a folder that probe.json can be written to, got a read-only one; copy it")
    place = pick_device(device or config.training.device)
    stimulus = load_stimulus(config, data_dir, place)
    network, step = _trained(folder, config, stimulus, place)
    wanted = choose_layers(layers, network.names)
    maps = maps_of(config.network.builder)
    together = wanted if layers else (summed if kind == "goodness" else maps.together)(network.names)
    train, test = _labelled(stimulus, config)
    if kind == "linear" and config.probe.solver == "ridge":
        _check_ridge(network, stimulus, config, wanted, together, len(train))
    disturbed = None if corruptions is None else test.subset(min(corruptions, len(test)), seed=config.seed)
    bar = tqdm(total=2 * len(wanted) + 3, unit="read-out", file=sys.stderr, disable=None if progress else True)
    read = _reader(kind, config, stimulus, train, test, wanted, together, bar)
    with bar:
        trained = read(network)
        own = _own_output(network, config, stimulus, test)
        if disturbed is not None:
            own |= _read_out_corrupted(network, stimulus, train, disturbed, together, kind, config, bar)
        network = _untrained(config, stimulus, train, place)
        random = read(network)
        pixels = None if kind == "goodness" else _read_out_pixels(stimulus, train, test, kind, config)
        bar.update()
    result = {
        "run": str(run),
        "read_out": f"linear ({config.probe.solver})" if kind == "linear" else kind,
        "settings": resolve(config)["probe"] | {"read_out": kind},
        "step": step,
        "accuracy": trained[TOGETHER].accuracy,
        "accuracy_random": random[TOGETHER].accuracy,
        "accuracy_pixels": pixels,
        "layers": {n: {"accuracy": trained[n].accuracy, "accuracy_random": random[n].accuracy} for n in wanted},
        "choices": {n: found.choice for n, found in trained.items()},
        "together": together,
        "populations": network.names,
        "n_train": 0 if kind == "goodness" else len(train),
        "n_test": len(test),
    }
    result |= own
    try:
        write_json(folder.probe, result)
    except OSError as error:
        notice(f"{folder.probe}: not written ({error.strerror or error}); the result is shown here alone")
    return result


def _trained(
    folder: RunFolder, config: RunConfig, stimulus: Stimulus, device: torch.device
) -> tuple[Network | BlockNetwork, int]:
    """Network and step of the newest checkpoint: read before anything is fitted, as a run that goes on removes it."""
    network = initial_network(config, stimulus).to(device)
    newest = newest_checkpoint(folder)
    state = checkpoint.read_state(newest)
    same_data(config, stimulus, state)
    checkpoint.load_network(newest, network)
    return network, state.step


def _untrained(config: RunConfig, stimulus: Stimulus, train: ImageSet, device: torch.device) -> Network | BlockNetwork:
    """The network at its random initialisation, with running statistics of its own where it has any."""
    network = initial_network(config, stimulus).to(device)
    if isinstance(network, BlockNetwork) or any(p.relay is not None and p.relay.buffers for p in network.populations):
        # drawn: stored images may be sorted by class
        images = train.subset(min(SETTLING, len(train)), seed=config.seed).images
        settle(network, shown_as(config.rule).still(stimulus, images.to(device)))
    return network


def _labelled(stimulus: Stimulus, config: RunConfig) -> tuple[ImageSet, ImageSet]:
    """Images to fit on and to test with."""
    train, test = stimulus.train.labelled(), stimulus.test.labelled()
    if not len(train) or not len(test):
        raise ProtocolError(
            f"probe.stimulus: expected labelled images, got {len(train)} for training and {len(test)} for testing"
        )
    wanted = config.probe.n_train
    if wanted is not None and wanted > len(train):
        notice(f"probe.n_train: {wanted} images asked for, {len(train)} there; the read-out is fitted on these")
        wanted = None
    return train.subset(wanted, seed=config.seed), test


def _check_ridge(
    network: Network | BlockNetwork,
    stimulus: Stimulus,
    config: RunConfig,
    wanted: list[str],
    together: list[str],
    images: int,
) -> None:
    """Refuse what ridge cannot solve before anything is fitted."""
    one = stimulus.test.take(torch.zeros(1, dtype=torch.int64))
    still, maps = shown_as(config.rule).still, maps_of(config.network.builder)
    found = features(network, stimulus, one, network.device, still, maps, list({*wanted, *together}))
    sizes = {name: found[name].shape[1] for name in wanted}
    sizes |= {"the populations together": found.together(together).shape[1], "the pixels": math.prod(stimulus.shape)}
    what, size = max(sizes.items(), key=lambda item: item[1])
    if ridge_refuses(images, size):
        raise ConfigError(
            f"probe.solver: expected at most {RIDGE_LIMIT} images or features for ridge, got {images} images and {size} features of "
            f"{what}; add --set probe.solver=logistic or --set probe.n_train={RIDGE_LIMIT}"
        )


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


def _reader(
    kind: str,
    config: RunConfig,
    stimulus: Stimulus,
    train: ImageSet,
    test: ImageSet,
    wanted: list[str],
    together: list[str],
    bar: Any,
) -> Callable[[Network | BlockNetwork], Mapping[str, ReadOut]]:
    """What reads a network out, population by population and together."""
    if kind != "goodness":
        return lambda network: _read_out_network(network, stimulus, train, test, wanted, together, kind, config, bar)
    rule = goodness_rule(make_rule(config.rule))

    def read(network: Network | BlockNetwork) -> Mapping[str, ReadOut]:
        assert isinstance(network, Network)  # rules in blocks have no goodness
        found = goodness_read_out(network, rule, stimulus, test, together)
        bar.update(len(wanted) + 1)
        return found

    return read


def _read_out_network(
    network: Network | BlockNetwork,
    stimulus: Stimulus,
    train: ImageSet,
    test: ImageSet,
    wanted: list[str],
    together: list[str],
    kind: str,
    config: RunConfig,
    bar: Any,
) -> Mapping[str, ReadOut]:
    device = network.device
    still = shown_as(config.rule).still
    maps, kept = maps_of(config.network.builder), list({*wanted, *together})
    seen, unseen = (features(network, stimulus, images, device, still, maps, kept) for images in (train, test))
    found = {}
    for name in wanted:
        bar.set_postfix_str(name)
        found[name] = _fit(kind, config, seen[name], train.labels, unseen[name], test.labels)
        bar.update()
    bar.set_postfix_str(TOGETHER)
    if len(together) == 1 and together[0] in found:
        found[TOGETHER] = found[together[0]]
    else:
        x, y = seen.together(together), unseen.together(together)
        found[TOGETHER] = _fit(kind, config, x, train.labels, y, test.labels)
    bar.update()
    return found


def _read_out_corrupted(
    network: Network | BlockNetwork,
    stimulus: Stimulus,
    train: ImageSet,
    test: ImageSet,
    together: list[str],
    kind: str,
    config: RunConfig,
    bar: Any,
) -> dict[str, Any]:
    """Of the populations together."""
    still, maps = shown_as(config.rule).still, maps_of(config.network.builder)

    def read(images: ImageSet) -> Tensor:
        return features(network, stimulus, images, network.device, still, maps, together).together(together)

    return corrupted_read_out(
        read, partial(_fit, kind, config), train, test, seed=config.seed, advance=bar.set_postfix_str
    )


def _own_output(
    network: Network | BlockNetwork, config: RunConfig, stimulus: Stimulus, test: ImageSet
) -> dict[str, float]:
    rule = make_rule(config.rule)
    if not isinstance(network, Network) or network.head is None or getattr(rule, "head", None) != "classes":
        return {}
    return {"accuracy_head": head_accuracy(network, shown_as(config.rule), stimulus, test)}


def _read_out_pixels(stimulus: Stimulus, train: ImageSet, test: ImageSet, kind: str, config: RunConfig) -> float:
    x, y = pixel_features(stimulus, train), pixel_features(stimulus, test)
    return _fit(kind, config, x, train.labels, y, test.labels).accuracy


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
