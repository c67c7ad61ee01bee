"""Options and arguments that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from textwrap import fill
from typing import Any, TypeVar

import click

from ..errors import nearest
from ..settings.names import presets_by_stimulus

Command = TypeVar("Command", bound=Callable[..., Any])


def _listed() -> str:
    """The presets, a paragraph per data set; the mark keeps click from breaking names at their hyphens."""
    groups = [", ".join(names) for names in presets_by_stimulus().values()]
    lines = [fill(text, 76, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False) for text in groups]
    return "\n".join(["\b", "Presets, by data set:", *lines])


PRESETS = _listed()


class Folder(click.Path):
    """A folder; a `~` that no shell has expanded is refused, as no part of a run would agree on what it means."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See `click.ParamType`."""
        if str(value).startswith("~"):
            self.fail(
                f"expected a path, got {str(value)!r}, which your shell did not expand; write it out, or ~ without quotes and =",
                param,
                ctx,
            )
        try:
            os.fsencode(str(value)).decode()
        except UnicodeDecodeError:
            self.fail(
                f"expected a path in UTF-8, got {os.fsencode(str(value))!r}, which weights cannot be read from; rename it",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


FOLDER = Folder(path_type=Path, file_okay=False)


class Context(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A word of CLAPP++'s table, which is read when one is given: help is shown without torch."""

    name = "word"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word, if it is known."""
        from ...plasticity.clapp import SOURCES

        if value not in SOURCES:
            self.fail(f"expected one of {', '.join(SOURCES)}, got {value!r}{nearest(value, SOURCES)}", param, ctx)
        return value


run_argument = click.argument("run", type=Folder(path_type=Path, file_okay=False, exists=True))
quiet_option = click.option("--quiet", is_flag=True, help="No progress on stderr.")
device_option = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), help="[default: as in the run's settings]"
)
set_option = click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Change one setting; repeatable.")
data_dir_option = click.option(
    "--data-dir", type=FOLDER, envvar="APICAL_DATA", help="Folder of the data sets.  [default: the user's cache]"
)


def images_options(command: Command) -> Command:
    """`--data-dir` and `--data` of a command on a trained run: where its images are now."""
    place = click.option(
        "--data", metavar="folder:PATH|npz:PATH", help="Where RUN's own images are now.  [default: where they were]"
    )
    return data_dir_option(place(command))


def where_options(command: Command) -> Command:
    """The same with `--device`."""
    return device_option(images_options(command))


def worker_options(what: str) -> Callable[[Command], Command]:
    """`--threads`, `--memory`, `--scheduler` and `--retries` of a command that has many trained side by side.

    Args:
        what: a worker trains, as its help calls it.
    """
    options = (
        click.option(
            "--threads", type=click.IntRange(1, 1024), default=1, show_default=True, help=f"CPU threads of one {what}."
        ),
        click.option(
            "--memory", metavar="SIZE", help="Of a worker, such as 4GiB; above it is started anew.  [default: any]"
        ),
        click.option("--scheduler", metavar="ADDRESS", help="A dask scheduler, whose workers are taken instead."),
        click.option(
            "--retries", type=click.IntRange(0, 100), default=2, show_default=True, help=f"Of a {what} that fails."
        ),
    )

    def with_them(command: Command) -> Command:
        for option in reversed(options):  # the last one applied is the first of the help
            command = option(command)
        return command

    return with_them
