"""The command `apical inspect`."""

from pathlib import Path

import click

from ..errors import ConfigError
from ..progress import phase
from .options import Folder, quiet_option
from .terminal import Command, json_option, show


@click.command(cls=Command)
@click.argument(
    "runs", nargs=-1, required=True, metavar="RUN...", type=Folder(path_type=Path, file_okay=False, exists=True)
)
@click.option("--population", "populations", multiple=True, metavar="NAME", help="Draw this one only; repeatable.")
@click.option(
    "--units",
    default="4",
    show_default=True,
    metavar="N|A,B",
    help="How many units traces show, or which by position, as in 7, for one.",
)
@click.option(
    "--trials", type=click.IntRange(1, 10_000), default=48, show_default=True, help="How many trials traces show."
)
@click.option("--first", type=click.IntRange(0), help="The first of them.  [default: the last ones recorded]")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page of several runs.  [default: side-by-side.html in the first]",
)
@quiet_option
@json_option
def inspect(
    runs: tuple[Path, ...],
    populations: tuple[str, ...],
    units: str,
    trials: int,
    first: int | None,
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Draw the dendritic signals of RUN and write its report.html.

    Of several runs also a page that shows them side by side.
    """
    from ...recordings import Shown

    if len(runs) == 1 and out is not None:
        raise ConfigError("--out: expected several runs for a page of its own, got one; its report is RUN/report.html")
    shown = Shown(populations=populations or None, units=_units(units), trials=trials, first=first)
    if len(runs) == 1:
        from ..inspect import inspect_run

        with phase(not quiet, f"drawing the figures of {runs[0]}"):
            result = inspect_run(runs[0], shown)
    else:
        from ..inspect import inspect_runs

        with phase(not quiet, f"drawing the figures of {len(runs)} runs"):
            result = inspect_runs(runs, out, shown)
    show(result, as_json)


def _units(text: str) -> int | list[int]:
    """`4` as a number of units, `7,` or `1,5` as positions."""
    parts = [part.strip() for part in text.split(",")]
    listed = parts[:-1] if len(parts) > 1 and not parts[-1] else parts
    if not all(part.isdecimal() and len(part) < 10 for part in listed) or text.strip() == "0":
        raise ConfigError(
            f"--units: expected a number of units or positions between commas, got {text!r}; for example 4, or 7,12"
        )
    return int(listed[0]) if len(parts) == 1 else [int(part) for part in listed]
