"""The report of a run with its kernels, and several runs beside each other."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from apical.protocols.errors import ConfigError
from apical.protocols.inspect import inspect_run, inspect_runs
from apical.recordings import RecordingError, Shown
from apical.recordings.plot_kernels import kernels
from apical.recordings.side_by_side import _joined
from markupsafe import Markup
from small_runs import make_run

SHOWN = Shown(populations=["conv1"], units=1, trials=4)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    return [make_run(place / "a"), make_run(place / "b", optimiser__learning_rate=0.005)]


def test_a_report_has_the_kernels_of_the_first_population(runs):
    html = Path(inspect_run(runs[0], SHOWN)["report"]).read_text(encoding="utf-8")
    assert '<h2 id="kernels">First-layer kernels</h2>' in html
    assert 'alt="Kernels of conv1"' in html
    assert "Traces of conv1" in html and "Traces of conv2" not in html


def test_runs_stand_side_by_side(runs, tmp_path):
    found = inspect_runs(runs, tmp_path / "page.html", SHOWN)
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert found["page"] == str(tmp_path / "page.html")
    assert "<h1>a beside b</h1>" in html
    assert "<tr><td>optimiser.learning_rate</td><td>0.01</td><td>0.005</td></tr>" in html
    assert "<tr><td>rule.name</td>" not in html  # it is the same
    loss = re.search(r"<tr><td>conv1</td><td>loss, last tenth</td><td>([\d.]+)</td><td>([\d.]+)</td></tr>", html)
    assert loss is not None and loss[1] != loss[2]
    assert len(re.findall(r'<div class="side">\s*<img[^>]*>\s*<img', html)) >= 5


def test_each_run_is_captioned_in_the_words_of_its_own_rule():
    told = {"a": Markup("<var>γ</var> of a"), "b": Markup("γ of b")}
    assert _joined(told) == "<b>a</b>: <var>γ</var> of a<br><b>b</b>: γ of b"
    assert _joined({"<a>": Markup("same"), "b": Markup("same")}) == "same"


def test_a_run_beside_itself_or_too_many_are_refused(runs, tmp_path):
    with pytest.raises(ConfigError, match=r"inspect\.runs: expected different runs"):
        inspect_runs([runs[0], runs[0]], tmp_path / "page.html")


def test_kernels_are_ordered_and_scaled():
    values = np.zeros((3, 1, 2, 2))
    values[0, 0, 0, 0], values[1, 0, 1, 1], values[2] = 1.0, -3.0, np.nan
    figure = kernels(xr.DataArray(values, dims=("unit", "channel", "y", "x"), attrs={"population": "conv1"}))
    first = figure.axes[0].images[0].get_array()
    assert first.shape == (2, 2, 3)
    assert {tuple(pixel) for pixel in first.reshape(-1, 3)} >= {(0.5, 0.5, 0.5)}
    with pytest.raises(RecordingError, match="1 or 3 channels"):
        kernels(xr.DataArray(np.zeros((3, 5, 2, 2)), dims=("unit", "channel", "y", "x")))
