"""Formulas of what a step costs, against what is counted while one runs."""

import pytest
import torch
from apical.models.engine import Architecture, build_engine, build_network
from apical.models.networks.columns import vgg6
from apical.models.networks.layer import Layer
from apical.models.parted.cost import apical_bytes, instead, operations, sent, sizes
from apical.models.ranks.ranks import ALONE, Ranks
from apical.plasticity import ClappPP, GreedyInfoMax, Kernels, pair, using
from rank_threads import together
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

LAYERS = (Layer(conv=5, pool=2, grid=2), Layer(conv=6, stride=2, grid=1), Layer(dense=7))
ROWS = 8


def step_of(rule, ranks=ALONE, half=False):
    """A network and its engine after a step in float32."""
    network = build_network(Architecture("layers", (3, 8, 8), layers=LAYERS), rule, seed=0, ranks=ranks)
    engine = build_engine(network, rule, learning_rate=1e-3, ranks=ranks, half=half)
    needs, draws = rule.needs, torch.Generator().manual_seed(0)
    images = torch.randn(ROWS, *network.shape, generator=draws)
    pairing = pair(ROWS // 2, others=needs.others, generator=draws)
    with using(Kernels("default", "direct")):
        engine.step(images[ranks.own(ROWS)], pairing)
    return network, dict(ranks.sent), engine


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize(
    "rule",
    [ClappPP(), ClappPP(context="dfb"), ClappPP(context="both"), GreedyInfoMax(others=1)],
    ids=lambda rule: "-".join(rule.needs.sources),
)
def test_bytes_on_the_wire(rule, half):
    of = sizes(step_of(rule)[0], rule.needs.sources)
    for size in (2, 4):
        wanted = sent(of, ROWS, Ranks(0, size), needs=rule.needs, half=half)
        for _, counted, _ in together(size, lambda ranks: step_of(rule, ranks, half)):
            assert counted == wanted


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
def test_operations(context):
    rule = ClappPP(context=context)
    with FlopCounterMode(display=False) as counter:
        network, _, _ = step_of(rule)
    assert operations(sizes(network, rule.needs.sources), ROWS) == counter.get_total_flops()


class Launches(TorchDispatchMode):
    """Counts operations that are more than a view."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


# operations of a population and of a step, as docs/scale.md has them
@pytest.mark.parametrize(("context", "most"), [("lateral", 52), ("dfb", 52), ("both", 86)])
def test_launches_are_a_number_per_population(context, most):
    counts = []
    for depth in (2, 3, 4):
        rule = ClappPP(context=context)
        layers = tuple(Layer(conv=4, grid=2) for _ in range(depth))
        network = build_network(Architecture("layers", (3, 8, 8), layers=layers), rule, seed=0)
        engine = build_engine(network, rule, learning_rate=1e-3)
        images, pairing = torch.randn(ROWS, 3, 8, 8), pair(ROWS // 2)
        with using(Kernels("default", "direct")):
            engine.step(images, pairing)
            with Launches() as launches:
                engine.step(images, pairing)
        counts.append(launches.count)
    each = counts[1] - counts[0]
    assert counts[2] - counts[1] == each > 0
    assert each <= most
    assert counts[0] - 2 * each <= 5


def test_memory_of_apical_weights():
    rule = ClappPP(context="both")
    of = sizes(step_of(rule)[0], rule.needs.sources)

    def held(ranks):
        network, _, engine = step_of(rule, ranks)
        moments = [tensor for name, tensor in engine.optimiser.tensors().items() if ".apical" in name]
        return 4 * sum(t.numel() for t in [*moments, *(p.weight for each in network.apical.values() for p in each)])

    for size in (2, 4):
        assert max(together(size, held)) == apical_bytes(of, Ranks(0, size))


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
def test_at_the_papers_size_factors_are_a_hundredth_of_gradients(context):
    paper = vgg6((3, 32, 32), (8, 4, 4, 4, 2, 2), generator=torch.Generator().manual_seed(0))
    needs = ClappPP(context=context).needs
    of = sizes(paper, needs.sources)
    for size in (2, 4, 8, 64):
        ranks = Ranks(0, size)
        found = sent(of, 64, ranks, needs=needs)
        assert 100 * (sum(found.values()) - found["changes"]) < instead(of, ranks)
