"""Image files larger than the memory that is allowed: written, decoded with a kill on the way, and streamed under a limit.

    python tests/large_data.py FOLDER --count 100000

FOLDER is made, and is to be removed afterwards. The result is one object of JSON on stdout; what goes on is told on stderr.
"""

import argparse
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

CLASSES, SIDE, TESTED, DIFFERENT = 100, 64, 2000, 2000
NETWORK = [
    "cifar10-dfb",
    "--set",
    "network.width=0.03125",
    "--set",
    "stimulus.unreadable=leave-out",
    "--epochs",
    "1",
    "--set",
    "training.batch=64",
    "--set",
    "training.threads=1",
]
MIB = 1 << 20


def told(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def picture(k: int) -> bytes:
    """A disc of its class's colour before noise, as a JPEG file."""
    draws, label, file = np.random.default_rng(k), k % CLASSES, io.BytesIO()
    image = Image.fromarray(draws.integers(0, 256, (16, 16, 3), np.uint8)).resize((SIDE, SIDE))
    x, y, r = draws.integers(8, 40, 3).tolist()
    colour = ((label * 37) % 256, (label * 91) % 256, (label * 53) % 256)
    ImageDraw.Draw(image).ellipse((x, y, x + r, y + r), fill=colour)
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def write_all(folder: Path, count: int) -> None:
    """Files of all classes; of 2,000 different pictures, as decoding does not know that it saw one before."""
    pictures = [picture(k) for k in range(DIFFERENT)]
    for part, first, last in (("train", 0, count), ("test", count, count + TESTED)):
        for label in range(CLASSES):
            (folder / part / f"class{label:03}").mkdir(parents=True)
        for k in range(first, last):
            (folder / part / f"class{k % CLASSES:03}" / f"{k:07}.JPEG").write_bytes(pictures[k % DIFFERENT])


def run(
    arguments: list[str], cache: Path, *, limit: int | None = None, kill_after: float | None = None
) -> dict[str, Any]:
    """A command of apical; its seconds, peak of resident and of virtual memory in bytes, exit code and last line.

    Args:
        arguments: of the command.
        cache: folder of what is decoded.
        limit: bytes of address space that it may have.
        kill_after: share of the images after which it is killed with -9.
    """
    environment = os.environ | {"APICAL_CACHE": str(cache), "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    start = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit})); " if limit else ""
    code = f"{start}from apical.protocols.command.entry import main; main()"
    errors, output = cache.parent / "stderr.txt", cache.parent / "stdout.txt"
    begun, virtual = time.perf_counter(), 0
    with errors.open("w") as err, output.open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment, stdout=out, stderr=err)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            virtual = max(virtual, peak(process.pid))
            if kill_after is not None and done(cache) >= kill_after:
                os.kill(process.pid, signal.SIGKILL)
                kill_after = None
            time.sleep(0.1)
    process.returncode = os.waitstatus_to_exitcode(status)
    lines = (output.read_text().strip() or errors.read_text().strip()).splitlines()
    return {
        "exit": process.returncode, "seconds": round(time.perf_counter() - begun, 1), "peak_rss_mib": round(usage.ru_maxrss / 1024),
        "peak_virtual_mib": round(virtual / MIB), "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "last": lines[-1] if lines else "", "notes": [line for line in errors.read_text().splitlines() if line.startswith("Note:")],
    }  # fmt: skip


def peak(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmPeak:")), 0)


def done(cache: Path) -> float:
    """Shards that were decoded."""
    return sum(journal.read_bytes().count(b'["decode') for journal in cache.glob("prepared/*.partial/journal.jsonl"))


def streaming(images: Path, cache: Path) -> dict[str, float]:
    """Images a second of batches of 64 in random order, from the page cache and from the disk."""
    os.environ["APICAL_CACHE"] = str(cache)
    import torch
    from apical.protocols.stimuli.datasets.folder import load_folder

    torch.set_num_threads(1)
    begun = time.perf_counter()
    train, _ = load_folder(images, hold=0, unreadable="leave-out")
    found = {"open_seconds": time.perf_counter() - begun}
    order = torch.randperm(len(train)).split(64)[:600]
    for word, cold in (("disk", True), ("page_cache", False)):
        for file in cache.glob("prepared/*/images.zarr/*/c/*/0/0/0") if cold else ():
            with file.open("rb") as opened:
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        begun = time.perf_counter()
        for index in order:
            train.at(index)
        found[f"images_per_second_{word}"] = 64 * len(order) / (time.perf_counter() - begun)
    return found


def measured(folder: Path, count: int, parted: bool) -> dict[str, Any]:
    """The whole course, `parted` with the speed of one process and of two on a part."""
    images, cache = folder / "images", folder / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {"count": count, "tested": TESTED, "side": SIDE}
    begun = time.perf_counter()
    if not (images / "test").is_dir():
        told(f"writing {count} files")
        write_all(images, count)
    broken = [images / f"train/class{k % CLASSES:03}/{k:07}.JPEG" for k in (7, count // 2 + 3)]
    broken[0].write_bytes(broken[0].read_bytes()[:400])
    broken[1].write_text("no image")
    result["write_seconds"] = round(time.perf_counter() - begun, 1)
    part = folder / "part"
    if parted:
        write_all(part, 10_000)
    for workers in (1, 2) if parted else ():
        told(f"decoding 12,000 files, {workers} processes")
        found = run(
            ["data", "prepare", f"folder:{part}", "--workers", str(workers), "--json", "--quiet"],
            folder / f"cache{workers}",
        )
        data = json.loads(found["last"])["datasets"][0]
        result[f"decode_{workers}"] = {"images_per_second": round(data["images_per_second"]), **found, "last": ""}
    prepare = ["data", "prepare", f"folder:{images}", "--workers", "2", "--json", "--quiet"]
    shards = 0
    for _ in range(2):
        shards += max(1, (count * SIDE * SIDE * 3 >> 25) // 3)
        told(f"decoding all; killed after {shards} shards")
        result.setdefault("killed", []).append(run(prepare, cache, kill_after=shards) | {"shards": done(cache)})
    told("decoding the rest")
    result["prepare"] = run(prepare, cache)
    result["prepare_leaving_out"] = run([*prepare, "--unreadable", "leave-out"], cache)
    told("streaming")
    result["streaming"] = streaming(images, cache)
    few = ["--set", "stimulus.n_train=640", "--set", "stimulus.n_test=100"]
    train = [
        "train",
        *NETWORK,
        "--set",
        f"stimulus.name=folder:{images}",
        "--set",
        "stimulus.crop_scale=[0.25,1.0]",
        "--json",
        "--quiet",
    ]
    told("the network alone")
    result["network"] = run([*train, *few, "--set", "training.hold=0", "--out", str(folder / "alone")], cache)
    limit = result["network"]["peak_virtual_mib"] * MIB + 1024 * MIB
    result["limit_mib"] = limit // MIB
    told("streamed under the limit")
    result["streamed"] = run(
        [*train, "--set", "training.hold=1000", "--out", str(folder / "streamed")], cache, limit=limit
    )
    told("held under the limit, which must fail")
    result["held"] = run([*train, "--set", "training.hold=100000", "--out", str(folder / "held")], cache, limit=limit)
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--without-part", action="store_true", help="without the speed of one process and of two")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    print(json.dumps(measured(given.folder, given.count, not given.without_part), indent=1))


if __name__ == "__main__":
    main()
