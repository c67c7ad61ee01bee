"""`apical sweep` and `apical.sweep`."""

import json

import apical
import pytest
import yaml
from apical.protocols.command.main import main
from apical.protocols.sweep import cell, figures
from click.testing import CliRunner
from tiny_sweeps import spec


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    monkeypatch.setattr(figures, "save", lambda figure, stem: stem)


@pytest.fixture
def rates(tmp_path):
    path = tmp_path / "rates.yaml"
    path.write_text(yaml.safe_dump(spec(do=["train"])))
    return path


def command(*words):
    return CliRunner().invoke(main, ["sweep", *map(str, words)])


def test_a_sweep_by_command_and_where_it_stands(rates, tmp_path):
    out = tmp_path / "out"
    dry = command(rates, "--out", out, "--dry-run")
    assert dry.exit_code == 0
    assert "2 cells: 2 waiting" in dry.stdout
    assert not out.exists()
    done = command(rates, "--out", out, "--workers", 0, "--quiet")
    assert done.exit_code == 0, done.stderr
    assert "2 cells: 2 done. Budget of a cell: as the settings say." in done.stdout
    assert "sweep.html" in done.stdout
    again = json.loads(command(out, "--workers", 0, "--quiet", "--json").stdout)
    assert again["cells"] == {"done": 2}
    told = command("status", out)
    assert "learning_rate=0.001-seed0" in told.stdout
    assert json.loads(command("status", out, "--json").stdout)["cells"] == {"done": 2}


def test_a_failed_cell_ends_with_1_after_the_result(rates, tmp_path, monkeypatch):
    real = cell._done

    def fails(folder, name, *rest):
        if "0.001" in name:
            raise ZeroDivisionError("of one's own")
        return real(folder, name, *rest)

    monkeypatch.setattr(cell, "_done", fails)
    result = command(rates, "--out", tmp_path / "out", "--workers", 0, "--quiet", "--json", "--retries", 0)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["cells"] == {"failed": 1, "done": 1}
    assert "expected every cell to finish, got 1 failed: learning_rate=0.001-seed0; repeat the command" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.yaml"], "sweep.spec: expected a YAML file, or the folder of a sweep, got 'nowhere.yaml'"),
        (["a", "b"], "sweep: expected SPEC.yaml, FOLDER or status FOLDER, got a b"),
        (["status"], "sweep: expected SPEC.yaml, FOLDER or status FOLDER, got status"),
        (["status", "nowhere"], "nowhere: expected the folder of a sweep with sweep.json, got none"),
        ([], "Missing argument"),
    ],
)
def test_misuse_ends_with_2(words, message):
    result = command(*words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_setting_that_no_cell_could_have_names_its_axis(tmp_path):
    path = tmp_path / "rates.yaml"
    path.write_text(yaml.safe_dump(spec({"optimiser.learning_rate": [0.1, -1.0]})))
    result = command(path, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "axes.optimiser.learning_rate = -1.0: optimiser.learning_rate: expected" in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_function_does_what_the_command_does(tmp_path):
    dry = apical.sweep(spec(do=["train"]), tmp_path / "out", dry_run=True)
    assert dry.cells.waiting == 2
    assert "2 waiting" in repr(dry)
    found = apical.sweep(spec(do=["train"]), tmp_path / "out", workers=0, changes={"training.batch": 8}, progress=False)
    assert found.cells.done == 2
    assert {row["steps"] for row in found.rows} == {8}
    assert "Sweep tiny" in repr(found)
    assert apical.open(found).loss.sizes == {"learning_rate": 2, "seed": 1}
