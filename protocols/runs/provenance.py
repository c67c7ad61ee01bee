"""What made a run: code, machine, circumstances."""

import os
import platform
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from ...models.engine.kernels import processor
from ..settings.load import RunConfig, digest, resolve
from .foreign import sources


def machine() -> dict[str, Any]:
    """Processor, cores and versions, to stand beside every measured number."""
    found = {
        "cpu": processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    if torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def provenance(
    config: RunConfig, *, device: str, stimulus: Mapping[str, Any], kernels: dict[str, Any]
) -> dict[str, Any]:
    """Root attributes of the recording: what was run, from which code, on what.

    Args:
        config: settings of the run.
        device: device of the computation.
        stimulus: name and fingerprints of the data.
        kernels: precision and kernels of the run, and what was measured to choose them.
    """
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **circumstances(device),
        "config": resolve(config),
        "config_sha256": digest(config),
        "seeds": {"seed": config.seed, "unit_seed": config.recording.unit_seed},
        "dtype": kernels["precision"],
        "kernels": kernels,
        "stimulus": stimulus,
        "sources": sources(config),
    }


def circumstances(device: str) -> dict[str, Any]:
    """What one part of a run is made by, from which code, on what; a resumed run has several.

    Args:
        device: device of the computation.
    """
    return {
        "command": " ".join(sys.argv),
        "versions": {"python": platform.python_version()}
        | {n: _version(n) for n in ("apical", "torch", "numpy", "zarr", "xarray")},
        "git": git_state(),
        "host": {"name": socket.gethostname(), "system": platform.platform(), "cpus": os.cpu_count() or 0},
        "device": device,
    }


@lru_cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def git_state() -> dict[str, Any]:
    """Commit of the code, and whether it was changed since; empty outside a checkout."""
    here = Path(__file__).parent
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True, timeout=10
        )
        changed = subprocess.run(
            ["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"commit": head.stdout.strip(), "dirty": bool(changed.stdout.strip())}


def peak_memory(device: torch.device) -> int | None:
    """Peak memory in bytes: of the process on the CPU, of PyTorch's allocator on CUDA; None on Windows, which is not asked."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
