"""Where the user's own images lie. `folder:PATH` and `npz:PATH` name a place; what a run was trained with are the images, not the place."""

from pathlib import Path

from ..errors import ConfigError, ProtocolError
from ..stimuli.names import row_of
from .whole import RunConfig


def kind_of(name: str) -> str | None:
    """`folder` or `npz`; None for a data set with a name of its own.

    >>> kind_of("npz:images.npz"), kind_of("cifar10")
    ('npz', None)
    """
    row = row_of(name)
    return name.partition(":")[0] if row is not None and row.own else None


def located(config: RunConfig) -> RunConfig:
    """The settings with absolute places, so that the run can be opened from any folder."""
    if config.training.start is not None:
        start = str(Path(config.training.start).expanduser().absolute())
        config = config.model_copy(update={"training": config.training.model_copy(update={"start": start})})
    kind, (_, _, path) = kind_of(config.stimulus.name), config.stimulus.name.partition(":")
    return at(config, f"{kind}:{Path(path).expanduser().absolute()}") if kind else config


def at(config: RunConfig, name: str) -> RunConfig:
    """The settings with their images at another place."""
    return config.model_copy(update={"stimulus": config.stimulus.model_copy(update={"name": name})})


def moved_to(config: RunConfig, data: str | None) -> RunConfig:
    """The settings of a run with its images where they are now.

    Args:
        config: of the run.
        data: `folder:PATH` or `npz:PATH`; None where they have not moved.

    Raises:
        ConfigError: another kind of images than in training.
    """
    if data is None:
        return config
    kind = kind_of(config.stimulus.name)
    if kind is None:
        raise ConfigError(
            f"--data: expected none for a run on {config.stimulus.name}, got {data!r}; say where data sets lie with --data-dir"
        )
    if kind_of(data) != kind or data == f"{kind}:":
        raise ConfigError(
            f"--data: expected {kind}:PATH, as the run was trained on {config.stimulus.name}, got {data!r}"
        )
    return at(config, data)


def check_there(config: RunConfig) -> None:
    """Refuse a place where there is nothing, before anything else is read.

    Raises:
        ProtocolError: as said.
    """
    kind, (_, _, path) = kind_of(config.stimulus.name), config.stimulus.name.partition(":")
    if kind and not Path(path).expanduser().exists():
        raise ProtocolError(
            f"stimulus.name: expected the images of the run at {Path(path).expanduser().absolute()}, got nothing there; "
            f"add --data {kind}:PATH with the place where they are now"
        )
