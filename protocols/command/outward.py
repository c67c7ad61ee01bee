"""The commands that show a run to others: `apical view` to a browser, `apical export` to other programs."""

from contextlib import suppress
from pathlib import Path

import click

from ...recordings.export.table import FORMATS
from .arguments import parse_names
from .options import Folder, quiet_option, run_argument
from .terminal import Command, json_option, show


@click.command(cls=Command)
@click.argument(
    "runs", nargs=-1, required=True, metavar="RUN...", type=Folder(path_type=Path, file_okay=False, exists=True)
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="On 127.0.0.1.  [default: any that is free]")
@click.option("--browser", is_flag=True, help="Open the page in this machine's browser.")
@json_option
def view(runs: tuple[Path, ...], port: int, browser: bool, as_json: bool) -> None:
    """Look around in RUN... in a browser: units, traces, stimuli, training, replays.

    Serves a page on this machine alone until Ctrl-C; its address holds a token. Of several runs two stand side by side.
    """
    from ..view import view as serve

    with serve(runs, port) as page:
        show({"url": page.url, "elsewhere": page.tunnel, "end": "Ctrl-C"}, as_json)
        if browser:
            click.launch(page.url)
        with suppress(KeyboardInterrupt):  # the way to end it, nothing is left undone
            page.wait()


@click.command(cls=Command)
@run_argument
@click.option("--format", "form", required=True, type=click.Choice(list(FORMATS)), help="See below.")
@click.option("--recording", default="training", show_default=True, metavar="NAME", help="Of RUN's recordings.")
@click.option("--replay", metavar="NAME", help="A replay in it, and nothing else.")
@click.option("--populations", metavar="A,B", help="Populations, by name.  [default: all]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="New file; folder for csv.  [default: in RUN/exports]",
)
@quiet_option
@json_option
def export(
    run: Path,
    form: str,
    recording: str,
    replay: str | None,
    populations: str | None,
    out: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write a recording of RUN as NWB, netCDF, CSV or NumPy arrays.

    nwb: electrodes, units, trials, TimeSeries. netcdf: a group for each table. csv: a folder of text files. npz: arrays by table/variable.
    Written block by block; its size is told first.
    """
    names = parse_names(populations, "--populations", "conv1,conv3")
    from ..export import export as write

    show(write(run, form, recording=recording, replay=replay, populations=names, out=out, progress=not quiet), as_json)
