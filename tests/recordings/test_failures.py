"""What happens to a recording when the disk or the process fails."""

import errno
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray as xr
import zarr
from apical.recordings import RecordingError, Writer, open
from zarr.storage import LocalStore, WrapperStore

WRITE = """
import sys
import numpy as np
from apical.recordings import Table, Variable, Writer

def table(path):
    rate = Variable(name="rate", dims=("unit",), shape=(300,), long_name="rate")
    return Table(path=path, dim="trial", length=500_000, variables=(
        Variable(name="step", dtype="int64", long_name="step", coordinate=True), rate,
        Variable(name="score", dtype="float64", long_name="score")))

tables = [table("a"), table("b")]
writer = Writer.create(sys.argv[1], tables, attributes={}, queue_blocks=2, block_bytes=int(sys.argv[2]))
for start in range(0, 500_000, 7):
    step = np.arange(start, min(start + 7, 500_000))
    rate = np.random.default_rng(start).random((len(step), 300), dtype=np.float32)
    rows = {"step": step, "rate": rate - rate[:, :1] + np.float32(10 * step[:, None]), "score": step / 4}
    writer.append("a", rows)
    writer.append("b", rows)
    if start % 3 == 0:
        writer.commit()
    if start == 0:
        print("ready", flush=True)
"""


class FullDisk(WrapperStore[LocalStore]):
    """A store that takes a number of chunks and then has no space left."""

    def __init__(self, store, chunks=10**9):
        super().__init__(store)
        self.chunks = chunks

    async def set(self, key, value, *args, **kwargs):
        if "/c/" in key:
            self.chunks -= 1
            if self.chunks < 0:
                raise OSError(errno.ENOSPC, "No space left on device", key)
        await super().set(key, value, *args, **kwargs)


def check_rows(recording, rows_at_least=0):
    """Every committed row is whole and in its place."""
    for path in ("a", "b"):
        table = recording[path].to_dataset().compute()
        step = np.arange(table.sizes["trial"])
        assert len(step) == recording.attrs["committed"][path] >= rows_at_least
        np.testing.assert_array_equal(table["step"], step)
        np.testing.assert_array_equal(table["score"], step / 4)
        np.testing.assert_array_equal(table["rate"][:, 0], 10 * step)
        assert not table["rate"].isnull().any()


@pytest.mark.parametrize("attempts", [1, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("block_bytes", [40_000, 1_300_000])
def test_kill_at_any_moment_leaves_a_consistent_recording(store, block_bytes, attempts):
    generator = random.Random(block_bytes)
    rows = 0
    for attempt in range(attempts):
        path = store.with_name(f"{attempt}.zarr")
        with subprocess.Popen(
            [sys.executable, "-c", WRITE, str(path), str(block_bytes)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(generator.uniform(0.05, 0.6))
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        check_rows(open(path))
        rows += open(path).attrs["committed"]["a"]
        assert open(path).attrs["status"] == "running"
        for group in ("a", "b"):
            assert xr.open_zarr(path, group=group, consolidated=False).sizes["trial"] == 500_000
    assert rows > 0


@pytest.mark.parametrize("chunks", [1, 7, 8, 9, 20])
def test_a_full_disk_leaves_the_committed_rows_and_says_what_to_do(store, counted_table, counted_rows, chunks):
    disk = FullDisk(LocalStore(store))
    writer = Writer.create(disk, [counted_table("a"), counted_table("b")], attributes={}, block_bytes=28 * 4)
    disk.chunks = chunks
    with pytest.raises(
        RecordingError, match=r"(a|b)\[.*recording.zarr, got .*No space left on device.*resume"
    ) as caught:
        for start in range(0, 40, 2):
            writer.append("a", counted_rows(start, start + 2))
            writer.append("b", counted_rows(start, start + 2))
            writer.commit()
    assert isinstance(caught.value.__cause__, OSError)
    for call in (writer.commit, writer.close, lambda: writer.append("a", counted_rows(0, 1))):
        with pytest.raises(RecordingError, match="No space left"):
            call()
    assert open(store).attrs["status"] == "failed"
    check_rows(open(store), rows_at_least=0 if chunks < 6 else 2)


def test_a_failed_recording_can_be_resumed_once_there_is_space(store, counted_table, counted_rows):
    disk = FullDisk(LocalStore(store))
    writer = Writer.create(disk, [counted_table("a")], attributes={}, block_bytes=28 * 4)
    writer.append("a", counted_rows(0, 6))
    cursor = writer.commit()
    disk.chunks = 1
    writer.append("a", counted_rows(6, 11))
    with pytest.raises(RecordingError, match="No space left"):
        writer.close()
    assert open(store).attrs["committed"] == cursor == {"a": 6}
    with Writer.resume(store, cursor) as again:
        again.append("a", counted_rows(6, 40))
    np.testing.assert_array_equal(open(store)["a/step"], np.arange(40))


def test_a_failed_writer_never_blocks_its_caller(counted_table, counted_rows, store):
    disk = FullDisk(LocalStore(store))
    writer = Writer.create(disk, [counted_table("a", length=4000)], attributes={}, queue_blocks=1, block_bytes=28)
    disk.chunks = 0
    writer.append("a", counted_rows(0, 3000))  # one call fills far more blocks than the queue holds
    with pytest.raises(RecordingError, match="No space left"):
        writer.close("failed")
    assert writer._thread.buffered == 0


def test_the_error_of_the_body_stays_the_first_one(store, counted_table, counted_rows):
    disk = FullDisk(LocalStore(store))
    with pytest.raises(KeyError) as caught, Writer.create(disk, [counted_table("a")], attributes={}) as writer:
        disk.chunks = 0
        writer.append("a", counted_rows(0, 3))
        raise KeyError("body")
    assert "No space left" in caught.value.__notes__[0]


def test_a_real_full_file_system(tmp_path):
    """A tmpfs of one megabyte in a name space of its own, where the system allows one without privileges."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare on this system")
    script = tmp_path / "write.py"
    script.write_text(WRITE)
    inner = (
        f"mount -t tmpfs -o size=1m tmpfs {tmp_path}/disk || exit 42; "
        f"{sys.executable} {script} {tmp_path}/disk/r.zarr 40000 2> {tmp_path}/stderr; "
        f"cp -r {tmp_path}/disk/r.zarr {tmp_path}/kept.zarr"
    )
    (tmp_path / "disk").mkdir()
    done = subprocess.run(["unshare", "-rm", "sh", "-c", inner], capture_output=True, timeout=60)
    if done.returncode in (1, 42) and not (tmp_path / "kept.zarr").exists():
        pytest.skip("this system allows no private mount")
    last = (tmp_path / "stderr").read_text().strip().splitlines()[-1]
    assert last.startswith("apical.recordings.errors.RecordingError: recording.")
    assert "No space left on device" in last
    check_rows(open(tmp_path / "kept.zarr"), rows_at_least=1)
    assert zarr.open_group(tmp_path / "kept.zarr", mode="r").attrs["schema"] == "apical"
