"""`apical sweep`: many runs of one plan, here or on a cluster."""

from pathlib import Path

import click

from ..errors import ConfigError, ProtocolError
from .options import FOLDER, data_dir_option, quiet_option, set_option, worker_options
from .terminal import Command, json_option, show, verbose_option

STATUS = "status"


@click.command(cls=Command)
@click.argument("what", nargs=-1, required=True, metavar="SPEC.yaml|FOLDER|status FOLDER")
@click.option("--out", type=FOLDER, help="Folder; what is done there is kept.  [default: runs/sweep-NAME]")
@click.option(
    "--workers",
    type=click.IntRange(0, 1024),
    default=1,
    show_default=True,
    help="Cells side by side on this machine; 0 for this process.",
)
@worker_options("cell")
@click.option("--dashboard", is_flag=True, help="Print the address of the page of the cluster.")
@click.option("--dry-run", is_flag=True, help="List the cells and what is known of their cost; start nothing.")
@set_option
@data_dir_option
@verbose_option
@quiet_option
@json_option
def sweep(
    what: tuple[str, ...],
    out: Path | None,
    workers: int,
    threads: int,
    memory: str | None,
    scheduler: str | None,
    retries: int,
    dashboard: bool,
    dry_run: bool,
    overrides: tuple[str, ...],
    data_dir: Path | None,
    verbose: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train and read out a run for every point of a grid, a list or draws of settings, and every seed.

    SPEC.yaml holds base, axes, seeds and budget. Repeat the command, or give the FOLDER, to go on: what is done is kept, what failed is
    tried again; added values and seeds are added cells. `status FOLDER` tells where a sweep stands. Exit 1 if any cell failed.
    """
    if what[0] == STATUS and len(what) == 2:
        from ..sweep.results import status_of

        show(status_of(Path(what[1])), as_json, "sweep status", verbose=verbose)
        return
    if len(what) != 1 or what[0] == STATUS:
        raise ConfigError(
            f"sweep: expected SPEC.yaml, FOLDER or status FOLDER, got {' '.join(what)}; see apical sweep --help"
        )
    from ..sweep.run import Means
    from ..sweep.run import sweep as run_sweep

    means = Means(
        workers=workers, threads=threads, memory=memory, scheduler=scheduler, dashboard=dashboard, retries=retries, data_dir=data_dir
    )  # fmt: skip
    result = run_sweep(what[0], out, means, overrides=overrides, dry_run=dry_run, progress=not quiet)
    show(result, as_json, "sweep dry" if dry_run else "sweep", verbose=verbose)
    if failed := result.get("failed"):
        raise ProtocolError(
            f"{result['sweep']}: expected every cell to finish, got {len(failed)} failed: {', '.join(failed)}; repeat the command to try them again"
        )
