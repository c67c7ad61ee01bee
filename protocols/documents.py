"""Sections of the report that a run of an earlier version has no files of, made from its documents."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..recordings import RecordingError, Section, write_section
from ..recordings.plot_style import save
from ..recordings.seal import unsealed
from ..recordings.sections import FOLDER
from .align.section import section as align
from .lesion.section import section as lesion
from .probe.figure import read_outs
from .probe.section import PROBES, dataset, figure_of
from .probe.section import section as probe
from .progress import notice
from .replay.section import DOCUMENTS
from .replay.section import section as replay
from .sections import found_figures
from .spike.section import section as spike

Document = Mapping[str, Any]
# the one section of each; a document of lesions holds one result per protocol
MAKERS: dict[str, Callable[[Document], Section]] = {
    "probe.json": probe, "align.json": align, "replay.json": replay, "ladder.json": replay, "spike.json": spike,
}  # fmt: skip
WRONG = (ValueError, KeyError, TypeError, AttributeError, IndexError, StopIteration, RecordingError, OSError)


def add_missing_sections(run: Path) -> list[str]:
    """Write the sections that documents of a run allow and that are not there; names of those written.

    What cannot be read is told on stderr and left out, as is a figure that was not drawn.
    """
    written = []
    for path in (
        *sorted(run.glob("*.json")),
        *(p for name in (DOCUMENTS, PROBES) for p in sorted((run / name).glob("*.json"))),
    ):
        try:
            found = list(_sections(run, path))
        except WRONG as error:
            notice(f"{path}: expected a result, got another ({error!r}); make it again, the report goes without it")
            continue
        for section in found:
            write_section(run, found_figures(run, section))
            written.append(section.name)
    return written


def _sections(run: Path, path: Path) -> Iterator[Section]:
    """Those of one document that are missing."""
    if path.parent.name == DOCUMENTS:
        made = [replay(unsealed(path.read_text(encoding="utf-8")))]
    elif path.parent.name == PROBES:
        document = unsealed(path.read_text(encoding="utf-8"))
        made = [probe(document)]
    elif path.name in MAKERS:
        document = unsealed(path.read_text(encoding="utf-8"))
        made = [MAKERS[path.name](document)]
    elif path.name == "lesion.json":
        document = unsealed(path.read_text(encoding="utf-8"))
        made = [lesion(result) for result in document.values()]
    else:
        return
    for section in made:
        if not (run / FOLDER / f"{section.name}.json").exists():
            if path.name == "probe.json" or path.parent.name == PROBES:
                save(read_outs(dataset(document)), run / "figures" / figure_of(document))
            yield section
