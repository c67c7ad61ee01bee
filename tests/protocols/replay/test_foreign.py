"""Checks of one's own in a replay: by file, with the others in the result; and what is refused."""

import json
import shutil
from hashlib import sha256

import pytest
from apical.models.outside import OutsideError
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError
from apical.protocols.replay import ReplaySettings, figures
from apical.protocols.replay import run as run_file
from apical.protocols.replay.foreign import CHECKS
from apical.recordings.sections import read_section

OWN = '''
from apical.protocols.check import Check, above, at_most


def fires(bench):
    """Mean rate of the circuit."""
    rates = [float(replay.rate.mean()) for replay in bench.base.values()]
    return Check("own rate", "mean rate of the circuit (Hz)", rates, above(0.0))


def two(bench):
    return [fires(bench), Check("own size", "neurons", [len(bench.circuit.W)], at_most(2))]


def broken(bench):
    return bench.nothing


def number(bench):
    return 3.0


def arrays(bench):
    return Check("own", "numbers", [[1.0, 2.0]], above(0.0))


def greedy(bench, other):
    return fires(bench)


class Kind:
    pass
'''


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    return str(tmp_path / "own.py")


def test_a_check_of_ones_own_stands_in_the_result(tmp_path, own, run, monkeypatch, capsys):
    pytest.importorskip("brian2", reason="the bridge needs brian2")
    monkeypatch.setattr(run_file, "QUICK", ())
    monkeypatch.setattr(figures, "save", lambda _, path: path)
    monkeypatch.setattr(run_file, "write_report", lambda path: path)
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    words = {"units": 4, "trials": 6, "duration": 40, "dt": 0.5, "pool": 2, "tau": 20, "name": "own"}
    asked = ["--check", f"{own}:two", "--quick", "--quiet", "--json", *(f"--{n}={v}" for n, v in words.items())]
    with pytest.raises(SystemExit) as leaving:
        main(["replay", str(folder), *asked])
    shown = capsys.readouterr()
    assert leaving.value.code in (0, None), shown.err
    result = json.loads(shown.out)
    assert [(check["name"], check["passed"]) for check in result["checks"]] == [("own rate", True), ("own size", False)]
    assert result["settings"]["checks"] == [f"{own}:two"]
    assert result["sources"][f"{own}:two"]["sha256"] == sha256(OWN.encode()).hexdigest()
    rows = [row for table in read_section(folder / "sections" / "replay-own.json").tables for row in table.rows]
    assert any("mean rate of the circuit (Hz)" in row for row in rows)


@pytest.mark.parametrize(("name", "error", "message"), [
    ("absent", OutsideError, r"replay.checks: expected a name in .*own.py, got 'absent'"),
    ("greedy", OutsideError, r"replay.checks: expected a check of the bench alone, got .*greedy, which asks for other too"),
    ("Kind", OutsideError, r"replay.checks: expected a check, a function of the bench, got .*Kind, which is type"),
])  # fmt: skip
def test_what_is_no_check_is_refused_before_a_replay(own, name, error, message):
    with pytest.raises(error, match=message):
        ReplaySettings(checks=(f"{own}:{name}",))


def test_words_that_name_none_are_refused(own):
    with pytest.raises(
        ConfigError, match=r"replay.checks: expected package.module:Name or path/to/file.py:Name, got 'fires'"
    ):
        ReplaySettings(checks=("fires",))
    with pytest.raises(ConfigError, match="expected each check once"):
        ReplaySettings(checks=(f"{own}:fires", f"{own}:fires"))
    with pytest.raises(ConfigError, match=r"replay.ladder: expected it without checks, got --check too"):
        ReplaySettings(ladder=True, checks=(f"{own}:fires",))


def test_what_fails_in_a_check_is_told_in_a_sentence(own):
    with pytest.raises(
        OutsideError, match=r"replay.checks: expected .*broken to be checked, got AttributeError: .*own.py, line \d+"
    ):
        CHECKS[f"{own}:broken"](None)
    with pytest.raises(OutsideError, match=r"expected a Check, or a list of them, from .*number, got float"):
        CHECKS[f"{own}:number"](None)
    with pytest.raises(
        OutsideError, match=r"expected one number per seed in Check.values of .*arrays, got \[\[1.0, 2.0\]\]"
    ):
        CHECKS[f"{own}:arrays"](None)
