"""`apical probe`: frozen read-outs of every population and of all together, beside two controls.

The controls are the same network at its random initialisation and the pixels themselves: a trained network that does not beat its own
random initialisation has learned nothing that the read-out can use.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ...models import BlockNetwork, Network
from ...models.engine import checkpoint, settle
from ..errors import ConfigError, ProtocolError, nearest
from ..progress import bar as progress_bar
from ..progress import notice
from ..readouts.goodness import TOGETHER, summed
from ..readouts.pooling import maps_of
from ..runs.files import write_json
from ..runs.folder import RunFolder
from ..runs.network import initial_network
from ..runs.setup import load_stimulus, pick_device, shown_as
from ..runs.trained import newest_checkpoint
from ..runs.unchanged import same_data
from ..settings.load import RunConfig, change, resolve
from ..stimuli import ImageSet, Stimulus
from .reading import check_ridge, own_output, read_out_corrupted, read_out_pixels, reader

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
        check_ridge(network, stimulus, config, wanted, together, len(train))
    disturbed = None if corruptions is None else test.subset(min(corruptions, len(test)), seed=config.seed)
    bar = progress_bar(progress, "read-out", 2 * len(wanted) + 3)
    read = reader(kind, config, stimulus, train, test, wanted, together, bar)
    with bar:
        trained = read(network)
        own = own_output(network, config, stimulus, test)
        if disturbed is not None:
            own |= read_out_corrupted(network, stimulus, train, disturbed, together, kind, config, bar)
        network = _untrained(config, stimulus, train, place)
        random = read(network)
        pixels = None if kind == "goodness" else read_out_pixels(stimulus, train, test, kind, config)
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
