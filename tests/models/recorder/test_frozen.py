"""A frozen network answers with the signals that the engine itself computes, and stays as it is."""

import pytest
import torch
from apical.models import Collector
from apical.models.engine import Architecture, build_blocks, build_engine, build_network, rates
from apical.models.errors import ModelError
from apical.models.networks.contexts import suffixes
from apical.models.populations.geometry import apical_units
from apical.models.recorder.extras import Extras
from apical.models.recorder.frozen import Frozen, modulated, shapes_of, sources_of
from apical.plasticity import RULES, Blockwise, ClappPP, ForwardForward, PhyLL, Softplus, pair

OBJECTS = 3
CLOSE = {"rtol": 1e-9, "atol": 1e-9, "equal_nan": True}
ARCHITECTURE = Architecture("vgg6", (3, 16, 16), width=0.03125, grids=(4, 2, 2, 2, 1, 1))
PREDICTING = {
    "lateral": ClappPP(context="lateral"),
    "dfb": ClappPP(context="dfb", contrast=Softplus()),
    "both": ClappPP(context="both"),
    "dendritic-prediction": RULES["dendritic-prediction"](context="both"),
    "burst-dependent": RULES["burst-dependent"](context="dfb"),
    "clapp": RULES["clapp"](),
    "clapp-s": RULES["clapp-s"](),
    "gim": RULES["gim"](),
}


class Seen:
    """Observer that keeps what drove plasticity."""

    def __init__(self):
        self.told = {}

    def local(self, population, activity, signals, factors, squares):
        self.told[population.name] = activity, signals, factors

    def backprop(self, population, activity, squares):
        self.told[population.name] = activity, None, None


def network_of(rule, seed=0):
    return build_network(ARCHITECTURE, rule, seed=seed, classes=10).to(torch.device("cpu"), torch.float64)


def images_of(rows=2 * OBJECTS, seed=5):
    return torch.randn(rows, 3, 16, 16, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def stepped(network, rule, images, pairing, label=None):
    """Signals of one step of the engine, which keeps its changes to itself."""
    engine = build_engine(network, rule, learning_rate=1.0)
    engine.optimiser = Collector()
    for name, weight in network.weights().items():
        engine.optimiser.register(name, weight)
    seen = Seen()
    engine.step(images, pairing, seen, label=label)
    return seen.told


def everything(network):
    return {name: torch.arange(shape[0] * shape[1] * shape[2]) for name, shape in shapes_of(network).items()}


@pytest.mark.parametrize("name", PREDICTING)
@pytest.mark.parametrize("stays", [True, False], ids=["fixation", "saccade"])
def test_answers_are_the_signals_of_a_step(name, stays):
    rule = PREDICTING[name]
    network, images = network_of(rule), images_of()
    generator = torch.Generator().manual_seed(3)
    pairing = pair(
        OBJECTS, negatives=rule.needs.negatives, phases=rule.needs.phases, others=rule.needs.others, generator=generator
    )
    seen = pairing.fixation if stays else pairing.shown
    # every row, and then what follows it
    lived = torch.stack([torch.arange(2 * OBJECTS), seen], 1).flatten()

    frozen = Frozen(network, rule, everything(network), context="before")
    parts = [
        frozen.show(images[lived[i : i + 5]], torch.full((5,), stays)[: len(lived) - i])
        for i in range(0, len(lived), 5)
    ]
    told = stepped(network, rule, images, pairing)

    for population in network.populations:
        activity, signals, factors = told[population.name]
        units = everything(network)[population.name]
        answers = [part[population.name] for part in parts]
        torch.testing.assert_close(torch.cat([a.rate for a in answers])[1::2], activity.rate[seen].flatten(1), **CLOSE)
        torch.testing.assert_close(
            torch.cat([a.basal for a in answers])[1::2], activity.basal[seen].flatten(1), **CLOSE
        )
        assert list(answers[0].apical) == list(suffixes(rule.needs.sources))
        for source in suffixes(rule.needs.sources):
            potential = signals.apical[source].potential
            expected = potential[:, apical_units(population, units, potential.shape[1])]
            torch.testing.assert_close(torch.cat([a.apical[source] for a in answers])[1::2], expected, **CLOSE)
            phase = factors.phases[source]
            score = torch.cat([a.score[source] for a in answers])[1::2]
            torch.testing.assert_close(score, phase.score_fixation if stays else phase.score_saccade, **CLOSE)
            if modulated(rule)[1]:
                gamma = torch.cat([a.gamma[source] for a in answers])[1::2]
                torch.testing.assert_close(gamma, phase.gamma_fixation if stays else phase.gamma_saccade, **CLOSE)


@pytest.mark.parametrize("name", ["scff", "forward-forward"])
def test_goodness_of_a_glance_is_that_of_a_positive_presentation(name):
    rule = {"scff": RULES["scff"](), "forward-forward": ForwardForward(presentation="hybrids")}[name]
    network, images = network_of(rule), images_of(OBJECTS)
    frozen = Frozen(network, rule, everything(network), context="before")
    answers = frozen.show(images, torch.zeros(OBJECTS, dtype=torch.bool).logical_not())
    told = stepped(network, rule, torch.cat([images, images]), pair(OBJECTS, negatives="opposite"))
    for population, answer in answers.items():
        activity, _, factors = told[population]
        torch.testing.assert_close(answer.rate, activity.rate[:OBJECTS].flatten(1), **CLOSE)
        torch.testing.assert_close(answer.basal, activity.basal[:OBJECTS].flatten(1), **CLOSE)
        assert answer.apical == {}
        torch.testing.assert_close(answer.score["basal"], factors.phases["basal"].score_fixation[:OBJECTS], **CLOSE)
        torch.testing.assert_close(answer.gamma["basal"], factors.phases["basal"].gamma_fixation[:OBJECTS], **CLOSE)


@pytest.mark.parametrize("name", ["lpl", "bp-infonce", "dfa"])
def test_rules_without_dendrites_have_basal_potential_and_rate(name):
    rule = RULES[name]()
    network, images = network_of(rule), images_of()
    answers = Frozen(network, rule, everything(network), context="before").show(images, torch.ones(6, dtype=torch.bool))
    label = torch.arange(6) if rule.needs.supervised else None
    told = stepped(network, rule, images, pair(OBJECTS) if label is None else None, label)
    for population, answer in answers.items():
        torch.testing.assert_close(answer.rate, told[population][0].rate.flatten(1), **CLOSE)
        torch.testing.assert_close(answer.basal, told[population][0].basal.flatten(1), **CLOSE)
        assert answer.apical == answer.score == answer.gamma == {}
    assert sources_of(rule) == {}


def test_running_statistics_are_read_and_stay():
    rule = RULES["softhebb"]()
    network, images = network_of(rule), images_of()
    for buffer in network.buffers.values():
        buffer.add_(0.25)
    before = {name: buffer.clone() for name, buffer in network.buffers.items()}
    answers = Frozen(network, rule, everything(network), context="before").show(images, torch.ones(6, dtype=torch.bool))
    for rate, answer in zip(rates(network, images), answers.values(), strict=True):
        torch.testing.assert_close(answer.rate, rate.flatten(1), **CLOSE)
    assert all(torch.equal(network.buffers[name], value) for name, value in before.items())


def test_blocks_answer_with_their_maps():
    rule = Blockwise(features=8, projector=(8, 8))
    network = build_blocks(Architecture("resnet18", (3, 16, 16), width=0.0625), rule, seed=0).to(
        torch.device("cpu"), torch.float64
    )
    images = images_of()
    frozen = Frozen(network, rule, everything(network), context="before")
    answers = frozen.show(images, torch.ones(6, dtype=torch.bool))
    for i, (features, answer) in enumerate(zip(network.rates(images), answers.values(), strict=True)):
        rate = answer.rate.view(6, *frozen.shapes[network.names[i]])
        torch.testing.assert_close(network.expansions[i](rate), features, **CLOSE)
        assert answer.basal is None


def test_other_contexts():
    rule = ClappPP(context="dfb")
    network, images = network_of(rule), images_of()
    units = {"conv1": torch.tensor([3, 40])}
    stays = torch.zeros(6, dtype=torch.bool)
    pooled = network.populations[-1].pooled(rates(network, images)[-1])
    potential = pooled @ network.apical["dfb"][0].weight.T
    rows = apical_units(network.populations[0], units["conv1"], potential.shape[1])

    def apical(context):
        return Frozen(network, rule, units, context=context).show(images, stays)["conv1"].apical

    torch.testing.assert_close(apical("same")["dfb"], potential[:, rows], **CLOSE)
    torch.testing.assert_close(apical(images[2:3])["dfb"], potential[2, rows].expand(6, -1), **CLOSE)
    before = apical("before")["dfb"]
    torch.testing.assert_close(before[1:], potential[:-1, rows], **CLOSE)
    assert before[0].isnan().all()
    assert apical("none") == {}


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
def test_drive_gate_and_eligibility_of_a_pair(context):
    rule = ClappPP(context=context)
    network, images = network_of(rule), images_of()
    units = {p.name: torch.arange(int(torch.tensor(p.shape).prod())) for p in network.populations}
    wanted = ("drive", "gate", "eligibility")
    extras = {p.name: Extras(p, units[p.name], wanted, ("mean",), 5) for p in network.populations}
    frozen = Frozen(network, rule, units, context="before", extras=extras)
    stays = torch.tensor([False, True, False, True, True, False])
    parts = [frozen.show(images[:4], stays[:4]), frozen.show(images[4:], stays[4:])]
    told = stepped(network, rule, images, pair(OBJECTS))
    for name, each in extras.items():
        more = {key: torch.cat([part[name].more[key] for part in parts]) for key in parts[0][name].more}
        apical, gamma = (
            torch.stack([torch.cat([getattr(part[name], key)[s] for part in parts]) for s in rule.needs.sources]) for key in ("apical", "gamma")
        )  # fmt: skip
        torch.testing.assert_close(more["drive"], (gamma[..., None] * apical).sum(0), **CLOSE)
        assert more["drive"][0].isnan().all()
        assert not more["drive"][1:].isnan().any()
        expected = each.values(told[name][0], torch.arange(6), None)
        for key in ("gate", "eligibility"):
            torch.testing.assert_close(more[key], expected[key], **CLOSE)
        for key in ("rate_mean", "basal_mean"):  # kept in single precision
            torch.testing.assert_close(more[key], expected[key], rtol=1e-6, atol=1e-6)


def test_the_drive_of_a_rule_without_dendrites():
    rule = ForwardForward(presentation="hybrids", peer=0.0)
    network, images = network_of(rule), images_of(OBJECTS)
    population = network.populations[2]
    units = torch.arange(int(torch.tensor(population.shape).prod()))
    extras = {population.name: Extras(population, units, ("drive",))}
    frozen = Frozen(network, rule, {population.name: units}, context="before", extras=extras)
    answer = frozen.show(images, torch.ones(OBJECTS, dtype=torch.bool))[population.name]
    rate = answer.rate.view(OBJECTS, *population.shape)
    # gamma * 2 z / places, with half of the weight of a positive row
    expected = rate * answer.gamma["basal"].view(-1, 1, 1, 1) / (population.shape[1] * population.shape[2])
    torch.testing.assert_close(answer.more["drive"], expected.flatten(1), **CLOSE)


def test_a_sweep_ends_where_nothing_above_is_needed(monkeypatch):
    rule = ClappPP(context="lateral")
    network = network_of(rule)
    monkeypatch.setattr(network.populations[2], "forward", None)
    frozen = Frozen(network, rule, {"conv2": torch.arange(4)}, context="before")
    assert list(frozen.show(images_of(), torch.ones(6, dtype=torch.bool))) == ["conv2"]


def test_neuromodulators_that_weigh_a_glance_against_others_are_none():
    assert modulated(ClappPP()) == (True, True)
    assert modulated(RULES["gim"]()) == (True, False)
    assert modulated(ClappPP(contrast=RULES["bp-clapp++"]().contrast)) == (True, True)
    assert modulated(PhyLL(presentation="hybrids")) == (True, False)
    assert modulated(RULES["lpl"]()) == (False, False)


def test_what_does_not_fit_is_refused():
    rule = ClappPP()
    network = network_of(rule)
    with pytest.raises(ModelError, match=r"record\.populations: expected names among conv1, .* got 'conv9'"):
        Frozen(network, rule, {"conv9": torch.arange(2)}, context="none")
    frozen = Frozen(network, rule, {"conv1": torch.arange(2)}, context="none")
    with pytest.raises(
        ModelError, match=r"record\.images: expected the network's shape \(3, 16, 16\), got \(3, 8, 8\)"
    ):
        frozen.show(torch.zeros(1, 3, 8, 8), torch.ones(1, dtype=torch.bool))
