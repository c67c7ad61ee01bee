"""Trained runs, opened in one place."""

from pathlib import Path

from ...models.engine import checkpoint
from ...plasticity import ClappPP
from ..errors import ConfigError, ProtocolError
from ..settings.rule import RuleConfig, make_rule
from .folder import RunFolder


def newest_checkpoint(folder: RunFolder) -> Path:
    """The newest checkpoint of a run.

    Raises:
        ProtocolError: it has none yet.
    """
    stored = checkpoint.found(folder.checkpoints)
    if not stored:
        raise ProtocolError(
            f"{folder.checkpoints}: expected a checkpoint, got none; train further with --resume --out {folder.path}"
        )
    return stored[-1]


def clapp_rule(config: RuleConfig, run: Path | str) -> ClappPP:
    """CLAPP++ as a run's settings describe it, for commands that take its factors apart.

    Raises:
        ConfigError: a run of another rule.
    """
    rule = make_rule(config)
    if not isinstance(rule, ClappPP):
        lacks = "neither apical dendrites nor a local change" if rule.engine != "local" else "factors of its own"
        raise ConfigError(
            f"{run}: expected a run of clapp++, got {config.name}, which has {lacks}; give a run of that rule"
        )
    return rule
