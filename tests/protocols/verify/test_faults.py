"""Damage at rest: single bits flipped and files removed, all over the folder of a run; each must be noticed, in one sentence."""

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from apical.models import ModelError
from apical.protocols.align import Plan, align
from apical.protocols.errors import ProtocolError
from apical.protocols.probe.run import probe
from apical.protocols.replay import ReplaySettings, replay_run
from apical.protocols.runs.files import read_json
from apical.protocols.settings.load import resume
from apical.protocols.train.run import train
from apical.protocols.verify.run import verify
from apical.recordings import RecordingError
from apical.recordings import open as open_recording
from apical.recordings.sections import read_sections
from small_runs import make_run

TOLD = (RecordingError, ProtocolError, ModelError, OSError)
QUICK = ["probe.neighbours=3", "probe.n_train=20"]


def read_all(run: Path) -> None:
    with open_recording(run) as tree:
        tree.load()
    read_sections(run)
    for path in (run / "probe.json", run / "replay.json", *(run / "replays").glob("*.json")):
        if path.exists():
            read_json(path, remedy="make it again")


def go_on(run: Path) -> None:
    train(resume(run), run, resume=True, progress=False)


def whole(run: Path) -> None:
    if verify(run)["damaged"]:
        raise ProtocolError("damaged")


def noticed(run: Path, ways: tuple[Callable[[Path], None], ...] = (whole, read_all, go_on)) -> list[str]:
    """Which ways notice a damage; any other exception than a sentence of ours is a failure of the test. Going on comes last: it writes."""
    found = []
    for way in ways:
        try:
            way(run)
        except TOLD as error:
            assert str(error)
            found.append(way.__name__)
    return found


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A run of one recorded population with two checkpoints and a read-out."""
    run = make_run(
        tmp_path_factory.mktemp("tiny") / "run",
        recording__populations=["conv1"], recording__every=1, training__checkpoint_every=3,
    )  # fmt: skip
    probe(run, read_out="knn", layers=["conv6"], overrides=QUICK, progress=False)
    return run


@pytest.fixture(scope="session")
def full(tiny, tmp_path_factory):
    """The same with a measurement and a replay."""
    run = tmp_path_factory.mktemp("full") / "run"
    shutil.copytree(tiny, run)
    align([run], Plan(last=True, batches=2), progress=False)
    replay_run(run, ReplaySettings(population="conv3", quick=True), progress=False)
    return run


def files_of(run: Path) -> list[Path]:
    """What a run is made of; figures and pages are made again, and a lock holds nothing."""
    found = [path.relative_to(run) for path in sorted(run.rglob("*")) if path.is_file()]
    return [
        path
        for path in found
        if path.parts[0] != "figures" and path.suffix not in (".html", ".csv") and path.name != ".lock"
    ]


def flip(path: Path, draws: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[draws.randrange(len(content))] ^= 1 << draws.randrange(8)
    path.write_bytes(content)


def copied(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


def test_the_undamaged_folder_is_not_refused(tiny, tmp_path):
    assert noticed(copied(tiny, tmp_path / "run")) == []


KINDS = [
    "config.yaml", "metrics.jsonl", "probe.json", "sections/probe.json", "checkpoints/step-0000000008/state.json",
    "checkpoints/step-0000000008/weights.safetensors", "checkpoints/step-0000000006/moments.safetensors", "recording.zarr/zarr.json",
    "recording.zarr/activity/conv1/zarr.json", "recording.zarr/activity/conv1/apical/zarr.json",
    "recording.zarr/activity/conv1/apical/c/0/0", "recording.zarr/activity/conv1/unit_id/c/0",
]  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_a_flipped_bit_is_told(name, tiny, tmp_path):
    run = copied(tiny, tmp_path / "run")
    flip(run / name, random.Random(name))
    with pytest.raises(TOLD):
        whole(run)


@pytest.mark.parametrize("name", KINDS)
def test_a_missing_file_is_told(name, tiny, tmp_path):
    run = copied(tiny, tmp_path / "run")
    (run / name).unlink()
    if name.endswith("probe.json"):  # a run need not have one
        whole(run)
        return
    with pytest.raises(TOLD):
        whole(run)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("default")  # what Brian2 warns of when it is imported is its own
def test_every_file_flipped_and_removed(full, tmp_path):
    """At least 200 bits, every file at least once; then every file removed in turn."""
    draws, names, run = random.Random(0), files_of(full), tmp_path / "run"
    assert noticed(copied(full, run)) == []
    copied(full, run)
    table: Counter[str] = Counter()
    missed = []
    for kind, count in (("flipped", -(-200 // len(names))), ("removed", 1)):
        for name in names * count:
            if kind == "flipped":
                flip(run / name, draws)
            else:
                (run / name).unlink()
            ways = noticed(run, (whole, read_all))
            if not ways or name.parts[0] != "recording.zarr" or name.name == "zarr.json":
                ways += noticed(run, (go_on,))
                copied(full, run)
            else:
                shutil.copy(full / name, run / name)
            table.update([f"{kind}: tried", *(f"{kind}: {way}" for way in ways)])
            if not ways and not (
                kind == "removed" and name.suffix == ".json" and name.parts[0] in (name.name, "sections", "replays")
            ):
                missed.append(f"{kind} {name}")
    print(json.dumps(table, indent=1))
    assert missed == []
    assert table["flipped: tried"] >= 200
