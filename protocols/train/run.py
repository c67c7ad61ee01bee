"""`apical train`: one network, one rule, one stimulus; recorded while it runs, resumable at every checkpoint.

Started by `torchrun`, every process is a rank of the same run: all go through the same steps, and rank 0 alone writes into its folder.
"""

import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from ...models.engine import checkpoint, from_words, keep_freed_memory
from ...models.ranks.processes import begun, joined
from ...models.ranks.ranks import Ranks
from ...plasticity import using
from ..errors import ConfigError, Interrupted
from ..progress import silent
from ..runs.folder import RunFolder
from ..runs.kernels import kernels_of
from ..runs.setup import load_stimulus, pick_device, set_device
from ..settings.load import RunConfig
from ..settings.places import check_there, located
from ..stimuli import Stimulus
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
        JSON-ready dict: run, status, epochs, images_per_second, peak_memory_bytes, loss, ...; of several ranks also what this one sent.

    Raises:
        LostError: of several ranks one has ended; the run goes on from its newest checkpoint with `resume`, on any number of ranks.
        ModelError: a rule or network that several ranks cannot train.
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
    ranks = joined(device := pick_device(config.training.device))
    folder, config = RunFolder(out), config if resume else located(config)
    existed = folder.config.is_file()
    again = not resume and existed and begun(str(folder.path.resolve()))
    if ranks.told({"again": str(again)})["again"] == "True":
        resume, config = True, folder.settings()  # the job was started again after it had lost a rank
    try:
        with silent(ranks.rank > 0):  # rank 0 speaks for all
            return _train(config, folder, data_dir, resume, until, progress and not ranks.rank, device, ranks)
    except Interrupted:
        raise
    except KeyboardInterrupt as error:
        raise Interrupted(f"interrupted; {_left(folder, resume or not existed)}") from error


def _train(
    config: RunConfig, folder: RunFolder, data_dir: Path | None, resume: bool, until: int | None, progress: bool, device: torch.device,
    ranks: Ranks,
) -> dict[str, Any]:  # fmt: skip
    if resume:
        folder.settings()
        check_there(config)
    elif not ranks.rank and folder.taken():
        folder.claim(config)  # refuses before any data is read
    if config.training.batch % ranks.size:
        raise ConfigError(
            f"training.batch: expected a multiple of the {ranks.size} ranks, got {config.training.batch}; start another number of processes"
        )
    if config.training.graph and ranks.size > 1:
        raise ConfigError(
            f"training.graph: expected false on {ranks.size} ranks, whose exchanges no graph holds, got true; remove it"
        )
    set_device(device, tf32=config.training.tf32)
    keep_freed_memory()
    if threads := config.training.threads or (1 if ranks.size > 1 and device.type == "cpu" else None):
        torch.set_num_threads(threads)
    stimulus = _stimulus(config, data_dir, device, progress, ranks)
    choice = kernels_of(config, folder, device, resume=resume)
    if ranks.size > 1:
        choice = from_words(ranks.told(choice.words()))  # one measurement decides for all
    run = Run(config, folder, stimulus, device, choice, ranks)
    run.begin()
    with stop_requests() as stop, ExitStack() as held:
        if not ranks.rank:
            if not resume:
                folder.claim(config)
            held.enter_context(folder.alone())
            ranks.note_begun(str(folder.path.resolve()))
        held.enter_context(using(choice.kernels))
        ranks.barrier()  # the folder is there
        run.open(resume, progress)
        if resume and not ranks.rank:
            folder.keep(config)
        return run.train(progress, stop, until)


def _stimulus(config: RunConfig, data_dir: Path | None, device: torch.device, progress: bool, ranks: Ranks) -> Stimulus:
    """The stimulus; rank 0 first, which leaves in the caches what the others then read."""
    if ranks.rank:
        ranks.barrier()
    stimulus = load_stimulus(config, data_dir, device, progress=progress)
    if not ranks.rank:
        ranks.barrier()
    return stimulus


def _left(folder: RunFolder, ours: bool) -> str:
    """What an interruption leaves, and how to go on."""
    if not ours or not folder.config.is_file():
        return "nothing was written"
    again = f"apical train --resume --out {shlex.quote(str(folder.path))}"
    kept = checkpoint.found(folder.checkpoints)
    if not kept:
        return f"there is no checkpoint yet: {again} starts it again"
    return f"{folder.path} is kept up to step {int(kept[-1].name.removeprefix('step-'))}: continue with {again}"
