"""Every analysis of a recording of training: numbers, the group, the figure, the section, the words at the terminal."""

import json
import shutil

import apical
import numpy as np
import pytest
from apical import recordings
from apical.protocols.analyse.named import plain
from apical.protocols.analyse.table import ANALYSES
from apical.protocols.command.main import main
from apical.recordings.sections import read_sections
from click.testing import CliRunner

from .recorded_runs import add_recording, make_run, rows_of

OF_TRAINING = [name for name in ANALYSES if name not in ("tuning", "receptive-fields", "spikes")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("analyse") / "run")


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


def command(*arguments):
    return CliRunner().invoke(main, ["analyse", *map(str, arguments)])


@pytest.mark.parametrize("what", [*OF_TRAINING, "spikes"])
def test_an_analysis_leaves_a_group_a_figure_and_a_section(run, what):
    replay = {"replay": "first"} if what == "spikes" else {}
    found = apical.analyse(run, what, **replay)
    dataset = recordings.open(run)[found.group].to_dataset()
    for name, variable in dataset.data_vars.items():
        assert variable.attrs["units"] and variable.attrs["long_name"], name
    assert dataset.attrs["what"] == what
    (section,) = read_sections(run)
    assert section.tables[0].rows and section.summary and section.figures[0].caption
    assert (run / "figures" / f"{section.figures[0].name}.png").stat().st_size > 5000
    assert len(found.rows) == len(section.tables[0].rows)
    # the recorded tables are as they were
    assert recordings.open(run)["activity/conv1"].sizes["trial"] == 400


def test_a_second_call_takes_the_place_of_the_first(run):
    """By the same seed with the same numbers."""
    first, second = (apical.analyse(run, "cka") for _ in range(2))
    assert first.rows == second.rows
    assert list(recordings.open(run).children).count("analysis-cka") == 1
    assert len(read_sections(run)) == 1


def test_the_list_says_what_is_missing_and_what_records_it(run):
    found = {row["analysis"]: row for row in apical.analyse(run).analyses}
    assert list(found) == list(ANALYSES)
    assert {name for name, row in found.items() if row["can"] == "no"} == {"tuning", "receptive-fields"}
    assert "apical record RUN gratings" in found["tuning"]["missing"]
    result = command(run, "--list")
    assert result.exit_code == 0
    assert "apical record RUN sparse-noise --images" in result.stdout


def test_numbers_are_those_that_were_planted(run):
    rows = apical.analyse(run, "selectivity").rows
    assert [row["population"] for row in rows] == ["conv1", "conv2"]
    assert all(row["units"] == 12 and row["d'"] > 2 and row["CSI"] > 0.4 for row in rows)
    dataset = recordings.open(run)["analysis-selectivity"].to_dataset()
    assert (dataset["preferred"].values == dataset["unit_id"].values % 4).all()
    (one, _) = apical.analyse(run, "apical-basal").rows
    assert one["r fixation"] > 0.9 > 0.3 > abs(one["r saccade"])
    gates = {(row["population"], row["phase"]): row for row in apical.analyse(run, "gates", windows=10).rows}
    assert gates["conv1", "fixation"]["first window"] == 0
    assert gates["conv1", "fixation"]["last window"] == pytest.approx(0.9)
    spikes = apical.analyse(run, "spikes", replay="first")
    assert spikes.rows[0]["units"] == 4
    assert 15 < spikes.rows[0]["rate (Hz)"] < 55


def test_options_choose_trials_populations_and_variables(run):
    one = apical.analyse(run, "apical-basal", populations=["conv2"], phase="saccade").rows
    assert [row["population"] for row in one] == ["conv2"]
    assert abs(one[0]["r all"]) < 0.3
    late = apical.analyse(run, "rank", since=50).rows
    assert [row["trials"] for row in late] == [200, 200]
    assert [row["trials"] for row in apical.analyse(run, "rank", since=20, until=50).rows] == [120, 120]
    assert apical.analyse(run, "selectivity", value="apical").rows != apical.analyse(run, "selectivity").rows


def test_sparsity_of_a_potential_that_is_negative_names_the_rate(run):
    result = command(run, "sparsity", "--value", "apical")
    assert result.exit_code == 1
    assert "expected a signal that is not negative, such as rate, got apical" in result.stderr


def test_other_options_stand_beside_the_first(run):
    """Groups, figures and sections of every choice; each section says of what it is."""
    apical.analyse(run, "rank")
    found = apical.analyse(run, "rank", populations=["conv1"], value="basal", phase="fixation", since=50)
    assert found.group == "analysis-rank-conv1-basal-fixation-since-50"
    assert {"analysis-rank", found.group} <= set(recordings.open(run).children)
    one, two = sorted(read_sections(run), key=lambda section: len(section.name))
    assert one.summary[-1] == "Of the recording of training: signal rate."
    assert two.name == found.group
    assert "signal basal, trials of the phase fixation, from step 50 on, population conv1." in two.summary[-1]
    assert one.figures[0].name != two.figures[0].name
    assert one.title != two.title
    apical.analyse(run, "gates", windows=4)
    assert "Of the recording of training." in [section.summary[-1] for section in read_sections(run)]


def test_names_are_plain_and_of_limited_length():
    first, second = (plain("analysis", "cka", "x" * 90, end) for end in ("with a", "with b"))
    assert len(first) <= 80
    assert first != second
    assert plain("analysis", "rank", "", "with a/b, own") == "analysis-rank-with-a-b-own"


def test_the_table_of_the_prediction_error_is_of_the_last_window(run):
    """Its correlations are those of an analysis of these trials alone, also where the last steps are left out."""
    key = "r(score, angle)"
    whole = apical.analyse(run, "prediction-error", windows=2).rows
    late = apical.analyse(run, "prediction-error", windows=1, since=50).rows
    early = apical.analyse(run, "prediction-error", windows=2, until=50).rows
    assert [row[key] for row in whole] == pytest.approx([row[key] for row in late])
    assert [row["error"] for row in whole] == pytest.approx([row["error"] for row in late])
    assert all(np.isfinite(row["error"]) and np.isfinite(row[key]) for row in early)
    assert [row[key] for row in early] != pytest.approx([row[key] for row in whole])


@pytest.mark.slow
def test_two_runs_side_by_side(run, tmp_path):
    """Of the same trials: the second run differs by its noise alone."""
    other = make_run(tmp_path / "other", seed=0, populations=("conv1", "conv2", "conv3"))
    found = apical.analyse(run, "cka", other=other)
    assert found.group == "analysis-cka-with-other"
    assert len(found.rows) == 2 and list(found.rows[0]) == ["population", "conv1", "conv2", "conv3"]
    assert found.rows[0]["conv1"] == pytest.approx(1)
    assert 0.7 < found.rows[0]["conv2"] < 0.99
    (section,) = read_sections(run)
    assert "with other" in section.title
    result = command(run, "rsa", "--with", other, "--json")
    assert json.loads(result.stdout)["rows"][1]["conv2"] == pytest.approx(1)
    same = shutil.copytree(other, tmp_path / "apart" / "run")
    assert apical.analyse(run, "rsa", other=same).group == "analysis-rsa-with-apart-run"
    seeds = make_run(tmp_path / "seeds", seed=1)
    assert "drew views of their own" in command(run, "cka", "--with", seeds).stderr


def test_drift_takes_the_probe_batch_where_there_is_one(run):
    """A fixed batch at three steps whose code stays: all of it is stable, which it is not of training trials."""
    random = np.random.default_rng(0)
    code = random.normal(size=(20, 12)).astype(np.float32)
    step, stimulus = np.repeat([0, 10, 20], 20), np.tile(np.arange(20), 3)
    base = recordings.activity_table("conv1", 60, np.arange(12), (3, 2, 2))
    table = recordings.Table(
        path="probe/conv1", dim="trial", length=60, variables=base.variables, coords=base.coords, attributes={}
    )
    rows = rows_of(random, stimulus % 4, stimulus, step) | {"rate": code[stimulus]}
    add_recording(run, "probed", table, rows)
    (row,) = apical.analyse(run, "drift", recording="probed").rows
    assert row["stability first-last"] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "analyse.what: expected one of selectivity, tuning"),
        (["selectvity"], "did you mean selectivity?"),
        ([], "WHAT: expected the name of an analysis"),
        (["tuning"], "record gratings with `apical record RUN gratings`; the recording training has none"),
        (["spikes"], "--replay first"),
        (["spikes", "--replay", "frist"], "analyse.replay: expected one of first, got 'frist'; did you mean first?"),
        (["cka", "--population", "conv9"], "analyse.population: expected one of conv1, conv2, got 'conv9'"),
        (["cka", "--value", "basel"], "analyse.value: expected one of apical, basal, rate, got 'basel'; did you mean basal?"),
        (["cka", "--batch", "3"], "analyse.batch: expected 4 to 8192, got 3"),
        (["rank", "--phase", "sleep"], "analyse.phase: expected one of fixation, saccade, got 'sleep'"),
        (["rank", "--since", "5000"], "expected trials of this phase and these steps, got none"),
        (["rank", "--recording", "none"], "analyse.recording: expected one of training, got 'none'"),
        (["apical-basal", "--source", "feedback"], "analyse.source: expected one of (none: a single apical dendrite)"),
        (["rank", "--with", "."], "analyse.with: expected an analysis of two runs, cka or rsa, got rank"),
    ],
)  # fmt: skip
def test_misuse_is_one_sentence(run, arguments, message):
    result = command(run, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_without_a_recording(tmp_path):
    result = command(tmp_path, "rank")
    assert result.exit_code == 2
    assert "expected the folder of a run with a recording, got none" in result.stderr


def test_a_run_without_apical_dendrites_says_so(tmp_path):
    run = make_run(tmp_path / "bp", apical=False, replay=False)
    assert "analyse.apical-basal: expected apical and basal potentials" in command(run, "apical-basal").stderr
    assert command(run, "sparsity").exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_run_that_has_diverged_is_analysed_or_refused(tmp_path, value):
    """Whatever can still be told is told; nothing ends in a traceback or in warnings of numpy."""
    run = make_run(tmp_path / "run", populations=("conv1", "conv2"), replay=False, diverged=value)
    for what in OF_TRAINING:
        result = command(run, what, "--windows", "4")
        assert result.exit_code in (0, 1), (what, result.exception)
        if result.exit_code:
            assert result.stderr.startswith("Error: analysis."), (what, result.stderr)
            assert len(result.stderr.splitlines()) == 1
    assert "with --until" in command(run, "rank").stderr
    assert command(run, "rank", "--until", "50").exit_code == 0
