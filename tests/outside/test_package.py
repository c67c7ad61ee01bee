"""A package outside of Apical, installed as users install it: every command knows its rule, network, protocol and data set by their names."""

import json
import os
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from apical.protocols.command.main import main
from apical.protocols.runs.trained import open_run
from apical.protocols.settings.load import load
from apical.protocols.sweep.results import open_sweep
from apical.protocols.view import view
from apical.recordings import open as open_recording
from click.testing import CliRunner

PACKAGE = Path(__file__).parent / "package"
SETTINGS = {
    "name": "own",
    "stimulus": {"name": "halves", "options": {"count": 48}},
    "network": {"builder": "pair-of-maps", "width": 4.0, "options": {"share": 0.5}},
    "rule": {"name": "margin", "grids": [], "options": {"margin": 2.0}},
    "training": {"epochs": 2, "batch": 8, "threads": 1, "device": "cpu", "precision": "float32"},
    "recording": {"every": 2, "rows": 8, "units": 4},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder on the import path, of this process and of those it starts, into which the package is installed."""
    place = tmp_path_factory.mktemp("site")
    source = shutil.copytree(PACKAGE, tmp_path_factory.mktemp("source") / "package")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(place), "--no-deps", "--no-build-isolation", "--no-index",
         "--disable-pip-version-check", str(source)], check=True,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(place))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(place), *filter(None, [os.environ.get("PYTHONPATH")])]))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield place
    for name in [name for name in sys.modules if name.partition(".")[0] == "own_column"]:
        del sys.modules[name]


def apical(*words):
    """The command as a user gives it; its JSON."""
    found = CliRunner().invoke(main, [*map(str, words), "--json"])
    assert found.exit_code == 0, (words, found.output, "".join(traceback.format_exception(*found.exc_info)))
    return json.loads(found.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def run(site, tmp_path_factory):
    """A run of everything that the package has."""
    place = tmp_path_factory.mktemp("runs")
    (place / "own.yaml").write_text(json.dumps(SETTINGS))
    assert apical("train", place / "own.yaml", "--out", place / "run", "--quiet")["status"] == "complete"
    return place / "run"


@pytest.fixture
def copy(run, tmp_path):
    return Path(shutil.copytree(run, tmp_path / "run"))


def test_it_trains_and_keeps_where_everything_came_from(run, site):
    opened = open_run(run)
    found = opened.state(opened.newest()).sources
    assert {setting: (source["word"], source["distribution"], source["version"]) for setting, source in found.items()} == {
        "rule.name": ("margin", "own-column", "1.2"),
        "network.builder": ("pair-of-maps", "own-column", "1.2"),
        "stimulus.name": ("halves", "own-column", "1.2"),
    }  # fmt: skip
    assert {source["file"] for source in found.values()} == {str(site / "own_column")}
    with open_recording(run) as recording:
        assert recording.attrs["sources"] == found
        assert "apical" in recording["activity/maps2"].to_dataset()
    assert (opened.rule.margin, [p.name for p in opened.network().populations]) == (2.0, ["maps1", "maps2"])


def test_a_word_a_module_and_a_file_train_the_same(run, site):
    ours = load(str(run.parent / "own.yaml"))
    for word in ("own_column.rule:Margin", f"{site}/own_column/rule.py:Margin"):
        other = load(str(run.parent / "own.yaml"), [f"rule.name={word}"])
        assert type(ours.rule)(**{**ours.rule.model_dump(), "name": word}) == other.rule


def test_it_is_read_out_aligned_verified_and_shown(copy):
    assert apical("probe", copy, "--quiet")["accuracy"] == 100
    assert "maps1" in json.dumps(apical("align", copy, "--batches", "2", "--last", "--quiet"))
    assert apical("verify", copy)["damaged"] == 0
    assert Path(apical("inspect", copy)["report"]).is_file()


def test_what_is_installed_is_listed_with_its_distribution(site):
    assert apical("config", "list")["installed"] == {
        "apical.builders": ["pair-of-maps (own-column 1.2)"],
        "apical.datasets": ["halves (own-column 1.2)"],
        "apical.measures": ["basal-length (own-column 1.2)"],
        "apical.rules": ["margin (own-column 1.2)"],
    }
    told = CliRunner().invoke(main, ["config", "list"]).output
    assert "installed\n  apical.builders: pair-of-maps (own-column 1.2)" in told
    refused = CliRunner().invoke(main, ["config", "show", "demo", "--set", "rule.name=margn"])
    assert "did you mean margin" in refused.output


def test_an_installed_package_that_was_changed_is_refused(copy, site):
    module = site / "own_column" / "protocol.py"
    before = module.read_text()
    try:
        module.write_text(before + "# a remark\n")
        found = CliRunner().invoke(main, ["probe", str(copy), "--quiet"])
    finally:
        module.write_text(before)
    assert found.exit_code == 2
    assert f"{site}/own_column (own-column 1.2) of sha256" in found.output
    assert f"as it was it is {copy}/sources/own_column: put that back" in found.output
    assert (copy / "sources" / "own_column" / "protocol.py").read_text() == before
    assert apical("verify", copy)["damaged"] == 0


def test_a_protocol_of_ones_own_is_run(copy, site):
    found = apical("lesion", copy, "--protocol", site / "own_column" / "blocked.yaml", "--seeds", "0", "--quiet")
    assert "basal_length" in json.dumps(found)
    assert all(statement["holds"] for statement in found["expectations"])


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # what Brian2 warns of when it is imported is its own
def test_it_is_replayed_with_spikes(copy):
    assert apical("replay", copy, "--quick", "--quiet")


@pytest.mark.slow
def test_it_is_compared_and_swept(site, run, tmp_path):
    base = {"extends": str(run.parent / "own.yaml"), "recording": {"enabled": False}}
    rule = {"name": "margin", "grids": []}
    entries = {
        name: {"settings": {"rule": rule | {"options": {"margin": margin}}}, "locality": "one number"}
        for name, margin in (("near", 0.5), ("far", 2.0))
    }
    spec = {"base": base, "entries": entries}
    (tmp_path / "compared.yaml").write_text(json.dumps(spec))
    found = apical(
        "compare",
        "--data",
        tmp_path / "compared.yaml",
        "--seeds",
        "0",
        "--budget",
        "1epochs",
        "--out",
        tmp_path / "compared",
        "--quiet",
    )
    assert not found["failed"]
    assert {row["accuracy"] for row in found["rows"]} == {100}
    swept = {
        "base": str(run.parent / "own.yaml"),
        "axes": {"rule.options.margin": [0.5, 2.0]},
        "seeds": 1,
        "budget": {"epochs": 1},
    }
    (tmp_path / "swept.yaml").write_text(json.dumps(swept))
    found = apical("sweep", tmp_path / "swept.yaml", "--out", tmp_path / "swept", "--quiet")
    results = open_sweep(tmp_path / "swept")
    assert results["accuracy"].values.ravel().tolist() == [100, 100]
    assert [0.5, 2.0] in [list(values.values) for values in results.coords.values()]


def test_somebody_looks_around_in_it(run):
    pytest.importorskip("bokeh")
    with view([run]) as page:
        assert page.url.startswith("http://127.0.0.1:")
