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
    "change",
    "digest",
    "identity",
    "load",
    "read_stored",
    "resolve",
    "resume",
    "schema",
    "to_yaml",
    "validate",
]

CONFIG_FILE = "config.yaml"
# what may change between the parts of a run: in what pieces and on what, never what is computed or how much is recorded
MAY_CHANGE = ("max_seconds", "device", "threads", "checkpoint_every", "keep_checkpoints")
# settings whose names differ from rule to rule: told and compared as one
AS_ONE = ("rule.options",)


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
    begun, theirs = read_stored(stored), load(preset_or_path or str(stored), overrides, options)
    if theirs.training.precision == "auto":  # what the run began with
        training = theirs.training.model_copy(update={"precision": begun.training.precision})
        theirs = theirs.model_copy(update={"training": training})
    ours = _leaves(resolve(begun))
    for path, value in _leaves(resolve(theirs)).items():
        group, _, name = path.rpartition(".")
        if value != ours[path] and not (group == "training" and name in MAY_CHANGE):
            raise ConfigError(
                f"{path}: expected {json.dumps(ours[path])} as in {stored}, got {json.dumps(value)}; "
                "resume with the run's own settings or choose another --out"
            )
    return theirs


def read_stored(path: Path) -> RunConfig:
    """Settings of a run from its config.yaml, which names every group of them.

    Raises:
        ConfigError: the file is empty or cut short, or cannot be read as settings.
    """
    settings = sources.read(str(path))
    if missing := [name for name in RunConfig.model_fields if name not in settings]:
        raise ConfigError(
            f"{path}: expected every group of settings, got none of {', '.join(missing)}; the file was cut short: restore it "
            "from a copy, or from the attribute config of the recording"
        )
    return validate(settings)


def change(config: RunConfig, group: str, overrides: Sequence[str]) -> RunConfig:
    """Settings of a run with `a.b=c` overrides of one group, for a command that reads no other.

    Raises:
        ConfigError: an override of another group, or of a wrong value.
    """
    for text in overrides:
        path = text.partition("=")[0].strip()
        if path != group and not path.startswith(f"{group}."):
            raise ConfigError(
                f"--set {path}: expected a setting of {group}, got another; the run stays as it was trained"
            )
    return validate(sources.override(resolve(config), overrides)) if overrides else config


def _leaves(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted paths and their values."""
    leaves: dict[str, Any] = {}
    for key, value in settings.items():
        path = prefix + key
        group = isinstance(value, dict) and path not in AS_ONE
        leaves |= _leaves(value, f"{path}.") if group else {path: value}
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
    return _sha256(resolve(config))


def identity(config: RunConfig) -> str:
    """SHA-256 of what no part of a run may change: its settings without name, read-out and what says in what pieces and on what.

    Defaults are left out, so that a setting that a later version adds makes no run another one.
    """
    free: dict[str, Any] = {"name": True, "probe": True, "training": set(MAY_CHANGE)}
    # float32 was the default before `auto`: it is left out in its place, so that the runs of that time stay themselves
    asked = config.training.precision
    shown = {"float32": "auto", "auto": "float32"}.get(asked, asked)
    training = config.training.model_copy(update={"precision": shown})
    told = config.model_copy(update={"training": training}).model_dump(mode="json", exclude_defaults=True, exclude=free)
    if asked == "auto":
        told["training"]["precision"] = asked
    return _sha256(told)


def _sha256(settings: Mapping[str, Any]) -> str:
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def to_yaml(config: RunConfig) -> str:
    """The resolved settings as YAML, which `load` reads back to an equal config."""
    return yaml.safe_dump(resolve(config), sort_keys=False, allow_unicode=True)


def schema() -> dict[str, Any]:
    """JSON schema of the settings."""
    return RunConfig.model_json_schema()
