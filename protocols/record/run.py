"""Recording a frozen network: from what was asked for to a store, on the disk or in memory."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...models import BlockNetwork, Network
from ...models.recorder import units as choice
from ...models.recorder.extras import Extras
from ...models.recorder.frozen import Answer, Frozen, modulated, shapes_of, sources_of
from ...models.recorder.spec import FACTORS
from ...plasticity import Rule
from ...recordings import Table, Writer
from ...recordings.layout import StoreLike
from ...recordings.places import new_place
from ..errors import ConfigError
from ..progress import bar, notice, tell
from ..runs.provenance import provenance
from ..runs.room import bytes_of, check_room, size
from ..runs.selectivity import selectivity_of
from ..runs.trained import Trained
from ..stimuli.shown import array
from ..stimuli.shown.sequence import MOST, Eye, Shown
from ..stimuli.shown.table import settings_of
from .eye import eye_of, open_for
from .place import check_free, written
from .settings import RecordSettings, default_name
from .tables import QUEUE, batch_rows, block_bytes, images_table, tables_of
from .trials import Trials, check_trials, lay_out

if TYPE_CHECKING:
    import xarray as xr

INITIAL = "initial"


@dataclass(frozen=True, slots=True)
class Session:
    """One recording before it begins.

    Attributes:
        frozen: the network.
        trials: what it is shown.
        tables: what is kept; the first is `stimuli`, where images are.
        attributes: of the store.
        rows: glances at a time.
    """

    frozen: Frozen
    trials: Trials
    tables: list[Table]
    attributes: dict[str, Any]
    rows: int

    @property
    def bytes(self) -> int:
        """Before compression."""
        return bytes_of(self.tables)

    @property
    def units(self) -> int:
        """Recorded units of all populations."""
        return sum(len(units) for units in self.frozen.units.values())


def record(
    run: Path,
    settings: RecordSettings,
    *,
    replace: bool = False,
    device: str | None = None,
    data_dir: Path | None = None,
    data: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Show a run's frozen network stimuli and keep what it answers in RUN/recordings.

    Args:
        run: folder of the run.
        settings: what is shown and kept.
        replace: whether a recording of this name gives way, once the new one is complete; what the report holds of its analyses goes too.
        device, data_dir, data: see `open_run`.
        progress: tell size and progress on stderr.

    Returns:
        JSON-ready dict: run, name, recording, trials, units, bytes, seconds, ...

    Raises:
        ConfigError: no such run, stimulus, unit or variable, or a name that is taken.
        ProtocolError: other images than in training, or too little room on the disk.
        Interrupted: what was written by then is kept, or the recording that was to be replaced.
    """
    name = settings.name or default_name(settings.stimulus)
    place = new_place(run, name)
    check_free(place, replace)
    opened = open_for(run, settings, device=device, data_dir=data_dir, data=data)
    session = prepare(opened, settings, data_dir)
    free = check_room(place, session.bytes)
    tell(
        progress,
        f"{name}: {len(session.trials)} glances, {session.units} units of {', '.join(opened_names(session))}: "
        f"{size(session.bytes)} before compression, {size(free)} free",
    )
    begun = time.perf_counter()
    with written(place, replace) as path:
        fill(session, path, progress, name)
    seconds = time.perf_counter() - begun
    return {
        "run": str(run), "name": name, "recording": str(place), "status": "complete", "stimulus": dict(session.trials.shown.about),
        "stimuli": len(session.trials.shown), "trials": len(session.trials), "context": settings.context,
        "units": {table.path.rpartition("/")[2]: len(table.coords["unit_id"][1]) for table in session.tables if "unit_id" in table.coords},
        "variables": [v.name for v in session.tables[-1].variables], "bytes": session.bytes, "seconds": seconds,
        "glances_per_second": len(session.trials) / seconds,
    }  # fmt: skip


def present(
    opened: Trained[Rule],
    settings: RecordSettings,
    images: Any = None,
    *,
    data_dir: Path | None = None,
    progress: bool = False,
) -> "xr.DataTree":
    """The same in memory: what a frozen network answers, as the DataTree that `record` would have written.

    Args:
        opened: the run.
        settings: what is shown and kept.
        images: an array or tensor that is shown in place of the settings' stimulus.
        data_dir: folder of the data sets.
        progress: show a bar.
    """
    from zarr.storage import MemoryStore

    from ...recordings import open as open_recording

    session = prepare(opened, settings, data_dir, images)
    store = MemoryStore()
    fill(session, store, progress, "present")
    tree: xr.DataTree = open_recording(store).load()
    return tree


def opened_names(session: Session) -> list[str]:
    """Recorded populations."""
    return [session.frozen.network.names[i] for i in session.frozen.units]


def prepare(opened: Trained[Rule], settings: RecordSettings, data_dir: Path | None, images: Any = None) -> Session:
    """Network, stimuli and tables of a recording; nothing is written.

    Raises:
        ConfigError, StimulusError, ModelError: something that there is not.
    """
    config, seed = opened.config, opened.config.seed if settings.seed is None else settings.seed
    network = (
        opened.beginning() if settings.checkpoint == INITIAL else opened.network(_stored(opened, settings.checkpoint))
    )
    eye = eye_of(opened, network.shape, seed, data_dir)
    shown = _shown(settings, eye, images)
    default = [str(config.recording.units)] if not settings.units else list(settings.units)
    draw = config.recording.unit_seed if settings.seed is None else seed
    names = _populations(network.names, settings.populations)
    words = {name: word for name, word in choice.words(default, network.names).items() if name in names}
    if not words:
        raise ConfigError(
            f"record.units: expected units of {', '.join(names)}, got {', '.join(settings.units)}; name these populations"
        )
    shapes = shapes_of(network)
    select = selectivity_of(network, opened.stimulus, opened.presentation, seed)
    units = {name: choice.chosen(name, shapes[name], word, draw, select) for name, word in words.items()}
    if settings.units:
        _tell_all({name: prod(shapes[name]) for name in words}, words)
    order = partial(
        lay_out, shown, settings.context, predicts=bool(sources_of(opened.rule)),
        paired=opened.presentation.paired and opened.rule.needs.negatives != "opposite", shuffle=settings.shuffle, seed=seed
    )  # fmt: skip
    once = order(repeats=1)
    context: Any = settings.context
    if context.isdecimal():
        context = shown.draw(torch.tensor([int(context)])).to(opened.device)
    frozen = Frozen(network, opened.rule, units, context=context, extras=_extras(network, units, settings, draw))
    keep = partial(tables_of, frozen, units=units, wanted=settings.variables, dtype=settings.dtype)
    if len(shown) * settings.repeats > MOST:
        check_trials(len(shown), settings.repeats, bytes_of(keep(trials=once)))
    trials = once if settings.repeats == 1 else order(repeats=settings.repeats)
    tables = keep(trials=trials)
    if settings.images:
        tables.insert(0, images_table(trials, eye.shape))
    data = {"name": opened.stimulus.name}
    kernels = {"precision": str(next(iter(network.weights().values())).dtype).removeprefix("torch.")}
    asked = {**asdict(settings), "units": words, "stimulus_settings": dict(settings.stimulus_settings), "seed": seed}
    attributes = provenance(config, device=str(opened.device), stimulus=data, kernels=kernels) | {
        "kind": "presentation", "shown": dict(shown.about), "presentation": asked, "checkpoint": settings.checkpoint or _newest(opened),
    }  # fmt: skip
    return Session(frozen, trials, tables, attributes, batch_rows(frozen, settings.batch))


def fill(session: Session, store: StoreLike, progress: bool, title: str) -> None:
    """Show everything and write the answers; an interruption or failure leaves what was written, and says so in the status."""
    frozen, trials = session.frozen, session.trials
    writer = Writer.create(
        store, session.tables, attributes=session.attributes, queue_blocks=QUEUE, block_bytes=block_bytes(session.tables)
    )  # fmt: skip
    kept = {table.path: {v.name: v.dtype for v in table.variables} for table in session.tables}
    with writer, bar(progress, "glance", len(trials), title=title) as shown:
        if "stimuli" in kept:
            for start in range(0, len(trials.shown), session.rows):
                part = torch.arange(start, min(start + session.rows, len(trials.shown)))
                writer.append("stimuli", {"image": trials.shown.draw(part).cpu().numpy()})
        for images, stays in trials.batches(session.rows):
            for name, answer in frozen.show(images.to(frozen.network.device), stays).items():
                writer.append(f"activity/{name}", _rows(answer, frozen, kept[f"activity/{name}"]))
            shown.update(len(stays))


def _tell_all(totals: Mapping[str, int], words: Mapping[str, str]) -> None:
    """Say which populations have fewer units than were asked for by number."""
    few = [
        name for name, word in words.items() if (wanted := choice.count_of(word)) is not None and wanted > totals[name]
    ]
    if few:
        notice(f"{', '.join(f'{name} has {totals[name]:,} units' for name in few)}; all are recorded")


def _extras(
    network: Network | BlockNetwork, units: Mapping[str, Tensor], settings: RecordSettings, seed: int
) -> dict[str, Extras]:
    """Further signals of populations; a block has none."""
    wanted = tuple(name for name in FACTORS if name in settings.variables)
    populations = {population.name: population for population in network.populations}
    if not (wanted or settings.reductions):
        return {}
    return {
        name: Extras(populations[name], units[name], wanted, settings.reductions, settings.synapses, seed)
        for name in units
        if name in populations
    }


def _rows(answer: Answer, frozen: Frozen, kept: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Variables of a table, of those that are kept."""
    every: dict[str, Callable[[], Tensor]] = {"rate": lambda: answer.rate}
    if answer.basal is not None:
        basal = answer.basal
        every["basal"] = lambda: basal
    for source, values in answer.apical.items():
        every[f"apical{frozen.sources[source]}"] = lambda values=values: values  # type: ignore[misc]
    _, moved = modulated(frozen.rule)
    for source in answer.score:
        end = frozen.sources.get(source, "")
        every[f"score{end}"] = lambda source=source: answer.score[source]  # type: ignore[misc]
        if moved:
            every[f"neuromodulator{end}"] = lambda source=source: answer.gamma[source]  # type: ignore[misc]
    for name, values in answer.more.items():
        every[name] = lambda values=values: values  # type: ignore[misc]
    return {name: _host(every[name](), dtype) for name, dtype in kept.items()}


def _host(tensor: Tensor, dtype: str) -> NDArray[Any]:
    found: NDArray[Any] = tensor.detach().to(getattr(torch, dtype)).cpu().numpy()
    return found


def _shown(settings: RecordSettings, eye: Eye, images: Any) -> Shown:
    if images is None:
        found: Shown = settings_of(settings.stimulus, settings.stimulus_settings).show(eye)
        return found
    values = images.detach().cpu().numpy() if isinstance(images, Tensor) else np.asarray(images)
    return array.shown(values, eye, {"kind": "array"})


def _populations(names: list[str], wanted: tuple[str, ...]) -> list[str]:
    if unknown := [name for name in wanted if name not in names]:
        raise ConfigError(
            f"record.populations: expected names among {', '.join(names)}, got {unknown[0]!r}; correct the name"
        )
    return [name for name in names if not wanted or name in wanted]


def _stored(opened: Trained[Rule], name: str) -> Path | None:
    if not name:
        return None
    known = {path.name: path for path in opened.checkpoints}
    if name not in known:
        raise ConfigError(f"record.checkpoint: expected one of {', '.join([INITIAL, *known])}, got {name!r}")
    return known[name]


def _newest(opened: Trained[Rule]) -> str:
    return opened.newest().name
