"""The `apical` command.

Each body reads its options, calls one function of this room and shows the result. What needs torch, or takes time
to import, is imported inside the body: `--help` and a misspelt option answer at once.
"""

from pathlib import Path
from typing import Any

import click

from ...models.outside import FORMS
from ..errors import ConfigError, ProtocolError
from ..readouts.table import READ_OUTS
from ..stimuli.names import WORDS
from .analyse import analyse
from .cells import cells
from .compare import compare
from .groups import bench, config, data
from .inspect import inspect
from .new import new
from .options import (
    FOLDER,
    PRESETS,
    Folder,
    data_dir_option,
    device_option,
    quiet_option,
    run_argument,
    set_option,
    where_options,
)
from .outward import export, view
from .record import record
from .replay import replay
from .spike import spike
from .sweep import sweep
from .terminal import Commands, json_option, processes, show, verbose_option
from .verify import verify


@click.group("apical", cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="apical")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Simulate plasticity in networks of two-compartment neurons.

    RUN is the folder of one run: recording.zarr, config.yaml, checkpoints, metrics.jsonl, figures, report.html.
    """
    if processes() > 1 and ctx.invoked_subcommand != "train":
        raise ConfigError(
            f"apical {ctx.invoked_subcommand}: expected one process, got {processes()} of torchrun; only apical train runs in several"
        )


@main.command()
@click.option("--out", type=FOLDER, help="Folder of the run.  [default: runs/demo-seedS]")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@verbose_option
@quiet_option
@json_option
def demo(out: Path | None, seed: int, verbose: bool, quiet: bool, as_json: bool) -> None:
    """Train, record, probe and draw on the embedded objects, end to end."""
    from ..demo import demo as run_demo

    show(run_demo(out, seed, not quiet), as_json, "demo", verbose=verbose)


@main.command(epilog=PRESETS)
@click.argument("preset", metavar="PRESET|FILE", required=False)
@click.option("--data", metavar="NAME", help=f"Stimulus: {WORDS}; with --resume where the last two are now.")
@data_dir_option
@click.option("--out", type=FOLDER, help="Folder of the run.  [default: runs/NAME-seedS]")
@set_option
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of every random draw.")
@click.option(
    "--epochs", type=int, help="Passes over the training images; with --resume of a finished run, more of them."
)
@click.option("--device", metavar="NAME", help="auto, cpu or cuda.")
@click.option("--resume", is_flag=True, help="Continue an interrupted run; its own settings apply.")
@click.option("--from", "start", type=FOLDER, help="Run whose weights it begins with, by population and shape.")
@click.option("--from-moments", is_flag=True, default=None, help="With the moments of that run's optimiser.")
@quiet_option
@json_option
def train(
    preset: str | None, data_dir: Path | None, out: Path | None, resume: bool, quiet: bool, as_json: bool, **given: Any
) -> None:
    """Train one network and record its dendrites.

    PRESET is a name from the list below, FILE a YAML file of settings.
    """
    overrides = given.pop("overrides")
    paths = {
        "data": "stimulus.name",
        "seed": "seed",
        "epochs": "training.epochs",
        "device": "training.device",
        "from_moments": "training.start_moments",
    }
    start = given.pop("start")
    options = {paths[name]: value for name, value in given.items()} | {"training.start": start and str(start)}
    from ..settings.load import begin

    settings, folder = begin(preset, out, resume, overrides, options)
    from ..train.diverging import DivergedError
    from ..train.run import train as run_training

    try:
        show(run_training(settings, folder, data_dir=data_dir, resume=resume, progress=not quiet), as_json)
    except DivergedError as error:
        show(error.result, as_json)
        raise


@main.command()
@run_argument
@click.option(
    "--read-out", metavar="NAME", help=f"{', '.join(READ_OUTS)}, or {FORMS}.  [default: as in the run's settings]"
)
@click.option("--layers", metavar="A,B", help="Populations to read out, by name.  [default: all]")
@click.option("--corruptions", is_flag=True, help="Read out corrupted test images as well, 12 kinds at 5 severities.")
@click.option(
    "--corrupted-images", type=click.IntRange(1), default=1000, show_default=True, help="Test images to corrupt."
)
@click.option("--set", "overrides", multiple=True, metavar="probe.A=B", help="Change one read-out setting; repeatable.")
@click.option(
    "--data", metavar="NAME", help=f"Other data to read out on: {WORDS}. Of RUN's own kind: where its images are now."
)
@click.option("--other", is_flag=True, help="DATA of RUN's own kind are other images.")
@click.option(
    "--normalisation",
    metavar="run|data",
    help="Of other data: as RUN's own images, or by their own mean.  [default: run]",
)
@click.option("--resize", is_flag=True, help="Bring other data to the size that the network sees.")
@data_dir_option
@device_option
@verbose_option
@quiet_option
@json_option
def probe(
    run: Path,
    read_out: str | None,
    layers: str | None,
    corruptions: bool,
    corrupted_images: int,
    overrides: tuple[str, ...],
    verbose: bool,
    quiet: bool,
    as_json: bool,
    **where: Any,
) -> None:
    """Read out the frozen rates of RUN, beside a random network and the pixels."""
    names = None if layers is None else [name.strip() for name in layers.split(",")]
    if names is not None and not all(names):
        raise ConfigError(f"--layers: expected names between commas, got {layers!r}; for example conv1,conv6")
    from ..probe.run import probe as run_probe

    corrupted = corrupted_images if corruptions else None
    result = run_probe(
        run, read_out=read_out, layers=names, corruptions=corrupted, overrides=overrides, progress=not quiet,
        **where,
    )  # fmt: skip
    show(result, as_json, "probe", verbose=verbose)


@main.command()
@click.argument(
    "runs", nargs=-1, required=True, metavar="RUN...", type=Folder(path_type=Path, file_okay=False, exists=True)
)
@click.option("--batches", type=click.IntRange(2), default=8, show_default=True, help="Batches to measure on.")
@click.option("--batch-size", type=click.IntRange(2, 65536), help="Objects per batch.  [default: as in training]")
@click.option(
    "--fit-b",
    type=click.Choice(["none", "objective", "backprop"]),
    default="none",
    show_default=True,
    help="Measure with a fitted B as well: fitted to its own objective, or to the backprop gradient.",
)
@click.option(
    "--fit-batches", type=click.IntRange(2), help="Batches to fit B on.  [default: objective 200, backprop 16]"
)
@click.option(
    "--fit-decay", type=click.FloatRange(0, 10), help="Weight decay of a fit to the objective.  [default: 0.01]"
)
@click.option("--last", is_flag=True, help="Only the newest checkpoint, beside the initialisation.")
@click.option("--out", type=FOLDER, help="Folder of the common table and figure.  [default: the first RUN]")
@where_options
@verbose_option
@quiet_option
@json_option
def align(
    runs: tuple[Path, ...],
    out: Path | None,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Compare the local changes of RUN... with backprop, layer by layer."""
    from ..align import Plan
    from ..align import align as run_alignment

    where = {name: given.pop(name) for name in ("device", "data_dir", "data")}
    result = run_alignment(runs, Plan(**given), out=out, progress=not quiet, **where)
    show(result, as_json, "align", verbose=verbose)


@main.command()
@click.option("--out", type=FOLDER, help="Folder of the results.  [default: runs/theory-seedS]")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--cases", type=click.IntRange(1), default=240, show_default=True, help="Networks for theorem 3.3.")
@verbose_option
@quiet_option
@json_option
def theory(out: Path | None, seed: int, cases: int, verbose: bool, quiet: bool, as_json: bool) -> None:
    """Check where local learning equals backprop, in deep linear networks.

    Theorems 3.1 and 3.3 and proposition 3.5 of arXiv 2601.21683; exit 1 if any does not hold.
    """
    from ..theory import check_theory, unmet

    result = check_theory(out or Path("runs") / f"theory-seed{seed}", seed, cases, progress=not quiet)
    show(result, as_json, "theory", verbose=verbose)
    if missed := unmet(result):
        raise ProtocolError(missed)


@main.command()
@click.argument("run", required=False, type=Folder(path_type=Path, file_okay=False, exists=True))
@click.option("--protocol", metavar="NAME|FILE", help="A protocol of ours, or a YAML file of your own; see --list.")
@click.option(
    "--list",
    "listed",
    is_flag=True,
    help="Protocols that come with Apical, and where their files lie; of RUN: which its rule allows, and why not.",
)
@click.option("--seeds", default="0-2", show_default=True, metavar="A-B|A,B", help="One repetition each.")
@click.option("--steps", type=click.IntRange(1), help="Plasticity steps of a condition.  [default: the protocol's]")
@where_options
@verbose_option
@quiet_option
@json_option
def lesion(
    run: Path | None,
    protocol: str | None,
    listed: bool,
    seeds: str,
    steps: int | None,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    **where: Any,
) -> None:
    """Block, cut, scale or retime signals of RUN, beside controls.

    RUN's own settings, checkpoints and recorded tables stay as they are.
    """
    from ..lesion.protocol import overview

    if listed and run is not None:
        from ..lesion.asked import offered
        from ..runs.trained import describe

        show({"run": str(run), "protocols": offered(describe(run).rule)}, as_json)
        return
    if listed:
        show({"protocols": overview()}, as_json)
        return
    if run is None or protocol is None:
        missing = "RUN" if run is None else "--protocol"
        raise ConfigError(
            f"{missing}: expected a value, got none; for example apical lesion RUN --protocol apical_block"
        )
    from .arguments import parse_seeds

    numbers = parse_seeds(seeds)
    from ..lesion.run import lesion as run_lesion

    result = run_lesion(run, protocol, seeds=numbers, steps=steps, progress=not quiet, **where)
    show(result, as_json, "lesion", verbose=verbose)


for _group in (
    data,
    config,
    bench,
    verify,
    replay,
    spike,
    cells,
    sweep,
    compare,
    inspect,
    new,
    record,
    analyse,
    view,
    export,
):
    main.add_command(_group)
