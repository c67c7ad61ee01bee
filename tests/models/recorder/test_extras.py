"""Factors, measures and weights beside the usual signals, against the engine's own change and brute force."""

from math import prod

import numpy as np
import pytest
import torch
from apical.models import Collector, ModelError, Moment, Recorder, RecorderSpec
from apical.models.engine import Architecture, build_engine, build_network
from apical.models.populations.pooling import Pooling
from apical.models.recorder.extras import EDGES, Extras, reduced
from apical.models.recorder.probe_batch import ProbeBatch
from apical.models.recorder.units import chosen, class_selectivity, words
from apical.models.recorder.weights import ChosenWeights
from apical.plasticity import RULES, BPClappPP, ClappPP, pair
from apical.recordings import Writer
from apical.recordings import open as open_recording

SMALL = Architecture("vgg6", (3, 16, 16), 1 / 32, grids=(4, 2, 2, 2, 1, 1))
OBJECTS = 4
EVERYTHING = ("basal", "rate", "apical", "score", "neuromodulator", "drive", "gate", "eligibility", "weights", "views")


class Seen:
    def __init__(self):
        self.told = {}

    def local(self, population, activity, signals, factors, moves):
        self.told[population.name] = activity, factors

    def backprop(self, *given):
        pass


def stepped(rule):
    """Network, activity and factors of one step, and the changes that it made, in float64."""
    network = build_network(SMALL, rule, seed=0, classes=10).to(torch.device("cpu"), torch.float64)
    engine = build_engine(network, rule, learning_rate=1.0)
    engine.optimiser = collector = Collector()
    for name, weight in network.weights().items():
        collector.register(name, weight)
    images = torch.randn(2 * OBJECTS, 3, 16, 16, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    seen = Seen()
    label = torch.arange(2 * OBJECTS) if rule.needs.supervised else None
    pairing = pair(OBJECTS, negatives=rule.needs.negatives) if label is None else None
    engine.step(images, pairing, seen, label=label)
    return network, seen.told, collector.changes


@pytest.mark.parametrize("name", ["clapp++", "scff", "fa", "dfa"])
def test_drive_times_eligibility_is_the_change(name):
    """dW = sum over rows and places of drive * eligibility, over the area of a block where the drive is spread over one."""
    rule = RULES[name]()
    network, told, changes = stepped(rule)
    # where a rule of site `neuron` has a pool, the neurons that lose change as well
    populations = [p for p in network.populations[1:] if rule.needs.site == "unit" or not p.pool]
    for population in populations:
        units = torch.arange(int(np.prod(population.shape)))
        synapses = population.weight[0].numel()
        extras = Extras(population, units, ("drive", "gate", "eligibility"), (), synapses)
        activity, factors = told[population.name]
        values = extras.values(activity, torch.arange(2 * OBJECTS), factors)
        # a rule of site `neuron` gives the whole factor, rho' included
        told_by = values["drive"][..., None] * values["eligibility"]
        if rule.needs.site == "neuron":
            told_by = torch.where(values["gate"][..., None] > 0, told_by, 0)
        share = 1 if rule.needs.site == "neuron" or name == "fa" else population.block[0] * population.block[1]
        channels = population.shape[0]
        found = told_by.sum(0).view(channels, -1, synapses).sum(1) / share
        torch.testing.assert_close(found, changes[f"{population.name}.weight"].flatten(1), rtol=1e-8, atol=1e-12)


def test_reductions_are_those_of_numpy():
    values = torch.randn(3, 500, generator=torch.Generator().manual_seed(0)) * 5
    rates = values.relu()
    found = dict(reduced(rates, ("mean", "norm", "sparsity", "histogram"), "rate"))
    array = rates.double().numpy()
    np.testing.assert_allclose(found["mean"], array.mean(1), rtol=1e-5)
    np.testing.assert_allclose(found["norm"], np.sqrt((array**2).sum(1)), rtol=1e-5)
    np.testing.assert_allclose(found["sparsity"], 1 - array.mean(1) ** 2 / (array**2).mean(1), rtol=1e-5)
    edges = np.concatenate([[-np.inf], EDGES, [np.inf]])
    for row, counts in zip(values.numpy(), dict(reduced(values, ("histogram",), "basal"))["histogram"], strict=True):
        np.testing.assert_array_equal(counts, np.histogram(row, edges)[0])
    assert found["histogram"].sum(1).tolist() == [500] * 3
    assert "sparsity" not in dict(reduced(values, ("sparsity",), "basal"))
    assert torch.isnan(dict(reduced(torch.zeros(1, 4), ("sparsity",), "rate"))["sparsity"]).all()


def recorded(path, rule, spec, steps=2, views=None):
    network = build_network(SMALL, rule, seed=0)
    engine = build_engine(network, rule, learning_rate=1e-3)
    given = {} if views is None else {"views": {"crop_top": ("first row of the crop", "pixel")}}
    recorder = Recorder(
        network, spec, sources=rule.needs.sources, losses=network.names, batch_rows=2 * OBJECTS, words=rule.needs.told, **given
    )  # fmt: skip
    images = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(9))
    recorder.probe = ProbeBatch(network, rule, recorder.units, images, torch.arange(5), torch.arange(5))
    befores = []
    with Writer.create(path, recorder.tables(steps), attributes={}) as writer:
        recorder.writer = writer
        for step in range(steps):
            shown = torch.randn(2 * OBJECTS, 3, 16, 16, generator=torch.Generator().manual_seed(step))
            pairing, ids = pair(OBJECTS), torch.arange(OBJECTS).repeat(2)
            befores.append({name: weight.clone() for name, weight in network.weights().items()})
            recorder.begin(Moment(step, 0.0, 8, 1e-3, ids, ids, pairing, views or {}))
            recorder.end(engine.step(shown, pairing, recorder))
    return open_recording(path), network, befores, images


def test_a_recording_of_everything(tmp_path):
    rule = ClappPP(context="both")
    spec = RecorderSpec(
        every=1,
        rows=4,
        chosen=("conv1=3,40,", "conv2=6"),
        variables=EVERYTHING,
        reductions=("mean", "histogram"),
        synapses=3,
    )
    views = {"crop_top": torch.arange(8.0)}
    tree, network, befores, images = recorded(tmp_path / "r.zarr", rule, spec, views=views)
    assert (
        set(tree["activity"].children)
        == set(tree["weights"].children)
        == set(tree["probe"].children)
        == {"conv1", "conv2"}
    )
    table = tree["activity/conv1"]
    assert table.unit_id.values.tolist() == [3, 40]
    assert table.eligibility.dims == ("trial", "unit", "synapse")
    neurons = prod(network.populations[0].shape)
    np.testing.assert_array_equal(
        table.rate_histogram.sum("bin"), neurons, "each neuron of every trial is counted once"
    )
    np.testing.assert_array_equal(table.gate, table.rate > 0)
    # the row that followed row i within a fixation is its other glance
    assert table.crop_top.values[:8:2].tolist() == [4, 5, 6, 7]
    weights = tree["weights/conv1"]
    channel = torch.unravel_index(torch.tensor([3, 40]), network.populations[0].shape)[0]
    after = network.populations[0].weight[channel].flatten(1)
    np.testing.assert_allclose(weights.weight[-1], after, rtol=1e-6)
    np.testing.assert_allclose(
        weights.weight_change[-1], after - befores[-1]["conv1.weight"][channel].flatten(1), rtol=1e-4, atol=1e-9
    )
    np.testing.assert_allclose(weights.weight[0], befores[1]["conv1.weight"][channel].flatten(1), rtol=1e-6)
    assert {"apical_weight", "apical_weight_feedback", "apical_weight_change", "bias"} <= set(weights.data_vars)
    probe = tree["probe/conv2"]
    assert probe.rate.dims == ("step", "stimulus", "unit")
    assert probe.step.values.tolist() == [0, 1]
    before = build_network(SMALL, rule, seed=0)
    pre = images
    for population in before.populations[:2]:
        pre = population.forward(pre, population.weight, population.bias).rate
    np.testing.assert_allclose(probe.rate[0], pre.flatten(1)[:, probe.unit_id.values], rtol=1e-5, atol=1e-6)
    assert not np.allclose(probe.rate[0], probe.rate[1])


def test_usual_tables_are_as_before(tmp_path):
    rule = ClappPP(context="dfb")
    network = build_network(SMALL, rule, seed=0)
    recorder = Recorder(network, RecorderSpec(units=4), sources=("dfb",), losses=network.names, batch_rows=64)
    tables = {table.path: table for table in recorder.tables(10)}
    assert {path.partition("/")[0] for path in tables} == {"metrics", "activity", "updates"}
    names = [variable.name for variable in tables["activity/conv1"].variables]
    assert names == [
        "stimulus_id",
        "context_id",
        "label",
        "epoch",
        "step",
        "phase",
        "basal",
        "rate",
        "apical",
        "neuromodulator",
        "score",
    ]


@pytest.mark.parametrize(("engine", "variables", "words_"), [
    ("backprop", ("drive",), "explicit factors"),
    ("backprop", ("eligibility",), "explicit factors"),
    ("local", ("views",), "augmented glances"),
    ("local", ("rates",), "expected some of basal, rate"),
])  # fmt: skip
def test_what_there_is_not_is_refused(engine, variables, words_):
    rule = BPClappPP() if engine == "backprop" else ClappPP()
    network = build_network(SMALL, rule, seed=0)
    with pytest.raises(ModelError, match=words_):
        Recorder(network, RecorderSpec(variables=variables), sources=(), losses=["conv6"], batch_rows=64, engine=engine)


def test_populations_without_such_signals_are_refused():
    softhebb = build_network(
        Architecture("softhebb", (3, 32, 32), 1 / 16, grids=(1, 1, 1)), RULES["softhebb"](), seed=0
    ).populations
    with pytest.raises(ModelError, match="do not tell the slope of triangle"):
        Extras(softhebb[0], torch.arange(2), ("gate",))
    population = build_network(SMALL, ClappPP(), seed=0).populations[1]
    population.pooling = Pooling("avg")
    with pytest.raises(ModelError, match="a mean pool"):
        Extras(population, torch.arange(2), ("eligibility",))
    sal = build_network(Architecture("mlp", (1, 8, 8), hidden=(6,), areas=2), RULES["sal"](), seed=0, classes=10)
    with pytest.raises(ModelError, match="divided into areas"):
        ChosenWeights(sal, {p.name: p for p in sal.populations}, {p.name: torch.arange(2) for p in sal.populations}, {})


def test_words_choose_units():
    assert chosen("conv1", (2, 3, 3), "all", 0).tolist() == list(range(18))
    assert chosen("conv1", (2, 3, 3), "99", 0).tolist() == list(range(18))
    assert len(chosen("conv1", (2, 3, 3), "5", 0)) == 5
    assert chosen("conv1", (2, 3, 3), "17,3,3", 0).tolist() == [3, 17]
    selectivity = torch.tensor([0.1, torch.nan, 0.9, 0.5])
    assert chosen("conv1", (4,), "selective:2", 0, lambda name: selectivity).tolist() == [2, 3]
    assert words(["8", "b=all"], ["a", "b"]) == {"a": "8", "b": "all"}
    for bad in ("0", "-1", "some", "1,,2", "18,", "selective:2", "selective:0"):
        with pytest.raises(ModelError, match=r"conv1\.units: expected"):
            chosen("conv1", (2, 3, 3), bad, 0)
    for given in (["a=1", "a=2"], ["1", "2"], ["c=1"]):
        with pytest.raises(ModelError, match="units: expected"):
            words(given, ["a", "b"])


def test_selectivity_is_the_share_of_variance_between_classes():
    label = torch.tensor([0, 0, 1, 1, -1])
    rate = torch.tensor([[1.0, 5, 0, 2], [1, 7, 0, 1], [3, 5, 0, 2], [3, 7, 0, 1], [9, 9, 9, 9]])
    found = class_selectivity(rate, label)
    torch.testing.assert_close(found, torch.tensor([1.0, 0, torch.nan, 0]).double(), equal_nan=True)
