"""Every local rule: the changes of a population's circuits, all places and sources together, are the engine's own."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from apical.models import Collector, ModelError
from apical.models.engine import Architecture, LocalEngine, build_network
from apical.models.populations.geometry import places
from apical.models.spiking import extract
from apical.models.spiking.lived import circuit_sources
from apical.plasticity import (
    LPL,
    SCFF,
    BPClassifier,
    BurstDependent,
    Clapp,
    ClappPP,
    ClappS,
    DendriticPrediction,
    ForwardForward,
    GreedyInfoMax,
    Needs,
    PhyLL,
    SoftHebb,
    Softplus,
    pair,
)

OBJECTS = 4
SOFT = Softplus()


@dataclass(frozen=True, slots=True, kw_only=True)
class Halved(ClappPP):
    """A foreign rule: the drive is not what its needs declare."""

    def factors(self, signals):
        found = ClappPP.factors(self, signals)
        return replace(found, drive=found.drive * signals.rate)


class Owned(Halved):
    """The same, declared."""

    @property
    def needs(self):
        return replace(ClappPP.needs.fget(self), second="own")


RULES = {
    "clapp++ both": ClappPP(context="both", contrast=SOFT), "clapp": Clapp(contrast=SOFT), "clapp-s": ClappS(contrast=SOFT, others=3),
    "gim": GreedyInfoMax(others=3), "dendritic-prediction both": DendriticPrediction(context="both", contrast=SOFT),
    "burst-dependent": BurstDependent(context="dfb", contrast=SOFT), "lpl": LPL(), "lpl stale": LPL(stale=True),
    "scff": SCFF(penalty=0.1), "forward-forward": ForwardForward(presentation="hybrids", peer=0.5), "phyll": PhyLL(presentation="hybrids"),
    "softhebb": SoftHebb(), "foreign": Owned(contrast=SOFT),
}  # fmt: skip


def shown(rule):
    """A network, what it sees and who follows whom."""
    network = build_network(Architecture("vgg6", (2, 16, 16), 1 / 32, grids=(4, 2, 2, 2, 2, 1)), rule, seed=3)
    network.to(torch.device("cpu"), torch.float64)
    draws, needs = torch.Generator().manual_seed(1), rule.needs
    seen = torch.rand(2 * OBJECTS, 2, 16, 16, generator=draws, dtype=torch.float64)
    if needs.presentation == "images":
        return network, seen, None
    pairing = pair(OBJECTS, negatives=needs.negatives, phases=needs.phases, others=needs.others, generator=draws)
    return network, seen, pairing


# conv4 pools; without it, by default one rule with apical dendrites, one that forgets, and one from outside
UNPOOLED = ("clapp++ both", "softhebb", "foreign")


@pytest.mark.parametrize(
    ("name", "population"),
    [(name, "conv4") for name in RULES]
    + [pytest.param(name, "conv3", marks=() if name in UNPOOLED else pytest.mark.slow) for name in RULES],
)
def test_circuits_of_all_places_and_sources_change_what_the_engine_changes(name, population):
    rule = RULES[name]
    network, seen, pairing = shown(rule)
    cell = network.populations[network.names.index(population)]
    found = np.zeros(cell.weight.shape).reshape(len(cell.weight), -1)
    for source in circuit_sources(rule):
        for place in places(cell):
            c = extract(
                network, seen, pairing, rule, population=population, units=range(len(cell.weight)), source=source, position=place, mass=1.0
            )  # fmt: skip
            where, change = c.of_weights(c.change().sum(0))
            np.add.at(found, (slice(None), where), change)
    collector = Collector()
    LocalEngine(network, rule, collector).step(seen, pairing)
    expected = collector.changes[f"{population}.weight"]
    if rule.needs.forgets:  # what a synapse forgets is in no trial
        forgetting = SoftHebb.factors(rule, _signals(network, seen, population)).decay
        expected = expected + forgetting.view(-1, 1, 1, 1) * cell.weight
    expected = expected.numpy().reshape(found.shape)
    assert expected.any()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


def _signals(network, seen, population):
    from apical.models.spiking.extract import _sweep

    return _sweep(network, network.names.index(population), seen, None, SoftHebb())[1]


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if not name.startswith(("clapp", "gim"))])
def test_what_the_rule_is_told_of_the_rate_network_gives_its_own_second_factor(name):
    network, seen, pairing = shown(RULES[name])
    c = extract(network, seen, pairing, RULES[name], population="conv4", units=4, trials=6)
    assert np.abs(c.post).max() > 0
    part = c.take([1, 4])
    np.testing.assert_allclose(part.told(part.trial, part.basal, part.rate, part.prediction), c.post[[1, 4]], rtol=1e-9)
    moved = part.told(part.trial, part.basal + 0.1, part.rate + 0.1, part.prediction + 0.1)
    assert not np.allclose(moved, part.post)


def test_a_drive_that_is_not_what_the_needs_declare_is_refused_by_that_need():
    rule = Halved(contrast=SOFT)
    with pytest.raises(
        ModelError,
        match=r"Halved\.needs\.second: expected a drive that is neuromodulator times apical .* declare second='own'",
    ):
        extract(*shown(rule), rule, population="conv4")


def test_a_rule_without_factors_and_one_without_its_neuromodulator_are_refused():
    rule = LPL()
    network, seen, pairing = shown(rule)
    with pytest.raises(
        ModelError, match=r"circuit\.rule: expected a rule of engine local, .* got BPClassifier of engine backprop"
    ):
        extract(network, seen, pairing, BPClassifier(), population="conv4")

    class Silent(LPL):
        needs = Needs(records=("basal", "rate", "neuromodulator"))

    with pytest.raises(
        ModelError, match=r"Silent\.needs\.records: expected factors with the neuromodulator of 'basal', got none"
    ):
        extract(network, seen, pairing, Silent(), population="conv4")


def test_a_source_that_the_rule_has_not_is_refused_with_those_that_it_has():
    with pytest.raises(ModelError, match=r"circuit\.source: expected one of basal, got 'dfb'"):
        extract(*shown(LPL()), LPL(), population="conv4", source="dfb")
    with pytest.raises(ModelError, match=r"circuit\.source: expected one of lateral, lateral-back, got 'retro'"):
        extract(*shown(RULES["gim"]), RULES["gim"], population="conv4", source="retro")
