"""Results over the axes, in rows and in figures."""

import csv
import math

import apical
import numpy as np
import pytest
from apical.protocols.errors import ConfigError
from apical.protocols.layout import told
from apical.protocols.runs.files import plain
from apical.protocols.sweep import figures
from apical.protocols.sweep.axes import axis_of
from apical.protocols.sweep.folder import SweepFolder
from apical.protocols.sweep.manifest import extended, write
from apical.protocols.sweep.page import write_results
from apical.protocols.sweep.results import open_sweep, ordered, short_names, status_of
from apical.protocols.sweep.section import section, status
from apical.protocols.sweep.spec import load
from apical.protocols.sweep.summary import interval, summarised
from tiny_sweeps import spec


@pytest.fixture(autouse=True)
def undrawn(monkeypatch, request):
    """Figures are made; written, which takes longest of all, where a test looks for them."""
    if "table_page_and_figures" not in request.node.name:
        monkeypatch.setattr(figures, "save", lambda figure, stem: stem)


def made(tmp_path, axes, accuracy, *, seeds=2, skip=(), metric="accuracy"):
    """A sweep whose cells are as if they were done; `accuracy` of the labels and the seed."""
    plan = load(spec(axes, seeds=seeds))
    cells = plan.cells()
    folder = SweepFolder(tmp_path)
    folder.make()
    write(folder, extended(None, plan, cells))
    for cell in cells:
        if cell.name in skip:
            continue
        value = accuracy(**{name.rpartition(".")[2]: label for name, label in cell.at.items()})
        told = {
            "accuracy": value,
            "accuracy_random": 10.0,
            "accuracy_pixels": 5.0,
            "layers": {"a": value, "b": value / 2},
        }
        rest = {
            "loss": value / 50, "losses": {"a": 1.0, "b": 2.0}, "images_per_second": 100.0, "seconds": 2.0, "steps": 4, "epochs": 2.0,
            "samples": 64, "peak_memory_bytes": 2**20, "curve": {"epoch": [1.0, 2.0], "loss": [2.0, value / 50]},
        }  # fmt: skip
        told = told if metric == "accuracy" else {}
        folder.keep_result(
            cell.name, {"cell": cell.name, "hash": cell.hash, "at": cell.at, "status": "done", **told, **rest}
        )
    return folder


RATE = "optimiser.learning_rate"
GRID = {RATE: [0.1, 0.001, 0.01], "network.hidden": [[4, 4], [6, 4]]}


def test_a_dataset_over_the_axes(tmp_path):
    folder = made(
        tmp_path,
        GRID,
        lambda learning_rate, hidden, seed: 100 * learning_rate + len(hidden) + seed,
        skip=["learning_rate=0.1-hidden-4-4-seed0"],
    )
    name = next(
        n
        for n in (path.stem for path in (tmp_path / "cells").iterdir())
        if n.startswith("learning_rate=0.1-") and n.count("seed1")
    )
    folder.result(name).unlink()
    folder.keep_failure(name, {"error": "of its own"})
    found = apical.open(tmp_path)
    assert found.accuracy.dims == ("learning_rate", "hidden", "seed")
    assert found.learning_rate.values.tolist() == [0.001, 0.01, 0.1]
    assert found.learning_rate.attrs["setting"] == RATE
    assert found.hidden.values.tolist() == ["[4, 4]", "[6, 4]"]
    assert found.accuracy.sel(learning_rate=0.01, hidden="[6, 4]", seed=1).item() == 100 * 0.01 + 6 + 1
    lost = found.where(found.cell == name, drop=True)
    assert (lost.status.item(), math.isnan(lost.accuracy.item())) == ("failed", True)
    assert (
        found.population_accuracy.sel(population="b", learning_rate=0.001, hidden="[4, 4]", seed=0).item()
        == (0.1 + 6) / 2
    )
    assert found.loss_curve.sel(epoch=1.0).notnull().sum() == 11
    assert found.accuracy.attrs["units"] == "%"
    assert set(found.data_vars) >= {"loss", "images_per_second", "seconds", "steps", "epochs", "samples", "status"}


def test_drawn_settings_are_coordinates_of_their_draws(tmp_path):
    axes = {
        "draw": {
            "random": {RATE: {"log-uniform": [1e-4, 1e-1]}, "rule.contrast": {"choice": ["hinge", "softplus"]}},
            "n": 4,
        }
    }
    made(tmp_path, axes, lambda draw, seed: draw)
    found = open_sweep(tmp_path)
    assert found.accuracy.dims == ("draw", "seed")
    assert found.learning_rate.dims == found.contrast.dims == ("draw",)
    assert found.accuracy.mean("seed").values.tolist() == [0, 1, 2, 3]


def test_names_of_dimensions_are_short_and_name_one_thing():
    axes = [axis_of(name, [1]) for name in ("training.batch", "probe.batch", "training.epochs", "network.width")]
    assert list(short_names(axes).values()) == ["training.batch", "probe.batch", "training.epochs", "width"]


def test_numbers_stand_by_size_and_names_by_what_they_reach(tmp_path):
    assert ordered(axis_of("x", {"entries": {"1e-1": None, "0.01": {"training.batch": 8}}})) == ["0.01", "1e-1"]
    entries = {name: {"training.batch": batch} for name, batch in (("low", 8), ("high", 4), ("none", 2))}
    score = {"low": 10.0, "high": 50.0, "none": 0.0}
    axes = {RATE: [0.1, 0.01], "rule": {"entries": entries}}
    folder = made(
        tmp_path, axes, lambda learning_rate, rule, seed: score[rule] + learning_rate,
        skip=[f"learning_rate={rate}-none-seed{seed}" for rate in (0.1, 0.01) for seed in (0, 1)],
    )  # fmt: skip
    lines = write_results(folder)["summary"]
    order = [(line["at"][RATE], line["at"]["rule"]) for line in lines]
    assert order == [(rate, rule) for rate in (0.01, 0.1) for rule in ("high", "low", "none")]
    assert [line["n"] for line in lines[:3]] == [2, 2, 0]


def test_the_interval_is_students():
    assert interval([1.0]) is None
    values = [1.0, 2.0, 4.0, 7.0]
    assert interval(values) == pytest.approx(3.182 * np.std(values, ddof=1) / 2)
    for n, t in ((32, 2.042), (40, 2.042), (42, 2.021), (80, 2.000), (122, 1.980)):  # never below Student's own
        values = [0.0, 1.0] * (n // 2)
        assert interval(values) == pytest.approx(t * np.std(values, ddof=1) / math.sqrt(n))


def test_a_sweep_without_read_outs_is_compared_by_its_loss(tmp_path):
    folder = made(tmp_path, {RATE: [0.1, 0.01]}, lambda learning_rate, seed: 100 * learning_rate, metric="loss")
    result = write_results(folder)
    assert [line["metric"] for line in result["summary"]] == ["loss", "loss"]
    text = "\n".join(told(section(plain(result))))
    assert "Best loss over seeds at optimiser.learning_rate 0.01: 0.02" in text


def test_table_page_and_figures(tmp_path):
    folder = made(tmp_path, GRID, lambda learning_rate, hidden, seed: 50 + 100 * learning_rate + seed, seeds=3)
    result = write_results(folder)
    with (tmp_path / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18
    assert {row["status"] for row in rows} == {"done"}
    assert float(rows[0]["accuracy"]) == 60.0
    assert {path.stem for path in (tmp_path / "figures").glob("*.png")} == {"sweep-axes", "sweep-heat", "sweep-curves"}
    page = (tmp_path / "sweep.html").read_text()
    assert page.count("data:image/png;base64") == 3
    for words in (
        "Sweep tiny",
        "18 cells: 18 done",
        "Accuracy over learning_rate",
        "95 % interval",
        "gain over own random init",
        "<pre>base:",
    ):
        assert words in page
    text = "\n".join(told(section(plain(result))))
    assert (
        "Best accuracy over seeds at optimiser.learning_rate 0.1, network.hidden [4, 4]: 61.00 % ± 2.5 (95 % interval of 3 seeds)."
        in text
    )


def dots(tmp_path, monkeypatch, axes, accuracy, **more):
    """Coordinates of all dots of the first panel of the figure along the axes."""
    drawn = {}
    monkeypatch.setattr(figures, "save", lambda figure, stem: drawn.setdefault(stem.name, figure))
    folder = made(tmp_path, axes, accuracy, **more)
    result = write_results(folder)
    assert result["files"]["figures"]
    axes = drawn[next(name for name in drawn if name not in ("sweep-heat", "sweep-curves"))].axes[0]
    points = [(x, y) for line in axes.lines if line.get_marker() == "o" for x, y in line.get_xydata() if np.isfinite(y)]
    return axes, points, drawn


def test_equal_seeds_do_not_hide_each_other(tmp_path, monkeypatch):
    axes, points, _ = dots(tmp_path, monkeypatch, {RATE: [0.1, 0.01]}, lambda learning_rate, seed: 50.0, seeds=4)
    assert len(set(points)) == len(points) == 8
    assert axes.get_xlabel() == "learning_rate"
    seen = axes.transData.transform(points)
    apart = np.hypot(*(seen[:, None] - seen[None]).transpose(2, 0, 1)) + 1e9 * np.eye(8)
    assert apart.min() > 2  # pixels


def test_numbers_are_drawn_at_their_place_and_names_in_order(tmp_path, monkeypatch):
    axes, points, _ = dots(
        tmp_path / "a", monkeypatch, {RATE: [0.1, 0.001, 0.01]}, lambda learning_rate, seed: learning_rate, seeds=1
    )
    assert axes.get_xscale() == "log"
    assert sorted(points) == [(rate, rate) for rate in (0.001, 0.01, 0.1)]
    entries = {"rule": {"entries": {name: {"training.batch": b} for name, b in (("low", 8), ("high", 4))}}}
    axes, points, _ = dots(
        tmp_path / "b", monkeypatch, entries, lambda rule, seed: {"low": 1.0, "high": 9.0}[rule], seeds=1
    )
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["high", "low"]
    assert sorted(points) == [(0.0, 9.0), (1.0, 1.0)]


def test_further_axes_are_panels_and_draws_have_a_figure_of_their_own(tmp_path, monkeypatch):
    axes = {**GRID, "rule.contrast": ["hinge", "softplus"]}
    _, _, drawn = dots(tmp_path / "a", monkeypatch, axes, lambda learning_rate, hidden, contrast, seed: learning_rate)
    assert [each.get_title() for each in drawn["sweep-heat"].axes if each.images] == [
        "contrast hinge",
        "contrast softplus",
    ]
    told = {
        "draw": {"random": {RATE: {"uniform": [0.1, 0.2]}, "rule.contrast": {"choice": ["hinge", "softplus"]}}, "n": 4}
    }
    axes, points, drawn = dots(tmp_path / "b", monkeypatch, told, lambda draw, seed: draw)
    assert list(drawn) == ["sweep-draws-draw", "sweep-curves"]
    assert len(set(points)) == 8


def test_a_sweep_that_has_not_begun_has_a_page(tmp_path):
    folder = made(tmp_path, {RATE: [0.1]}, lambda **_: 1.0, seeds=1, skip=["learning_rate=0.1-seed0"])
    result = write_results(folder)
    assert result["cells"] == {"waiting": 1}
    assert "No cell is done yet" in (tmp_path / "sweep.html").read_text()


def test_status_tells_where_a_sweep_stands(tmp_path):
    folder = made(
        tmp_path,
        {RATE: [0.1, 0.01, 0.001]},
        lambda learning_rate, seed: 50.0,
        skip=["learning_rate=0.1-seed0", "learning_rate=0.01-seed0"],
    )
    folder.keep_failure("learning_rate=0.1-seed0", {"error": "of its own"})
    found = status_of(tmp_path)
    assert found["cells"] == {"done": 4, "failed": 1, "waiting": 1}
    assert found["left_seconds"] == 4.0
    text = "\n".join(told(status(found)))
    assert "6 cells: 4 done, 1 failed, 1 waiting." in text
    assert "of its own" in text
    with pytest.raises(ConfigError, match=r"expected the folder of a sweep with sweep.json, got none"):
        status_of(tmp_path / "cells")


def test_what_is_opened_is_a_sweep_or_a_run(tmp_path):
    from apical.recordings import RecordingError

    folder = made(tmp_path / "s", {RATE: [0.1]}, lambda **_: 1.0)
    result = write_results(folder)
    assert apical.open(result).sizes == apical.open(str(tmp_path / "s")).sizes
    with pytest.raises(RecordingError):
        apical.open(tmp_path)
    (tmp_path / "old" / "cells").mkdir(parents=True)
    (tmp_path / "old" / "compare.json").write_text("{}")
    with pytest.raises(
        ConfigError, match="got a comparison of an earlier version; repeat its `apical compare` command"
    ):
        apical.open(tmp_path / "old")


def test_a_summary_of_one_seed_has_no_spread(tmp_path):
    folder = made(tmp_path, {RATE: [0.1]}, lambda **_: 40.0, seeds=1)
    (line,) = write_results(folder)["summary"]
    assert (line["mean"], line["sd"], line["interval"], line["gain"]) == (40.0, None, None, 30.0)
    assert summarised(load(spec({RATE: [0.1]})), []) == []
