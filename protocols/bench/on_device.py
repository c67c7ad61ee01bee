"""`apical bench device`: what a GPU is worth to Apical, in pieces that survive a kill and are continued by the next call.

In this order: checks that it computes the right thing; rates of the machine; speed and memory of the engine by image size, batch and
precision, and the share of the measured matrix product; what recording costs; then a training run for the time that is left, and its
read-out once it is complete. Every figure is a JSON file of its own, written when it is there.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ...plasticity import RuleError
from ..errors import ConfigError, ProtocolError
from ..progress import tell
from ..runs.files import read_json, write_json
from ..runs.folder import RunFolder
from ..runs.provenance import circumstances, machine
from .checks import CHECKS
from .limit import share, work
from .overhead import throughput
from .speed import contest

LEAST = 20.0  # seconds for which a training run is worth starting
SUMMARY = "device.json"
RUN = "training"
PUBLISHED = {"cifar10-dfb": 80.65, "cifar10-both": 81.18, "cifar10-bp": 80.49}  # arXiv 2601.21683, 300 epochs


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement of the engine.

    Attributes:
        context: of CLAPP++.
        precision: `bf16` or `float32`.
        batch: objects of a step.
        side: of the images, pixels.
        width: channel factor of VGG-6.
        steps: that are timed.
    """

    context: str
    precision: str
    batch: int
    side: int
    width: float
    steps: int

    @property
    def name(self) -> str:
        """Of its file."""
        return f"engine-{self.context}-{self.precision}-batch{self.batch}-{self.side}px"


def cases(size: str) -> list[Case]:
    """What is measured, most wanted first: `full` on a GPU, `small` where seconds have to do."""
    batches, sides, width, steps = (
        ((32, 256), (32, 96, 224), 1.0, 20) if size == "full" else ((2, 4), (32, 64), 1 / 32, 1)
    )
    wanted = [(context, "bf16", batches[0], sides[0]) for context in ("dfb", "lateral", "both")]
    wanted += [("dfb", p, b, s) for s in sides for b in batches for p in ("bf16", "float32")]
    return [Case(*one, width, steps) for one in dict.fromkeys(wanted)]


def device(
    out: Path,
    *,
    device: str = "cuda",
    minutes: float = 9.0,
    size: str = "full",
    train: Callable[[Path, float, bool], dict[str, Any]] | None = None,
    read: Callable[[Path], dict[str, Any]] | None = None,
    published: float | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Measure what is not in the folder yet, then train for the minutes that are left.

    Args:
        out: folder of the figures; those of the same machine and code are kept.
        device: `cuda` or `cpu`.
        minutes: of this call; what has begun is finished.
        size: `full` or `small`, see `cases`.
        train: trains in a folder for so many seconds, or goes on there where its last argument is true; None trains nothing.
        read: reads the complete run out.
        published: accuracy in per cent that stands beside its own.
        progress: tell what happens on stderr.

    Returns:
        JSON-ready dict: status, machine, checks, limit, rows (one per case), recording, training; what is missing is None or left out.

    Raises:
        ConfigError: no such device, or figures of another machine in the folder.
        ProtocolError: a check does not hold: no speed is measured then.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("bench.device: expected a CUDA device, got none on this machine; use --device cpu")
    begun = time.monotonic()
    where = torch.device(device)
    _claim(out, device, size)
    over = False
    for name, measure in _stages(out, where, size):
        over = over or time.monotonic() - begun >= 60 * minutes
        if over or (out / f"{name}.json").exists():
            continue
        tell(progress, f"{name} ...")
        found = measure()
        write_json(out / f"{name}.json", {"name": name, **found, **_made(device)})
        if failed := [row["check"] for row in found.get("rows", []) if not row.get("holds", True)]:
            raise ProtocolError(
                f"{out / name}.json: expected every check to hold, got {failed[0]} beyond its bound; no speed is measured"
            )
    left = 60 * minutes - (time.monotonic() - begun)
    told = out / f"{RUN}.json"
    if train is not None and not told.exists() and left >= LEAST:
        found = train(out / RUN, left, RunFolder(out / RUN).config.is_file())
        tell(progress, f"{RUN}: {found['epochs']:.1f} epochs, {found['images_per_second']:.0f} images/s")
        if found["status"] == "complete" and read is not None:
            found |= {"read_out": read(out / RUN), "published_percent": published}
            write_json(told, {"name": RUN, **found, **_made(device)})
        write_json(out / f"{RUN}-so-far.json", {"name": RUN, **found, **_made(device)})
    result = _gathered(out, device, size)
    write_json(out / SUMMARY, result)
    return result


def _made(device: str) -> dict[str, Any]:
    return {"machine": machine(), **circumstances(device)}


def _claim(out: Path, device: str, size: str) -> None:
    """Keep to one machine, device and size in a folder: figures of several would be read as one."""
    out.mkdir(parents=True, exist_ok=True)
    mine = {"device": device, "size": size, "machine": machine()}
    path = out / "machine.json"
    if not path.exists():
        write_json(path, mine)
        return
    theirs = read_json(path, *mine, remedy="give another --out")
    if odd := [name for name in mine if theirs[name] != mine[name]]:
        raise ConfigError(
            f"--out: expected the {odd[0]} of the figures in {out} ({theirs[odd[0]]}), got {mine[odd[0]]}; give another --out"
        )


def _stages(out: Path, where: torch.device, size: str) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    for name, check in CHECKS.items():
        yield f"check-{name}", lambda check=check: {"rows": list(check(where))}  # type: ignore[misc]
    yield "limit", lambda: _asked({"name": "limit", "device": where.type, "threads": None})
    for case in cases(size):
        yield case.name, lambda case=case: _measured(out, case, where)  # type: ignore[misc]
    every, rounds = (100, 3) if size == "full" else (5, 1)
    width = 1.0 if size == "full" else 1 / 32
    yield (
        "recording",
        lambda: throughput(every, rounds, False, device=where, width=width, batch=32 if size == "full" else 8),
    )


def _asked(task: Mapping[str, Any]) -> dict[str, Any]:
    """What a process of its own found; a case that fails, such as one that does not fit the memory, is a finding too."""
    try:
        return contest(task)
    except (ProtocolError, RuleError) as error:
        return {"error": str(error)}


def _measured(out: Path, case: Case, where: torch.device) -> dict[str, Any]:
    name = "explicit-bf16" if case.precision == "bf16" else "explicit"
    found = _asked({**asdict(case), "name": name, "device": where.type, "threads": None})
    if "error" in found:
        return {**asdict(case), **found}
    rates = read_json(out / "limit.json", remedy=f"remove {out / 'limit.json'}")
    needed = work(case.context, case.batch, case.width, case.side)
    shares = share(found["seconds"], needed, rates, case.precision) if "error" not in rates else {}
    return {**asdict(case), **found, **needed, **shares}


def _gathered(out: Path, device: str, size: str) -> dict[str, Any]:
    """Everything that is in the folder, and what is not yet."""

    def of(name: str) -> dict[str, Any] | None:
        path = out / f"{name}.json"
        return read_json(path, remedy=f"remove {path}") if path.exists() else None

    names = [name for name, _ in _stages(out, torch.device(device), size)]
    checks = [row for name in CHECKS if (found := of(f"check-{name}")) is not None for row in found["rows"]]
    run = of(RUN) or of(f"{RUN}-so-far")
    missing = [name for name in names if of(name) is None] + ([RUN] if of(RUN) is None else [])
    return {
        "benchmark": "device", "status": "complete" if not missing else "begun", "missing": missing, "device": device, "size": size,
        "machine": machine(), "checks": checks, "limit": of("limit"), "recording": of("recording"), "training": run,
        "rows": [found for case in cases(size) if (found := of(case.name)) is not None],
    }  # fmt: skip
