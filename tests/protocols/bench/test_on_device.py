"""`apical bench device`: in order, in pieces, kept; and its checks, which a wrong engine does not pass."""

import json

import pytest
import torch
from apical.models.engine import Architecture, LocalEngine, build_network
from apical.plasticity import ClappPP
from apical.protocols.bench import checks
from apical.protocols.bench import on_device as module
from apical.protocols.bench.on_device import cases, device
from apical.protocols.bench.plain import GRIDS
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError, ProtocolError
from click.testing import CliRunner

CPU = torch.device("cpu")


@pytest.fixture
def stand_ins(monkeypatch):
    """Every measurement in no time; what was asked for, in order."""
    asked = []

    def check(where):
        asked.append("check")
        yield {"check": "one", "worst": 0.0, "bound": 1.0, "holds": True}

    def contest(task):
        asked.append(task["name"] if task["name"] == "limit" else f"{task['side']}px")
        if task["name"] == "limit":
            return {"float32_flops": 1e9, "bf16_flops": 2e9, "copy_bytes": 1e9}
        return {"seconds": 2.0, "cpu_seconds": 1.0, "images_per_second": 3.0, "extra_bytes": 4, "held_bytes": 5}

    monkeypatch.setattr(module, "CHECKS", {"one": check})
    monkeypatch.setattr(module, "contest", contest)
    monkeypatch.setattr(module, "throughput", lambda *args, **more: {"every": 1, "overhead_percent": 2.0})
    return asked


def small(out, **given):
    return device(out, device="cpu", size="small", progress=False, **given)


def test_figures_come_in_order_and_are_kept_by_the_next_call(tmp_path, stand_ins):
    found = small(tmp_path)
    assert stand_ins[:2] == ["check", "limit"]
    assert len(stand_ins) == 2 + len(cases("small"))
    assert found["missing"] == ["training"]
    assert found["rows"][0]["share_of_limit"] > 0
    for path in tmp_path.glob("*.json"):
        assert "torch" in json.loads(path.read_text())["machine"]
    again = small(tmp_path)
    assert len(stand_ins) == 2 + len(cases("small"))
    assert again["rows"] == found["rows"]


def test_a_killed_call_leaves_what_it_had_and_the_next_one_goes_on(tmp_path, stand_ins, monkeypatch):
    def killed(task):
        if task["name"] != "limit" and task["side"] == 64:
            raise KeyboardInterrupt
        return contest(task)

    contest = module.contest
    monkeypatch.setattr(module, "contest", killed)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path)
    there = {path.name for path in tmp_path.glob("engine-*.json")}
    assert there == {f"{case.name}.json" for case in cases("small") if case.side == 32}
    monkeypatch.setattr(module, "contest", contest)
    assert len(small(tmp_path)["rows"]) == len(cases("small"))
    assert stand_ins.count("32px") == sum(case.side == 32 for case in cases("small"))


def test_a_check_that_fails_ends_it_before_any_speed(tmp_path, stand_ins, monkeypatch):
    wrong = {"check": "explicit against autograd", "worst": 2.0, "bound": 1.0, "holds": False}
    monkeypatch.setattr(module, "CHECKS", {"one": lambda where: iter([wrong])})
    with pytest.raises(ProtocolError, match="got explicit against autograd beyond its bound"):
        small(tmp_path)
    assert stand_ins == []


def test_a_case_that_does_not_fit_is_a_figure_too(tmp_path, stand_ins, monkeypatch):
    def full(task):
        if task["name"] == "limit":
            return {"float32_flops": 1e9, "bf16_flops": 2e9, "copy_bytes": 1e9}
        raise ProtocolError("out of memory")

    monkeypatch.setattr(module, "contest", full)
    assert {row["error"] for row in small(tmp_path)["rows"]} == {"out of memory"}


def test_no_time_left_measures_nothing(tmp_path, stand_ins):
    assert small(tmp_path, minutes=1e-9)["rows"] == []
    assert stand_ins == []


def test_training_has_the_seconds_that_are_left_and_is_read_out_when_complete(tmp_path, stand_ins):
    calls = []

    def train(folder, seconds, again):
        calls.append((seconds, again))
        folder.mkdir(exist_ok=True)
        (folder / "config.yaml").write_text("")
        return {
            "status": "interrupted" if len(calls) < 2 else "complete",
            "epochs": len(calls),
            "images_per_second": 1.0,
        }

    found = [
        small(tmp_path, minutes=1, train=train, read=lambda run: {"accuracy": 50.0}, published=80.65) for _ in range(3)
    ]
    assert [again for _, again in calls] == [False, True]
    assert all(50 < seconds <= 60 for seconds, _ in calls)
    assert [one["status"] for one in found] == ["begun", "complete", "complete"]
    assert found[2]["training"]["read_out"] == {"accuracy": 50.0}


def test_figures_of_another_machine_are_not_mixed_in(tmp_path, stand_ins, monkeypatch):
    small(tmp_path)
    monkeypatch.setattr(module, "machine", lambda: {"cpu": "another", "torch": "0"})
    with pytest.raises(ConfigError, match="--out: expected the machine of the figures"):
        small(tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one here")
def test_a_device_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"bench\.device: expected a CUDA device"):
        device(tmp_path / "figures", device="cuda")
    assert not (tmp_path / "figures").exists()


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(checks, "OBJECTS", 3)
    monkeypatch.setattr(checks, "OBJECTS_HALF", 16)


@pytest.mark.parametrize("name", ["cpu", "autograd", "graph", pytest.param("bf16", marks=pytest.mark.slow)])
def test_the_checks_hold_on_a_cpu(tiny, name):
    rows = list(checks.CHECKS[name](CPU))
    assert rows
    assert all(row["holds"] for row in rows), rows


def test_a_wrong_engine_does_not_pass(tiny, monkeypatch):
    right = LocalEngine.step

    def wrong(engine, images, pairing, observer=None, **more):
        return right(engine, images * (1 + 1e-7), pairing, observer, **more)

    monkeypatch.setattr(LocalEngine, "step", wrong)
    assert not any(row["holds"] for row in checks.as_autograd(CPU))


@pytest.mark.slow
def test_all_of_it_on_a_cpu(tmp_path):
    told = [
        "--preset",
        "demo",
        "--set",
        "stimulus.n_train=64",
        "--set",
        "stimulus.n_test=32",
        "--set",
        "training.batch=32",
    ]
    told += ["--set", "training.epochs=1", "--set", "recording.enabled=false", "--set", "probe.n_train=64"]
    done = CliRunner().invoke(
        main, ["bench", "device", "--device", "cpu", "--minutes", "30", "--out", str(tmp_path / "f"), *told, "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["missing"] == []
    assert all(row["images_per_second"] > 0 for row in found["rows"])
    assert found["training"]["read_out"]["accuracy"] >= 0
    assert json.loads((tmp_path / "f" / "device.json").read_text())["status"] == "complete"


@pytest.mark.parametrize("side", sorted({case.side for size in ("small", "full") for case in cases(size)}))
def test_every_image_size_fits_the_network(side):
    build_network(Architecture("vgg6", (3, side, side), 1 / 64, grids=GRIDS), ClappPP(context="dfb"), seed=0)
