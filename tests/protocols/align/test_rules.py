"""Every rule with a local change is aligned, with the objective that it has; what lacks one is refused by that need."""

import numpy as np
import pytest
import torch
from apical.models import Network
from apical.models.engine.kept import kept
from apical.plasticity import RULES
from apical.protocols.align import Plan, align
from apical.protocols.align.measure import backprop_change, local_change
from apical.protocols.align.section import section
from apical.protocols.align.top_objective import fit_read_out, gradient, has_twin
from apical.protocols.errors import ConfigError
from apical.protocols.offers import OBJECTIVES, objective_of
from apical.protocols.runs.batches import Batch, Purpose
from apical.protocols.runs.trained import open_run
from rule_runs import Difference, rule_run

SHOWN = Purpose("align-order-test", "align-views-test", "align-pairing-test")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Trained runs by rule, made when they are asked for."""
    place, made = tmp_path_factory.mktemp("rules"), {}

    def run(name, **options):
        if name not in made:
            made[name] = rule_run(place / name, name, **({"options": options} if options else {}))
        return made[name]

    return run


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are not what is tested here."""
    monkeypatch.setattr("apical.protocols.align.run.save", lambda figure, stem: stem.with_suffix(".png"))


def opened(run):
    found = open_run(run)
    network = found.network()
    return found, network, found.batches.batch(SHOWN, torch.arange(16), 0)


def cosine(one, other):
    return float((one * other).sum() / (one.norm() * other.norm()))


@pytest.mark.parametrize("name", ["scff", "lpl", "clapp", "gim"])
def test_at_the_top_the_local_change_is_the_gradient_of_the_rules_own_objective(runs, name):
    run, network, batch = opened(runs(name, **({"others": 3} if name == "gim" else {})))
    top = f"{network.names[-1]}.weight"
    local, losses = local_change(network, run.rule, batch)
    assert objective_of(run.rule) == "own"
    assert cosine(local[top], backprop_change(network, run.rule, batch)[top]) == pytest.approx(1, abs=1e-5)
    assert losses.shape == (len(network.names),)


def test_where_the_engine_has_a_twin_the_plain_gradient_is_the_same(runs):
    run, network, batch = opened(runs("lpl"))
    assert has_twin(run.rule)
    plain = gradient(network, run.rule, batch)
    for name, change in backprop_change(network, run.rule, batch).items():
        torch.testing.assert_close(plain[name], change, rtol=1e-4, atol=1e-8)
    assert not any(p.weight.requires_grad for p in network.populations)


def test_what_a_step_leaves_behind_is_put_back(runs):
    run, network, batch = opened(runs("softhebb"))
    before = {name: buffer.clone() for name, buffer in network.buffers.items()}
    assert before
    local_change(network, run.rule, batch)
    backprop_change(network, run.rule, batch, fit_read_out(network, run.rule, [batch], 10))
    with kept(network):
        for buffer in network.buffers.values():
            buffer.add_(1)
    assert all(torch.equal(network.buffers[name], value) for name, value in before.items())


def test_a_rule_without_an_objective_is_compared_with_a_read_out_of_the_classes(runs, undrawn):
    run = runs("softhebb")
    result = align([run], Plan(batches=2, batch_size=8, last=True), progress=False)
    assert result["objective"] == {"softhebb": OBJECTIVES["read-out"]}
    assert any(OBJECTIVES["read-out"] in line for line in section(result).summary)
    assert all(np.isfinite(result["cosine"]["softhebb"]["0"]))


def test_the_gradient_of_the_read_out_is_that_of_its_squared_error(runs):
    run, network, batch = opened(runs("softhebb"))
    read_out = fit_read_out(network, run.rule, [batch], len(run.stimulus.train.classes))
    top = network.populations[-1]
    change = gradient(network, run.rule, batch, read_out)[f"{top.name}.weight"]

    def error(weight):
        held = top.weight.clone()
        top.weight.copy_(weight)
        pre = batch.images
        for p in network.populations:
            pre = p.relay(pre, None, learning=True) if p.relay is not None else pre
            pre = p.forward(pre, p.weight, p.bias).rate
        top.weight.copy_(held)
        wanted = torch.nn.functional.one_hot(batch.label, len(read_out.weight)).float()
        return float((top.pooled(pre) @ read_out.weight.T + read_out.bias - wanted).square().sum(1).mean() / 2)

    step = 1e-3 / float(change.norm())
    fall = (error(top.weight - step * change) - error(top.weight + step * change)) / (2 * step)
    assert fall == pytest.approx(float(change.square().sum()), rel=0.05)


def test_unlabelled_images_leave_nothing_to_compare_with(runs):
    run, network, batch = opened(runs("softhebb"))
    unlabelled = Batch(batch.images, None, torch.full_like(batch.label, -1))
    with pytest.raises(
        ConfigError, match=r"align\.objective: expected labelled images for a rule without an objective"
    ):
        fit_read_out(network, run.rule, [unlabelled], 10)
    with pytest.raises(
        ConfigError, match=r"align\.objective: expected images of two classes or more for SoftHebb, .* got 1"
    ):
        fit_read_out(network, run.rule, [Batch(batch.images, None, 0 * batch.label)], 1)


def test_a_supervised_rule_is_compared_with_its_own_class_loss(runs, undrawn):
    run, network, batch = opened(runs("dfa"))
    assert isinstance(network, Network)
    twin = backprop_change(network, run.rule, batch)
    head = network.head
    rate = network.populations[-1].pooled(_rates(network, batch.images))
    loss = torch.nn.functional.cross_entropy(rate @ head.T, batch.label)
    result = align([runs("dfa")], Plan(batches=2, batch_size=8, last=True), progress=False)
    assert result["objective"] == {"dfa": OBJECTIVES["head"]}
    assert float(local_change(network, run.rule, batch)[1][0]) == pytest.approx(float(loss), rel=1e-4)
    assert set(twin) == {f"{name}.weight" for name in network.names}


def _rates(network, pre):
    for population in network.populations:
        pre = population.forward(pre, population.weight, population.bias).rate
    return pre


def test_rules_side_by_side_are_named_and_bear_their_objectives(runs, undrawn):
    result = align([runs("lpl"), runs("softhebb")], Plan(batches=2, batch_size=8, last=True), progress=False)
    assert set(result["objective"]) == {"lpl", "softhebb"}
    said = " ".join(section(result).summary)
    assert "compared with, of lpl:" in said
    assert "compared with, of softhebb:" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lpl", r"got backprop: the rule of .* has no apical dendrites that learn \(Needs.sources\)"),
        ("clapp", r"matrices that are read against the order of glances, .* \(Needs.transport, .backwards, .others\)"),
        ("dfa", r"no apical dendrites that learn \(Needs.sources\)"),
        ("difference", r"a second factor of its own, so that a change is not linear in B \(Needs.second\)"),
    ],
)
def test_what_has_no_matrix_that_could_be_fitted_is_refused_by_the_need(runs, monkeypatch, name, said):
    monkeypatch.setitem(RULES, "difference", Difference)
    with pytest.raises(ConfigError, match=said):
        align([runs(name)], Plan(batches=2, fit_b="backprop"), progress=False)
