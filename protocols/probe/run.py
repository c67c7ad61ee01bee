"""`apical probe`: frozen read-outs of every population and of all together, beside two controls.

The controls are the same network at its random initialisation and the pixels themselves: a trained network that does not beat its own
random initialisation has learned nothing that the read-out can use.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ...models import BlockNetwork, Network
from ...models.engine import checkpoint, settle
from ...plasticity import Rule
from ..errors import ConfigError, ProtocolError, nearest
from ..progress import notice
from ..readouts.fitted import TOGETHER
from ..readouts.own_output import own_output
from ..readouts.reading import Reading, check, read_out_corrupted, read_out_pixels
from ..readouts.reading import read_out as read_network
from ..readouts.table import EITHER, FITTED, READ_OUTS
from ..runs.files import write_json
from ..runs.folder import RunFolder
from ..runs.network import initial_network
from ..runs.reading import reading_of
from ..runs.setup import load_stimulus, pick_device
from ..runs.trained import newest_checkpoint
from ..runs.unchanged import same_data
from ..settings.load import RunConfig, change, resolve
from ..settings.rule import make_rule
from ..stimuli import Stimulus

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
        read_out: a word of the table of read-outs, `goodness` for rules that have one; None for the run's own setting.
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
    if kind not in READ_OUTS:
        raise ConfigError(
            f"probe.read_out: expected one of {', '.join(READ_OUTS)}, got {kind!r}{nearest(kind, READ_OUTS)}"
        )
    if corruptions is not None and not READ_OUTS[kind].fitted:
        raise ConfigError(f"probe.corruptions: expected a {EITHER} read-out, got {kind}; choose --read-out {FITTED[0]}")
    rule = make_rule(config.rule)
    newest_checkpoint(folder)
    if not os.access(run, os.W_OK):
        raise ProtocolError(f"{run}: expected a folder that probe.json can be written to, got a read-only one; copy it")
    place = pick_device(device or config.training.device)
    stimulus = load_stimulus(config, data_dir, place)
    network, step = _trained(folder, config, stimulus, rule, place)
    wanted = choose_layers(layers, network.names)
    reading = reading_of(config, rule, stimulus, field="probe.stimulus", n_train=config.probe.n_train, read_out=kind)
    _tell_of_fewer(config, reading)
    together = wanted if layers else reading.together(network.names)
    check(network, reading, wanted, together)
    bar = tqdm(total=2 * len(wanted) + 3, unit="read-out", file=sys.stderr, disable=None if progress else True)

    def tell(name: str) -> None:
        bar.set_postfix_str(name)
        bar.update()

    with bar:
        trained = read_network(network, reading, wanted, together, tell)
        own: dict[str, Any] = dict(own_output(network, rule, stimulus, reading.test))
        if corruptions is not None:
            disturbed = reading.test.subset(min(corruptions, len(reading.test)), seed=config.seed)
            own |= read_out_corrupted(network, reading, together, disturbed, seed=config.seed, tell=bar.set_postfix_str)
        network = _untrained(config, reading, place)
        random = read_network(network, reading, wanted, together, tell)
        pixels = read_out_pixels(reading).accuracy if reading.fitted else None
        bar.update()
    result = {
        "run": str(run),
        "read_out": reading.title,
        "settings": resolve(config)["probe"] | {"read_out": kind},
        "step": step,
        "accuracy": trained[TOGETHER].accuracy,
        "accuracy_random": random[TOGETHER].accuracy,
        "accuracy_pixels": pixels,
        "layers": {n: {"accuracy": trained[n].accuracy, "accuracy_random": random[n].accuracy} for n in wanted},
        "choices": {n: found.choice for n, found in trained.items()},
        "together": together,
        "populations": network.names,
        "n_train": len(reading.train) if reading.fitted else 0,
        "n_test": len(reading.test),
    }
    result |= own
    try:
        write_json(folder.probe, result)
    except OSError as error:
        notice(f"{folder.probe}: not written ({error.strerror or error}); the result is shown here alone")
    return result


def _trained(
    folder: RunFolder, config: RunConfig, stimulus: Stimulus, rule: Rule, device: torch.device
) -> tuple[Network | BlockNetwork, int]:
    """Network and step of the newest checkpoint: read before anything is fitted, as a run that goes on removes it."""
    network = initial_network(config, stimulus, rule).to(device)
    newest = newest_checkpoint(folder)
    state = checkpoint.read_state(newest)
    same_data(config, stimulus, state)
    checkpoint.load_network(newest, network)
    return network, state.step


def _untrained(config: RunConfig, reading: Reading, device: torch.device) -> Network | BlockNetwork:
    """The network at its random initialisation, with running statistics of its own where it has any."""
    stimulus, train = reading.stimulus, reading.train
    network = initial_network(config, stimulus, reading.rule).to(device)
    if isinstance(network, BlockNetwork) or any(p.relay is not None and p.relay.buffers for p in network.populations):
        # drawn: stored images may be sorted by class
        images = train.subset(min(SETTLING, len(train)), seed=config.seed).images
        settle(network, reading.presentation.still(stimulus, images.to(device)))
    return network


def _tell_of_fewer(config: RunConfig, reading: Reading) -> None:
    """Say that there are fewer images than the settings want."""
    wanted, found = config.probe.n_train, len(reading.train)
    if wanted is not None and wanted > found:
        notice(f"probe.n_train: {wanted} images asked for, {found} there; the read-out is fitted on these")


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
