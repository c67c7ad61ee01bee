"""`apical lesion` at the terminal."""

import json
import shutil

import pytest
import torch
from apical.protocols.cli import main
from apical.protocols.lesion.spec import known


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main.main(args=["lesion", *arguments], prog_name="apical")
    out = capsys.readouterr()
    return left.value.code, out.out, out.err


def test_list(capsys):
    code, out, _ = call(capsys, "--list", "--json")
    assert code == 0
    assert [entry["name"] for entry in json.loads(out)["protocols"]] == known()


def test_a_protocol_at_the_terminal(capsys, dfb):
    code, out, _ = call(capsys, str(dfb), "--protocol", "sign_switch", "--seeds", "0,1", "--quiet", "--json")
    assert code == 0
    found = json.loads(out.splitlines()[-1])
    assert found["expected"]
    assert set(found["conditions"]) >= {"depolarised", "at_rest", "hyperpolarised"}


def test_a_run_trained_elsewhere_is_looked_at_here(capsys, dfb, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = tmp_path / "run"
    shutil.copytree(dfb, run)
    file = run / "config.yaml"
    file.write_text(file.read_text().partition("\n")[2].replace("device: cpu", "device: cuda"))
    words = [str(run), "--protocol", "sign_switch", "--seeds", "0", "--quiet"]
    code, _, err = call(capsys, *words)
    assert code == 2
    assert "expected a CUDA device, got none on this machine; use --device cpu" in err
    assert call(capsys, *words, "--device", "cpu")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "RUN: expected a value, got none"),
        (["."], "--protocol: expected a value, got none"),
        ([".", "--protocol", "apical_blck"], "did you mean apical_block?"),
        ([".", "--protocol", "apical_block"], "expected the folder of a run with config.yaml, got none"),
        ([".", "--protocol", "apical_block", "--seeds", "x"], "--seeds: expected numbers or a range"),
        (["nowhere", "--protocol", "apical_block"], "nowhere"),
    ],
)
def test_misuse_is_one_line_and_2(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(capsys, *arguments)
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1
