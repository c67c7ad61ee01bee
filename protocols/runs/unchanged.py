"""Whether settings and images are still those that a checkpoint was trained with."""

from collections.abc import Iterable
from pathlib import Path

from ...models.engine.checkpoint import State
from ..errors import ConfigError, ProtocolError
from ..progress import notice
from ..settings.load import RunConfig, identity_at
from ..settings.parts import identities, parts
from ..settings.places import at, kind_of
from ..stimuli import Stimulus
from ..stimuli.names import row_of
from .foreign import same_sources


def fingerprints(stimulus: Stimulus) -> dict[str, str]:
    """SHA-256 of the images by split, as checkpoints and recordings keep them."""
    return {"train": stimulus.train.fingerprint, "test": stimulus.test.fingerprint}


def left_out(stimulus: Stimulus) -> dict[str, list[str]]:
    """Files of the user's that could not be read and are no part of the images, by split; empty where there are none."""
    found = {"train": stimulus.train.left_out, "test": stimulus.test.left_out}
    return {f"left_out_{split}": list(files) for split, files in found.items() if files}


def same_settings(config: RunConfig, state: State, where: Path, places: Iterable[str] = ()) -> None:
    """Refuse settings that would make a run another one.

    Args:
        config: settings to go on with.
        state: of the checkpoint to go on from.
        where: file of the settings.
        places: where the user's own images were before, beside that of the settings; older checkpoints hold to the place.

    Raises:
        ConfigError: they are not those of the checkpoint, or what a word from outside names was changed.
    """
    accepted = identities(config)
    for part in parts(config):
        accepted |= {identity_at(at(part, name)) for name in (config.stimulus.name, *places)}
    if state.identity_sha256 and state.identity_sha256 not in accepted:
        raise ConfigError(
            f"{where}: expected the settings that step {state.step} was trained with, got others; "
            "the file was edited: undo that, or train a new run"
        )
    same_sources(config, state, where.parent)


def same_data(config: RunConfig, stimulus: Stimulus, state: State, *, tell: bool = True) -> None:
    """Refuse images other than those of the training: a held-out part may have been drawn anew, with images that were learnt from.

    Data sets that come with a checksum or are rendered are fixed by the settings; there another machine may round a pixel differently,
    which is said and stops nothing.

    Args:
        config: settings of the run.
        stimulus: what was loaded by them.
        state: of the checkpoint.
        tell: whether it is said; only at the first of several checkpoints.

    Raises:
        ProtocolError: a folder or an archive of the user has changed.
    """
    found, name = fingerprints(stimulus), config.stimulus.name
    changed = " and ".join(split for split, mark in found.items() if state.data.get(split, mark) != mark)
    if not changed:
        return
    text = f"stimulus.name: expected the {changed} images of the training, got others from {name}"
    if kind := kind_of(name):
        raise ProtocolError(
            f"{text}; restore its files, say with --data {kind}:PATH where they are now, or train a new run; apical probe --other reads out on others"
        )
    if (row := row_of(name)) is not None and row.takes is not None:
        raise ProtocolError(f"{text}; restore what it reads, or train a new run")
    if tell:
        notice(f"{text}; another machine or version rounds a few pixels differently")
