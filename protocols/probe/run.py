"""`apical probe`: frozen read-outs of every population and of all together, beside two controls.

The controls are the same network at its random initialisation and the pixels themselves: a trained network that does not beat its own
random initialisation has learned nothing that the read-out can use.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...models.outside import placed
from ...recordings import RecordingError
from ...recordings.plot_style import save
from ..errors import ConfigError, ProtocolError, nearest
from ..progress import bar as progress_bar
from ..progress import notice
from ..readouts.fitted import TOGETHER
from ..readouts.own_output import own_output
from ..readouts.reading import Reading, check, read_out_corrupted
from ..readouts.reading import read_out as read_network
from ..readouts.table import EITHER, FITTED, READ_OUTS
from ..runs.files import write_json
from ..runs.reading import reading_of
from ..runs.trained import describe
from ..sections import hand_in
from ..settings.load import RunConfig, change, resolve
from . import controls
from .figure import read_outs
from .section import PROBES, dataset, figure_of, section
from .transfer import elsewhere, open_elsewhere


def probe(
    run: Path,
    *,
    read_out: str | None = None,
    layers: list[str] | None = None,
    corruptions: int | None = None,
    overrides: Sequence[str] = (),
    device: str | None = None,
    data_dir: Path | None = None,
    data: str | None = None,
    other: bool = False,
    normalisation: str | None = None,
    resize: bool = False,
    again: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Read out a trained run, on its own data or on others.

    Args:
        run: folder of the run; its newest checkpoint is read.
        read_out: a word of the table of read-outs, `goodness` for rules that have one; None for the run's own setting.
        layers: populations to read out, one by one and together; None for all of them.
        corruptions: test images to read out under every corruption and severity as well; None for no corruptions.
        overrides: texts such as `probe.solver=logistic`; of `probe` alone.
        device: auto, cpu or cuda; None for the run's own setting.
        data_dir: folder of the data sets.
        data: other data, a data set, `folder:PATH` or `npz:PATH`, on whose training images the read-out is fitted; of the kind of the run's own
            images it is where these are now, unless `other`. None for its own where they were.
        other: whether `data` of that kind are other data.
        normalisation: of other data: `run` (by default) as the run's own images were, or `data` by their own mean and deviation.
        resize: bring other data of another size to that of the network; a grey image is shown in every colour in any case.
        again: take both controls, which training does not change, from RUN/probe.json where it was read out alike before.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict, also written to RUN/probe.json, or for other data to RUN/probes/NAME.json, and handed to the report as a section with its figure: accuracy (the populations
        together), accuracy_random, accuracy_pixels in per cent, layers {name: {accuracy, accuracy_random}}, together (their names), populations (all names), n_train, n_test, read_out, settings
        (of the read-out), step. By goodness nothing is fitted
        and pixels have none: n_train is 0, accuracy_pixels None, and all populations but the first are summed by default. Of a network
        trained to classify, accuracy_head is that of its own output. On other data, `data` tells which, how many classes they
        have, and how they were normalised.

    Raises:
        ConfigError: unknown layers, goodness of a rule that has none, more features than ridge solves, or settings edited since the training.
        ProtocolError: the run has no checkpoint, its images are others than in training or have no labels, or nothing can be written to it.
    """
    found = describe(run)
    found = replace(found, config=change(found.config, "probe", overrides))
    folder, config = found.folder, found.config
    kind = placed(read_out or config.probe.read_out, Path.cwd())
    if kind not in READ_OUTS:
        raise ConfigError(
            f"probe.read_out: expected one of {', '.join(READ_OUTS.words())}, got {kind!r}{nearest(kind, READ_OUTS.words())}"
        )
    if corruptions is not None and not READ_OUTS[kind].fitted:
        raise ConfigError(f"probe.corruptions: expected a {EITHER} read-out, got {kind}; choose --read-out {FITTED[0]}")
    found.newest()  # refuses a run without checkpoints before images are read
    if not os.access(run, os.W_OK):
        raise ProtocolError(f"{run}: expected a folder that probe.json can be written to, got a read-only one; copy it")
    there = elsewhere(config, data, other=other, normalisation=normalisation, resize=resize)
    told: dict[str, Any] = {}
    if there is None:
        place = None if data == config.stimulus.name else data
        opened = found.open(device=device, data_dir=data_dir, data=place, progress=progress)
        reading = reading_of(
            config, opened.rule, opened.stimulus, field="probe.stimulus", n_train=config.probe.n_train, read_out=kind
        )
    else:
        opened, reading, told = open_elsewhere(found, there, kind, device=device, data_dir=data_dir, progress=progress)
    # read before anything is fitted, as a run that goes on removes it
    stored = opened.newest()
    step, network = opened.state(stored).step, opened.network(stored)
    wanted = choose_layers(layers, network.names)
    _tell_of_fewer(config, reading)
    together = wanted if layers else reading.together(network.names)
    check(network, reading, wanted, together)
    bar = progress_bar(progress, "read-out", 2 * len(wanted) + 3)

    def tell(name: str) -> None:
        bar.set_postfix_str(name)
        bar.update()

    with bar:
        trained = read_network(network, reading, wanted, together, tell)
        own: dict[str, Any] = {}
        if there is None:  # its output knows no other classes
            own |= own_output(network, opened.rule, opened.stimulus, reading.test)
        if corruptions is not None:
            disturbed = reading.test.subset(min(corruptions, len(reading.test)), seed=config.seed)
            own |= read_out_corrupted(network, reading, together, disturbed, seed=config.seed, tell=bar.set_postfix_str)
        conditions = {
            "read_out": reading.title,
            "settings": resolve(config)["probe"] | {"read_out": kind},
            "together": together,
            "populations": network.names,
            "n_train": len(reading.train) if reading.fitted else 0,
            "n_test": len(reading.test),
        }
        path = folder.probe if there is None else folder.path / PROBES / f"{told['slug']}.json"
        known = controls.earlier(path, conditions, wanted) if again else None
        beside = known or controls.measured(opened, reading, wanted, together, tell)
        bar.update()
    result = {
        "run": str(run),
        **conditions,
        "step": step,
        "accuracy": trained[TOGETHER].accuracy,
        "accuracy_random": beside.random,
        "accuracy_pixels": beside.pixels,
        "layers": {n: {"accuracy": trained[n].accuracy, "accuracy_random": beside.layers[n]} for n in wanted},
        "choices": {n: found.choice for n, found in trained.items()},
    }
    result |= own | ({"data": told} if told else {})
    try:
        path.parent.mkdir(exist_ok=True)
        write_json(path, result)
        save(read_outs(dataset(result)), folder.path / "figures" / figure_of(result))
        hand_in(folder.path, section(result))
    except (OSError, RecordingError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        notice(f"{path}: not written ({why}); the result is shown here alone")
    return result


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
