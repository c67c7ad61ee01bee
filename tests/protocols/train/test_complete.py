"""A run that is complete, resumed once more."""

import json

from apical.protocols.command.main import main
from apical.protocols.settings.load import resume
from apical.protocols.train.run import train
from click.testing import CliRunner
from small_runs import make_run


def test_it_says_so_with_its_numbers_and_touches_nothing(tmp_path, capsys):
    run = make_run(tmp_path / "run")
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    before = (run / "recording.zarr" / "zarr.json").read_text()
    capsys.readouterr()
    again = train(resume(run), run, resume=True, progress=False)
    assert capsys.readouterr().err == f"Note: {run} is complete: its 8 steps were trained before\n"
    assert (again["status"], again["steps"], again["epochs"]) == ("complete", 8, 1)
    for name in ("loss", "losses", "images_per_second", "peak_memory_bytes", "seconds"):
        assert again[name] == last[name], name
    assert (run / "recording.zarr" / "zarr.json").read_text() == before


def test_its_json_has_no_nulls(tmp_path):
    run = make_run(tmp_path / "run")
    told = CliRunner().invoke(main, ["train", "--resume", "--out", str(run), "--json"])
    assert told.exit_code == 0
    assert json.loads(told.stdout)["status"] == "complete"
    assert None not in json.loads(told.stdout).values()
