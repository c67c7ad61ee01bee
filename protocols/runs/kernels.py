"""Precision and kernels of a run: those of this machine when it begins, its own ever after."""

import torch

from ...models.engine import Choice, checkpoint, choose, from_words
from ...plasticity.products import HAS_ONEDNN, UNMEASURED
from ..errors import ConfigError
from ..progress import notice
from ..settings.load import RunConfig
from ..stimuli.cache import cache_directory
from .folder import RunFolder


def kernels_of(config: RunConfig, folder: RunFolder, device: torch.device, *, resume: bool) -> Choice:
    """By what a run computes: measured on this machine, or as its newest checkpoint tells.

    A checkpoint that tells nothing comes from a time when nothing was measured: its kernels are the `UNMEASURED` ones.

    Args:
        config: settings of the run.
        folder: where it lives.
        device: where it computes.
        resume: whether it goes on from a checkpoint, if there is one.

    Raises:
        ConfigError: the precision in the settings is not that of the checkpoint.
    """
    asked = config.training.precision
    stored = checkpoint.found(folder.checkpoints) if resume else []
    if not stored:
        return choose(asked, device, cache_directory())
    words = checkpoint.read_state(stored[-1]).kernels
    if not words:
        return Choice("bf16" if asked == "bf16" else "float32", UNMEASURED)
    found = from_words(words)
    if asked not in ("auto", found.precision):
        raise ConfigError(
            f"training.precision: expected {found.precision} as in {stored[-1]}, got {asked}; undo the change, or train a new run"
        )
    if found.kernels.product == "onednn" and device.type == "cpu" and not HAS_ONEDNN:
        notice(f"{folder.path}: began with oneDNN's products, which are not here; its numbers go on in other last bits")
    return found
