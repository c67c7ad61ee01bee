"""The command `apical spike`."""

from pathlib import Path
from typing import Any

import click

from .options import FOLDER, data_dir_option, quiet_option
from .terminal import Command, json_option, show, verbose_option

# written out, so that help answers without torch; a test compares it with the fields and tables
LOOP = """\b
--set takes, with times in ms and rates in Hz:
  memory=persistent|slow|none  tau_memory  tau_count  memory_rate
  gate=spike|voltage           tau_gate    fixation   saccade
  modulators=two|signed        release     rate       input_rate
  dale=none|split|relay        background  pool       apical_gain
  eta_basal  eta_apical  margin_of_weights  dt  target=numpy|cython

\b
--condition takes: silent-soma, shuffled-gamma, no-memory, tuft-blocked,
  gate-open, shuffled-trials, reversed, random, zero
"""


@click.command(cls=Command, epilog=LOOP)
@click.option("--data", metavar="NAME", default="mnist", show_default=True, help="Stimulus, grey or coloured.")
@data_dir_option
@click.option("--out", type=FOLDER, help="Folder of the results.  [default: runs/spike-NAME]")
@click.option("--seeds", metavar="A-B|A,B", default="0", show_default=True)
@click.option("--controls", is_flag=True, help="Also every control; --condition chooses some.")
@click.option(
    "--condition", "conditions", metavar="NAME", multiple=True, help="A control beside the intact network; repeatable."
)
@click.option("--layers", default="64,32", show_default=True, help="Populations from below: 64 or conv8x5s2.")
@click.option("--context", default="lateral", show_default=True, help="lateral or dfb.")
@click.option(
    "--start", default="random", show_default=True, help="random, or rates:N for N glances learnt with rates first."
)
@click.option("--objects", type=int, default=10, show_default=True, help="Familiar objects.")
@click.option("--image-size", type=int, default=14, show_default=True)
@click.option(
    "--copies", type=int, default=16, show_default=True, help="Side by side with shared weights; 1: one by one."
)
@click.option("--glances", type=int, default=200, show_default=True, help="Of every copy.")
@click.option("--test-glances", type=int, default=200, show_default=True, help="Pairs for objective and read-out.")
@click.option("--set", "changes", multiple=True, metavar="A=B", help="A time, rate or word of the loop; repeatable.")
@verbose_option
@quiet_option
@json_option
def spike(
    data_dir: Path | None, out: Path | None, seeds: str, controls: bool, conditions: tuple[str, ...], layers: str,
    changes: tuple[str, ...], verbose: bool, quiet: bool, as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Let a small network of spiking neurons look about and learn by itself.

    It is compared with a rate twin on the same glances. Finished seeds and conditions in OUT are not run again.
    """
    from .arguments import parse_changes, parse_seeds

    numbers, pairs = parse_seeds(seeds), parse_changes(changes)
    from ..spike import SpikeSettings
    from ..spike import spike as run_spike
    from ..spike.settings import CONTROLS, INTACT, crop_of, loop_from

    wanted = CONTROLS if controls else conditions
    settings = SpikeSettings(
        seeds=tuple(numbers), conditions=(INTACT, *(c for c in wanted if c != INTACT)), layers=tuple(layers.split(",")),
        loop=loop_from(pairs), crop=crop_of(given["data"]), **given,
    )  # fmt: skip
    folder = out or Path("runs") / f"spike-{given['data'].partition(':')[0]}"
    result = run_spike(settings, folder, data_dir=data_dir, progress=not quiet)
    show(result, as_json, "spike", verbose=verbose)
