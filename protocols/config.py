"""The configuration of a run: loaded, checked, resolved, hashed and written.

defaults < preset or file < --set a.b=c < option
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from . import sources
from .complaints import sentence
from .errors import ConfigError
from .settings import (
    NetworkConfig,
    OptimiserConfig,
    ProbeConfig,
    RecordingConfig,
    RuleConfig,
    RunConfig,
    StimulusConfig,
    TrainingConfig,
)

__all__ = [
    "NetworkConfig",
    "OptimiserConfig",
    "ProbeConfig",
    "RecordingConfig",
    "RuleConfig",
    "RunConfig",
    "StimulusConfig",
    "TrainingConfig",
    "digest",
    "load",
    "resolve",
    "resume",
    "schema",
    "to_yaml",
    "validate",
]

CONFIG_FILE = "config.yaml"
# what may change between the parts of a run: in what pieces and on what, never what is computed or how much is recorded
MAY_CHANGE = ("max_seconds", "device", "threads", "checkpoint_every", "keep_checkpoints")


def load(preset_or_path: str, overrides: Sequence[str] = (), options: Mapping[str, Any] | None = None) -> RunConfig:
    """Settings of a preset or file, with `a.b=c` overrides and then options laid over them.

    Args:
        preset_or_path: name of a preset, or path of a YAML file.
        overrides: texts such as `training.epochs=3`; the values are read as YAML.
        options: dotted path to value; None means not given.

    Raises:
        ConfigError: an unknown preset or setting, a wrong type, or settings that contradict each other.
    """
    settings = sources.override(sources.read(preset_or_path), overrides)
    for path, value in (options or {}).items():
        if value is not None:
            settings = sources.merge(settings, sources.nested(path, value))
    return validate(settings)


def resume(
    run: Path,
    preset_or_path: str | None = None,
    overrides: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> RunConfig:
    """Settings with which an interrupted run continues: its own, with other pieces or another device where given.

    Args:
        run: folder of the run.
        preset_or_path: None, or the preset or file the run was started with.
        overrides: as in `load`.
        options: as in `load`.

    Raises:
        ConfigError: no such run, or settings that would make it another one.
    """
    stored = run / CONFIG_FILE
    if not stored.is_file():
        raise ConfigError(f"{stored}: expected the settings of a run, got no such file; start it without --resume")
    ours, theirs = resolve(load(str(stored))), load(preset_or_path or str(stored), overrides, options)
    for path, value in _leaves(resolve(theirs)).items():
        group, _, name = path.rpartition(".")
        if value != _leaves(ours)[path] and not (group == "training" and name in MAY_CHANGE):
            raise ConfigError(
                f"{path}: expected {json.dumps(_leaves(ours)[path])} as in {stored}, got {json.dumps(value)}; "
                "resume with the run's own settings or choose another --out"
            )
    return theirs


def _leaves(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted paths and their values."""
    leaves: dict[str, Any] = {}
    for key, value in settings.items():
        leaves |= _leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return leaves


def validate(settings: Mapping[str, Any]) -> RunConfig:
    """Settings as a checked `RunConfig`; raises ConfigError."""
    try:
        return RunConfig.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(sentence(error, RunConfig)) from error


def resolve(config: RunConfig) -> dict[str, Any]:
    """Every setting, defaults included, as JSON-like values; `validate` makes it a config again."""
    return config.model_dump(mode="json")


def digest(config: RunConfig) -> str:
    """SHA-256 of the resolved settings, in hexadecimal."""
    text = json.dumps(resolve(config), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def to_yaml(config: RunConfig) -> str:
    """The resolved settings as YAML, which `load` reads back to an equal config."""
    return yaml.safe_dump(resolve(config), sort_keys=False, allow_unicode=True)


def schema() -> dict[str, Any]:
    """JSON schema of the settings."""
    return RunConfig.model_json_schema()
