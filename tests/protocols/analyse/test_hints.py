"""What a missing recording is said to be made by makes one that can be analysed."""

import re

import apical
import pytest
from apical.protocols.analyse import hints
from apical.protocols.command.main import main
from apical.recordings import recordings_of
from apical.recordings.sections import read_sections
from click.testing import CliRunner

from ..small_runs import make_run

CASES = {
    hints.GRATINGS: ["tuning"],
    hints.NOISE: ["receptive-fields"],
    hints.LABELS: ["selectivity", "rsa", "sparsity"],
    hints.VIEWS: ["invariance", "noise-correlations", "apical-basal", "prediction-error"],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("hints") / "run")


@pytest.mark.slow
@pytest.mark.parametrize("hint", CASES)
def test_what_is_told_records_what_is_needed(run, hint):
    (words,) = re.findall("`apical record RUN (.*)`", hint)
    name = f"recorded-{list(CASES).index(hint)}"
    result = CliRunner().invoke(main, ["record", str(run), *words.split(), "--name", name, "--quiet"])
    assert result.exit_code == 0, result.output
    assert name in recordings_of(run)
    for what in CASES[hint]:
        found = apical.analyse(run, what, recording=name, populations=["conv1", "conv3"])
        assert found.rows[0]["population"] == "conv1"
        assert f"analysis-{what}-{name}-conv1-conv3" in [section.name for section in read_sections(run)]


def test_apical_potentials_of_an_own_recording(run):
    """The first glance follows none and has no apical potential: it is no trial of theirs."""
    apical.record(run, "own", name="first", progress=False)
    assert len(apical.analyse(run, "cka", recording="first", value="apical").rows) == 6
    trials = [row["trials"] for row in apical.analyse(run, "rank", recording="first", value="apical").rows]
    assert trials == [row["trials"] - 1 for row in apical.analyse(run, "rank", recording="first").rows]


def test_a_network_beside_itself_before_training(run):
    """Two recordings of one run, of the same images: each is named."""
    apical.record(run, "own", name="trained", progress=False)
    apical.record(run, "own", name="untrained", checkpoint="initial", progress=False)
    found = apical.analyse(run, "cka", recording="trained", other=run, other_recording="untrained")
    assert found.group == "analysis-cka-with-run-untrained"
    assert 0 < found.rows[0]["conv1"] <= 1.01
    apical.record(run, "gratings", name="gratings", settings={"orientations": 4}, progress=False)
    with pytest.raises(ValueError, match="got another kind: images and gratings"):
        apical.analyse(run, "cka", recording="trained", other=run, other_recording="gratings")


def test_the_other_hints_are_those_that_name_no_recording():
    told = {value for name, value in vars(hints).items() if name.isupper() and "apical record RUN" in value}
    assert told - set(CASES) == {hints.TRIALS, hints.REPEATS} - set(CASES)
    assert hints.REPEATS.split("`")[1] == hints.VIEWS.split("`")[1]
