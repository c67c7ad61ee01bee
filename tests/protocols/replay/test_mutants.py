"""Every primary check rejects a mutant, every mutant is rejected, and what rejects none is a self-test."""

import json

import numpy as np
import pytest
from apical.models.spiking import replay
from apical.protocols.replay import ReplaySettings
from apical.protocols.replay import wrong_rules as wrong_rules_file
from apical.protocols.replay.mutants import MUTANTS, label, mutate, random_world, table
from apical.protocols.replay.recomputed import Stored, change
from apical.protocols.replay.run import MEASURES, QUICK
from apical.protocols.replay.workbench import Bench
from apical.protocols.runs.files import plain
from made_worlds import MANY, TRIALS, MadeWorlds

pytest.importorskip("brian2", reason="the bridge needs brian2")

WORLDS = MadeWorlds()
OWN = {name for mutant in MUTANTS for name in mutant.measures}


def bench_of(seeds):
    world = WORLDS("intact")
    settings = ReplaySettings(seeds=seeds, trials=TRIALS, duration=300.0, quick=len(seeds) == 1)
    bench = Bench(None, settings, world.circuit, world.population, world.many)
    for seed in seeds:
        stored = Stored()
        words = settings.operating | {"calibration": bench.calibration, "seed": seed, "sink": stored}
        bench.base[seed] = replay(world.circuit, **words)
        bench.recomputed[seed] = change(stored)
    return bench


@pytest.fixture(scope="module")
def powers():
    patch = pytest.MonkeyPatch()
    patch.setattr(wrong_rules_file, "PERMUTATIONS", 200)
    bench = bench_of((0,))
    checks = [check for measure in QUICK for check in measure(bench)]
    yield checks, table(bench, checks, QUICK, WORLDS)
    patch.undo()


@pytest.mark.slow
def test_every_mutant_is_rejected_by_a_primary_check(powers):
    found = powers[1]
    assert {row["name"] for row in found["mutants"]} == {mutant.name for mutant in MUTANTS if not mutant.measures}
    assert found["unrejected"] == []
    assert json.loads(json.dumps(plain(found)))["mutants"][0]["rejected_by"] == found["mutants"][0]["rejected_by"]


@pytest.mark.slow
def test_every_primary_check_that_holds_rejects_a_mutant(powers):
    checks, found = powers
    held = [check for check in checks if check.passed and not check.self_test]
    assert len(held) >= 30, [label(check) for check in checks if not check.passed]
    assert found["powerless"] == []


@pytest.mark.slow
def test_what_rejects_no_mutant_is_a_self_test(powers):
    checks, found = powers
    for check in checks:
        if check.self_test:
            assert check.passed
            assert found["checks"][label(check)] == []


@pytest.mark.parametrize(
    ("mutant", "by"),
    [
        ("silent soma", "C19"), ("shuffled gamma", "C17"), ("current context", "C17"), ("no network", "C17"),
        ("untrained network", "C17"), ("reversed dW", "C18"), ("random dW", "C18"), ("no dW", "C18"), ("open gate", "C4"),
        ("shuffled trials", "C2"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_the_check_that_was_made_for_it_rejects_it(powers, mutant, by):
    [row] = [row for row in powers[1]["mutants"] if row["name"] == mutant]
    assert by in {name.split()[0] for name in row["rejected_by"]}, row


def test_a_silent_soma_leaves_the_trace_of_the_basal_potential_and_no_other():
    """Why the gate is also read from spikes: the voltage form knows of no soma."""
    bench = bench_of((0,))
    [silent] = [mutant for mutant in MUTANTS if mutant.name == "silent soma"]
    wrong = mutate(bench, silent, WORLDS)
    assert wrong.base[0].rate.max() == 0
    np.testing.assert_array_equal(wrong.base[0].eligibility, bench.base[0].eligibility)
    spike = wrong.run("spike gate", 0, wrong.few, eligibility="spike")
    assert np.abs(spike.batch_change).max() == 0


def test_a_random_world_has_its_own_rule():
    world = random_world(WORLDS("intact"))
    np.testing.assert_array_equal(world.circuit.gamma, world.population.modulators(world.population.score))
    assert world.many.phase.size == MANY
    assert (world.circuit.z_pre >= 0).all()


def test_a_table_names_what_has_no_power():
    """A mutant that is right is rejected by nothing, and then the checks have no power either."""
    bench = bench_of((0,))
    measures = [measure for measure in QUICK if measure.__name__ in ("potentials", "recorded")]
    checks = [check for measure in measures for check in measure(bench)]
    harmless = MUTANTS[0].__class__(name="harmless", what="nothing is wrong")
    found = table(bench, checks, measures, WORLDS, (harmless,))
    assert found["unrejected"] == ["harmless"]
    assert set(found["powerless"]) == {label(check) for check in checks if check.passed}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_whole_table_over_three_seeds(monkeypatch):
    """With the variants of the circuit; no run is needed but for the lesions of C10, whose rows are self-tests."""
    bench = bench_of((0, 1, 2))
    measures = [measure for measure in MEASURES if measure.__name__ != "dissociation"]
    checks = [check for measure in measures for check in measure(bench)]
    found = table(bench, checks, measures, WORLDS)
    leaky = [name for name, held in found["held"].items() if name.startswith("C12") and held]
    # soma and tuft of the made population are alike, so that a regression on the soma takes the prediction out too: C12 fails there intact
    assert found["unrejected"] == ([] if leaky else ["no dW of variants"])
    assert found["powerless"] == []
    assert {row["name"] for row in found["mutants"]} == {mutant.name for mutant in MUTANTS}
    assert set(OWN) == {"dale", "context_delay", "somatic_leak"}
