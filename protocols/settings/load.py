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

from ...models.outside import gone, unplaced
from ..errors import ConfigError
from .groups import ProbeConfig, RecordingConfig, StimulusConfig, TrainingConfig
from .network import NetworkConfig
from .optimiser import OptimiserConfig
from .places import at, kind_of
from .rule import RuleConfig
from .whole import RunConfig
from .wording import sentence
from .yaml import merge, nested, override, read

__all__ = [
    "NetworkConfig",
    "OptimiserConfig",
    "ProbeConfig",
    "RecordingConfig",
    "RuleConfig",
    "RunConfig",
    "StimulusConfig",
    "TrainingConfig",
    "begin",
    "change",
    "check_stored",
    "digest",
    "identity",
    "identity_at",
    "load",
    "read_stored",
    "resolve",
    "resume",
    "schema",
    "stored_text",
    "texts",
    "to_yaml",
    "validate",
]

CONFIG_FILE = "config.yaml"
MARK = "# sha256 of the lines below, which --set changes: "
# what may change between the parts of a run: in what pieces and on what, never what is computed or how much is recorded
MAY_CHANGE = (
    "max_seconds",
    "device",
    "threads",
    "graph",
    "checkpoint_every",
    "keep_checkpoints",
    "diverged",
    "hold",
    "recompute",
    "chunk",
)
# settings whose names differ from rule to rule: told and compared as one
AS_ONE = ("rule.options", "network.options", "stimulus.options", "optimiser.options")


def load(
    source: str | Mapping[str, Any], overrides: Sequence[str] = (), options: Mapping[str, Any] | None = None
) -> RunConfig:
    """Settings of a preset or file, with `a.b=c` overrides and then options laid over them.

    Args:
        source: name of a preset, path of a YAML file, or the nested mapping that such a file would hold.
        overrides: texts such as `training.epochs=3`; the values are read as YAML.
        options: dotted path to value; None means not given.

    Raises:
        ConfigError: an unknown preset or setting, a wrong type, or settings that contradict each other.
    """
    settings = override(read(source) if isinstance(source, str) else source, overrides)
    for path, value in (options or {}).items():
        if value is not None:
            settings = merge(settings, nested(path, value))
    return validate(settings)


def resume(
    run: Path,
    source: str | Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> RunConfig:
    """Settings with which a run continues: its own, with other pieces, another device, moved images or, after its end, more epochs where given.

    Args:
        run: folder of the run.
        source: None, or what the run was started with.
        overrides: as in `load`.
        options: as in `load`.

    Raises:
        ConfigError: no such run, or settings that would make it another one.
    """
    from .parts import continued

    stored = run / CONFIG_FILE
    if not stored.is_file():
        raise ConfigError(f"{stored}: expected the settings of a run, got no such file; start it without --resume")
    begun, theirs = read_stored(stored), load(source or str(stored), overrides, options)
    theirs, begun = continued(theirs, begun)
    ours = _leaves(resolve(begun))
    kind = kind_of(theirs.stimulus.name)
    # other images are told by their fingerprints
    compared = at(theirs, ours["stimulus.name"]) if kind and kind == kind_of(ours["stimulus.name"]) else theirs
    for path, value in _leaves(resolve(compared)).items():
        group, _, name = path.rpartition(".")
        if unplaced(value) != unplaced(ours[path]) and not (group == "training" and name in MAY_CHANGE):
            raise ConfigError(
                f"{path}: expected {json.dumps(ours[path])} as in {stored}, got {json.dumps(value)}; "
                "resume with the run's own settings or choose another --out"
            )
    return theirs


def begin(
    source: str | Mapping[str, Any] | None,
    out: Path | None,
    again: bool,
    overrides: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> tuple[RunConfig, Path]:
    """Settings of a run to start or to continue, and its folder.

    Args:
        source: as in `load`; None to continue `out` as it is.
        out: folder; None for runs/NAME-seedS.
        again: whether it is continued.
        overrides: as in `load`.
        options: as in `load`.

    Raises:
        ConfigError: neither a source nor a run to continue, or as in `load` and `resume`.
    """
    if again and (options or {}).get("training.start") is not None:
        raise ConfigError(
            "--from: expected none with --resume, got a run; a run that goes on begins with its own weights: leave one of the two out"
        )
    if source is None:
        if out is None or not again:
            raise ConfigError("PRESET|FILE: expected a preset or a file, got none; or continue with --resume --out RUN")
        return resume(out, None, overrides, options), out
    settings = load(source, overrides, options)
    folder = out or Path("runs") / f"{settings.name}-seed{settings.seed}"
    return (resume(folder, source, overrides, options) if again else settings), folder


def texts(changes: Mapping[str, Any]) -> list[str]:
    """Dotted paths and their values as overrides.

    >>> texts({"probe.n_train": None, "rule.grids": (4, 2)})
    ['probe.n_train=null', 'rule.grids=[4, 2]']

    Raises:
        ConfigError: a value that no settings file could hold.
    """
    try:
        return [f"{path}={json.dumps(value)}" for path, value in changes.items()]
    except TypeError as error:
        raise ConfigError(f"changes: expected numbers, texts, lists and mappings, got others ({error})") from error


def read_stored(path: Path) -> RunConfig:
    """Settings of a run from its config.yaml, which names every group of them.

    Raises:
        ConfigError: the file is empty, cut short or changed, or cannot be read as settings.
    """
    check_stored(path)
    settings = read(str(path))
    if missing := [name for name in RunConfig.model_fields if name not in settings]:
        raise ConfigError(
            f"{path}: expected every group of settings, got none of {', '.join(missing)}; the file was cut short: restore it "
            "from a copy, or from the attribute config of the recording"
        )
    if missing := gone(settings):
        copy = path.parent / "sources" / Path(missing[0]).name
        back = f"put it back there ({copy} is a copy)" if copy.is_file() else "put it back there"
        raise ConfigError(
            f"{path}: expected code of the run's own at {missing[0]}, got no such file; {back}, or write its new place into this file and "
            "remove the first line"
        )
    return validate(settings)


def stored_text(config: RunConfig) -> str:
    """Contents of a config.yaml: the settings, below a comment with a checksum of their text."""
    text = to_yaml(config)
    return f"{MARK}{hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def check_stored(path: Path) -> bool:
    """Compare the text of a config.yaml with its checksum; false where it has none.

    Raises:
        ConfigError: it was changed after it was written.
    """
    first, _, rest = path.read_bytes().partition(b"\n")
    if not first.startswith(b"#"):
        return False
    if first.decode(errors="replace") != MARK + hashlib.sha256(rest).hexdigest():
        raise ConfigError(
            f"{path}: expected the text of the checksum in its first line, got another: it was changed after it was written; undo that "
            f"(apical verify {path.parent} --repair does), or remove the first line to take the settings as they are"
        )
    return True


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
    return validate(override(resolve(config), overrides)) if overrides else config


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
    """SHA-256 of what no part of a run may change: its settings without name, read-out, place of the user's own images, and what says in
    what pieces and on what.

    Defaults are left out, so that a setting that a later version adds makes no run another one.
    """
    kind = kind_of(config.stimulus.name)
    return identity_at(config if kind is None else at(config, kind))


def identity_at(config: RunConfig) -> str:
    """The identity with the place of the user's own images, as checkpoints of version 0.1.0 have it.

    Of a file of the user's own, name and what it is taken from it count; where it lies does not, and its content is compared by its hash.
    """
    free: dict[str, Any] = {"name": True, "probe": True, "training": set(MAY_CHANGE)}
    # float32 was the default before `auto`: it is left out in its place, so that the runs of that time stay themselves
    asked = config.training.precision
    shown = {"float32": "auto", "auto": "float32"}.get(asked, asked)
    training = config.training.model_copy(update={"precision": shown})
    told = config.model_copy(update={"training": training}).model_dump(mode="json", exclude_defaults=True, exclude=free)
    if asked == "auto":
        told["training"]["precision"] = asked
    return _sha256(unplaced(told))


def _sha256(settings: Mapping[str, Any]) -> str:
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def to_yaml(config: RunConfig) -> str:
    """The resolved settings as YAML, which `load` reads back to an equal config."""
    return yaml.safe_dump(resolve(config), sort_keys=False, allow_unicode=True)


def schema() -> dict[str, Any]:
    """JSON schema of the settings."""
    return RunConfig.model_json_schema()
