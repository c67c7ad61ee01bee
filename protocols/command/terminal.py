"""What every command shares at the terminal: errors in one line, results as text or as one JSON object."""

import errno
import functools
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, ParamSpec, TypeVar

import click

from ..layout import lines
from ..runs.files import plain

P = ParamSpec("P")
R = TypeVar("R")

INTERRUPTED = 130
OUT_OF_MEMORY = ("DefaultCPUAllocator: can't allocate memory", "DefaultCPUAllocator: not enough memory")
REMEDIES = {
    errno.ENOSPC: "free some space; a training run continues with --resume",
    errno.EDQUOT: "free some space; a training run continues with --resume",
    errno.EACCES: "choose a place you may write to",
    errno.EROFS: "choose a place you may write to",
}


class Commands(click.Group):
    """A group whose failures are one line on stderr: exit 1 for a failure, 2 for misuse, 130 when interrupted.

    An error of this project or of the operating system is told in its own sentence; APICAL_TRACEBACK=1 shows
    where it came from. Any other exception is a defect of the program and keeps its traceback.
    """

    # sub-groups are of the same kind
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"no_args_is_help": False, **kwargs})

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run the command named by the arguments and leave with its exit code."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.exceptions.Abort:
            _leave("interrupted", INTERRUPTED)
        except click.ClickException as error:
            _leave(_misuse(error), error.exit_code)
        except Exception as error:
            exit_code = _exit_code(error)
            if exit_code is None:
                raise
            _leave(_told(error), exit_code)
        sys.exit(code if isinstance(code, int) else 0)


def _leave(message: str, code: int) -> NoReturn:
    if os.environ.get("APICAL_TRACEBACK") == "1":
        traceback.print_exc()
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(code)


def _misuse(error: click.ClickException) -> str:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if context is None or message.endswith("?"):
        return message
    return f"{message.rstrip('.')}; see {context.command_path} --help"


def _exit_code(error: Exception) -> int | None:
    """The code an error asks for; None for what no user can have caused."""
    if isinstance(error, OSError) or _out_of_memory(error):
        return 1
    if _backend(error):
        return 2
    ours = type(error).__module__.startswith("apical.")
    code = getattr(error, "exit_code", 1 if ours else None)
    return code if isinstance(code, int) else None


def _out_of_memory(error: Exception) -> bool:
    # torch's class is known by name, so that a command without torch stays without it; on the CPU torch raises RuntimeError
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


def _backend(error: Exception) -> bool:
    """Whether Matplotlib refused to be imported with what the user's environment names."""
    name = os.environ.get("MPLBACKEND")
    return isinstance(error, ValueError) and bool(name) and str(error).startswith(f"Key backend: {name!r}")


def _told(error: Exception) -> str:
    if _backend(error):
        return f"MPLBACKEND: expected a backend of Matplotlib, got {os.environ['MPLBACKEND']!r}; unset it, figures here need none"
    if _out_of_memory(error):
        return f"out of memory: {error}; lower training.batch or network.width"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        remedy = REMEDIES.get(error.errno or 0)
        return f"{where}{error.strerror}" + (f"; {remedy}" if remedy else "")
    return str(error) or type(error).__name__


def resumable(command: Callable[P, R]) -> Callable[P, R]:
    """Tell an interrupted user of a command that writes checkpoints how to go on."""

    @functools.wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            _leave("interrupted; continue with --resume", INTERRUPTED)

    return told


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as one JSON object, last on stdout."
)


def show(result: Mapping[str, Any], as_json: bool) -> None:
    """Print a result: as one line of JSON, or as indented text."""
    if as_json:
        click.echo(json.dumps(plain(result), allow_nan=False))
    else:
        click.echo("\n".join(lines(plain(result))))
