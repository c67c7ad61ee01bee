"""What the report of a run holds of a recording, so that it goes with the recording: sections and figures of its analyses."""

from pathlib import Path

import zarr

from ...recordings.checked import DAMAGE
from ...recordings.members import groups
from ...recordings.sections import FOLDER

GROUP = "analysis-"  # and then the analysis, and the replay or second run, as `apical analyse` names its results


def sections_of(recording: Path) -> list[str]:
    """What the analyses of an own recording are called in the report, without `analysis-`.

    A section's name alone does not tell: names of analyses and of recordings both may have hyphens. The groups that the analyses left in
    the recording tell which they were.

    Args:
        recording: RUN/recordings/NAME.zarr; nothing is found in a damaged one.
    """
    found = []
    try:
        for name, group in groups(zarr.open_group(str(recording), mode="r")).items():
            what = f"{GROUP}{group.attrs.get('what', '')}"
            if what != GROUP and (name == what or name.startswith(f"{what}-")):
                found.append(f"{what.removeprefix(GROUP)}-{recording.stem}{name.removeprefix(what)}")
    except DAMAGE:
        return found
    return found


def drop_sections(run: Path, names: list[str]) -> None:
    """Remove sections and figures of analyses from the report of a run.

    Args:
        run: its folder.
        names: as of `sections_of`.
    """
    for name in names:
        (run / FOLDER / f"{GROUP}{name}.json").unlink(missing_ok=True)
        for ending in ("png", "pdf"):
            (run / "figures" / f"analysis_{name}.{ending}").unlink(missing_ok=True)
