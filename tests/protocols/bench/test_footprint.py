"""`apical bench memory`: storages are counted, sizes without computing are those of real steps, and what a local engine holds is what the formula says."""

from collections import deque

import pytest
import torch
from apical.models.engine import Architecture, rows, waiting
from apical.models.engine.local import LocalEngine
from apical.models.engine.rows import Blocks
from apical.models.networks.layer import Layer
from apical.models.populations import conv
from apical.models.populations.conv import ConvPopulation
from apical.protocols.bench.footprint import CASES, CHECKED, ENGINES, Engine, counted, memory
from apical.protocols.bench.live import Live
from apical.protocols.bench.plain import GRIDS
from apical.protocols.errors import ProtocolError
from apical.protocols.views import shown

LARGE = Architecture("vgg6", (3, 192, 192), 1 / 4, grids=GRIDS)
BATCH = 8


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_storages_are_counted_while_they_live(device):
    there = torch.zeros(1000, device=device)
    with Live({(8, 8)}, [there]) as live:
        first = torch.zeros(100, device=device)
        assert live.now == 400
        views = [first[::2], first.view(10, 10), there[:10], there.t()]
        assert live.now == 400, "views are nothing new"
        second = first * 2
        assert live.now == 800
        gradient = torch.zeros(8, 8, device=device)
        assert (live.now, live.peak_all) == (800, 800 + 256)
        del first
        assert live.now == 800, "held by its views"
        del views
        assert live.now == 400
        del second, gradient
        assert live.now == 0
    assert (live.peak, live.peak_all) == (800, 1056)


def test_what_autograd_holds_is_counted():
    x = torch.zeros(50, 50, requires_grad=True)
    with Live((), [x]) as live:
        y = x.exp().exp().exp()
        assert live.now == 3 * 10_000
        y.sum().backward()
    assert live.peak >= 4 * 10_000


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("name", ["bp-clapp++", "lateral", "dfb", "both recompute"])
def test_sizes_alone_are_those_of_a_real_step(name, half, monkeypatch):
    """Where the CPU lays out no patches. Not to the byte: it leaves out rows with silent neuromodulators."""
    monkeypatch.setattr(conv, "use_patches", lambda pre, mode: False)
    engine = ENGINES[name]
    sizes, real = (counted(CHECKED, engine, 8, half=half, device=device)["activations"] for device in ("meta", "cpu"))
    assert 0.95 < sizes / real < 1.05, (sizes, real)


LOCAL = {name: engine for name, engine in ENGINES.items() if engine.context is not None}
LOCAL |= {"dfb in threes": Engine("dfb", True, 3), "lateral in twos": Engine("lateral", chunk=2)}


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("engine", LOCAL.values(), ids=LOCAL)
def test_no_more_is_held_than_the_formula_says(engine, half):
    found = counted(LARGE, engine, BATCH, half=half)
    assert 0.6 * found["formula"] < found["activations"] <= found["formula"]


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("name", ["lateral", "dfb", "both recompute"])
def test_large_maps_are_swept_again_within_the_formula(name, half, monkeypatch):
    held = counted(LARGE, ENGINES[name], 3 * BATCH, half=half)
    monkeypatch.setattr(rows, "LARGE", rows.SMALL)
    found = counted(LARGE, ENGINES[name], 3 * BATCH, half=half)
    assert 0.6 * found["formula"] < found["activations"] <= found["formula"]
    for bytes_ in ("activations", "formula"):
        assert (found[bytes_] < held[bytes_]) == (name == "lateral"), bytes_


def hold_rates(monkeypatch):
    """Maps of a sweep that is made again are not let go."""
    chunks = Blocks.chunks
    monkeypatch.setattr(Blocks, "chunks", lambda self, size, *, drain=False: chunks(self, size))


def hold_winners(monkeypatch):
    """Winners stay in eight bytes."""
    monkeypatch.setattr(ConvPopulation, "pack", lambda self, activity: None)


def hold_activities(monkeypatch):
    """What was taken is held to the end of the step."""
    monkeypatch.setattr(waiting, "_drained", lambda found: iter(list(found)))
    plasticity, kept = LocalEngine._plasticity, deque(maxlen=2)
    monkeypatch.setattr(
        LocalEngine, "_plasticity", lambda self, i, w, *a: (kept.append(w.rates), plasticity(self, i, w, *a))[1]
    )


def hold_potentials(monkeypatch):
    """The map before the pool waits as well."""
    forward = ConvPopulation.forward
    monkeypatch.setattr(
        ConvPopulation, "forward", lambda self, *a, **k: forward(self, *a, **k | {"keep_potential": True})
    )


def all_rows(monkeypatch):
    """Chunks that are none."""
    monkeypatch.setattr("apical.models.engine.local.chunk_rows", lambda population, rows, chosen: rows)


@pytest.mark.parametrize(("fault", "name"), [
    (hold_rates, "lateral recompute"), (hold_rates, "dfb recompute"), (hold_winners, "lateral"), (hold_winners, "dfb"),
    (hold_activities, "lateral"), (hold_potentials, "lateral"), (hold_potentials, "both"), (all_rows, "lateral"), (all_rows, "dfb recompute"),
])  # fmt: skip
def test_one_map_more_exceeds_the_formula(fault, name, monkeypatch):
    fault(monkeypatch)
    found = counted(LARGE, ENGINES[name], 3 * BATCH)
    assert found["activations"] > found["formula"]


@pytest.mark.parametrize(("case", "name", "below"), [
    ("VGG-6, 96 px", "lateral", 0.7), ("VGG-6, 96 px", "dfb recompute", 0.7),
    ("VGG-8, 224 px", "lateral", 0.8), ("VGG-8, 224 px", "dfb recompute", 0.8),
])  # fmt: skip
def test_activations_against_backpropagation(case, name, below):
    architecture, batch = CASES[case]
    base, found = (counted(architecture, ENGINES[word], batch)["activations"] for word in ("bp-clapp++", name))
    assert found <= (1 - below) * base


def test_memory_is_flat_in_depth_where_nothing_waits():
    found = {}
    for name in ("bp-clapp++", "lateral", "dfb", "dfb recompute"):
        columns = [Architecture("layers", (8, 32, 32), layers=(Layer(conv=8, grid=1),) * depth) for depth in (3, 6, 12)]
        found[name] = [counted(column, ENGINES[name], 4)["activations"] for column in columns]
    for name in ("bp-clapp++", "dfb"):
        one, two, four = found[name]
        assert (four - two) == pytest.approx(2 * (two - one), rel=1e-2), "linear"
        assert four > 2 * one
    for name in ("lateral", "dfb recompute"):
        assert max(found[name]) <= 1.01 * min(found[name])


def test_rows_shares_and_tables():
    result = memory(
        cases=["depth 6, 32 px"], engines=["bp-clapp++", "lateral"], precisions=["float32"], check=False, progress=False
    )
    base, local = result["rows"]
    assert base["share"] == 1
    assert local["share"] == local["activations"] / base["activations"] < 1
    text = "\n".join(shown("bench memory", result | {"machine": {}}))
    assert "lateral" in text
    assert f"{local['activations'] / 2**20:.0f}" in text
    with pytest.raises(
        ProtocolError, match=r"bench.memory.cases: expected some of VGG-6, 32 px, .*, got 'VGG-7'; correct the word"
    ):
        memory(cases=["VGG-7"])
