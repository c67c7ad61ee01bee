"""`apical compare`: a sweep over rules."""

from pathlib import Path

import click

from ..errors import ProtocolError
from .options import FOLDER, data_dir_option, quiet_option, set_option, worker_options
from .terminal import Command, json_option, show, verbose_option


@click.command(cls=Command)
@click.option(
    "--data",
    "--spec",
    "data",
    default="shapes",
    show_default=True,
    metavar="NAME|FILE",
    help="shapes, cifar10, or a YAML file of your own.",
)
@click.option("--rules", metavar="A,B", help="Entries of the comparison, by name.  [default: all]")
@click.option(
    "--only",
    metavar="A,B",
    help="Run these alone, and show all that is there: entries, rules of your own (file.py:MyRule), YAML files of entries.",
)
@click.option("--seeds", default="0-2", show_default=True, metavar="A-B|A,B", help="One run per rule and seed.")
@click.option(
    "--budget",
    default="3epochs",
    show_default=True,
    metavar="Nepochs|Nsamples|Ns|own",
    help="Training of every run; own is what its settings say.",
)
@click.option("--read-at", metavar="A,B", help="Epochs after which every run is read out on the way, all in turn.")
@click.option(
    "--jobs",
    "--workers",
    "jobs",
    type=click.IntRange(0, 256),
    default=1,
    show_default=True,
    help="Runs side by side; 0 for this process.",
)
@worker_options("run")
@click.option("--out", type=FOLDER, help="Folder; what is finished there is kept.  [default: runs/compare-NAME]")
@set_option
@data_dir_option
@verbose_option
@quiet_option
@json_option
def compare(
    data: str,
    rules: str | None,
    only: str | None,
    seeds: str,
    budget: str,
    read_at: str | None,
    jobs: int,
    threads: int,
    memory: str | None,
    scheduler: str | None,
    retries: int,
    out: Path | None,
    overrides: tuple[str, ...],
    data_dir: Path | None,
    verbose: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train plasticity rules side by side, with equal budgets and the same read-outs.

    Repeat the same command to go on after an interruption. Exit 1 if any run failed; table and page are written nevertheless.
    """
    from .arguments import parse_budget, parse_epochs, parse_names, parse_seeds

    names, numbers, limits = parse_names(rules), parse_seeds(seeds), parse_budget(budget)
    alone = parse_names(only, "--only", "clapp++,my_rule.py:MyRule") or ()
    from ..compare.run import compare as run_compare

    folder = out or Path("runs") / f"compare-{Path(data).stem}"
    result = run_compare(
        data, folder, rules=names, only=alone, seeds=numbers, **limits, read_at=parse_epochs(read_at), jobs=jobs, threads=threads, memory=memory, scheduler=scheduler,
        retries=retries, overrides=overrides, data_dir=data_dir, progress=not quiet,
    )  # fmt: skip
    show(result, as_json, "compare", verbose=verbose)
    if failed := result["failed"]:
        runs, expected = ", ".join(failed), len(failed) + sum("seconds" in row for row in result["rows"])
        raise ProtocolError(
            f"{folder}: expected {expected} finished runs, got {len(failed)} failed: {runs}; compare.json says why"
        )
