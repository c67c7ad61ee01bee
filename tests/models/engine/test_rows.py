"""Rows in chunks and sweeps that are made again: the changes of the plain step, for any wiring, pool, relay and transfer function."""

from collections import Counter

import pytest
import torch
from apical.models import Collector, ModelError
from apical.models.engine import Architecture, LocalEngine, build_engine, build_network, rows
from apical.models.engine.rows import Blocks, chunk_rows
from apical.models.networks.contexts import CONTEXTS, Context
from apical.models.networks.layer import Layer
from apical.models.optimisers.selected import Selected
from apical.models.populations import conv
from apical.models.populations.conv import ConvPopulation
from apical.plasticity import BPClappPP, ClappPP, DirectFeedbackAlignment, SoftHebb, Softplus, pair
from hypothesis import given
from hypothesis import strategies as st
from tolerances import assert_exact

OBJECTS, SIDE = 4, 12
OWN = {
    "max-pool": [{"conv": 5, "pool": 2}, {"conv": 6}, {"conv": 4, "pool": 2}],
    "overlapping": [{"conv": 5, "pool": 4, "pool_stride": 2, "pool_padding": 1}, {"conv": 4, "stride": 2}],
    "average pool": [{"conv": 5, "pool": 2, "pool_kind": "mean"}, {"conv": 6, "pool": 2, "pool_kind": "mean", "transfer": "leaky"}],
    "relays": [{"conv": 4, "relay": "unit"}, {"conv": 6, "pool": 2, "relay": "batchnorm"}, {"conv": 3, "relay": "batchnorm"}],
    "transfers": [{"conv": 4, "transfer": "triangle(0.7)", "pool": 2}, {"conv": 5, "transfer": "identity"}, {"conv": 4, "rim": "reflect"}],
    "dense above": [{"conv": 5, "pool": 2}, {"dense": 7}, {"dense": 4}],
}  # fmt: skip
CONTEXTS_OF = ["lateral", "dfb", "both"]


def stepped(own, rule, *, watch=None, rows=2 * OBJECTS, **how):
    """Changes, losses and buffers of two steps on other images; the first moves the buffers alone."""
    architecture = Architecture("layers", (3, SIDE, SIDE), layers=tuple(Layer(**layer) for layer in own))
    network = build_network(architecture, rule, seed=2).to(torch.device("cpu"), torch.float64)
    catch = Collector()
    engine, draw = LocalEngine(network, rule, catch, **how), torch.Generator().manual_seed(1)
    for _ in range(2):
        images = torch.randn(rows, 3, SIDE, SIDE, generator=draw, dtype=torch.float64)
        losses = engine.step(images, pair(rows // 2), watch)
    return catch.changes | {"losses": losses} | {name: b.clone() for name, b in network.buffers.items()}


def assert_close(found, expected, within=1e-12):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert value.norm() > 0, f"{name}: nothing is compared"
        assert (found[name] - value).norm() <= within * value.norm(), name


@pytest.mark.parametrize("context", CONTEXTS_OF)
@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_another_sweep_changes_no_bit_and_chunks_no_more_than_rounding(own, context):
    rule = ClappPP(context=context, contrast=Softplus())
    plain = stepped(own, rule, chunk=0)
    assert_exact(stepped(own, rule, chunk=0, recompute=True), plain)
    for chunk in (1, 3):
        found = stepped(own, rule, chunk=chunk)
        assert_close(found, plain)
        assert_exact(stepped(own, rule, chunk=chunk, recompute=True), found)


@pytest.mark.parametrize("context", CONTEXTS_OF)
def test_populations_take_chunks_of_their_own_sizes(context, monkeypatch):
    own = [{"conv": 4}, {"conv": 8, "pool": 2}, {"conv": 8}, {"conv": 4, "pool": 2}, {"conv": 4}]
    monkeypatch.setattr(rows, "SMALL", 8 * 6**2)
    monkeypatch.setattr(rows, "CHUNK", 8 * 12**2 * 2)
    architecture = Architecture("layers", (3, SIDE, SIDE), layers=tuple(Layer(**layer) for layer in own))
    network = build_network(architecture, ClappPP(), seed=2)
    assert [chunk_rows(p, 10) for p in network.populations] == [4, 2, 10, 10, 10]
    rule = ClappPP(context=context, contrast=Softplus())
    plain = stepped(own, rule, rows=10, chunk=0)
    found = stepped(own, rule, rows=10)
    assert_close(found, plain)
    assert_exact(stepped(own, rule, rows=10, recompute=True), found)


@pytest.mark.parametrize("own", ["max-pool", "relays", "transfers"])
@pytest.mark.parametrize("context", CONTEXTS_OF)
def test_large_maps_are_swept_again_of_themselves_and_change_no_bit(own, context, monkeypatch):
    monkeypatch.setattr(rows, "SMALL", 0)
    monkeypatch.setattr(rows, "CHUNK", 4 * SIDE**2 * 3)
    rule, swept = ClappPP(context=context, contrast=Softplus()), Counter()
    forward = ConvPopulation.forward
    monkeypatch.setattr(
        ConvPopulation, "forward", lambda self, *a, **k: (swept.update([self.name]), forward(self, *a, **k))[1]
    )
    plain, once = stepped(OWN[own], rule), swept.copy()
    monkeypatch.setattr(rows, "LARGE", 4 * SIDE**2 - 1)  # those alone with at least four channels of the image's size
    swept.clear()
    assert_exact(stepped(OWN[own], rule), plain)
    again = {name for name, count in swept.items() if count == 2 * once[name]}
    assert {name for name, count in swept.items() if count != once[name]} == again
    assert bool(again) == (context == "lateral")  # the others wait for the top, and hold
    swept.clear()
    stepped(OWN[own], rule, chunk=2)
    assert set(swept.values()) == {2 * OBJECTS}, "rows that were chosen are swept once: two steps of so many chunks"


def test_a_context_from_the_population_above_is_foreseen(monkeypatch):
    monkeypatch.setitem(CONTEXTS, "above", Context(lambda own, count: min(own + 1, count - 1), suffix="above"))
    monkeypatch.setitem(CONTEXTS, "below", Context(lambda own, count: max(own - 1, 0), suffix="below"))
    rule = ClappPP(context=("above", "below"))
    plain = stepped(OWN["relays"], rule, chunk=0)
    assert_exact(stepped(OWN["relays"], rule, chunk=0, recompute=True), plain)
    assert_close(stepped(OWN["relays"], rule, chunk=2, recompute=True), plain)


@pytest.mark.parametrize("rim", ["zeros", "reflect"])
def test_patches_that_were_let_go_are_laid_out_again(rim, monkeypatch):
    """On small maps a CPU sweeps by patches; while the top is awaited they are not held."""
    own = [{"conv": 4, "pool": 4, "pool_stride": 4, "rim": rim}, {"conv": 5, "rim": rim}, {"conv": 4}]
    laid, use = [], conv.use_patches
    monkeypatch.setattr(conv, "use_patches", lambda *a: laid.append(use(*a)) or laid[-1])
    found = stepped(own, ClappPP(context="dfb"))
    assert any(laid), "no patches test nothing here"
    monkeypatch.setattr(ConvPopulation, "pack", lambda self, activity: None)
    assert_exact(stepped(own, ClappPP(context="dfb")), found)
    monkeypatch.setattr(conv, "use_patches", lambda pre, mode: False)
    assert_close(stepped(own, ClappPP(context="dfb")), found)


class Seen:
    """Keeps a copy of all that an observer is shown."""

    def __init__(self):
        self.told = {}

    def local(self, population, activity, signals, factors, moves):
        name = population.name
        found = {k: getattr(activity, k) for k in ("pre", "rate", "basal", "winner", "unpooled")}
        found |= {"pooled": signals.rate, "drive": factors.drive}
        found |= {f"apical {source}": a.potential for source, a in signals.apical.items()}
        found |= {f"move {source}": move.drive for source, move in moves.items()}
        self.told |= {f"{name} {k}": v.clone() for k, v in found.items() if v is not None}


@pytest.mark.parametrize("how", [{"chunk": 3}, {"chunk": 0, "recompute": True}, {"chunk": 3, "recompute": True}])
@pytest.mark.parametrize("own", ["max-pool", "overlapping", "average pool", "relays"])
def test_who_watches_sees_the_same_signals(own, how):
    rule, plain, found = ClappPP(context="both"), Seen(), Seen()
    stepped(OWN[own], rule, watch=plain, chunk=0)
    stepped(OWN[own], rule, watch=found, **how)
    assert found.told.keys() == plain.told.keys()
    for name, value in plain.told.items():
        assert found.told[name].dtype == value.dtype, name
        torch.testing.assert_close(found.told[name], value, rtol=1e-12, atol=1e-14, msg=name)


def test_half_precision_learns_the_same_in_chunks():
    rule, own = ClappPP(context="both", contrast=Softplus()), OWN["max-pool"]
    plain, chunked = (stepped(own, rule, chunk=chunk, half=True) for chunk in (0, 2))
    assert_close(chunked, plain, within=0.05)
    assert_exact(stepped(own, rule, chunk=0, half=True, recompute=True), plain)


@given(st.integers(1, 12), st.integers(0, 3), st.integers(0, 3))
def test_blocks_hold_rows_in_order_and_let_them_go(count, mine, theirs):
    """Whatever the chunks in which rows come and go."""
    rows_, added, taken = torch.randn(count, 2, 3, 3), min(count, 2**mine), min(count, 2**theirs)
    blocks = Blocks(count, max(added, taken))
    for chunk in rows_.split(added):
        assert torch.equal(blocks.add(chunk), chunk)
    assert torch.equal(blocks.whole(), rows_)
    assert torch.equal(torch.cat(list(blocks.chunks(taken))), rows_)
    assert [len(chunk) for chunk in blocks.chunks(taken)] == [len(chunk) for chunk in rows_.split(taken)]
    left = [len(blocks.blocks) for _ in blocks.chunks(taken, drain=True)]
    assert left[-1] == 0 and left == sorted(left, reverse=True)


def populations_of(side):
    """VGG-6 of the paper, without room for its weights."""
    with torch.device("meta"):
        return build_network(
            Architecture("vgg6", (3, side, side), grids=(8, 4, 4, 4, 2, 2)), BPClappPP(), seed=0
        ).populations


def test_images_of_32_pixels_are_taken_as_before():
    """Their largest map of a row stands at the bound."""
    assert [chunk_rows(p, 10**6) for p in populations_of(32)] == [10**6] * 6
    wide = populations_of(96)
    assert [chunk_rows(p, 64) for p in wide] == [4, 2, 8, 4, 8, 64]
    assert [chunk_rows(p, 64, 3) for p in wide] == [3] * 6
    assert [chunk_rows(p, 64, 0) for p in wide] == [64] * 6


def small(rule, classes=0):
    return build_network(Architecture("vgg6", (3, 32, 32), 1 / 64, grids=(1,) * 6), rule, seed=0, classes=classes)


@pytest.mark.parametrize(("rule", "how", "message"), [
    (SoftHebb(), {"recompute": True}, r"engine.recompute: expected none for SoftHebb, which needs the potentials of all rows at once, got True"),
    (SoftHebb(), {"chunk": 4}, r"engine.chunk: expected none for SoftHebb, which needs the potentials"),
    (BPClappPP(), {"recompute": True}, r"engine.recompute: expected none for BPClappPP, whose engine \(backprop\) takes a batch as a whole"),
    (DirectFeedbackAlignment(), {"chunk": 4}, r"engine.chunk: expected none for DirectFeedbackAlignment, whose engine \(feedback\)"),
    (ClappPP(), {"chunk": -1}, r"engine.chunk: expected at least 0 rows, got -1"),
])  # fmt: skip
def test_what_cannot_be_is_refused(rule, how, message):
    with pytest.raises(ModelError, match=message):
        build_engine(small(rule, classes=2), rule, learning_rate=0.1, **how)


def test_an_engine_that_minds_some_weights_takes_chunks_too():
    rule = ClappPP(context="dfb")
    catch = Collector()
    network = small(rule).to(torch.device("cpu"), torch.float64)
    engine = LocalEngine(network, rule, Selected(catch, ".weight"), chunk=2, recompute=True)
    engine.step(torch.randn(8, 3, 32, 32, dtype=torch.float64), pair(4))
    assert sorted(catch.changes) == [f"conv{i}.weight" for i in range(1, 7)]
