"""The command `apical verify`."""

from pathlib import Path

import click

from ..errors import ProtocolError
from .options import run_argument
from .terminal import Command, json_option, show


@click.command(cls=Command)
@run_argument
@click.option("--repair", is_flag=True, help="Give back what other parts hold, set aside what is damaged.")
@json_option
def verify(run: Path, repair: bool, as_json: bool) -> None:
    """Say file by file what of RUN is whole and what is lost.

    Exit 1 if anything is damaged. --repair deletes nothing but what killed writers left half written.
    """
    from ..verify.run import verify as verify_run

    result = verify_run(run, repair=repair)
    show(result, as_json)
    if result["damaged"]:
        ways = "restore it from a copy" if repair else f"apical verify {run} --repair gives back what it can"
        raise ProtocolError(f"{run}: expected a whole run, got {result['damaged']} damaged parts; {ways}")
