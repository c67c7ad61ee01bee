"""What every command shares at the terminal: errors in one line, results as text or as one JSON object."""

import json
import os
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

import click

from ..errors import exit_code_of, told
from ..layout import Screen
from ..runs.files import plain
from ..views import shown
from .examples import EXAMPLES, SECTIONS

INTERRUPTED = 130


class Command(click.Command):
    """A command whose help ends with an example."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example, then what else ends the help."""
        if example := EXAMPLES.get(ctx.command_path):
            with formatter.section("Example"):
                formatter.write_text(example)
        super().format_epilog(ctx, formatter)


class Commands(click.Group):
    """A group whose failures are one line on stderr: exit 1 for a failure, 2 for misuse, 130 when interrupted.

    An error of this project or of the operating system is told in its own sentence; APICAL_TRACEBACK=1 shows
    where it came from. Any other exception is a defect of the program and keeps its traceback.
    """

    # sub-groups are of the same kind
    group_class = type
    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"no_args_is_help": False, **kwargs})

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run the command named by the arguments and leave with its exit code."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.exceptions.Abort as error:
            # click's form of a KeyboardInterrupt, which may say how to go on
            _leave(str(error.__cause__ or "") or "interrupted", INTERRUPTED)
        except click.ClickException as error:
            _leave(_misuse(error), error.exit_code)
        except Exception as error:
            exit_code = exit_code_of(error)
            if exit_code is None:
                raise
            _leave(told(error), exit_code)
        sys.exit(code if isinstance(code, int) else 0)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands of the roof in sections, those of a group in one list."""
        if ctx.parent is not None:
            super().format_commands(ctx, formatter)
            return
        width = max(map(len, self.commands))
        for title, names in SECTIONS.items():
            with formatter.section(title):
                found = [(name.ljust(width), self.commands[name].get_short_help_str(80)) for name in names]
                formatter.write_dl(found)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an interruption becomes click's own before click writes to a terminal that may be gone."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise click.exceptions.Abort from error


def _leave(message: str, code: int) -> NoReturn:
    if os.environ.get("APICAL_TRACEBACK") == "1":
        traceback.print_exc()
    if processes() > 1 and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun ends the others meanwhile: the sentence comes first
    if _elsewhere():
        sys.exit(code)
    with suppress(OSError):  # of a terminal that was closed; the exit code stands
        click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(code)


def _elsewhere() -> bool:
    """Whether another process of the same job has told why it ends."""
    if processes() == 1:
        return False
    from ...models.ranks.processes import first_to_tell

    return not first_to_tell()


def processes() -> int:
    """Of `torchrun`, of which this is one; asked without torch."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "LOCAL_RANK" in os.environ and "MASTER_PORT" in os.environ else 1


def _misuse(error: click.ClickException) -> str:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if context is None or message.endswith("?"):
        return message
    return f"{message.rstrip('.')}; see {context.command_path} --help"


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as one JSON object, last on stdout."
)


verbose_option = click.option("-v", "--verbose", is_flag=True, help="Every table, also long ones of details.")


def show(result: Mapping[str, Any], as_json: bool, kind: str = "", *, verbose: bool = False) -> None:
    """Print a result.

    Args:
        result: what an experiment found.
        as_json: as one line of JSON instead.
        kind: a row of `VIEWS`, which says how it is laid out; without one entry by entry.
        verbose: also long tables of details.
    """
    if processes() > 1 and os.environ.get("RANK", "0") != "0":
        return  # rank 0 shows it
    if as_json:
        click.echo(json.dumps(plain(result), allow_nan=False))
    else:
        click.echo("\n".join(shown(kind, plain(result), screen(), verbose=verbose)))


def screen() -> Screen:
    """What stdout is: a terminal of some width, with colours unless NO_COLOR asks for none, or anything else, where lines have any length."""
    if not sys.stdout.isatty():
        return Screen()
    plainly = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Screen(shutil.get_terminal_size().columns, not plainly)
