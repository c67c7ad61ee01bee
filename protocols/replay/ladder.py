"""`apical replay --ladder`: one table from rates to calcium spikes, for every population and every context source of a run.

    level 0   mean currents              level 3   Dale's law and conductance synapses on the tuft
    level 1   Poisson inputs             level 4   calcium spike and back-propagating spike
    level 2   spiking soma               pools     neurons per input and context neuron, at level 2

Every row has cosT and cosB with the rule, how far they are above those of the best wrong rule, and what a block of the tuft leaves of |dW|.
Level 4 is then taken apart: its soma and tuft without any of its mechanisms, and with each of them alone.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...models import ModelError
from ...models.spiking import BAC, LINEAR, Calibration, Circuit, Neuron, Replay, calibrate, circuit_sources, replay
from ...recordings.seal import unsealed
from ..errors import ConfigError
from ..progress import bar as progress_bar
from ..runs.files import plain, write_json
from ..runs.provenance import git_state
from ..sections import hand_in
from ..settings.load import digest
from .agreement import mean_cosine, ratio, total_cosine
from .circuits import Loaded, load_run
from .preflight import check_memory, check_modulated
from .section import section
from .settings import ReplaySettings
from .workbench import cosine_of
from .wrong_rules import wrong_rules

FILE = "ladder.json"
POOLS = (1, 3)
# settings that leave rows as they are: those that choose among them, and those of the checks
OTHER = ("population", "source", "name", "mutants", "learning", "ladder", "quick")
LINEAR_TUFT = {"g_sd": 0.0, "g_dd": 0.0, "c_d": 0.0, "a_wd": 0.0, "noise_current": 0.0}


@dataclass(frozen=True, slots=True)
class Rung:
    """One row of the table.

    Attributes:
        name: as it stands there.
        words: of `apical.models.spiking.replay`, in place of the settings'.
    """

    name: str
    words: Mapping[str, Any]


def rungs(settings: ReplaySettings) -> list[Rung]:
    """Levels and pools of every circuit."""
    slow = {"tau_a": settings.tau}
    found = [
        Rung(f"level {level}", {"level": level, "tau_a": None if level == 4 else settings.tau}) for level in range(5)
    ]
    return found + [
        Rung(f"level 2, pool {pool}", {"level": 2, "pool": pool, **slow}) for pool in POOLS if pool != settings.pool
    ]


def mechanisms(settings: ReplaySettings) -> list[Rung]:
    """Level 4 with its mechanisms one by one."""
    bare = BAC.but(**LINEAR_TUFT)
    cells: dict[str, Neuron] = {
        f"soma of bac alone, tau_a {settings.tau:g} ms": bare.but(tau_a=settings.tau),
        f"the same with tau_a {BAC.tau_a:g} ms": bare,
        "and noise currents": bare.but(noise_current=BAC.noise_current),
        "and the slow outward current": bare.but(a_wd=BAC.a_wd),
        "and the kick of back-propagating spikes": bare.but(c_d=BAC.c_d),
        "and the calcium current of the tuft": bare.but(g_dd=BAC.g_dd),
        "and the calcium current into the soma": bare.but(g_sd=BAC.g_sd),
        "and kick and calcium current of the tuft": bare.but(c_d=BAC.c_d, g_dd=BAC.g_dd),
        "all but the kick": BAC.but(c_d=0.0),
        "all but the calcium currents": BAC.but(g_dd=0.0, g_sd=0.0),
        "all but noise currents": BAC.but(noise_current=0.0),
    }  # fmt: skip
    return [Rung(f"level 4: {name}", {"level": 4, "neuron": cell, "tau_a": None}) for name, cell in cells.items()]


def replay_ladder(
    run: Path, settings: ReplaySettings, *, data_dir: Path | None = None, data: str | None = None, progress: bool = True
) -> dict[str, Any]:
    """Climb the ladder with every circuit that can be cut; goes on where an earlier call with the same settings stopped.

    Args:
        run: folder of the run.
        settings: what is replayed; population and source, where they are given, are the only ones.
        data_dir, data, progress: as in `replay_run`.

    Returns:
        JSON-ready dict: rows (population, source, rung, cosT, cosB, margin_cosT, margin_cosB, blocked, each a mean over seeds; values, per
        seed; wrong, the best wrong rules; circuit; seconds), refused (population, source, reason), settings, seconds. RUN/ladder.json holds it, and a
        section of the report.

    Raises:
        ConfigError: no run, or one without apical circuits.
        ProtocolError: no checkpoint.
    """
    begun = time.perf_counter()
    s = settings.shortened()
    loaded = load_run(run, s.population, data_dir, data, progress=progress)
    place = loaded.run.folder.path / FILE
    asked = plain(
        {"step": loaded.step, "config_sha256": digest(loaded.run.config), "rungs": [r.name for r in [*rungs(s), *mechanisms(s)]]}
        | {name: getattr(s, name) for name in s.__slots__ if name not in OTHER}
    )  # fmt: skip
    result = _kept(place, asked) or {"run": str(run), "settings": asked, "rows": [], "refused": [], "seconds": 0.0}
    before = float(result["seconds"])
    with progress_bar(progress, "rung") as bar:
        for found in _climb(loaded, s, result):
            bar.set_postfix_str(" ".join(str(found[name]) for name in ("population", "source")))
            bar.update()
            result["refused" if "reason" in found else "rows"].append(found)
            result |= {"seconds": before + time.perf_counter() - begun, "git": git_state()}
            write_json(place, result)
    hand_in(run, section(plain(result)))
    return result


def _kept(place: Path, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """An earlier table of the same circuits; None where there is none, or one that cannot be gone on with."""
    if not place.exists():
        return None
    try:
        found = unsealed(place.read_text(encoding="utf-8"))
    except ValueError:
        return None  # cut short or changed by hand: it is made anew
    return dict(found) if found.get("settings") == asked else None


def _climb(loaded: Loaded, s: ReplaySettings, done: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows that are not there yet."""
    first = s.population or loaded.population
    there = {(row["population"], row["source"], row["rung"]) for row in done["rows"]}
    refused = {(row["population"], row["source"]) for row in done["refused"]}
    for source in (s.source,) if s.source else circuit_sources(loaded.run.rule):
        for population in (s.population,) if s.population else loaded.network.names:
            where = {"population": population, "source": source}
            wanted = rungs(s) + (mechanisms(s) if population == first else [])
            left = [rung for rung in wanted if (population, source, rung.name) not in there]
            if not left or (population, source) in refused:
                continue
            try:
                circuit = loaded.cut(
                    loaded.network, loaded.run.rule, s.but(population=population, source=source), source
                )
                check_modulated(circuit)
                check_memory(circuit, 1)
                scales = calibrate(circuit)
            except (ModelError, ConfigError) as error:
                yield {**where, "reason": str(error)}
                continue
            wrong = _wrong(circuit)
            for rung in left:
                begun = time.perf_counter()
                row = _row(circuit, scales, s, rung, wrong)
                yield {**where, "rung": rung.name, **row, "seconds": time.perf_counter() - begun}


def _wrong(circuit: Circuit) -> dict[str, tuple[str, float]]:
    """Name and cosine of the best wrong rule, by trial and over the batch."""
    rule, modulated = circuit.eligibility(), circuit.gamma * circuit.weight
    batch = np.tensordot(modulated, rule, 1)
    trial, whole = {}, {}
    for name, e in wrong_rules(circuit):
        trial[name], whole[name] = mean_cosine(rule, e), total_cosine(batch, np.tensordot(modulated, e, 1))
    return {what: max(found.items(), key=lambda item: item[1]) for what, found in (("cosT", trial), ("cosB", whole))}


def _row(
    circuit: Circuit, scales: Calibration, s: ReplaySettings, rung: Rung, wrong: Mapping[str, tuple[str, float]]
) -> dict[str, Any]:
    batch = circuit.change().sum(0)
    words = s.operating | {"calibration": scales, "keep_sources": False, "keep_eligibility": False} | dict(rung.words)
    words["eligibility"] = s.eligibility if words["level"] >= 2 else "voltage"
    values: dict[str, list[float]] = {"cosT": [], "cosB": [], "blocked": [], "rate_Hz": []}
    for seed in s.seeds:
        intact: Replay = replay(circuit, **words, seed=seed)
        blocked = replay(circuit.scale_apical(0.0), **words, seed=seed)
        values["cosT"].append(cosine_of(intact))
        values["cosB"].append(total_cosine(batch, intact.batch_change))
        norm = float(np.linalg.norm(intact.batch_change))
        values["blocked"].append(ratio(float(np.linalg.norm(blocked.batch_change)), norm))
        values["rate_Hz"].append(float(intact.rate.mean()))
    means = {name: float(np.mean(found)) for name, found in values.items()}
    margins = {f"margin_{what}": means[what] - value for what, (_, value) in wrong.items()}
    shape = {"units": len(circuit.units), "inputs": len(circuit.inputs), "contexts": len(circuit.contexts)}
    return {
        **means, **margins, "wrong": {what: list(best) for what, best in wrong.items()}, "values": values,
        "circuit": shape | {"trials": circuit.trials}, "neuron": words.get("neuron", BAC if words["level"] == 4 else LINEAR).name,
    }  # fmt: skip
