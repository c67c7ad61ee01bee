"""Context sources: a row says whose rates arrive; engine, circuits and recordings follow from it."""

import numpy as np
import pytest
import torch
from apical.models import Collector, ModelError, Network, Recorder, RecorderSpec, mlp, wire
from apical.models.engine import LocalEngine
from apical.models.networks.contexts import CONTEXTS, Context, awaited, suffixes, whose
from apical.models.spiking.extract import extract
from apical.plasticity import Apical, Clapp, ClappPP, Needs, Signals, clapp, pair

OBJECTS = 5


@pytest.fixture
def rows(monkeypatch):
    """Two further sources: the population just above, and the one just below; and words of CLAPP++ for them."""
    monkeypatch.setitem(CONTEXTS, "above", Context(lambda own, count: min(own + 1, count - 1), suffix="above"))
    monkeypatch.setitem(CONTEXTS, "below", Context(lambda own, count: max(own - 1, 0), suffix="below"))
    monkeypatch.setitem(clapp.SOURCES, "above", ("above",))
    monkeypatch.setitem(clapp.SOURCES, "below", ("below",))
    monkeypatch.setitem(clapp.SOURCES, "around", ("below", "above"))
    monkeypatch.setitem(clapp.SOURCES, "everything", ("dfb", "lateral", "above", "below"))


def seen(rule, seed=0):
    g = torch.Generator().manual_seed(seed)
    network = wire(mlp((2, 3, 3), (11, 7, 6, 5), generator=g), rule.needs.sources, generator=g)
    network.to(torch.device("cpu"), torch.float64)
    return network, torch.randn(2 * OBJECTS, 2, 3, 3, generator=g, dtype=torch.float64), pair(OBJECTS)


def local_objectives(network: Network, rule, images, pairing):
    """Sum over populations of the objective, every pre-synaptic rate and every context detached: its gradient is the local change."""
    rates, pre = [], images.flatten(1)
    for p in network.populations:
        pre = torch.relu(pre.detach() @ p.weight.T + p.bias)
        rates.append(pre)
    total, count = torch.zeros((), dtype=torch.float64), len(rates)
    for i, rate in enumerate(rates):
        apical = {}
        for source in rule.needs.sources:
            context = rates[whose(source, i, count)].detach()
            apical[source] = Apical(context, context @ network.apical[source][i].weight.T)
        total = total + rule.objective(Signals(rate, apical, pairing))
    return total


@pytest.mark.parametrize("context", ["lateral", "dfb", "both", "above", "below", "around", "everything"])
def test_changes_are_the_gradients_of_every_populations_own_objective(rows, context):
    rule = ClappPP(context=context)
    network, images, pairing = seen(rule)
    catch = Collector()
    LocalEngine(network, rule, catch).step(images, pairing)
    weights = network.weights()
    for weight in weights.values():
        weight.requires_grad_()
    gradients = torch.autograd.grad(local_objectives(network, rule, images, pairing), list(weights.values()))
    for (name, _), gradient in zip(weights.items(), gradients, strict=True):
        assert (catch.changes[name] + gradient).norm() <= 1e-9 * gradient.norm() + 1e-15, name


@pytest.mark.parametrize(("context", "order"), [
    ("lateral", "f0 p0 f1 p1 f2 p2 f3 p3"),
    ("below", "f0 p0 f1 p1 f2 p2 f3 p3"),
    ("above", "f0 f1 p0 f2 p1 f3 p2 p3"),
    ("dfb", "f0 f1 f2 f3 p0 p1 p2 p3"),
])  # fmt: skip
def test_a_population_learns_as_soon_as_its_contexts_are_there(rows, context, order, monkeypatch):
    rule, told = ClappPP(context=context), []
    network, images, pairing = seen(rule)
    engine = LocalEngine(network, rule, Collector())
    forward, plasticity = engine._forward, engine._plasticity
    monkeypatch.setattr(engine, "_forward", lambda i, *a: told.append(f"f{i}") or forward(i, *a))
    monkeypatch.setattr(engine, "_plasticity", lambda i, *a: told.append(f"p{i}") or plasticity(i, *a))
    engine.step(images, pairing)
    assert " ".join(told) == order


def test_b_is_as_wide_as_who_sends(rows):
    network, _, _ = seen(ClappPP(context="everything"))
    shapes = {source: [tuple(p.weight.shape) for p in found] for source, found in network.apical.items()}
    assert shapes["above"] == [(11, 7), (7, 6), (6, 5), (5, 5)]
    assert shapes["below"] == [(11, 11), (7, 11), (6, 7), (5, 6)]
    assert shapes["dfb"] == [(11, 5), (7, 5), (6, 5), (5, 5)]


@pytest.mark.parametrize("population", [0, 1, 3])
def test_a_circuit_is_told_the_rates_that_its_population_is_told(rows, population):
    rule = ClappPP(context="everything")
    network, images, pairing = seen(rule)
    images = images.abs()  # a circuit's inputs are rates
    rates, pre = [], images
    for p in network.populations:
        pre = p.forward(pre, p.weight, p.bias).rate
        rates.append(pre.numpy())
    for source in rule.needs.sources:
        name = network.names[population]
        circuit = extract(network, images, pairing, rule, population=name, source=source, mass=1.0)
        told = rates[whose(source, population, 4)]
        np.testing.assert_allclose(circuit.context, told[circuit.context_row][:, circuit.contexts], rtol=1e-12)


def test_names_in_a_recording(rows):
    assert suffixes(("dfb",)) == {"dfb": ""}
    assert suffixes(("dfb", "lateral")) == {"dfb": "feedback", "lateral": ""}
    assert suffixes(("lateral", "retro")) == {"lateral": ""}
    assert suffixes(("below", "above")) == {"below": "", "above": "above"}
    assert suffixes(()) == {}
    network, _, _ = seen(ClappPP(context="everything"))
    recorder = Recorder(
        network, RecorderSpec(rows=2, units=2), sources=("dfb", "lateral", "above", "below"), losses=network.names, batch_rows=4
    )  # fmt: skip
    table = next(table for table in recorder.tables(1) if table.path == "activity/dense2")
    found = {v.name for v in table.variables if v.name.startswith("apical")}
    assert found == {"apical", "apical_feedback", "apical_above", "apical_below"}


class Sideways:
    """A rule with a source that no row names."""

    needs = Needs(sources=("sideways",))


def test_an_unknown_source_is_refused_by_name():
    message = r"network\.sources: expected some of lateral, retro, dfb, got 'sideways'"
    with pytest.raises(ModelError, match=message):
        wire(mlp((1, 2, 2), (3,), generator=torch.Generator()), ["sideways"], generator=torch.Generator())
    network, _, _ = seen(Clapp())
    network.apical["sideways"] = network.apical["lateral"]
    with pytest.raises(ModelError, match=message):
        LocalEngine(network, Sideways(), Collector())
    assert awaited((), 2, 4) == 2
