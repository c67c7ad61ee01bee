"""`apical verify` and its repairs, on copies of one small run."""

import json
import re
import shutil

import pytest
from apical.models import CheckpointError
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError, ProtocolError
from apical.protocols.runs.files import write_json
from apical.protocols.runs.metrics import INTERRUPTED, Metrics, check, read
from apical.protocols.settings.load import resume
from apical.protocols.train.run import train
from apical.protocols.verify.run import verify
from apical.recordings import RecordingError
from apical.recordings import open as open_recording
from click.testing import CliRunner
from small_runs import make_run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Eight steps, a checkpoint at 3, 6 and 8, of which the last two are kept."""
    return make_run(
        tmp_path_factory.mktemp("trained") / "run",
        recording__populations=["conv1"], recording__every=1, training__checkpoint_every=3,
    )  # fmt: skip


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def damaged(run):
    return [row["file"] for row in verify(run)["files"] if row["state"] == "damaged"]


def go_on(run):
    return train(resume(run), run, resume=True, progress=False)


def test_a_damaged_newest_checkpoint_is_set_aside_only_when_asked(run):
    newest = run / "checkpoints" / "step-0000000008"
    flip(newest / "moments.safetensors")
    with pytest.raises(
        CheckpointError, match=r"moments.safetensors: .* another checksum; apical verify .* with --repair it sets"
    ):
        go_on(run)
    assert damaged(run) == ["checkpoints/step-0000000008"]
    result = verify(run, repair=True)
    assert result["damaged"] == 0
    assert "is now step-0000000008.damaged-1: damaged; --resume goes on from step-0000000006" in result["repaired"][0]
    assert (run / "checkpoints" / "step-0000000008.damaged-1" / "moments.safetensors").exists()
    assert go_on(run)["steps"] == 8
    assert verify(run)["damaged"] == 0


def test_a_half_removed_checkpoint_names_what_is_missing(run):
    (run / "checkpoints" / "step-0000000008" / "weights.safetensors").unlink()
    with pytest.raises(
        CheckpointError,
        match=r"step-0000000008: expected moments.safetensors, weights.safetensors and state.json, got no weights",
    ):
        go_on(run)


def test_settings_come_back_from_the_recording(run):
    before = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(before.replace("neighbours: 20", "neighbours: 21"))
    with pytest.raises(ConfigError, match="expected the text of the checksum in its first line, got another"):
        go_on(run)
    assert verify(run, repair=True)["damaged"] == 0
    assert (run / "config.yaml").read_text() == before
    assert "neighbours: 21" in (run / "config.yaml.damaged-1").read_text()


@pytest.mark.parametrize("way", ["flipped", "missing line", "removed", "emptied", "not UTF-8"])
def test_lost_lines_are_told_by_number_and_come_back_from_the_recording(way, run):
    path = run / "metrics.jsonl"
    before = [json.loads(line) for line in path.read_text().splitlines()]
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = {"flipped": lines[1].replace(b"0.", b"1.", 1), "missing line": b"", "not UTF-8": b"\xff" + lines[1]}.get(
        way, lines[1]
    )
    path.write_bytes(b"".join(lines) if way != "emptied" else b"")
    if way == "removed":
        path.unlink()
    number = 1 if way in ("removed", "emptied") else 2
    with pytest.raises(ProtocolError, match=rf"metrics.jsonl, line {number}: expected 3 whole lines up to step 8, got"):
        go_on(run)
    assert damaged(run) == ["metrics.jsonl"]
    assert verify(run, repair=True)["damaged"] == 0
    after = read(path).lines
    assert [line["step"] for line in after] == [3, 6, 8]
    for one, two in zip(before, after, strict=True):
        assert two["losses"] == pytest.approx(one["losses"], rel=1e-6)
    assert go_on(run)["steps"] == 8


def test_a_damaged_tail_is_recorded_again_from_the_checkpoint_before_it(run):
    whole = open_recording(run)["activity/conv1/rate"].values
    for name in ("trial", "metrics"):
        table = run / "recording.zarr" / ("activity/conv1/rate" if name == "trial" else "metrics/loss")
        chunks = sorted(path for path in (table / "c").rglob("*") if path.is_file())
        assert chunks
    flip(chunks[-1])
    with pytest.raises(
        RecordingError, match=r"metrics/loss: expected the chunk metrics/loss/c/0/0 .* another checksum"
    ):
        open_recording(run)["metrics/loss"].compute()
    assert damaged(run) == ["recording.zarr/metrics"]
    assert verify(run, repair=True)["damaged"] == 1  # its only chunk: no checkpoint lies before it
    assert (open_recording(run)["activity/conv1/rate"].values == whole).all()


def test_the_rows_after_a_damaged_one_are_recorded_again(tmp_path, monkeypatch):
    monkeypatch.setattr("apical.recordings.layout.MAX_ROWS", 2)  # rows 6 and 7 have a chunk of their own
    run = make_run(
        tmp_path / "run",
        recording__populations=["conv1"],
        recording__every=1,
        recording__rows=1,
        training__checkpoint_every=3,
    )
    before = open_recording(run).load()
    flip(run / "recording.zarr" / "metrics" / "loss" / "c" / "3" / "0")
    assert damaged(run) == ["recording.zarr/metrics"]
    result = verify(run, repair=True)
    assert result["damaged"] == 0
    assert any("recording.zarr ends at step 6 again" in line for line in result["repaired"])
    assert open_recording(run)["metrics"].sizes["step"] == 6
    assert go_on(run)["steps"] == 8
    for path in ("metrics", "activity/conv1"):
        assert open_recording(run)[path].to_dataset().compute().equals(before[path].to_dataset())


@pytest.mark.parametrize("name", ["replays/first.json", "sections/replay-first.json"])
def test_a_damaged_document_of_a_replay_or_report_is_set_aside(run, name):
    path = run / name
    path.parent.mkdir()
    write_json(path, {"name": "first", "value": 1.5})
    assert damaged(run) == []
    path.write_text(path.read_text().replace("1.5", "1.6"))
    left = path.with_name(f".{path.name}.77.partial")
    left.write_text("half")
    assert damaged(run) == [name]
    result = verify(run, repair=True)
    assert result["damaged"] == 0
    assert f"{name} is now {path.name}.damaged-1; make it again" in result["repaired"]
    assert not path.exists() and not left.exists()


def test_what_killed_writers_left_is_named_and_removed(run):
    left = [run / ".probe.json.77.partial", run / "recording.zarr" / "metrics" / "loss" / "0.ab.partial"]
    for path in left:
        path.write_text("half")
    (run / "checkpoints" / ".step-0000000011.partial").mkdir()
    states = {row["file"]: row["state"] for row in verify(run)["files"]}
    assert list(states.values()).count("left over") == 3
    result = verify(run, repair=True)
    assert not any(path.exists() for path in left)
    assert "left over" not in [row["state"] for row in result["files"]]


def test_no_run_there_is_misuse(tmp_path):
    with pytest.raises(ConfigError, match="expected the folder of a run, got another"):
        verify(tmp_path)


def test_the_line_of_an_interruption_goes_and_the_others_stay(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.append({"step": 3})
    metrics.append({"step": 5, INTERRUPTED: True})
    metrics.path.write_bytes(metrics.path.read_bytes() + b'{"step": 6, "lo')  # a kill
    assert metrics.count == 1
    metrics.resume(5, 1)
    metrics.append({"step": 6})
    found = read(metrics.path)
    assert found.damaged is None
    assert check(metrics.path, found, 6, 2) == [{"step": 3}, {"step": 6}]


def test_lines_of_an_earlier_version_are_read_and_sealed(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.path.write_text('{"step": 3}\n{"step": 6}\n')
    metrics.resume(6, -1)
    assert read(metrics.path).sealed
    assert read(metrics.path).lines == [{"step": 3}, {"step": 6}]


def test_the_command_says_so_and_exits_with_1(run):
    told = CliRunner().invoke(main, ["verify", str(run), "--json"])
    assert told.exit_code == 0
    assert json.loads(told.stdout)["damaged"] == 0
    flip(run / "checkpoints" / "step-0000000006" / "weights.safetensors")
    told = CliRunner().invoke(main, ["verify", str(run)])
    assert told.exit_code == 1
    assert re.search(r"^  checkpoints/step-0000000006\s+damaged\s", told.stdout, re.MULTILINE)
    assert told.stderr.startswith(
        f"Error: {run}: expected a whole run, got 1 damaged parts; apical verify {run} --repair gives back"
    )
