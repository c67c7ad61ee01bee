"""`apical analyse`: from a run and the name of an analysis to a group of its recording, a figure, and a section of its report."""

import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ...models.outside import short
from ...recordings import Drawing, Section, TextTable, write_results, write_section
from ...recordings.places import TRAINING
from ...recordings.plot_style import save
from ..errors import ConfigError
from ..layout import text
from ..sections import command
from .analysis import Analysis, Row
from .named import DEFAULTS, plain, told_of, words_of
from .options import Options
from .recorded import Recorded, open_recorded
from .table import ANALYSES, analysis_of

ORDER = 30  # of the sections in a report


def analyse(
    run: Path,
    what: str,
    options: Options = DEFAULTS,
    *,
    recording: str = TRAINING,
    replay: str = "",
    populations: Sequence[str] = (),
    other: Path | None = None,
    other_recording: str = "",
) -> dict[str, Any]:
    """Analyse a recording of a run.

    Args:
        run: folder of the run.
        what: name of an analysis, see `table.ANALYSES`.
        options: what it is asked for.
        recording: `training`, or the name of an own recording.
        replay: name of a replay in it, for analyses of spikes.
        populations: those to analyse; all by default.
        other: folder of a second run, for analyses of two.
        other_recording: its recording; empty for the one of the same name.

    Returns:
        JSON-ready dict: run, recording, what, rows (the table), told (sentences), group, figure, seconds.

    Raises:
        ConfigError: no such run, recording, population or analysis, or a recording that lacks what the analysis needs.
        RecordingError: signals from which it cannot be computed, or a damaged recording.
    """
    begun = time.perf_counter()
    chosen, what = analysis_of(what), short(what).replace("_", "-").lower()
    recorded = open_recorded(run, recording, populations, replay)
    _check(what, chosen, recorded, options)
    with np.errstate(all="ignore"):  # a run that has diverged is analysed too, as far as it has numbers
        dataset, against = _measured(what, chosen, recorded, options, populations, other, other_recording)
    words = words_of(options, populations)
    name = plain("analysis", what, "" if recording == TRAINING else recording, replay, *words, against)
    group = plain("analysis", what, replay, *words, against)
    seconds = time.perf_counter() - begun
    attributes = {
        "what": what, "run": str(run), "recording": recording, "command": " ".join(sys.argv), "apical": version("apical"),
        "seconds": seconds, "populations": ",".join(populations), **{key: getattr(options, key) for key in options.__slots__},
    }  # fmt: skip
    write_results(recorded.path, group, dataset, attributes)
    figure = save(chosen.draw(dataset), run / "figures" / name.replace("analysis-", "analysis_", 1))
    rows = list(chosen.rows(dataset))
    told = chosen.told(dataset)
    of = told_of(chosen, options, populations)
    write_section(
        run, _section(chosen, name, recorded, rows, (*told, _of(recorded, of)), figure.stem, [*words, against])
    )
    return {
        "run": str(run), "what": what, "recording": recording, **({"replay": replay} if replay else {}),
        **({"with": str(other)} if other else {}), "told": list(told), "rows": rows, "group": group, "figure": str(figure),
        "seconds": seconds,
    }  # fmt: skip


def listed(run: Path, recording: str = TRAINING, populations: Sequence[str] = (), options: Options = DEFAULTS) -> dict[str, Any]:  # fmt: skip
    """Every analysis, and what a recording lacks for it.

    Raises:
        ConfigError: no such run or recording.
    """
    recorded = open_recorded(run, recording, populations)
    if replays := recorded.replays():
        recorded = open_recorded(run, recording, populations, replays[0])
    rows = []
    for name in ANALYSES.words():
        found = analysis_of(name)
        missing = found.missing(recorded, options)
        rows.append({"analysis": name, "can": "yes" if not missing else "no", "tells": found.says, "missing": missing or None})  # fmt: skip
    return {"run": str(run), "recording": recording, "analyses": rows}


def _check(what: str, chosen: Analysis, recorded: Recorded, options: Options) -> None:
    if missing := chosen.missing(recorded, options):
        raise ConfigError(f"analyse.{what}: expected {missing}; the recording {recorded.name} has none, see apical analyse {recorded.run} --list")  # fmt: skip


def _measured(
    what: str, chosen: Analysis, recorded: Recorded, options: Options, populations: Sequence[str], other: Path | None, other_recording: str
) -> tuple[xr.Dataset, str]:  # fmt: skip
    """The numbers, and what the second run is called in titles; names of groups and figures are made of it."""
    if other is None:
        return chosen.measure(recorded, options), ""
    if chosen.measure_two is None:
        able = [name for name in ANALYSES if analysis_of(name).measure_two is not None]
        raise ConfigError(
            f"analyse.with: expected an analysis of two runs, {' or '.join(able)}, got {what}; leave out --with"
        )
    second = open_recorded(other, other_recording or recorded.name, populations)
    _check(what, chosen, second, options)
    dataset = chosen.measure_two(recorded, second, options)
    names = _names(recorded, second)
    return dataset.assign_attrs(run=names[0], other_run=names[1]), f"with {names[1]}"


def _names(recorded: Recorded, other: Recorded) -> tuple[str, str]:
    """What two runs are called: by their folders, by those above where these are alike, and by their recordings where these are not."""
    paths = recorded.run.resolve(), other.run.resolve()
    alike = paths[0].name == paths[1].name and paths[0] != paths[1]
    names = [f"{path.parent.name}/{path.name}" if alike else path.name for path in paths]
    if recorded.name != other.name:
        names = [f"{name}, {each.name}" for name, each in zip(names, (recorded, other), strict=True)]
    return names[0], names[1]


def _of(recorded: Recorded, chosen: str) -> str:
    """The sentence of what was analysed."""
    said = "the recording of training" if recorded.of_training else f"the recording {recorded.name}"
    return (
        f"Of {f'the replay {recorded.replay} in ' if recorded.replay else ''}{said}{f': {chosen}' if chosen else ''}."
    )


def _section(
    chosen: Analysis, name: str, recorded: Recorded, rows: Sequence[Row], summary: Sequence[str], figure: str, words: Sequence[str]
) -> Section:  # fmt: skip
    head = list(dict.fromkeys(key for row in rows for key in row))
    table = TextTable(head=tuple(head), rows=tuple(tuple(text(row.get(key)) for key in head) for row in rows))
    where = [] if recorded.name == TRAINING else [recorded.name]
    title = ": ".join([chosen.title, ", ".join([*where, *filter(None, [recorded.replay, *words])])]).rstrip(": ")  # fmt: skip
    return Section(
        name=name,
        title=title,
        summary=tuple(summary),
        command=command(),
        tables=(table,) if rows else (),
        figures=(Drawing(name=figure, title=chosen.title, caption=chosen.caption),),
        order=ORDER,
    )
