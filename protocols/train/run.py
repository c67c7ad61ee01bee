"""`apical train`: one network, one rule, one stimulus; recorded while it runs, resumable at every checkpoint."""

import shlex
from pathlib import Path
from typing import Any

import torch

from ...models.engine import checkpoint, keep_freed_memory
from ...plasticity import using
from ..errors import ConfigError, Interrupted
from ..runs.folder import RunFolder
from ..runs.kernels import kernels_of
from ..runs.setup import load_stimulus, pick_device, set_device
from ..settings.load import RunConfig
from ..settings.places import check_there, located
from .loop import Run
from .stops import stop_requests


def train(
    config: RunConfig,
    out: Path,
    *,
    data_dir: Path | None = None,
    resume: bool = False,
    until: int | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train one network and record it.

    Args:
        config: settings of the run.
        out: folder of the run; new, or that of an interrupted run with `resume`.
        data_dir: folder of the data sets.
        resume: continue from the newest checkpoint; without one from the first step, beside what was recorded before.
        until: epochs after which it pauses, with a checkpoint; the schedule stays that of all its epochs. None for their end.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: run, status, epochs, images_per_second, peak_memory_bytes, loss, ...

    Raises:
        ConfigError: the folder exists and `resume` is false, another process trains it, or settings do not fit the data or the checkpoint.
        ProtocolError: the data are no longer those of the checkpoint, or metrics.jsonl is damaged.
        DivergedError: a loss left the limit of `training.diverged`, or a weight or moment is not finite; the status is `diverged`.
        Interrupted: SIGINT, SIGTERM or SIGHUP, a KeyboardInterrupt that says what is left; a step that had begun was finished and
            checkpointed first, unless a second SIGINT broke it.
    """
    if config.training.extended and not resume:
        raise ConfigError(
            "training.extended: expected none for a new run, got the parts of another; remove training.extended"
        )
    folder, config = RunFolder(out), config if resume else located(config)
    existed = folder.config.is_file()
    try:
        return _train(config, folder, data_dir, resume, until, progress)
    except Interrupted:
        raise
    except KeyboardInterrupt as error:
        raise Interrupted(f"interrupted; {_left(folder, resume or not existed)}") from error


def _train(
    config: RunConfig, folder: RunFolder, data_dir: Path | None, resume: bool, until: int | None, progress: bool
) -> dict[str, Any]:
    if resume:
        folder.settings()
        check_there(config)
    elif folder.taken():
        folder.claim(config)  # refuses before any data is read
    device = pick_device(config.training.device)
    set_device(device, tf32=config.training.tf32)
    keep_freed_memory()
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    stimulus = load_stimulus(config, data_dir, device, progress=progress)
    choice = kernels_of(config, folder, device, resume=resume)
    run = Run(config, folder, stimulus, device, choice)
    run.begin()
    with stop_requests() as stop:
        if not resume:
            folder.claim(config)
        with folder.alone(), using(choice.kernels):
            run.open(resume, progress)
            if resume:
                folder.keep(config)
            return run.train(progress, stop, until)


def _left(folder: RunFolder, ours: bool) -> str:
    """What an interruption leaves, and how to go on."""
    if not ours or not folder.config.is_file():
        return "nothing was written"
    again = f"apical train --resume --out {shlex.quote(str(folder.path))}"
    kept = checkpoint.found(folder.checkpoints)
    if not kept:
        return f"there is no checkpoint yet: {again} starts it again"
    return f"{folder.path} is kept up to step {int(kept[-1].name.removeprefix('step-'))}: continue with {again}"
