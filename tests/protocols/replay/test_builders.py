"""`apical replay` of every builder that CLAPP++ runs on: a circuit with the engine's own change, or the reason why there is none."""

import numpy as np
import pytest
import torch
from apical.models import Collector
from apical.models.engine import LocalEngine
from apical.models.populations.geometry import places
from apical.models.spiking import extract
from apical.protocols.command.main import main
from apical.protocols.replay import ReplaySettings
from apical.protocols.replay.circuits import load_run
from apical.protocols.replay.learning import apply
from small_runs import make_run

pytest.importorskip("brian2", reason="the bridge needs brian2")

NETWORKS = {
    "scff": {"network": {"builder": "scff", "width": 0.0417}, "grids": [4, 2, 1]},
    "softhebb": {"network": {"builder": "softhebb", "width": 0.0417}, "grids": [4, 2, 1]},
    "mlp": {"network": {"builder": "mlp", "hidden": [20, 12, 8], "width": 1.0}, "grids": []},
}
SHORT = {"units": 4, "trials": 8}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder, made = tmp_path_factory.mktemp("builders"), {}

    def run(builder):
        if builder not in made:
            chosen = NETWORKS[builder]
            words = {f"network__{name}": value for name, value in chosen["network"].items()}
            made[builder] = make_run(folder / builder, rule__grids=chosen["grids"], **words)
        return made[builder]

    return run


@pytest.mark.parametrize(("builder", "population"), [("scff", "conv3"), ("mlp", "dense2")])
def test_the_default_circuit_changes_what_the_engine_changes(runs, builder, population):
    loaded = load_run(runs(builder))
    circuit = loaded.circuit(ReplaySettings(**SHORT))
    assert circuit.name == population
    network = loaded.network.to(torch.device("cpu"), torch.float64)
    shown, rule = loaded.glances(8), loaded.run.rule
    images, pairing = shown.images.double(), shown.pairing
    collector, cell = Collector(), network.populations[network.names.index(population)]
    LocalEngine(network, rule, collector).step(images, pairing)
    changed = loaded.another().to(torch.device("cpu"), torch.float64)
    after = changed.populations[network.names.index(population)].weight
    for place in places(cell):
        part = extract(
            network, images, pairing, rule, population=population, units=range(cell.shape[0]), mass=1.0,
            position=place if circuit.position else None,
        )  # fmt: skip
        apply(changed, part, part.change().sum(0))
    expected = collector.changes[f"{population}.weight"].numpy()
    assert expected.any()
    np.testing.assert_allclose((after - cell.weight).numpy(), expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize(("builder", "words", "said"), [
    ("softhebb", [], r"conv3.transfer: expected relu, the rate of a neuron that spikes, got triangle(1); no population of this network has it"),
    ("scff", ["--population", "conv2"], "conv2.transfer: expected relu, the rate of a neuron that spikes, got triangle(1); choose conv3"),
    ("scff", ["--position", "4,0"], "circuit.position: expected a place on the 4 x 4 map of conv3 (before its pool), got (4, 0)"),
    ("mlp", ["--position", "0,0"], "circuit.position: expected None for dense2, which has no map, got (0, 0)"),
    ("mlp", ["--population", "dense1"], "circuit.z_pre: expected rates of at least 0"),
])  # fmt: skip
def test_what_has_no_circuit_is_said_in_one_sentence(runs, capsys, builder, words, said):
    with pytest.raises(SystemExit) as leaving:
        main(["replay", str(runs(builder)), *words, "--quick", "--quiet", "--json"])
    error = capsys.readouterr().err
    assert (leaving.value.code, said in error, error.count("\n")) == (2, True, 1), error
