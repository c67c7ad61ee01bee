"""The comparison itself: a sweep over rules, with a table and a page of its own."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import ConfigError, Interrupted, ProtocolError
from ..runs.files import write_json
from ..runs.provenance import machine
from ..sweep import manifest as stored
from ..sweep.axes import ENTRIES, Axis, Value
from ..sweep.folder import DIVERGED, FAILED, SweepFolder
from ..sweep.plan import SEED, Budget, Plan
from ..sweep.results import row_of
from ..sweep.run import RETRIES, Means, execute
from ..sweep.spec import with_workers
from . import comparison as spec
from .curves import common, curves_of, reading_at
from .earlier import take_over
from .page import command_of, write_page
from .table import Cell, rows_of, summary, write_csv

RULE = "rule"


def compare(
    name: str,
    out: Path,
    *,
    rules: Sequence[str] | None = None,
    only: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    seconds: float | None = None,
    epochs: int | None = None,
    samples: int | None = None,
    read_at: Sequence[int] = (),
    jobs: int = 1,
    threads: int = 1,
    memory: str | None = None,
    scheduler: str | None = None,
    retries: int = RETRIES,
    overrides: Sequence[str] = (),
    data_dir: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train and read out every rule with every seed, then write table, figure and page.

    Args:
        name: a comparison that comes with Apical, or a YAML file (see `spec`).
        out: folder of the comparison; cells that are finished there are kept.
        rules: labels of entries; None for all.
        only: labels, rules by name or reference, or YAML files of entries: these are run, and stand in the table beside all that is there.
        seeds: one run per rule and seed.
        seconds, epochs, samples: the budget of every run, one of them; without any each run is as long as its own settings say.
        read_at: epochs after which every run is read out on the way, all of them in turn; the table of an unfinished comparison is made there.
        jobs: cells side by side; 0 for this process.
        threads: CPU threads of one cell.
        memory, scheduler, retries: see `Means`.
        overrides: `a.b=c` texts for every entry.
        data_dir: folder of the data sets.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: rows (rule, seed, accuracy, ...), summary (rule, mean, sd, n, ...), failed, files.

    Raises:
        ConfigError: settings that no run could have, or a folder with cells of other settings or another budget, before the first
            run starts.
        ProtocolError: every cell failed.
        Interrupted: SIGINT, SIGTERM or SIGHUP; what is there is shown on the page.
    """
    if sum(amount is not None for amount in (seconds, epochs, samples)) > 1:
        raise ConfigError(
            "compare.budget: expected one of seconds, epochs and samples, got several; for example 3epochs"
        )
    if rules is not None and only:
        raise ConfigError("--only: expected it without --rules, got both; --only runs its rules and shows all")
    means = Means(jobs, threads, memory, scheduler, False, retries, data_dir)
    comparison, folder = spec.read(name, overrides), SweepFolder(out)
    entries = spec.added(comparison, only, overrides) if only else comparison.chosen(rules)
    budget = Budget(epochs, samples, seconds)
    for entry in entries:
        entry.config(seeds[0], {})  # speaks of entries
    plan = with_workers(_plan(name, comparison.base, entries, seeds, budget, overrides, read_at), jobs)
    take_over(folder, replace(plan, axes=(_axis([*comparison.entries.values()]),)))
    told = {"seconds": seconds, "epochs": epochs, "samples": samples, "threads": threads, "jobs": jobs}

    def written() -> dict[str, Any]:
        manifest = stored.read(folder)
        shown = _shown(manifest.plan, entries) if only else entries
        numbers = sorted(manifest.plan.seeds) if only else list(seeds)
        facts = {
            "comparison": name,
            "budget": told,
            "seeds": numbers,
            "read_at": list(manifest.plan.read_at),
            "set": list(overrides),
            "only": {entry.label: _word(entry) for entry in shown if entry.label not in comparison.entries},
            "machine": machine(),
        }
        return _written(folder, manifest, shown, numbers, facts)

    try:
        execute(plan, folder, means, plan.cells(), progress=progress, unit="run")
    except Interrupted:
        with suppress(ProtocolError):  # nothing was read out yet
            written()
        raise
    return written()


def _word(entry: spec.Entry) -> str:
    """By what `--only` is told of an entry of the user's own: its rule, or the file that it stood in, which is not kept."""
    name = str(entry.own.get("rule", {}).get("name", ""))
    return name if ":" in name else f"{entry.label}.yaml"


def _written(
    folder: SweepFolder,
    manifest: stored.Manifest,
    shown: Sequence[spec.Entry],
    seeds: Sequence[int],
    facts: dict[str, Any],
) -> dict[str, Any]:
    """Table, figure, page and document of what is there."""
    names = {(str(cell["at"][RULE]), int(cell["at"][SEED])): name for name, cell in manifest.cells.items()}
    failed = {
        key: reason
        for key, reason in _failed(folder, names).items()
        if key[0] in {e.label for e in shown} and key[1] in seeds
    }
    epochs = common(shown, seeds, folder, names)
    told = {cell: found for cell, name in names.items() if (found := reading_at(folder, name, epochs)) is not None}
    rows = rows_of(shown, seeds, told)
    if not rows:
        raise ProtocolError(
            f"{folder.path}: expected at least one finished cell, got none; {next(iter(failed.values()), '')}"
        )
    table = summary(shown, rows, failed)
    out = folder.path
    cells = [
        {
            "rule": entry.label, "seed": seed, "status": folder.status(name), "command": command_of(facts, entry.label, seed),
            **{key: row_of(folder, name, {})[key] for key in ("accuracy", "epochs", "seconds")},
        }
        for entry in shown for seed in seeds if (name := names.get((entry.label, seed))) is not None
    ]  # fmt: skip
    curves = curves_of(shown, seeds, folder, names)
    facts = {**facts, "epochs": epochs}
    files = {"csv": write_csv(out / "compare.csv", rows, failed), **write_page(out, facts, table, rows, cells, curves)}
    lost = {names[key]: text for key, text in failed.items()}
    result = {
        **facts,
        "sweep": str(out),
        "rows": rows,
        "summary": table,
        "curves": curves,
        "failed": lost,
        "files": files,
    }
    write_json(out / "compare.json", result)
    return result


def _failed(folder: SweepFolder, names: Mapping[Cell, str]) -> dict[Cell, str]:
    found: dict[Cell, str] = {}
    for key, name in names.items():
        status = folder.status(name)
        if status in (FAILED, DIVERGED):
            told = folder.read_failure(name) if status == FAILED else folder.read_result(name)
            found[key] = str(told.get("error", ""))
    return found


def _plan(
    name: str,
    base: Mapping[str, Any],
    entries: Sequence[spec.Entry],
    seeds: Sequence[int],
    budget: Budget,
    overrides: Sequence[str],
    read_at: Sequence[int],
) -> Plan:
    return Plan(
        name=Path(name).stem,
        base=dict(base),
        axes=(_axis(entries),),
        seeds=tuple(seeds),
        budget=budget,
        overrides=tuple(overrides),
        read_at=tuple(read_at),
    )


def _axis(entries: Sequence[spec.Entry]) -> Axis:
    def about(entry: spec.Entry) -> dict[str, Any]:
        return {"locality": entry.locality, "published": entry.published}

    return Axis(RULE, ENTRIES, tuple(Value(e.label, {**e.own, "name": e.label}, about(e)) for e in entries))


def _shown(plan: Plan, first: Sequence[spec.Entry]) -> list[spec.Entry]:
    """All entries of the manifest; those of this call as they are told now."""
    now = {entry.label: entry for entry in first}
    found = []
    for value in plan.axes[0].values:
        published = value.about.get("published")
        told = str(value.about.get("locality", "not stated"))
        earlier = spec.Entry(
            str(value.label), value.settings, {}, told, None if published is None else (published[0], published[1])
        )
        found.append(now.get(str(value.label), earlier))
    return found
