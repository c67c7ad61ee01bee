"""The command `apical record`."""

from pathlib import Path
from typing import Any

import click

from ..errors import ConfigError
from .options import Folder, quiet_option, where_options
from .terminal import Command, json_option, show

# written out, so that help answers without torch; a test compares it with the kinds and their settings
STIMULI = """\b
STIMULUS, and what --set takes of it:
  own, cifar10, ..., folder:PATH, npz:PATH   part=train|test  count  views=true
  gratings        orientations  frequencies  phases  contrasts  diameters
  sparse-noise    side  step  contrasts
  white-noise     frames  side  deviation  distribution  colour  seed
  movie:PATH      every             a folder of frames, or of such folders
  array:PATH      uint8 pictures or normalised numbers in a .npy file

\b
--variables takes basal, rate, apical, score, neuromodulator,
  drive, gate, eligibility (what the rule would change weights by)

\b
--units takes all, a number (drawn), selective:N (by class), or positions
  3,17,99; for one population alone NAME=WORD, repeatable.
  [default: the units of the training's recording]
"""


@click.command(cls=Command, epilog=STIMULI)
@click.argument("run", required=False, type=Folder(path_type=Path, file_okay=False, exists=True))
@click.argument("stimulus", required=False, default="own")
@click.option("--list", "listing", is_flag=True, help="Stimuli with their settings, and the words of options.")
@click.option("--set", "changes", multiple=True, metavar="A=B", help="A setting of the stimulus; repeatable.")
@click.option("--name", default="", help="Of the recording.  [default: that of the stimulus]")
@click.option("--replace", is_flag=True, help="In place of a recording of this name.")
@click.option("--units", multiple=True, metavar="[NAME=]WORD", help="Units that are recorded; see below.")
@click.option(
    "--populations", metavar="A,B", help="Populations that are recorded.  [default: all, or those of --units]"
)
@click.option("--variables", metavar="A,B", help="What is recorded; see below.  [default: the first five]")
@click.option("--reductions", metavar="A,B", help="mean, norm, sparsity, histogram over all neurons.")
@click.option("--synapses", type=click.IntRange(1), default=8, show_default=True, help="Of a unit, for eligibility.")
@click.option(
    "--context",
    default="before",
    show_default=True,
    metavar="before|same|none|N",
    help="Whose rates the apical dendrites receive; N is the number of a stimulus.",
)
@click.option("--repeats", type=click.IntRange(1), default=1, show_default=True, help="How often all are shown.")
@click.option("--shuffle", is_flag=True, help="Each time in another random order.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Of every draw.  [default: the run's]")
@click.option("--images", is_flag=True, help="Keep the shown images as well.")
@click.option("--dtype", default="float32", show_default=True, help="float32, float16 or float64.")
@click.option(
    "--batch", type=click.IntRange(0, 65536), default=0, help="Glances at a time.  [default: as memory allows]"
)
@click.option("--checkpoint", default="", metavar="FILE|initial", help="Of which moment.  [default: the newest]")
@where_options
@quiet_option
@json_option
def record(
    run: Path | None, stimulus: str, listing: bool, changes: tuple[str, ...], replace: bool, populations: str | None,
    variables: str | None, reductions: str | None, quiet: bool, as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Show the frozen network of RUN stimuli and keep what every compartment answers.

    It lies in RUN/recordings/NAME.zarr, with every parameter of a stimulus as a coordinate. Its size is told first.
    """
    from .arguments import parse_changes, parse_list

    settings, names = parse_changes(changes), parse_list("--populations", populations)
    chosen, measures = parse_list("--variables", variables), parse_list("--reductions", reductions)
    from ..record import RecordSettings, listed
    from ..record import record as run_record

    if listing:
        show(listed(), as_json)
        return
    if run is None:
        raise ConfigError("record.run: expected the folder of a run, got none; or --list")
    where = {name: given.pop(name) for name in ("device", "data_dir", "data")}
    asked = RecordSettings(
        stimulus=stimulus, stimulus_settings=settings, populations=names, variables=chosen, reductions=measures, **given
    )  # fmt: skip
    show(run_record(run, asked, replace=replace, progress=not quiet, **where), as_json)
