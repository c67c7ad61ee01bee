"""Several ranks do what one process does: weights, losses, and what each of them holds."""

import pytest
import torch
from apical.models.engine import Architecture, build_engine, build_network
from apical.models.engine.feedback import FeedbackEngine
from apical.models.errors import ModelError
from apical.models.networks.layer import Layer
from apical.models.ranks.ranks import ALONE, Ranks
from apical.plasticity import RULES, Backprop, ClappPP, GreedyInfoMax, pair
from rank_threads import together

LAYERS = (
    Layer(conv=5, pool=2, grid=2),
    Layer(conv=6, grid=1),
    Layer(dense=7),
)
ROWS, STEPS = 24, 8
RULE = {
    "lateral": ClappPP(),
    "dfb": ClappPP(context="dfb"),
    "both": ClappPP(context="both", negatives="random", phases="either"),
    "transport": GreedyInfoMax(others=2),
    "backprop": Backprop(ClappPP(context="both")),
}


def network_of(rule, ranks: Ranks = ALONE, layers=LAYERS):
    architecture = Architecture("layers", (2, 8, 8), layers=layers)
    return build_network(architecture, rule, seed=0, classes=3, ranks=ranks).to(torch.device("cpu"), torch.float64)


def trained(rule, ranks: Ranks = ALONE, steps: int = STEPS, **optimiser):
    """Weights by name, of B the own rows; losses of the last step; the engine."""
    network = network_of(rule, ranks)
    engine = build_engine(network, rule, learning_rate=1e-3, weight_decay=0.01, ranks=ranks, **optimiser)
    needs, draws = rule.needs, torch.Generator().manual_seed(1)
    for _ in range(steps):
        images = torch.randn(ROWS, *network.shape, dtype=torch.float64, generator=draws)
        pairing = pair(ROWS // 2, negatives=needs.negatives, phases=needs.phases, others=needs.others, generator=draws)
        losses = engine.step(images[ranks.own(ROWS)], pairing)
    return {name: weight.detach().clone() for name, weight in network.weights().items()}, losses, engine


@pytest.mark.parametrize("word", RULE)
def test_any_number_of_ranks_ends_with_the_weights_of_one_process(word):
    rule = RULE[word]
    wanted, losses, _ = trained(rule)
    start = network_of(rule).weights()
    assert all(not torch.allclose(wanted[name], start[name].detach(), atol=1e-5) for name in wanted)
    for size in (2, 4):
        ranks = together(size, lambda rank: trained(rule, rank))
        for name, weight in wanted.items():
            apical = name.endswith(".apical")
            own = [weights[name] for weights, _, _ in ranks]
            for found in [torch.cat(own)] if apical else own:
                torch.testing.assert_close(found, weight, rtol=0, atol=1e-10)
        for _, found, _ in ranks:
            torch.testing.assert_close(found, losses, rtol=0, atol=1e-10)


@pytest.mark.parametrize("word", ["clapp", "clapp-s", "lpl", "dendritic-prediction", "burst-dependent", "phyll"])
def test_every_rule_of_pooled_rates_runs_on_ranks(word):
    rule = RULES[word]()
    told = {"steps": 3, "optimiser": "sgd"}  # AdamW makes a whole step of a bias's change of 1e-18, which LPL's has
    wanted, losses, _ = trained(rule, **told)
    for rank, (weights, found, _) in enumerate(together(3, lambda ranks: trained(rule, ranks, **told))):
        torch.testing.assert_close(found, losses, rtol=0, atol=1e-10)
        for name, weight in weights.items():
            rows = Ranks(rank, 3).own(len(wanted[name])) if name.endswith(".apical") else slice(None)
            torch.testing.assert_close(weight, wanted[name][rows], rtol=0, atol=1e-10, msg=name)


def test_each_rank_holds_its_rows_of_every_apical_matrix_and_their_moments():
    def held(rank):
        _, _, engine = trained(ClappPP(context="both"), rank)
        moments = engine.optimiser.tensors()
        apical = [name for name in engine.network.weights() if name.endswith(".apical")]
        numbers = [engine.network.weights()[name].numel() for name in apical]
        both = [moments[f"{name}.{word}"].numel() for name in apical for word in ("first", "second")]
        return sum(numbers), sum(both)

    whole, moments = held(ALONE)
    assert moments == 2 * whole
    for size in (2, 4):
        shares = together(size, held)
        assert sum(own for own, _ in shares) == whole
        assert all(both == 2 * own for own, both in shares)
        widest = max(
            weight.shape[1]
            for name, weight in network_of(ClappPP(context="both")).weights().items()
            if "." in name and weight.dim() == 2
        )
        assert (
            max(own for own, _ in shares) <= whole / size + 6 * widest
        )  # six matrices, one row more where it does not divide


@pytest.mark.parametrize("word", ["softhebb", "scff", "fa", "dfa", "forward-forward"])
def test_a_rule_that_sees_the_batch_otherwise_is_refused_by_name(word):
    rule = RULES[word]()
    transfer = rule.needs.transfer or "relu"
    layers = (Layer(dense=5, transfer=transfer), Layer(dense=4, transfer=transfer))
    assert network_of(rule, layers=layers)
    with pytest.raises(
        ModelError,
        match=f"expected a rule of block-pooled rates .* on 2 ranks, got {type(rule).__name__}, whose .*one process",
    ):
        network_of(rule, Ranks(0, 2), layers)


def test_statistics_of_a_batch_are_refused():
    with pytest.raises(ModelError, match=r"2\.relay: expected none or unit length on 2 ranks, got BatchNorm"):
        network_of(ClappPP(), Ranks(0, 2), (Layer(conv=4), Layer(conv=4, relay="batchnorm")))


def test_an_engine_without_ranks_is_alone():
    assert FeedbackEngine.ranks is ALONE


@pytest.mark.parametrize("word", ["lateral", "dfb"])
def test_ranks_take_their_rows_in_chunks(word):
    wanted, _, _ = trained(RULE[word], steps=3)
    ranks = together(2, lambda rank: trained(RULE[word], rank, steps=3, chunk=5))
    for name, weight in wanted.items():
        own = [weights[name] for weights, _, _ in ranks]
        for found in [torch.cat(own)] if name.endswith(".apical") else own:
            torch.testing.assert_close(found, weight, rtol=0, atol=1e-10)


def test_ranks_sweep_once():
    with pytest.raises(ModelError, match=r"engine\.recompute: expected false on 2 ranks"):
        trained(RULE["dfb"], Ranks(size=2), steps=0, recompute=True)
