"""The error of this room."""


class ModelError(ValueError):
    """A network, engine or checkpoint was asked for something impossible.

    Messages have one form: object.field: expected X, got Y; remedy.
    """

    exit_code = 2


class CheckpointError(ModelError):
    """A checkpoint is missing, broken or belongs to another run."""

    exit_code = 1


class LostError(ModelError):
    """Of the ranks that train together one is gone, and with it what it held."""

    exit_code = 1
