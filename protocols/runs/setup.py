"""What a run is made of, from its settings: device, stimulus, presentation."""

from pathlib import Path

import torch

from ...plasticity import Rule
from ..errors import ConfigError
from ..progress import phase
from ..settings.load import RunConfig
from ..settings.options import given
from ..stimuli import Stimulus, load
from ..stimuli.cache import cache_directory
from ..stimuli.names import row_of
from ..stimuli.presentations.table import Presentation, presentation


def presentation_of(rule: Rule, stimulus: Stimulus) -> Presentation:
    """The presentation that a rule declares, for a stimulus that can be shown so.

    Raises:
        ConfigError: an unknown presentation, or the rule is supervised and training images lack labels.
    """
    unlabelled = int((stimulus.train.labels < 0).sum())
    if rule.needs.supervised and unlabelled:
        raise ConfigError(
            f"stimulus.name: expected a label for every training image, which a supervised rule needs, "
            f"got {unlabelled} without; choose another rule or stimulus"
        )
    return presentation(rule.needs.presentation)


def pick_device(word: str) -> torch.device:
    """The device of a setting: `auto` takes CUDA where there is one.

    Raises:
        ConfigError: CUDA was asked for and is not there.
    """
    if word == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if word == "cuda" and not torch.cuda.is_available():
        raise ConfigError("training.device: expected a CUDA device, got none on this machine; use --device cpu")
    return torch.device(word)


def set_device(device: torch.device, *, tf32: bool) -> None:
    """State what PyTorch else leaves to its version: how a GPU multiplies float32, and that it looks for its fastest convolutions.

    Every step has the same shapes, so that the search of a moment pays. Nothing is changed for a CPU.
    """
    if device.type != "cuda":
        return
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True


def load_stimulus(
    config: RunConfig, data_dir: Path | None, device: torch.device, *, progress: bool = False
) -> Stimulus:
    """The stimulus of a run, on its device; where that takes long, a line says so."""
    s = config.stimulus
    with phase(progress, preparing(s.name)):
        return load(
            s.name, data_dir=data_dir, image_size=s.image_size, n_train=s.n_train, n_test=s.n_test, held_out=s.held_out, normalised=s.normalised,
            seed=config.seed, crop_scale=s.crop_scale, device=str(device), options=given(s.options),
            hold=config.training.hold, unreadable=s.unreadable, progress=progress,
        )  # fmt: skip


def preparing(name: str) -> str:
    """What takes long of a stimulus."""
    row = row_of(name)
    if row is not None and row.crops is None:
        return f"rendering {name}; many of them are kept in {cache_directory()}, from where the next command reads them"
    return f"reading the images of {name}"
