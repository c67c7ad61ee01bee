"""Read-outs, stimuli to record and analyses from outside, by the commands that take their words."""

import json
import re
from pathlib import Path

import pytest
from apical.models.outside import OutsideError
from apical.protocols.analyse.table import ANALYSES
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError
from apical.protocols.readouts.table import READ_OUTS
from apical.protocols.settings.load import load
from apical.protocols.settings.names import GROUPS
from apical.protocols.stimuli import StimulusError
from apical.protocols.stimuli.shown.table import settings_of
from click.testing import CliRunner
from small_runs import make_run

ROOT = Path(__file__).parents[2]


def apical(*words, code=0):
    found = CliRunner().invoke(main, [*map(str, words), "--json"])
    assert found.exit_code == code, (words, found.output)
    return json.loads(found.stdout.splitlines()[-1]) if code == 0 else found.output


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(
        tmp_path_factory.mktemp("reading") / "run",
        network__builder="mlp",
        network__width=1.0,
        network__hidden=[16, 8],
        rule__grids=[],
    )


def test_a_read_out_of_ones_own_is_asked_for_or_set(run, mine):
    asked = apical("probe", run, "--read-out", f"{mine}nearest_mean", "--layers", "dense1", "--quiet")
    assert 0 <= asked["accuracy"] <= 100
    assert asked["read_out"].startswith("nearest_mean")
    chosen = apical("probe", run, "--set", f"probe.read_out={mine}nearest_mean", "--layers", "dense1", "--quiet")
    assert chosen["accuracy"] == asked["accuracy"]
    assert "asks for distance; give it a default" in apical("probe", run, "--read-out", f"{mine}asks_for_more", code=2)
    said = apical("probe", run, "--read-out", f"{mine}too_few", "--quiet", code=1)
    assert "expected a class for each of 32 test images from" in said
    assert "expected one of linear, knn, goodness, got 'linea'; did you mean linear?" in apical(
        "probe", run, "--read-out", "linea", code=2
    )
    with pytest.raises(OutsideError, match="expected a read-out, a function of"):
        READ_OUTS[f"{mine}MADE"]
    with pytest.raises(ConfigError, match=r"probe.read_out: expected one of linear, knn, got 'goodness'"):
        load("demo", ["probe.read_out=goodness"])


def test_a_stimulus_of_ones_own_is_recorded(run, mine):
    found = apical("record", run, f"{mine}Bars", "--set", "height=2.0", "--name", "bars", "--quiet")
    assert found["stimuli"] == 16
    with pytest.raises(StimulusError, match=r"Bars.setting: expected one of height, got 'hight'"):
        settings_of(f"{mine}Bars", {"hight": 1})
    with pytest.raises(OutsideError, match=r"record.stimulus: expected a stimulus, a dataclass of settings with show"):
        settings_of(f"{mine}MADE", {})
    assert settings_of(f"{mine}halves", {}).name == f"{mine}halves"  # a data set is one as well
    assert settings_of("folder:images.py:X", {}).name == "folder:images.py:X"


def test_an_analysis_of_ones_own_is_run(run, mine):
    found = apical("analyse", run, f"{mine}SPREAD")
    assert [row["population"] for row in found["rows"]] == ["dense1", "dense2"]
    assert Path(found["figure"]).is_file()
    assert "mine.py" not in Path(found["figure"]).name
    with pytest.raises(
        OutsideError, match=r"analyse.what: expected an analysis, got .*MADE, which is Oja; make an `Analysis`"
    ):
        ANALYSES[f"{mine}MADE"]
    assert "did you mean rank?" in apical("analyse", run, "rnk", code=2)


def test_every_open_table_is_listed():
    sources = "".join(path.read_text() for room in ("models", "protocols") for path in (ROOT / room).rglob("*.py"))
    assert set(re.findall(r'group="(apical\.[a-z_]+)"', sources)) == set(GROUPS)
