"""Where settings come from: YAML files, presets that extend each other, and `a.b=c` overrides.

Everything here is plain mappings; what a setting may be is told in `config.py`.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ..errors import ConfigError, nearest

PRESETS = Path(__file__).parent / "presets"
YAML_SUFFIXES = (".yaml", ".yml")


class Loader(yaml.SafeLoader):
    """Safe YAML that reads `1e-4` as a number, and refuses a key given twice instead of keeping the last."""


# YAML 1.1 wants a dot in 1.0e-4; nobody writes learning rates that way
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _mapping(loader: Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key in (key for key, _ in node.value if isinstance(key.value, str)):
        if key.value in seen:
            raise yaml.MarkedYAMLError(problem=f"the key {key.value} twice", problem_mark=key.start_mark)
        seen.add(key.value)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def parse_file(path: Path) -> Any:
    """The value a YAML file stands for; it exists."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8 text, got {error.reason}; is this a YAML file?") from error


def parse(text: str, where: str) -> Any:
    """The value a YAML text stands for; `where` names its origin in the error."""
    try:
        return yaml.load(text, Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"{where}{line}: expected valid YAML, got an error ({error.problem}); correct the text"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{where}: expected valid YAML, got an error ({reason}); correct the text") from error


def presets() -> list[str]:
    """Names of the presets, in order; files that begin with an underscore are parts of presets."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml") if not path.name.startswith("_"))


def read(preset_or_path: str) -> dict[str, Any]:
    """Settings of a preset or a YAML file, with everything it extends beneath them.

    A run is named after the preset or file unless the file itself says otherwise.
    """
    path = _locate(preset_or_path)
    settings = _extended(path, ())
    return {"name": path.stem, **settings}


def _locate(preset_or_path: str) -> Path:
    known = presets()
    if preset_or_path in known:
        return PRESETS / f"{preset_or_path}.yaml"
    path = Path(preset_or_path)
    if path.is_file():
        return path
    if path.is_dir():
        raise ConfigError(f"{path}: expected a preset or a YAML file, got a folder; presets: {', '.join(known)}")
    if path.suffix in YAML_SUFFIXES or len(path.parts) > 1:
        raise ConfigError(f"{path}: expected a YAML file, got no such file; presets: {', '.join(known)}")
    raise ConfigError(
        f"preset: expected one of {', '.join(known)} or a YAML file, got {preset_or_path!r}"
        + nearest(preset_or_path, known)
    )


def _mapping_in(path: Path) -> dict[str, Any]:
    """The mapping a YAML file holds, `extends` included."""
    settings = parse_file(path)
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: expected a mapping of settings, got {type(settings).__name__}; see a preset")
    return settings


def _extended(path: Path, children: tuple[Path, ...]) -> dict[str, Any]:
    path = path.resolve()
    if path in children:
        chain = " > ".join(child.name for child in (*children, path))
        raise ConfigError(f"{path}: expected extends without a circle, got {chain}; remove one of them")
    settings = _mapping_in(path)
    parents = settings.pop("extends", [])
    names = parents if isinstance(parents, list) else [parents]
    merged: dict[str, Any] = {}
    for name in names:
        if not isinstance(name, str):
            raise ConfigError(f"{path}: expected extends to name presets or files, got {name!r}; write their names")
        merged = merge(merged, _extended(_parent(name, path), (*children, path)))
    merged.pop("name", None)
    return merge(merged, settings)


def _parent(name: str, child: Path) -> Path:
    beside = child.parent / name
    if beside.suffix in YAML_SUFFIXES and beside.is_file():
        return beside
    # a part of presets, such as _narrow, serves presets only
    part = PRESETS / f"{name}.yaml"
    return part if child.parent == PRESETS and part.is_file() else _locate(name)


def merge(base: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `update` laid over it: mappings key by key, anything else as a whole.

    >>> merge({"rule": {"context": "dfb", "grids": [1]}}, {"rule": {"grids": [2]}})
    {'rule': {'context': 'dfb', 'grids': [2]}}
    """
    merged = dict(base)
    for key, value in update.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def nested(path: str, value: Any) -> dict[str, Any]:
    """A dotted path and its value as mappings.

    >>> nested("training.epochs", 3)
    {'training': {'epochs': 3}}
    """
    for key in reversed(path.split(".")):
        value = {key: value}
    return dict(value)


def override(settings: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Settings with `a.b=c` texts applied in order; each value is read as YAML."""
    changed = dict(settings)
    for text in overrides:
        path, equals, value = text.partition("=")
        path = path.strip()
        if not equals or not all(path.split(".")):
            raise ConfigError(f"--set {text}: expected a.b=value, got {text!r}; for example --set training.epochs=3")
        changed = merge(changed, nested(path, parse(value, f"--set {path}")))
    return changed
