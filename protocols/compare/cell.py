"""One cell of a comparison, in a process of its own: `python -m apical.protocols.compare.cell TASK`.

A process per cell, because peak memory is a property of a process, and because a cell that dies costs no other.
"""

import json
import sys
from pathlib import Path
from typing import Any

from ...models.engine import checkpoint
from ..errors import exit_code_of, told
from ..probe.run import probe
from ..runs.folder import RunFolder
from ..runs.metrics import read
from ..settings import load as settings
from ..settings.yaml import merge, parse
from ..train.run import train
from .processes import end_with_parent


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Train (or go on training) and read out.

    Args:
        task: `config` (YAML text), `out` (folder), `data_dir` (or null), `max_seconds` (or null).

    Returns:
        Row of the comparison: accuracy, accuracy_random, accuracy_pixels, layers, images_per_second, peak_memory_bytes, epochs, seconds.
    """
    out, data_dir = Path(task["out"]), None if task["data_dir"] is None else Path(task["data_dir"])
    config = settings.validate(parse(task["config"], "task"))
    stored = RunFolder(out)
    before = _spent(stored)
    trained: dict[str, Any] = {}
    budget = task["max_seconds"]
    if budget is None or before < budget:
        training = {} if budget is None else {"max_seconds": budget - before}
        config = settings.validate(merge(settings.resolve(config), {"training": training}))
        trained = train(config, out, data_dir=data_dir, resume=stored.config.is_file(), progress=False)
    last = _last(stored)
    read = probe(out, data_dir=data_dir, progress=False)
    return {
        "accuracy": read["accuracy"],
        "accuracy_random": read["accuracy_random"],
        "accuracy_pixels": read["accuracy_pixels"],
        "layers": {name: found["accuracy"] for name, found in read["layers"].items()},
        "images_per_second": last["step"] * config.training.batch / last["seconds"],
        "peak_memory_bytes": trained.get("peak_memory_bytes", last["peak_memory_bytes"]),
        "epochs": last["epoch"],
        "steps": last["step"],
        "seconds": last["seconds"],
        "losses": last["losses"],
    }


def _last(folder: RunFolder) -> dict[str, Any]:
    return read(folder.metrics).lines[-1]


def _spent(folder: RunFolder) -> float:
    """Seconds of training up to the newest checkpoint of an interrupted cell."""
    found = checkpoint.found(folder.checkpoints) if folder.config.is_file() else []
    return checkpoint.read_state(found[-1]).seconds if found else 0.0


def main(task: str) -> None:
    """Run the task and print its row as JSON; what a user can mend is one sentence on stderr, as at the command line."""
    try:
        row = run(json.loads(task))
    except Exception as error:
        code = exit_code_of(error)
        if code is None:
            raise
        sys.stderr.write(" ".join(told(error).split()) + "\n")
        sys.exit(code)
    print(json.dumps(row))


if __name__ == "__main__":
    end_with_parent()
    main(sys.argv[1])
