"""The groups of the `apical` command: `data`, `config` and `bench`."""

import sys
from pathlib import Path
from textwrap import fill
from typing import Any

import click

from ..errors import ConfigError
from .options import PRESETS, Context, data_dir_option, quiet_option, set_option
from .terminal import Commands, json_option, show, verbose_option


@click.group(cls=Commands)
def data() -> None:
    """Data sets: which there are, fetch them, verify them."""


@data.command("list")
@data_dir_option
@json_option
def data_list(data_dir: Path | None, as_json: bool) -> None:
    """Names of the data sets, and which are here."""
    from ..stimuli.datasets.fetch import list_datasets

    show({"datasets": list_datasets(data_dir)}, as_json)


@data.command("fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@data_dir_option
@quiet_option
@json_option
def data_fetch(names: tuple[str, ...], data_dir: Path | None, quiet: bool, as_json: bool) -> None:
    """Download data sets that are not here yet, and check them."""
    from ..stimuli.datasets.fetch import fetch

    show({"datasets": [{"name": name, "path": fetch(name, data_dir, not quiet)} for name in names]}, as_json)


@data.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@data_dir_option
@json_option
def data_verify(names: tuple[str, ...], data_dir: Path | None, as_json: bool) -> None:
    """Compare files with their published checksums; exit 1 if any differs.

    Without a NAME, all data sets that are here.
    """
    from ..stimuli.datasets.fetch import list_datasets, verify

    here = names or [entry["name"] for entry in list_datasets(data_dir) if entry["status"] != "absent"]
    checked = [verify(name, data_dir) for name in here]
    intact = all(entry["ok"] for entry in checked)
    show({"ok": intact, "datasets": checked}, as_json)
    if not intact:
        sys.exit(1)


@data.command("prepare")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--image-size", type=click.IntRange(8, 512), help="Side in pixels.  [default: that of runs without one]")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes that decode.  [default: one a processor]")
@click.option(
    "--unreadable",
    type=click.Choice(["refuse", "leave-out"]),
    default="refuse",
    show_default=True,
    help="What becomes of files that are no images.",
)
@click.option("--check", is_flag=True, help="Read what was decoded once more and compare it with its fingerprint.")
@data_dir_option
@quiet_option
@json_option
def data_prepare(names: tuple[str, ...], quiet: bool, as_json: bool, **given: Any) -> None:
    """Decode image files once, by several processes, into the cache from which runs hold or stream them: imagenet, tiny-imagenet, folder:PATH.

    A run does it by itself where it was not done; what was killed goes on where it stood.
    """
    from ..stimuli.datasets.prepare import prepare

    show({"datasets": [prepare(name, progress=not quiet, **given) for name in names]}, as_json)


@click.group(cls=Commands)
def config() -> None:
    """Settings: show what a preset or file resolves to, or what can be set."""


@config.command("list")
@click.option(
    "--needs", is_flag=True, help="Which of align, replay, lesion and spike take which rule, and what is missing."
)
@click.option(
    "--rule", "rules", multiple=True, metavar="WORD", help="With --needs: of these rules alone, those from outside too."
)
@json_option
def config_list(needs: bool, rules: tuple[str, ...], as_json: bool) -> None:
    """Names of the presets by data set, of networks, of the rules by how they learn, and of what other packages bring."""
    if rules and not needs:
        raise ConfigError(f"--rule: expected it with --needs, got {rules[0]} alone; add --needs")
    if needs:
        from ..needs_table import table

        show({"rules": table(rules)}, as_json)
        return
    from ..settings.names import installed_by_group, presets_by_stimulus, rules_by_kind
    from ..settings.network import networks_by_kind

    found = {
        "presets": presets_by_stimulus(),
        "networks": networks_by_kind(),
        "rules": rules_by_kind(),
        "installed": installed_by_group(),
    }
    if as_json:
        show(found, as_json)
        return
    for title, groups in found.items():
        if groups:
            click.echo(title)
        for group, names in groups.items():
            told = ", ".join(names)
            click.echo(
                fill(f"{group}: {told}", 100, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
            )


@config.command("show", epilog=PRESETS)
@click.argument("preset", metavar="PRESET|FILE")
@set_option
@json_option
def config_show(preset: str, overrides: tuple[str, ...], as_json: bool) -> None:
    """Every setting of PRESET or FILE, defaults included."""
    from ..settings.load import digest, load, resolve, to_yaml

    settings = load(preset, overrides)
    if as_json:
        show({"config": resolve(settings), "config_sha256": digest(settings)}, as_json)
    else:
        click.echo(f"# sha256 {digest(settings)}\n{to_yaml(settings)}", nl=False)


@config.command("schema")
@json_option
def config_schema(as_json: bool) -> None:
    """The settings as JSON schema: types, bounds, defaults."""
    import json

    from ..settings.load import schema

    click.echo(json.dumps(schema(), indent=None if as_json else 2))


@click.group(cls=Commands)
def bench() -> None:
    """Speed, memory and recording overhead, as ratios within one run."""


@bench.command("engine")
@click.option("--context", "contexts", multiple=True, type=Context(), help="[default: all]")
@click.option(
    "--contestant", "contestants", multiple=True,
    type=click.Choice(["autograd", "best-autograd", "best-autograd-bf16", "best-autograd-compiled", "explicit", "explicit-direct", "explicit-bf16"]),
    help="[default: autograd, best-autograd, explicit, explicit-bf16]",
)  # fmt: skip
@click.option("--batch", type=click.IntRange(2, 65536), default=32, show_default=True, help="Objects per step.")
@click.option("--width", type=click.FloatRange(0, 4, min_open=True), default=1.0, show_default=True)
@click.option("--steps", type=click.IntRange(1), default=5, show_default=True, help="Timed steps per round.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Turns of each contestant.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--threads", type=click.IntRange(1), help="CPU threads.  [default: torch's choice]")
@verbose_option
@quiet_option
@json_option
def bench_engine(
    contexts: tuple[str, ...], contestants: tuple[str, ...], verbose: bool, quiet: bool, as_json: bool, **given: Any
) -> None:
    """Images per second, peak memory and share of the machine's limit, against the same rule by autograd, plain and at its best."""
    from ..bench import engine

    if contestants:
        given["contestants"] = contestants
    show(engine(contexts=contexts, progress=not quiet, **given), as_json, "bench engine", verbose=verbose)


@bench.command("memory")
@click.option(
    "--case",
    "cases",
    multiple=True,
    metavar="WORDS",
    help="Network and size of its images, e.g. 'VGG-6, 96 px'.  [default: all]",
)
@click.option(
    "--engine", "engines", multiple=True, metavar="WORDS", help="E.g. bp-clapp++, 'dfb recompute'.  [default: all]"
)
@click.option(
    "--precision", "precisions", multiple=True, type=click.Choice(["float32", "bf16"]), help="[default: both]"
)
@click.option(
    "--no-check",
    "check",
    flag_value=False,
    default=True,
    type=bool,
    help="Make no real steps of a narrow network to compare with.",
)
@verbose_option
@quiet_option
@json_option
def bench_memory(
    cases: tuple[str, ...],
    engines: tuple[str, ...],
    precisions: tuple[str, ...],
    check: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Bytes that a step holds beside weights, moments and gradients, against backpropagation; counted without computing."""
    from ..bench import memory

    words = ("float32", "bf16")
    found = memory(cases=cases, engines=engines, precisions=precisions or words, check=check, progress=not quiet)
    show(found, as_json, "bench memory", verbose=verbose)


@bench.command("recording")
@quiet_option
@json_option
def bench_recording(quiet: bool, as_json: bool) -> None:
    """Training with recording, against training without."""
    from ..bench import recording

    show(recording(progress=not quiet), as_json, "bench recording")


@bench.command("spikes")
@click.option("--neurons", type=int, default=200, show_default=True)
@click.option("--inputs", type=int, default=200, show_default=True, help="Times neurons: synapses.")
@click.option("--trials", type=int, default=50, show_default=True, help="Of 500 ms.")
@click.option("--target", default="numpy", show_default=True, help="numpy, cython or cpp_standalone.")
@quiet_option
@json_option
def bench_spikes(quiet: bool, as_json: bool, **given: Any) -> None:
    """Seconds and memory of a replay with spikes, against what was predicted before it began."""
    from ..bench import spikes

    show(spikes(progress=not quiet, **given), as_json, "bench spikes")


@bench.command("device")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cuda", show_default=True)
@click.option(
    "--minutes", type=click.FloatRange(0, 10_000, min_open=True), default=9.0, show_default=True,
    help="Of this call; the next one goes on.",
)  # fmt: skip
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the figures, one file each.",
)
@click.option(
    "--size", type=click.Choice(["full", "small"]), help="Networks and images.  [default: full on cuda, small on cpu]"
)
@click.option(
    "--preset", default="cifar10-dfb", show_default=True, help="What is trained for the minutes that are left."
)
@set_option
@data_dir_option
@verbose_option
@quiet_option
@json_option
def bench_device(
    out: Path, device: str, size: str | None, preset: str, overrides: tuple[str, ...], data_dir: Path | None,
    verbose: bool, quiet: bool, as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Check a GPU, measure the engine on it, and train: in pieces, each kept as it comes."""
    from ..bench.on_device import PUBLISHED
    from ..bench.on_device import device as run
    from ..settings.load import begin

    def train(folder: Path, seconds: float, again: bool) -> dict[str, Any]:
        from ..train.run import train as run_training

        options = {"training.max_seconds": seconds, "training.device": device}
        told = () if again else ("training.graph=true", *overrides)
        settings, there = begin(None if again else preset, folder, again, told, options)
        return run_training(settings, there, data_dir=data_dir, resume=again, progress=not quiet)

    def read(folder: Path) -> dict[str, Any]:
        from ..probe.run import probe

        return probe(folder, data_dir=data_dir, progress=not quiet)

    found = run(
        out, device=device, size=size or ("full" if device == "cuda" else "small"), train=train, read=read,
        published=PUBLISHED.get(preset), progress=not quiet, **given,
    )  # fmt: skip
    show(found, as_json, "bench device", verbose=verbose)
