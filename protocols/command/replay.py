"""The command `apical replay`."""

from pathlib import Path
from typing import Any

import click

from .options import images_options, quiet_option, run_argument
from .terminal import Command, json_option, show, verbose_option


@click.command(cls=Command)
@run_argument
@click.option("--population", metavar="NAME", help="[default: the lowest above the first with relu, without max-pool]")
@click.option("--position", metavar="R,C", help="Place on its map before the pool.  [default: the centre]")
@click.option("--units", type=click.IntRange(1), default=30, show_default=True, help="Neurons of the circuit.")
@click.option("--source", metavar="NAME", help="Context of the tufts, e.g. dfb.  [default: the rule's first]")
@click.option("--trials", type=click.IntRange(4), default=64, show_default=True, help="Fixations and saccades.")
@click.option(
    "--level",
    type=int,
    default=2,
    show_default=True,
    help="0 rates, 1 Poisson inputs, 2 spikes, 3 conductances, 4 bursts.",
)
@click.option("--pool", type=int, default=10, show_default=True, help="Neurons per input and context neuron.")
@click.option("--duration", type=float, default=500.0, show_default=True, help="Window of a trial, ms.")
@click.option("--tau", type=float, default=50.0, show_default=True, help="Of apical and basal potential, ms.")
@click.option("--dt", type=float, default=0.1, show_default=True, help="Time step, ms.")
@click.option("--seeds", default="0-2", show_default=True, metavar="A-B|A,B", help="Every check once for each.")
@click.option(
    "--target",
    default="numpy",
    show_default=True,
    metavar="numpy|cython|cpp_standalone",
    help="Where Brian2 computes; single cells and late modulators on numpy for cpp_standalone.",
)
@click.option("--dale", metavar="none|split|relay|blanket", help="Dale's law.  [default: the level's own]")
@click.option("--name", help="Of the replay in the recording.  [default: POPULATION-SOURCE, replacing an earlier one]")
@click.option("--quick", is_flag=True, help="One seed, 16 trials, 16 neurons, no variants of the circuit.")
@click.option("--learning", is_flag=True, help="Also apply the changes to the rate network (C15; minutes).")
@click.option(
    "--eligibility",
    default="voltage",
    show_default=True,
    metavar="voltage|spike",
    help="What opens the gate: the basal potential, or the soma's own spikes.",
)
@click.option("--ladder", is_flag=True, help="In place of checks: levels, populations, sources in one table; resumes.")
@click.option(
    "--mutants", is_flag=True, help="Also show wrong replays to the checks; tells which each rejects (minutes)."
)
@click.option(
    "--check",
    "checks",
    multiple=True,
    metavar="WORD",
    help="A check of your own, e.g. checks.py:fires; may be repeated.",
)
@images_options
@verbose_option
@quiet_option
@json_option
def replay(
    run: Path, position: str | None, seeds: str, verbose: bool, quiet: bool, as_json: bool, **given: Any
) -> None:
    """Replay a circuit of RUN with spiking two-compartment neurons.

    Compares every factor of the rule, spikes against rates, with a criterion each; failed ones are results, the exit code stays 0.
    """
    from .arguments import parse_place, parse_seeds

    place, numbers = parse_place(position), parse_seeds(seeds)
    from ..replay import ReplaySettings, replay_run

    where = {name: given.pop(name) for name in ("data_dir", "data")}
    settings = ReplaySettings(position=place, seeds=tuple(numbers), **given)
    result = replay_run(run, settings, progress=not quiet, **where)
    show(result, as_json, "replay", verbose=verbose)
