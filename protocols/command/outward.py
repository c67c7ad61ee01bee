"""The commands by which a run is looked at in a browser: `apical view`."""

from contextlib import suppress
from pathlib import Path

import click

from .options import Folder
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
