"""`apical bench engine`: ratios from what the contestants return, and the work of a step counted."""

import json

import pytest
import torch
from apical.models.engine import Architecture, build_network
from apical.plasticity import ClappPP
from apical.protocols.bench import contest, limit, speed
from apical.protocols.bench.plain import GRIDS
from apical.protocols.errors import ProtocolError

RATES = {"float32_flops": 1e9, "bf16_flops": 2e9, "copy_bytes": 1e9}
SECONDS = {"autograd": (4.0, 8.0), "best-autograd": (2.0, 4.0), "explicit": (1.0, 2.0), "explicit-bf16": (0.5, 1.0)}


@pytest.fixture
def contestants(monkeypatch):
    """Contestants that take a second, more on the second turn, without a process."""
    turns = {}

    def stand_in(task):
        name = task["name"]
        if name == "limit":
            return dict(RATES)
        drift = turns[name] = turns.get(name, 0) + 1
        clock, busy = (drift * seconds for seconds in SECONDS[name])
        return {
            "seconds": clock, "cpu_seconds": busy, "images_per_second": task["batch"] / clock,
            "extra_bytes": 100 * clock / drift, "held_bytes": 7,
        }  # fmt: skip

    monkeypatch.setattr(speed, "contest", stand_in)


def test_ratios(contestants):
    found = speed.engine(contexts=("dfb",), rounds=2, width=1 / 32, progress=False)
    rows = {row["engine"]: row for row in found["rows"]}
    assert list(rows) == list(speed.CONTESTANTS)
    assert found["limit"] == RATES
    explicit = rows["explicit"]
    assert (explicit["speed_ratio"], explicit["cpu_ratio"], explicit["memory_ratio"]) == (4, 4, 0.25)
    assert (explicit["speed_to_best"], explicit["cpu_to_best"], explicit["memory_to_best"]) == (2, 2, 0.5)
    needed = limit.work("dfb", 32, 1 / 32)
    for name, rate in (("explicit", 1e9), ("explicit-bf16", 2e9)):
        row = rows[name]
        assert row["product_seconds"] == needed["flop"] / rate
        assert row["share_of_limit"] * row["seconds"] == pytest.approx(row["product_seconds"] + row["copy_seconds"])


def test_without_the_best_one_there_is_no_ratio_to_it(contestants):
    rows = speed.engine(contexts=("dfb",), contestants=("autograd", "explicit"), rounds=1, progress=False)["rows"]
    assert "speed_to_best" not in rows[1]
    assert rows[1]["speed_ratio"] == 4


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
def test_work_is_that_of_the_network(context):
    rule, width, rows = ClappPP(context=context), 1 / 16, 4
    network = build_network(Architecture("vgg6", (3, 32, 32), width, grids=GRIDS), rule, seed=0)
    operations = weights = maps = 0
    for population in network.populations:
        places = population.neurons[1] * population.neurons[2]
        operations += rows * places * population.weight.numel()
        weights += population.weight.numel()
        maps += rows * torch.Size(population.shape).numel()
    for projections in network.apical.values():
        operations += rows * sum(p.weight.numel() for p in projections)
        weights += sum(p.weight.numel() for p in projections)
    found = limit.work(context, rows // 2, width)
    assert found == {"flop": 4 * operations, "bytes": 28 * weights + 12 * maps}


@pytest.mark.parametrize("name", ["autograd", "best-autograd", "explicit", "explicit-direct", "explicit-bf16"])
def test_every_contestant_runs(name, monkeypatch):
    monkeypatch.setattr(contest, "keep_freed_memory", lambda: False)  # it would hold for the tests after this one
    task = {"name": name, "context": "both", "batch": 2, "width": 1 / 64, "steps": 1, "device": "cpu", "threads": None}
    found = contest.run(task)
    assert found["seconds"] > 0
    assert ("kernels" in found) == (name in ("explicit", "explicit-bf16"))
    json.dumps(found)


@pytest.mark.slow
def test_a_contestant_that_fails_is_told():
    with pytest.raises(
        ProtocolError, match=r"(?s)bench.engine: expected nobody to finish, got exit code 1: .*KeyError"
    ):
        speed._contest({"name": "nobody"})
