"""Training end to end on small stimuli: recorded, resumable, killed, misused."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
import zarr
from apical.models.engine import LocalEngine
from apical.protocols.errors import ConfigError, ProtocolError
from apical.protocols.runs.folder import RunFolder
from apical.protocols.settings.load import load, resume
from apical.protocols.train.diverging import DivergedError
from apical.protocols.train.run import pick_device, train
from apical.recordings import open as open_recording
from safetensors.torch import load_file
from tolerances import assert_falls

SMALL = {
    "name": "small",
    "stimulus": {"name": "shapes", "image_size": 16, "n_train": 64, "n_test": 16},
    "network": {"builder": "vgg6", "width": 0.03125},
    "rule": {"context": "both", "grids": [4, 2, 2, 2, 1, 1]},
    "training": {"epochs": 4, "batch": 8, "threads": 1, "checkpoint_every": 3, "device": "cpu"},
    "recording": {"every": 1, "rows": 4, "units": 8},
    "optimiser": {"learning_rate": 0.01},
}


@pytest.fixture
def settings(tmp_path):
    def make(**changes):
        document = json.loads(json.dumps(SMALL))
        for path, value in changes.items():
            group, name = path.split("__")
            document[group][name] = value
        file = tmp_path / "small.yaml"
        file.write_text(json.dumps(document))
        return load(str(file))

    return make


def weights(run: Path):
    last = sorted((run / "checkpoints").glob("step-*"))[-1]
    return load_file(last / "weights.safetensors") | load_file(last / "moments.safetensors")


def assert_same(one: Path, two: Path):
    """Final weights, moments and every recorded number are equal, bit for bit."""
    first, second = weights(one), weights(two)
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name
    left, right = (zarr.open_group(run / "recording.zarr", mode="r") for run in (one, two))
    names = [name for name, array in left.members(max_depth=None) if isinstance(array, zarr.Array)]
    assert len(names) > 50
    for name in names:
        np.testing.assert_array_equal(left[name][:], right[name][:], err_msg=name)
    assert left.attrs["committed"] == right.attrs["committed"]


def test_a_run_leaves_everything_behind(settings, tmp_path):
    out = tmp_path / "run"
    result = train(settings(training__epochs=2), out, progress=False)
    assert result["status"] == "complete"
    assert result["epochs"] == 2
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 6, 9, 12, 15, 16]
    assert all(line["loss"] > 0 for line in lines)
    tree = open_recording(out)
    assert tree.attrs["status"] == "complete"
    assert tree.attrs["config"]["rule"]["context"] == "both"
    assert tree["metrics"].sizes["step"] == 16
    assert tree["activity/conv1"].sizes["trial"] == 16 * 8


def test_a_run_learns(settings, tmp_path):
    """Chaotic, so over seeds. LPL halves its loss in 32 steps; CLAPP++ needs more than a test has."""
    falls = []
    for seed in range(3):
        config = settings(rule__name="lpl", rule__context="lateral", optimiser__learning_rate=0.001)
        config = config.model_copy(
            update={"seed": seed, "recording": config.recording.model_copy(update={"enabled": False})}
        )
        train(config, tmp_path / f"run{seed}", progress=False)
        lines = (tmp_path / f"run{seed}" / "metrics.jsonl").read_text().splitlines()
        falls.append([json.loads(line)["loss"] for line in (lines[0], lines[-1])])
    first, last = zip(*falls, strict=True)
    assert_falls(first, last, to=0.75)


@pytest.mark.parametrize("rule", ["clapp++", pytest.param("bp-clapp++", marks=pytest.mark.slow)])
def test_resumed_equals_uninterrupted_bit_for_bit(rule, settings, tmp_path):
    changes = {} if rule == "clapp++" else {"rule__name": rule, "rule__context": "lateral"}
    changes |= {"training__epochs": 2, "training__checkpoint_every": 5}
    train(settings(**changes), tmp_path / "straight", progress=False)
    stopped = settings(**changes, training__max_seconds=1e-3)
    assert train(stopped, tmp_path / "pieces", progress=False)["status"] == "interrupted"
    assert open_recording(tmp_path / "pieces").attrs["status"] == "interrupted"
    result = train(settings(**changes), tmp_path / "pieces", resume=True, progress=False)
    assert result["status"] == "complete"
    assert_same(tmp_path / "straight", tmp_path / "pieces")


COMMAND = [sys.executable, "-m", "apical.protocols", "train"]


def start(config: Path, out: Path, *more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [*COMMAND, str(config), "--out", str(out), "--quiet", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_at_random(run: Path, config: Path, moment: float, *more: str) -> bool:
    """Kill -9 some time after the recording exists; true when it was still running."""
    process = start(config, run, *more)
    while process.poll() is None and not (run / "metrics.jsonl").exists():
        time.sleep(0.01)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def assert_consistent(run: Path) -> None:
    """The store opens with ours and with plain xarray, at one length, without a hole."""
    tree = open_recording(run)
    committed = tree.attrs["committed"]
    for path, rows in committed.items():
        found = tree[path].to_dataset().load()
        growing = found.sizes[next(d for d in found.dims if d in ("step", "trial"))]
        assert growing == rows
        for name, variable in found.variables.items():
            if variable.dtype.kind == "f":
                assert np.isfinite(variable.values).all(), f"{path}/{name}"
        with xr.open_zarr(run / "recording.zarr", group=path, consolidated=False) as plain:
            assert plain.sizes
    with xr.open_zarr(run / "recording.zarr", consolidated=False):
        pass


def killed_again_and_again(tmp_path: Path, kills: int, epochs: int, seed: int) -> None:
    rng = random.Random(seed)
    document = json.loads(json.dumps(SMALL))
    document["training"] |= {"epochs": epochs, "checkpoint_every": 8}
    config = tmp_path / "small.yaml"
    config.write_text(json.dumps(document))
    straight, run = tmp_path / "straight", tmp_path / "killed"
    assert train(load(str(config)), straight, progress=False)["status"] == "complete"
    done = 0
    for i in range(kills):
        if kill_at_random(run, config, rng.uniform(0, 0.6), *(["--resume"] if i else [])):
            done += 1
            assert_consistent(run)
    assert done >= kills * 0.9, f"only {done} of {kills} kills hit a running process"
    assert train(resume(run), run, resume=True, progress=False)["status"] == "complete"
    assert_same(straight, run)


@pytest.mark.parametrize("kills", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_kill_9_costs_nothing_that_was_committed(kills, tmp_path):
    killed_again_and_again(tmp_path, kills=kills, epochs=8, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kill_9_twenty_times(tmp_path):
    killed_again_and_again(tmp_path, kills=20, epochs=200, seed=1)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGINT, signal.SIGHUP))]
)
def test_an_interrupted_run_checkpoints_and_tells_how_to_go_on(number, tmp_path):
    document = json.loads(json.dumps(SMALL))
    document["training"] |= {"epochs": 1000, "checkpoint_every": 100_000}
    config, run = tmp_path / "small.yaml", tmp_path / "run"
    config.write_text(json.dumps(document))
    process = start(config, run)
    store = run / "recording.zarr" / "zarr.json"
    while process.poll() is None and not (store.exists() and '"running"' in store.read_text()):
        time.sleep(0.02)
    time.sleep(1.0)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    (kept,) = (run / "checkpoints").glob("step-*")
    step = int(kept.name.removeprefix("step-"))
    assert errors == (
        f"Error: interrupted; {run} is kept up to step {step}: continue with apical train --resume --out {run}\n"
    )
    assert open_recording(run).attrs["status"] == "interrupted"


def test_an_existing_folder_is_never_written_over(settings, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / "thesis.txt").write_text("precious")
    with pytest.raises(
        ConfigError, match=r"expected a new folder, got .* continue it with --resume or choose another --out"
    ):
        train(settings(), out, progress=False)
    assert [p.name for p in out.iterdir()] == ["thesis.txt"]


def test_a_run_that_another_process_trains_is_left_alone(settings, tmp_path):
    out = tmp_path / "run"
    train(settings(training__epochs=1), out, progress=False)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    with RunFolder(out).alone(), pytest.raises(ConfigError, match="another process is training"):
        train(settings(training__epochs=1), out, resume=True, progress=False)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    train(settings(training__epochs=1), out, resume=True, progress=False)


def test_settings_are_written_again_only_where_they_are_others(settings, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.claim(settings())
    with folder.alone():
        before = folder.config.stat().st_ino
        folder.keep(settings())
        assert folder.config.stat().st_ino == before
        folder.keep(settings(training__threads=3))
        assert folder.settings().training.threads == 3
        with pytest.raises(ConfigError, match="another process is training"), RunFolder(folder.path).alone():
            pass


def stopped_run(settings, out, **changes):
    """A run of one epoch that was stopped after its first step, without a recording unless asked for."""
    changes = {"training__epochs": 1, "recording__enabled": False, **changes}
    assert train(settings(**changes, training__max_seconds=1e-3), out, progress=False)["status"] == "interrupted"
    return settings(**changes)


def test_an_edited_config_is_refused_on_resume(settings, tmp_path):
    out = tmp_path / "run"
    stopped_run(settings, out)
    file = out / "config.yaml"
    text = file.read_text()
    file.write_text(text.replace("learning_rate: 0.01", "learning_rate: 0.02"))
    with pytest.raises(ConfigError, match=r"config.yaml: expected the text of the checksum in its first line"):
        resume(out)
    file.write_text(file.read_text().partition("\n")[2])  # taken as it is, then
    with pytest.raises(
        ConfigError, match=r"config.yaml: expected the settings that step 1 was trained with, got others"
    ):
        train(resume(out), out, resume=True, progress=False)
    file.write_text(text)
    assert train(resume(out), out, resume=True, progress=False)["steps"] == 2


def test_other_images_are_refused_on_resume(settings, tmp_path):
    out, archive = tmp_path / "run", tmp_path / "data.npz"
    draws = np.random.default_rng(0)

    def save(count):
        images = draws.integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
        np.savez(archive, images=images, labels=np.arange(count) % 2)

    save(40)
    config = stopped_run(settings, out, stimulus__name=f"npz:{archive}", stimulus__n_train=None, stimulus__n_test=None)
    save(41)
    with pytest.raises(
        ProtocolError, match=r"expected the train and test images of the training, got others from npz:"
    ):
        train(config, out, resume=True, progress=False)


def test_a_resumed_part_tells_what_made_it(settings, tmp_path):
    out = tmp_path / "run"
    config = stopped_run(settings, out, recording__enabled=True, recording__populations=["conv1"])
    assert "resumed" not in open_recording(out).attrs
    train(config, out, resume=True, progress=False)
    (part,) = open_recording(out).attrs["resumed"]
    assert part.keys() == {"step", "command", "device", "git", "versions", "host"}
    assert (part["step"], part["device"]) == (1, "cpu")


def test_resume_without_a_checkpoint_keeps_what_was_recorded(settings, tmp_path, capsys):
    out = tmp_path / "run"
    config = stopped_run(settings, out, recording__enabled=True, recording__populations=["conv1"])
    rows = open_recording(out).attrs["committed"]
    assert any(rows.values())
    shutil.rmtree(out / "checkpoints")
    train(config, out, resume=True, progress=False)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"its recording is now {out / 'recording-1.zarr'}" in told
    assert open_recording(out / "recording-1.zarr").attrs["committed"] == rows
    assert open_recording(out).attrs["status"] == "complete"


def test_a_diverging_run_fails_and_keeps_its_recording(settings, tmp_path, monkeypatch):
    healthy = LocalEngine.step

    def step(engine, *arguments, **words):
        losses = healthy(engine, *arguments, **words)
        return losses * float("nan") if engine.optimiser.step > 4 else losses

    monkeypatch.setattr(LocalEngine, "step", step)
    with pytest.raises(
        DivergedError, match=r"train.loss: expected finite losses .*, got nan of conv1 at step 6"
    ) as stopped:
        train(settings(), tmp_path / "run", progress=False)
    assert stopped.value.result["status"] == open_recording(tmp_path / "run").attrs["status"] == "diverged"
    assert len(list((tmp_path / "run" / "checkpoints").glob("step-*"))) == 1


def test_cuda_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="expected a CUDA device, got none"):
        pick_device("cuda")
    assert pick_device("auto") == torch.device("cpu")


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root to be mounted")
@pytest.mark.slow
def test_a_full_disk_is_one_line_and_keeps_what_was_committed(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], check=False).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        document = json.loads(json.dumps(SMALL))
        document["training"] |= {"epochs": 2000}
        config = tmp_path / "small.yaml"
        config.write_text(json.dumps(document))
        process = start(config, disk / "run")
        _, errors = process.communicate(timeout=250)
        assert process.returncode == 1
        assert len(errors.strip().splitlines()) == 1, errors
        assert "space" in errors
        assert_consistent(disk / "run")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
