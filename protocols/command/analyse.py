"""`apical analyse`."""

from pathlib import Path
from typing import Any

import click

from ..errors import ConfigError
from .options import Folder, run_argument
from .terminal import Command, json_option, show


@click.command(cls=Command)
@run_argument
@click.argument("what", required=False)
@click.option("--list", "as_list", is_flag=True, help="What can be analysed of what was recorded, and what is missing.")
@click.option("--recording", default="training", show_default=True, metavar="NAME", help="A recording of RUN.")
@click.option("--replay", default="", metavar="NAME", help="A replay in it, for spikes.")
@click.option("--population", "populations", metavar="A,B", help="Populations, by name.  [default: all]")
@click.option("--value", default="rate", show_default=True, metavar="NAME", help="rate, basal, apical, ...")
@click.option("--by", default="", metavar="NAME", help="Parameter of the trials that names class, object or condition.")
@click.option("--source", default="", metavar="NAME", help="Of several apical dendrites, which.  [default: the first]")
@click.option("--phase", default="", metavar="NAME", help="Trials of one phase alone.  [default: all]")
@click.option("--since", type=click.IntRange(0), default=0, metavar="STEP", help="Trials from this training step on.")
@click.option("--until", type=click.IntRange(0), default=0, metavar="STEP", help="Trials before it.  [default: all]")
@click.option("--windows", type=int, default=8, show_default=True, help="Stretches of training that are told apart.")
@click.option("--most-units", type=int, default=512, show_default=True, help="Units whose every pair is computed.")
@click.option("--batch", type=int, default=256, show_default=True, help="Trials of a mini-batch of the CKA.")
@click.option("--permutations", type=int, default=0, show_default=True, help="For p of receptive fields; 0: analytic.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is drawn.")
@click.option("--engine", default="", metavar="own|elephant", help="Of spikes.  [default: elephant, if installed]")
@click.option(
    "--with", "other", metavar="RUN2", type=Folder(path_type=Path, file_okay=False, exists=True),
    help="A second run, for cka and rsa.",
)  # fmt: skip
@click.option("--with-recording", "other_recording", default="", metavar="NAME", help="Its recording.  [default: as of RUN]")  # fmt: skip
@json_option
def analyse(
    run: Path,
    what: str | None,
    as_list: bool,
    recording: str,
    replay: str,
    populations: str | None,
    other: Path | None,
    other_recording: str,
    as_json: bool,
    **given: Any,
) -> None:
    """Analyse what was recorded of RUN: tuning, receptive fields, selectivity, CKA, ...

    WHAT is one of the words that --list tells. Every analysis becomes a group of the recording, a figure and a section of the report.
    """
    from ..analyse import Options, listed
    from ..analyse import analyse as run_analysis

    names = [name.strip() for name in populations.split(",")] if populations else []
    options = Options(**given)
    if as_list:
        show(listed(run, recording, names, options), as_json)
        return
    if what is None:
        raise ConfigError(
            "WHAT: expected the name of an analysis, got none; for example apical analyse RUN selectivity, or --list"
        )
    result = run_analysis(
        run, what, options, recording=recording, replay=replay, populations=names, other=other, other_recording=other_recording
    )  # fmt: skip
    show(result, as_json)
