"""`apical replay`: from the folder of a run to checks, figures, spikes in its recording, and a report."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import xarray as xr

from ...models import Network
from ...models.spiking import Circuit, replay, unscored
from ...models.spiking.brian import check_target, load_brian
from ...recordings import ReplayStore, open_replay, write_report, write_results, write_section
from ...recordings.atomic import free_name, write_text
from ...recordings.plot_style import save
from ...recordings.seal import unsealed
from ...recordings.sections import FOLDER
from ..check import Check
from ..progress import bar as progress_bar
from ..progress import notice, phase
from ..runs.files import plain, write_json
from ..runs.provenance import git_state
from ..sections import found_figures, hand_in
from ..settings.load import digest
from .asked import chosen
from .circuits import Loaded, load_run
from .fidelity import changes, kink, potentials, rate_mode, tails
from .figures import draw, stem
from .foreign import CHECKS, sources_of
from .gating import gate
from .ladder import replay_ladder
from .learning import learning_level
from .lesions import apical_block, dissociation
from .modulation import neuromodulator, spike_gate
from .mutants import random_world, table
from .preflight import check_memory, check_modulated
from .recomputed import change, read, recorded
from .risks import risks
from .section import DOCUMENTS, TRIAL, section
from .settings import ReplaySettings
from .single_neuron import bursts, fi_curve, pairs
from .timing import context_delay, duration, modulator
from .trial import one_trial, shown_tables
from .variants import dale, somatic_leak
from .workbench import Bench, World
from .wrong_rules import nulls, yardsticks

Measure = Callable[[Bench], list[Check]]
# those of `QUICK` need no replay beside those of the circuit itself
QUICK: tuple[Measure, ...] = (
    rate_mode, fi_curve, bursts, tails, potentials, changes, yardsticks, gate, kink, duration, apical_block, pairs, nulls, neuromodulator,
    recorded, spike_gate,
)  # fmt: skip
MEASURES: tuple[Measure, ...] = (
    rate_mode, fi_curve, bursts, tails, potentials, changes, yardsticks, gate, kink, duration, modulator, apical_block,
    dissociation, pairs, somatic_leak, dale, context_delay, nulls, neuromodulator, recorded, spike_gate,
)  # fmt: skip
MANY = 256  # trials in which fixations are told from saccades


def replay_run(
    run: Path,
    settings: ReplaySettings,
    *,
    data_dir: Path | None = None,
    data: str | None = None,
    report: bool = True,
    progress: bool = True,
) -> dict[str, Any]:
    """Cut a circuit out of a trained run, replay it with spikes, and check every factor of the rule.

    Spikes and voltages go into the recording of the run under `/replay/<name>` (`-seed<n>` from the second seed on), figures into
    RUN/figures/replay_<name>_*.png, the result into RUN/replays/<name>.json and a section of the report; RUN/replay.json is that of the last
    replay, whatever its name.

    Args:
        run: folder of the run; its newest checkpoint is replayed.
        settings: what is replayed.
        data_dir: folder of the data sets.
        data: `folder:PATH` or `npz:PATH`, where the run's own images are now; None where they were.
        report: also write RUN/report.html anew.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: checks (name, what, value, interval, seeds, criterion, passed, reason, detail), passed and failed (how many),
        self_tests (the same of what no mutant fails; not counted), left_out (reason by check that this rule gives no subject), circuit, settings, replays, figures, risks, seconds; with mutants also
        mutants (see `mutants.table`). With ladder what `replay_ladder` gives.

    Raises:
        ConfigError: no run, a rule without factors that a synapse could write, a circuit that the rule does not change, or a setting that does not fit.
        ProtocolError: no checkpoint.
        ModelError: what the bridge refuses: place, units, times, rates, memory, target.
    """
    begun = time.perf_counter()
    s = settings.shortened()
    check_target(s.target)
    if s.ladder:
        return replay_ladder(run, s, data_dir=data_dir, data=data, progress=progress)
    loaded = load_run(run, s.population, data_dir, data, progress=progress)
    with phase(progress, "loading Brian2"):
        load_brian()
    circuit = loaded.circuit(s)
    check_modulated(circuit)
    check_memory(circuit, len(s.seeds))
    with progress_bar(progress, "replay") as bar:

        def tell(word: str) -> None:
            bar.set_postfix_str(word)
            bar.update()

        worlds = Worlds(loaded, s, circuit)
        bench = Bench(
            loaded,
            s,
            circuit,
            worlds.intact.population,
            worlds.intact.many,
            tell=tell,
            unscored=unscored(loaded.run.rule),
        )
        names = _replay_base(bench)
        measures, left_out = chosen(bench, [*(QUICK if s.quick else MEASURES), *(CHECKS[word] for word in s.checks)])
        checks = [check for measure in measures for check in measure(bench)]
        checks += learning_level(bench) if s.learning else []
        powers = {"mutants": table(bench, checks, measures, worlds)} if s.mutants else {}
    with phase(progress, "drawing the figures of the replay"):
        figures = _drawn(bench, checks, run, names[0])
    counted = [check for check in checks if not check.self_test]
    result = {
        "run": str(run), "step": loaded.step, "checks": [check.as_dict() for check in counted],
        "passed": sum(check.passed for check in counted), "failed": sum(not check.passed for check in counted),
        "self_tests": [check.as_dict() for check in checks if check.self_test], "left_out": left_out, **powers,
        "rule": loaded.run.config.rule.name, "circuit": _described(bench), "settings": _settings(s), "replays": names,
        "sources": sources_of(s.checks),
        "figures": {n: str(p) for n, p in figures.items()},
        "versions": bench.base[s.seeds[0]].attributes["versions"], "config_sha256": digest(loaded.run.config), "git": git_state(),
        "risks": risks(bench), "seconds": time.perf_counter() - begun,
    }  # fmt: skip
    _keep(run, names[0], result)
    if report:
        with phase(progress, "drawing the figures of the run for its report"):
            result["report"] = str(write_report(run))
    return result


def _drawn(bench: Bench, checks: list[Check], run: Path, name: str) -> dict[str, Path]:
    """Figures of what was measured, and of one trial out of the recording."""
    with open_replay(run, name) as kept:
        figure = save(one_trial(*shown_tables(kept)), run / "figures" / stem(name, TRIAL))
    return {**draw(bench, checks, run / "figures", name), TRIAL: figure}


def _keep(run: Path, name: str, result: dict[str, Any]) -> None:
    """The document of this replay beside those of others, that of the last one, and the section of the report."""
    (run / DOCUMENTS).mkdir(exist_ok=True)
    _keep_earlier(run)
    write_json(run / DOCUMENTS / f"{name}.json", result)
    write_json(run / "replay.json", result)
    hand_in(run, section(plain(result)))


def _keep_earlier(run: Path) -> None:
    """What a version that knew one replay alone has left in RUN/replay.json gets a document and a section of its own."""
    path = run / "replay.json"
    if not path.is_file():
        return
    try:
        text = path.read_text(encoding="utf-8")
        told = section(unsealed(text))
    except (ValueError, KeyError, TypeError) as error:
        damaged = path.rename(free_name(path))
        notice(f"{path}: expected the last replay, got another document ({error!r}); it is now {damaged}")
        return
    name = told.name.removeprefix("replay-")
    if not (run / DOCUMENTS / f"{name}.json").exists():
        write_text(run / DOCUMENTS / f"{name}.json", text)
        if not (run / FOLDER / f"{told.name}.json").exists():
            write_section(run, found_figures(run, told))


class Worlds:
    """Circuits and populations of a run: as it is, and those of mutants.

    Args:
        loaded: the run.
        settings: what is replayed.
        circuit: the intact circuit.
    """

    def __init__(self, loaded: Loaded, settings: ReplaySettings, circuit: Circuit) -> None:
        self.loaded, self.settings = loaded, settings
        self.intact = self._of(loaded.network, circuit)

    def __call__(self, word: str) -> World:
        """The world of a mutant: `now`, `untrained` or `random`."""
        if word == "random":
            return random_world(self.intact)
        now, loaded, s = word == "now", self.loaded, self.settings
        network = loaded.network if now else cast(Network, loaded.run.initial())
        return self._of(network, loaded.cut(network, loaded.run.rule, s, s.source, now=now), now=now)

    def _of(self, network: Network, circuit: Circuit, *, now: bool = False) -> World:
        loaded, s = self.loaded, self.settings
        most = min(MANY, len(loaded.run.stimulus.train))  # two trials of every object, or one
        if unscored(loaded.run.rule) is not None:
            return World(circuit, None, None)
        return World(
            circuit,
            loaded.neurons(network, s, s.trials, now=now),
            loaded.neurons(network, s, most, "separation", now=now),
        )


def _replay_base(bench: Bench) -> list[str]:
    """The replays that spikes and voltages are kept of; their names in the recording."""
    s, recording = bench.settings, bench.loaded.run.folder.recording
    stem = s.name or f"{bench.circuit.name}-{bench.circuit.source}"
    names = [stem if number == 0 else f"{stem}-seed{seed}" for number, seed in enumerate(s.seeds)]
    if not recording.exists():
        write_results(recording, "origin", xr.Dataset(), {"note": "made for replays; the run itself was not recorded"})
    further = bench.loaded.trials(bench.circuit, s)
    sinks = [ReplayStore(recording, name, overwrite=s.name is None, further=further) for name in names]
    for seed, sink in zip(s.seeds, sinks, strict=True):
        with sink:
            bench.tell(f"level {s.level}, seed {seed}")
            words = s.operating | {"calibration": bench.calibration, "seed": seed}
            bench.base[seed] = replay(bench.circuit, **words, sink=sink)
        if s.level:
            bench.recomputed[seed] = change(read(bench.loaded.run.folder.path, sink.name), bench.circuit)
    return names


def _described(bench: Bench) -> dict[str, Any]:
    c, found = bench.circuit, bench.base[bench.settings.seeds[0]]
    return {
        "population": c.name, "source": c.source, "second": "the rule's own" if c.post is not None else "apical", "position": c.position, "units": len(c.units), "inputs": len(c.inputs),
        "contexts": len(c.contexts), "trials": c.trials, "gate_open": float(c.gate.mean()), "winners": float(c.winner.mean()),
        "modulated": float((c.gamma != 0).mean()), "mean_rate_Hz": float(found.rate.mean()),
        "calibration": found.calibration.as_dict(), "calibration_units": dict(found.calibration.units),
        "predicted_bytes": found.plan.bytes, "chunk_trials": found.plan.chunk,
    }  # fmt: skip


def _settings(s: ReplaySettings) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(s, name) for name in s.__slots__}
    return found | {"dale": s.dale or ("split" if s.level >= 3 else "none"), "live_target": s.live_target}
