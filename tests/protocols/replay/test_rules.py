"""Every rule that has factors is replayed with spikes: its change is the rule's, wrong ones are rejected, and what has no subject is named."""

from dataclasses import replace

import pytest
from apical.models.spiking import circuit_sources, unscored
from apical.plasticity import RULES
from apical.protocols.errors import ConfigError
from apical.protocols.replay import ReplaySettings, replay_run
from apical.protocols.replay import wrong_rules as wrong_rules_file
from apical.protocols.replay.asked import ASKED, OF_MUTANTS, SUBJECTS, chosen
from apical.protocols.replay.circuits import load_run
from apical.protocols.replay.fidelity import changes
from apical.protocols.replay.mutants import MUTANTS, table
from apical.protocols.replay.recomputed import Stored, change, recorded
from apical.protocols.replay.run import MEASURES, QUICK, Worlds
from apical.protocols.replay.workbench import Bench, cosine_of
from apical.protocols.replay.wrong_rules import nulls, yardsticks
from rule_runs import Difference, rule_run

pytest.importorskip("brian2", reason="the bridge needs brian2")

SETTINGS = ReplaySettings(seeds=(0,), trials=16, units=8, duration=200.0, quick=True)
SHOWN = ("reversed dW", "random dW", "no dW", "shuffled trials", "shuffled gamma", "open gate")


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Trained runs by rule; one from outside is a row of the table while the test lasts."""
    monkeypatch.setitem(RULES, "difference", Difference)

    def make(name, **options):
        return rule_run(tmp_path / name, name, **({"options": options} if options else {}))

    return make


def bench_of(run, source=None):
    """The intact bench of a run with its base replay, and the worlds of mutants."""
    settings = replace(SETTINGS, source=source)
    loaded = load_run(run)
    circuit = loaded.circuit(settings)
    worlds = Worlds(loaded, settings, circuit)
    bench = Bench(
        loaded, settings, circuit, worlds.intact.population, worlds.intact.many, unscored=unscored(loaded.run.rule)
    )
    stored = Stored()
    bench.base[0] = bench.replayed(
        circuit, settings.operating | {"calibration": bench.calibration, "seed": 0, "sink": stored}
    )
    bench.recomputed[0] = change(stored, circuit)
    return bench, worlds


def assert_replayed(bench, worlds, harmless=()):
    """The change from spikes is the rule's, follows from the recording, and the mutants that have a subject are rejected."""
    assert cosine_of(bench.base[0]) > 0.8  # of windows of 200 ms; a soft winner among eight may be another one
    (again,) = recorded(bench)
    assert again.passed, again.as_dict()
    measures = (changes, yardsticks, nulls, recorded)
    checks = [check for measure in measures for check in measure(bench)]
    found = table(bench, checks, measures, worlds, [mutant for mutant in MUTANTS if mutant.name in SHOWN])
    assert set(found["unrejected"]) <= set(harmless)
    return found["left_out"]


def test_a_rule_of_single_neurons_without_dendrites_is_replayed_by_basal_neurons(made, monkeypatch):
    monkeypatch.setattr(wrong_rules_file, "PERMUTATIONS", 100)
    bench, worlds = bench_of(made("scff"))
    assert (bench.circuit.apical, bench.circuit.gated, bench.circuit.source) == (False, False, "basal")
    assert set(bench.circuit.sign) == {1, -1}
    assert set(assert_replayed(bench, worlds)) == {"open gate"}
    kept, reasons = chosen(bench, QUICK)
    assert {"C1, bursts", "C5", "C6", "C9", "C11", "C17", "C19"} == set(reasons)
    assert all("Needs." in reasons[name] for name in ("C6", "C9", "C19"))
    assert len(kept) + len(reasons) == len(QUICK)


def test_a_rule_from_outside_with_dendrites_writes_through_its_own_factors(made, monkeypatch):
    monkeypatch.setattr(wrong_rules_file, "PERMUTATIONS", 100)
    bench, worlds = bench_of(made("difference"))
    c = bench.circuit
    assert c.apical
    alive = c.gamma != 0
    taken = (c.prediction - c.post)[alive]  # the pooled rate of the unit
    assert taken.min() > -1e-5
    assert taken.max() > 0.01
    assert set(assert_replayed(bench, worlds)) == set()
    assert {"C5", "C17"} == set(chosen(bench, QUICK)[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clapp", {}), ("clapp-s", {"others": 3}), ("gim", {"others": 3}), ("lpl", {}), ("softhebb", {}),
        ("forward-forward", {"presentation": "hybrids"}), ("phyll", {"presentation": "hybrids"}), ("dendritic-prediction", {}),
        ("burst-dependent", {}),
    ],
)  # fmt: skip
def test_every_rule_with_factors_is_replayed_from_each_of_its_sources(made, name, options):
    run = made(name, **options)
    for source in circuit_sources(load_run(run).run.rule):
        # a factor that the rate itself is part of vanishes with it, gate or no gate
        assert_replayed(*bench_of(run, source), harmless=("open gate",) if name == "burst-dependent" else ())


def test_what_is_asked_is_known_and_of_checks_and_mutants_that_exist():
    assert {word for asked in (*ASKED.values(), *OF_MUTANTS.values()) for word in asked} <= set(SUBJECTS)
    assert set(ASKED) <= {measure.__name__ for measure in MEASURES}
    assert set(OF_MUTANTS) <= {mutant.name for mutant in MUTANTS}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "dfa",
            r"got dfa, which has no factors of a population from its own signals: it carries the error .* \(Needs.engine\)",
        ),
        ("bp-lpl", r"got bp-lpl, .* it backpropagates the objective of the top \(Needs.engine\)"),
    ],
)
def test_a_rule_without_a_spiking_reading_is_refused_by_the_need_that_is_missing(made, name, said):
    with pytest.raises(ConfigError, match=said):
        replay_run(made(name), SETTINGS, progress=False)


def test_levels_of_the_tuft_are_refused_for_neurons_without_one(made):
    from apical.models import ModelError
    from apical.models.spiking import replay

    circuit = load_run(made("softhebb")).circuit(SETTINGS)
    for level, what in ((3, "conductance synapses on the tuft"), (4, "calcium spike")):
        with pytest.raises(
            ModelError,
            match=rf"replay.level: expected 0 to 2 for neurons without apical dendrites, got {level}.*{what}",
        ):
            replay(circuit, level=level)
