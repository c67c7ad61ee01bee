"""`apical theory` as a whole, small: what it writes, says and returns."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from apical.protocols import theory
from apical.protocols.command.main import main
from apical.protocols.theory import breaking, hinge, proposition_3_5, run, theorem_3_1, theorem_3_3, unmet
from apical.protocols.theory.section import section
from apical.recordings import Table, Variable, Writer, open
from apical.recordings.seal import unsealed
from click.testing import CliRunner

KEYS = {"theorem_3_1", "theorem_3_3", "proposition_3_5", "breaking", "seconds", "figures", "run"}


@pytest.fixture(scope="module", autouse=True)
def small():
    """A few of the command's cases."""
    with pytest.MonkeyPatch.context() as patched:
        chosen = [case for case in theorem_3_1.cases() if case.depth == 2 and case.width in (4, 8) and case.grid < 4]
        patched.setattr(theorem_3_1, "cases", lambda: chosen)
        patched.setattr(hinge, "DEPTHS", (2,))
        patched.setattr(theorem_3_3, "FEW_OBJECTS", (4, 8))
        patched.setattr(run, "FEW_CASES", 6)
        for name, value in {"SIDE": 4, "DEPTH": 3, "BLOCKS": (1, 2, 4), "OBJECTS": 64, "NETWORKS": 2}.items():
            patched.setattr(proposition_3_5, name, value)
        patched.setattr(breaking, "MIXTURES", (0.0, 1.0))
        patched.setattr(breaking, "SLOPES", (1.0, 0.0))
        patched.setattr(breaking.check, "__defaults__", (2,))
        patched.setattr(proposition_3_5.block_sweep, "__defaults__", (2,))
        yield


def apical(*arguments):
    return CliRunner().invoke(main, ["theory", "--quiet", *arguments])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Folder and result of one command."""
    out = tmp_path_factory.mktemp("theory") / "results"
    result = apical("--out", str(out), "--seed", "3", "--cases", "9", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return out, json.loads(result.stdout.splitlines()[-1])


def test_one_object_with_the_promised_keys(done):
    out, result = done
    assert result.keys() == KEYS
    assert result["run"] == str(out)
    assert result["theorem_3_3"]["cases"] == 9
    assert all(result[part]["passed"] is True for part in run.PARTS)
    written = unsealed((out / "theory.json").read_text())
    assert written == result


def test_its_section_tells_every_verdict(done):
    _, result = done
    found = section(result)
    assert {row[1] for row in found.tables[0].rows} == {"pass", ""}
    assert len(found.figures) == 4
    assert [table.folded for table in found.tables] == [False] + [True] * 5
    failed = copy.deepcopy(result)
    failed["theorem_3_3"] |= {"passed": False, "violations": 2}
    row = next(row for row in section(failed).tables[0].rows if row[0] == "theorem 3.3")
    assert row[1:] == ("FAIL", "cases in which it is violated", "2", "0 of 9")


def test_figures_are_drawn(done):
    out, result = done
    assert set(result["figures"]) == {f"theory_{part}" for part in run.PARTS}
    for path in result["figures"].values():
        assert path.startswith(str(out / "figures"))
        assert len((out / "figures" / path.rpartition("/")[2]).read_bytes()) > 5000


def test_every_case_is_recorded(done):
    out, result = done
    table = open(out)["theory"].to_dataset()
    assert table.attrs["seed"] == 3 and table.attrs["penalty"] == 0.1
    assert table.sizes["theorem_3_3"] == 9 and table.sizes["few_objects"] == 12
    assert list(table["context"].values) == ["lateral", "dfb"]
    smooth = table["theorem_3_1_contrast"] != "linear"
    assert float(table["theorem_3_1_error"].where(smooth).max()) == result["theorem_3_1"]["largest_error"]["smooth"]
    assert int(table["theorem_3_3_violated"].sum()) == 0
    assert all(variable.attrs["units"] == "1" and variable.attrs["long_name"] for variable in table.data_vars.values())
    by_zarr = xr.open_zarr(out / "recording.zarr", group="theory", consolidated=False)
    np.testing.assert_array_equal(by_zarr["blocks_left"], table["blocks_left"])


def test_a_run_keeps_its_tables_and_the_same_seed_gives_the_same(done, tmp_path, monkeypatch):
    table = Table(path="metrics", dim="step", length=4, variables=(Variable(name="loss", long_name="loss"),))
    with Writer.create(tmp_path / "recording.zarr", [table], attributes={"seeds": [1]}) as writer:
        writer.append("metrics", {"loss": np.arange(4, dtype=np.float32)})
    (tmp_path / "config.yaml").write_text("name: x")
    monkeypatch.setattr(run, "draw", lambda rows, folder: {})
    run.check_theory(tmp_path, 3, 9, progress=False)
    recording = open(tmp_path)
    assert recording["metrics/loss"].values.tolist() == [0, 1, 2, 3]
    assert (tmp_path / "config.yaml").read_text() == "name: x"
    again = json.loads((tmp_path / "theory.json").read_text())
    assert {part: again[part] for part in run.PARTS} == {part: done[1][part] for part in run.PARTS}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("theorem_3_1",), "theory.theorem_3_1: expected errors of at most linear 1e-12, smooth 1e-07, got linear"),
        (("theorem_3_1", "hinge"), "theory.theorem_3_1.hinge: expected an error of at most 1e-07, got"),
        (("theorem_3_3",), "theory.theorem_3_3: expected no violation in 9 cases, got 0"),
        (("proposition_3_5",), "theory.proposition_3_5: expected an error of at most 1e-08"),
        (("breaking",), "theory.breaking: expected a gap of 0"),
    ],
)
def test_a_criterion_that_does_not_hold_is_one_sentence_and_1(done, monkeypatch, path, message):
    broken = copy.deepcopy(done[1])
    part = broken
    for key in path:
        part = part[key]
    part["passed"] = False
    monkeypatch.setattr(theory, "check_theory", lambda *args, **options: broken)
    result = apical("--json")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {message}") and result.stderr.count("\n") == 1
    assert result.stderr.strip().endswith(f"see {done[0] / 'theory.json'}")
    assert json.loads(result.stdout).keys() == KEYS


def test_what_holds_is_not_complained_of(done):
    assert unmet(done[1]) is None


def test_the_default_folder_bears_the_seed(done, monkeypatch):
    calls = []
    monkeypatch.setattr(theory, "check_theory", lambda *args, **options: calls.append((args, options)) or done[1])
    assert apical("--seed", "5").exit_code == 0
    assert calls == [((Path("runs/theory-seed5"), 5, 240), {"progress": False})]


@pytest.mark.parametrize(
    ("arguments", "message"), [(["--cases", "0"], "--cases"), (["--seed", "-1"], "--seed"), (["--outt", "x"], "--out")]
)
def test_misuse(arguments, message):
    result = apical(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
