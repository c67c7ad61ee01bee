"""Networks in blocks: where gradients run, what noise does, turns, checkpoints."""

import copy
import math

import pytest
import torch
from apical.models import Collector, ModelError
from apical.models.engine import Architecture, BlockEngine, build_blocks, build_engine, checkpoint, rates
from apical.plasticity import Blockwise, ClappPP, SimCLR, VICReg, pair
from tolerances import assert_changes

SMALL = Architecture("resnet18", (3, 16, 16), 1 / 16)
# no branch starts silent: every weight has a gradient
LOUD = Architecture("resnet18", (3, 16, 16), 1 / 16, zero_init=False)
TINY = {"features": 12, "projector": (10, 8)}
DEVICE = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def images(seed=0, objects=6):
    return torch.randn(2 * objects, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def collected(rule, shown, seed=0, dtype=torch.float64, network=None):
    """Change of every weight in one step, and the losses."""
    network = network or build_blocks(SMALL, rule, seed=seed).to(DEVICE, dtype)
    collector = Collector()
    losses = BlockEngine(network, rule, collector, steps=40).step(shown.to(dtype), pair(len(shown) // 2))
    return collector.changes, losses


def engine_of(rule, seed=0, **options):
    return build_engine(build_blocks(SMALL, rule, seed=seed), rule, learning_rate=1e-2, **options)


def of(changes, block):
    return {name: change for name, change in changes.items() if name.startswith(f"{block}.")}


@pytest.mark.parametrize("expansion", ["conv", "local", "global"])
@pytest.mark.parametrize("objective", [SimCLR(), VICReg()], ids=["simclr", "vicreg"])
def test_changes_are_the_gradient_of_the_blocks_own_loss(expansion, objective):
    rule = Blockwise(objective=objective, expansion=expansion, noise=0.0, **TINY)
    network = build_blocks(LOUD, rule, seed=0).to(DEVICE, torch.float64)
    changes, losses = collected(rule, images(), network=copy.deepcopy(network))
    x = images().double()
    assert changes.keys() == network.weights().keys()
    for i, name in enumerate(network.names):
        weights = network.block_weights(i)
        for weight in weights.values():
            weight.requires_grad_(True)
        network.learning(i, True)
        x = network.trunk[i](x.detach())
        loss = objective(*network.projectors[i](network.expansions[i](x)).chunk(2))
        assert losses[i].item() == pytest.approx(loss.item(), rel=1e-12)
        gradients = torch.autograd.grad(loss, list(weights.values()))
        assert_changes(of(changes, name), dict(zip(weights, gradients, strict=True)))


def test_no_gradient_crosses_a_block():
    """What stands above a block, whatever it is, changes nothing in it; end to end it does."""
    for end_to_end in (False, True):
        rule = Blockwise(noise=0.0, end_to_end=end_to_end, **TINY)
        straight, _ = collected(rule, images())
        network = build_blocks(SMALL, rule, seed=0).to(DEVICE, torch.float64)
        for weight in network.block_weights(3).values():
            weight.mul_(-2.0).add_(0.1)
        other, _ = collected(rule, images(), network=network)
        for block in ("block1", "block2", "block3"):
            same = [torch.equal(straight[name], other[name]) for name in of(straight, block)]
            assert all(same) != end_to_end, block


def test_the_twin_is_the_gradient_through_all_blocks():
    rule = Blockwise(noise=0.0, end_to_end=True, **TINY)
    network = build_blocks(LOUD, rule, seed=0).to(DEVICE, torch.float64)
    changes, losses = collected(rule, images(), network=copy.deepcopy(network))
    weights, x = network.weights(), images().double()
    assert not [name for name in weights if "projector" in name and not name.startswith("block4")]
    for weight in weights.values():
        weight.requires_grad_(True)
    for i, block in enumerate(network.trunk):
        network.learning(i, True)
        x = block(x)
    loss = rule.objective(*network.projectors[3](network.expansions[3](x)).chunk(2))
    gradients = torch.autograd.grad(loss, list(weights.values()))
    assert losses.shape == (1,)
    assert losses.item() == pytest.approx(loss.item(), rel=1e-12)
    assert_changes(changes, dict(zip(weights, gradients, strict=True)))


def test_one_graph_at_a_time(monkeypatch):
    """When the objective of a block is asked for, no map of an earlier block is kept by anybody's graph."""
    alive, freed = [], []

    class Watch(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            token = Token()
            ctx.token = token
            alive.append(id(token))
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient

    class Token:
        def __del__(self):
            freed.append(id(self))

    counts = []

    class Spy:
        def __call__(self, first, second):
            counts.append(len(alive) - len(freed))
            return SimCLR()(Watch.apply(first), second)

    rule = Blockwise(objective=Spy(), noise=0.0, **TINY)
    collected(rule, images())
    assert counts == [0, 0, 0, 0]


@pytest.mark.parametrize("spread", ["all", "map"])
def test_noise_has_the_stated_size_feeds_the_next_block_and_repeats(spread):
    rule = Blockwise(noise=0.5, spread=spread, **TINY)
    network = build_blocks(SMALL, rule, seed=0).to(DEVICE, torch.float64)
    engine = BlockEngine(network, rule, Collector(), seed=3)
    x = torch.randn(40, 8, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = x * torch.arange(1, 9).view(1, 8, 1, 1)
    added = engine._noisy(x, torch.Generator().manual_seed(5)) - x
    expected = 0.5 * (x.std().expand(8) if spread == "all" else x.std((2, 3)).square().mean(0).sqrt())
    torch.testing.assert_close(added.transpose(0, 1).flatten(1).std(1), expected, rtol=0.1, atol=0)
    one, again = (collected(rule, images())[0] for _ in range(2))
    quiet, _ = collected(Blockwise(noise=0.0, **TINY), images())
    assert all(torch.equal(one[name], again[name]) for name in one)
    for block in ("block1", "block4"):
        weight = f"{block}.projector.0.weight"  # silent residual branches have no gradient yet
        assert not torch.equal(one[weight], quiet[weight])


def test_noise_differs_from_step_to_step_and_rates_have_none():
    rule = Blockwise(**TINY)
    network = build_blocks(SMALL, rule, seed=0).to(DEVICE)
    collector = Collector()
    engine = BlockEngine(network, rule, collector)
    seen = []
    for _ in range(2):
        engine.step(images(), pair(6))
        seen.append(collector.changes["block1.projector.0.weight"])
    assert not torch.equal(*seen)
    first, again = rates(network, images()), rates(network, images())
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_blocks_take_turns_and_rest():
    rule = Blockwise(order="sequential", **TINY)
    engine = engine_of(rule, steps=8)
    for step in range(8):
        before = {name: w.clone() for name, w in engine.network.weights().items()}
        still = {n: b.clone() for n, b in engine.network.buffers.items()}
        losses = engine.step(images(step), pair(6))
        moved = {n.partition(".")[0] for n, w in engine.network.weights().items() if not torch.equal(w, before[n])}
        assert moved == {f"block{step // 2 + 1}"}
        assert engine.learning == [f"block{step // 2 + 1}"]
        assert losses.isfinite().tolist() == [i == step // 2 for i in range(4)]
        changed = {n.partition(".")[0] for n, b in engine.network.buffers.items() if not torch.equal(b, still[n])}
        assert changed == {f"block{step // 2 + 1}", "steps"}


def test_features_are_those_of_the_expansion():
    for expansion, sizes in (("conv", [12] * 4), ("global", [4, 8, 16, 32]), ("local", [4, 8, 16, 32])):
        network = build_blocks(SMALL, Blockwise(expansion=expansion, **TINY), seed=0)
        assert [tuple(r.shape) for r in rates(network, images())] == [(12, n) for n in sizes]
    wide = Blockwise(expansion="local", features=64, projector=(8,))
    assert [r.shape[1] for r in rates(build_blocks(SMALL, wide, seed=0), images())] == [64, 32, 64, 32]


def test_the_trunk_depends_on_the_seed_and_not_on_the_rule():
    one, two = (build_blocks(SMALL, r, seed=0).trunk for r in (Blockwise(**TINY), Blockwise(end_to_end=True, **TINY)))
    for a, b in zip(one, two, strict=True):
        assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.parametrize("options", [{}, {"order": "sequential"}, {"end_to_end": True, "noise": 0.0}], ids=str)
@pytest.mark.parametrize("optimiser", ["adamw", "lars"])
def test_resumed_equals_uninterrupted_bit_for_bit(options, optimiser, tmp_path):
    rule = Blockwise(**options, **TINY)
    straight, first, second = (engine_of(rule, seed=s, optimiser=optimiser, steps=8) for s in (0, 0, 9))
    for i in range(6):
        straight.step(images(i), pair(6))
    for i in range(3):
        first.step(images(i), pair(6))
    checkpoint.save(tmp_path, first, checkpoint.State(3, 0.0, {}, ""), keep=1)
    checkpoint.load(checkpoint.found(tmp_path)[-1], second)
    second.seed = straight.seed
    for i in range(3, 6):
        second.step(images(i), pair(6))
    for kind in ("weights", "buffers"):
        one, two = ((e.network.weights() if kind == "weights" else e.network.buffers) for e in (straight, second))
        assert one.keys() == two.keys()
        assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bf16"])
def test_a_few_steps_lower_every_blocks_loss(half):
    engine = engine_of(Blockwise(objective=SimCLR(), **TINY), half=half)
    shown = images(1)
    shown[6:] = shown[:6] + 0.1 * images(2)[6:]
    losses = [engine.step(shown, pair(6)) for _ in range(25)]
    # between a third and a half is left after these few steps, whatever the machine
    assert all(later < 0.8 * earlier for earlier, later in zip(losses[0], losses[-1], strict=True))
    assert losses[0].dtype == torch.float32


def test_settled_statistics_are_those_of_the_images():
    network = build_blocks(SMALL, Blockwise(**TINY), seed=0)
    shown = 3 + images(objects=50)
    before = {name: w.clone() for name, w in network.weights().items()}
    for _ in range(30):
        network.settle(shown, 50)
    stem = network.trunk[0].stem
    expected = stem.conv(shown).mean((0, 2, 3))
    torch.testing.assert_close(stem.norm.running_mean, expected, rtol=0.1, atol=0.05)
    assert all(torch.equal(w, before[name]) for name, w in network.weights().items())
    assert int(network.steps) == 0


def test_a_diverging_loss_is_handed_on():
    engine = engine_of(Blockwise(**TINY))
    assert math.isnan(engine.step(images() * math.nan, pair(6))[0].item())


@pytest.mark.parametrize(("build", "message"), [
    (lambda: engine_of(Blockwise(order="sequential", **TINY)), r"engine.steps: expected at least 4 steps for sequential training, one per block, got None"),
    (lambda: engine_of(Blockwise(**TINY), optimiser="adam"), r"optimiser.name: expected one of adamw, sgd, lars, .*got 'adam'"),
    (lambda: build_engine(build_blocks(SMALL, Blockwise(**TINY), seed=0), ClappPP(), learning_rate=1.0), r"network.blocks: expected a network in blocks"),
    (lambda: engine_of(Blockwise(**TINY), factors=(1.0, 2.0)), r"optimiser.factors: expected 4 numbers"),
])  # fmt: skip
def test_misuse_is_refused(build, message):
    with pytest.raises(ModelError, match=message):
        build()
