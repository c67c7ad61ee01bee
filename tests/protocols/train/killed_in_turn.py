"""Trains a tiny run once for every write, and disturbs that write: `python killed_in_turn.py FOLDER KIND FIRST STEP LIMIT [bare]`.

Python announces every open, rename, remove, mkdir and rmdir before it is done (audit events); the n-th that writes below the run's folder is where the
process is killed, or where the call fails. One child per run is forked before any thread has started. Prints one JSON object.
"""

import errno
import hashlib
import json
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path

import numpy as np
import torch
import zarr
from apical.models import ModelError
from apical.protocols.errors import ProtocolError
from apical.protocols.settings.load import resume, validate
from apical.protocols.train.run import train
from apical.protocols.verify.run import verify
from apical.recordings import RecordingError
from safetensors.torch import load_file

SETTINGS = {
    "name": "tiny",
    "stimulus": {"name": "shapes", "image_size": 16, "n_train": 32, "n_test": 8},
    "network": {"builder": "mlp", "hidden": [8, 4]},
    "rule": {"context": "dfb", "grids": []},
    "training": {"epochs": 2, "batch": 8, "threads": 1, "device": "cpu", "checkpoint_every": 3, "keep_checkpoints": 1},
    "recording": {"every": 1, "rows": 2, "units": 4},
}
TOLD = (RecordingError, ProtocolError, ModelError, OSError)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
MOVES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link")
SURVIVED, SAID, WRONG = 0, 1, 3


def listen(run, number, kind):
    """Disturb the number-th write below the run's folder, and count them all."""
    count = [0]

    def hook(event, args):
        if event == "open":
            path, _, flags = args
            if not isinstance(path, str | bytes | os.PathLike) or not (flags or 0) & WRITING:
                return
        elif event in MOVES:
            path = args[0]
        else:
            return
        # a removal inside rmtree names its file alone
        if str(run) not in os.fsdecode(path) and event not in ("os.remove", "os.rmdir"):
            return
        count[0] += 1
        if count[0] == number:
            if kind == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(getattr(errno, kind), os.strerror(getattr(errno, kind)), os.fsdecode(path))

    sys.addaudithook(hook)
    return count


def forked(task):
    """Exit code of a child that does the task; -9 where it was killed."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = WRONG
    try:
        code = task() or SURVIVED
    except TOLD as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        code = SAID
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def settings(bare):
    return validate({**SETTINGS, **({"recording": {"enabled": False}} if bare else {})})


def mark(run, bare):
    """Digest of weights, moments, recorded rows and the lines of metrics.jsonl without times."""
    found = hashlib.sha256()
    last = sorted((run / "checkpoints").glob("step-*"))[-1]
    for file in ("weights", "moments"):
        for name, tensor in sorted(load_file(last / f"{file}.safetensors").items()):
            found.update(name.encode() + tensor.numpy().tobytes())
    if not bare:
        root = zarr.open_group(str(run / "recording.zarr"), mode="r")
        for name, array in sorted(root.members(max_depth=None)):
            if isinstance(array, zarr.Array):
                found.update(f"{name} {np.asarray(array[:]).tolist()}".encode())
        found.update(json.dumps(root.attrs["committed"], sort_keys=True).encode())
    for line in (run / "metrics.jsonl").read_text().splitlines():
        entry = json.loads(line)
        found.update(json.dumps([entry[name] for name in ("step", "epoch", "loss", "losses")]).encode())
        assert "interrupted" not in entry
    left = [path.name for path in run.rglob("*") if path.name.endswith((".partial", ".replaced", ".removed"))]
    left = [name for name in left if not (run / "recording-1.zarr").exists()]  # what was set aside stays as it was
    assert not left, left
    assert verify(run)["damaged"] == 0
    return found.hexdigest()


def main(folder, kind, first, step, limit, bare):
    folder = Path(folder)
    straight, run, wanted = folder / "straight", folder / "run", folder / "mark"

    def undisturbed():
        train(settings(bare), straight, progress=False)
        wanted.write_text(mark(straight, bare))

    def disturbed(number):
        torch.set_num_threads(1)
        count = listen(run, number, kind)
        try:
            train(settings(bare), run, progress=False)
        finally:
            (folder / "count").write_text(str(count[0]))

    def resumed():
        if (run / "config.yaml").exists():
            train(resume(run), run, resume=True, progress=False)
        else:
            train(settings(bare), run, progress=False)
        assert mark(run, bare) == wanted.read_text()

    assert forked(undisturbed) == SURVIVED
    assert forked(lambda: disturbed(0)) == SURVIVED
    total = int((folder / "count").read_text())
    shutil.rmtree(run)
    told = {"writes": total, "tried": 0, "killed": 0, "said": 0, "unharmed": 0, "wrong": []}
    for number in range(first, min(total, limit) + 1, step):
        code = forked(lambda number=number: disturbed(number))
        told["tried"] += 1
        told["killed" if code < 0 else {SURVIVED: "unharmed", SAID: "said"}.get(code, "killed")] += 1
        if code == WRONG or forked(resumed) != SURVIVED:
            told["wrong"].append(number)
            shutil.copytree(run, folder / f"wrong-{number}", dirs_exist_ok=True)
        shutil.rmtree(run, ignore_errors=True)
    print(json.dumps(told))


if __name__ == "__main__":
    where, kind, *numbers = sys.argv[1:]
    main(where, kind, *map(int, numbers[:3]), bare="bare" in numbers)
