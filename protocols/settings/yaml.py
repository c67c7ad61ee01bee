"""Where settings come from: YAML files, presets that extend each other, and `a.b=c` overrides.

Everything here is plain mappings; what a setting may be is told by the groups of settings. No file takes longer than a moment to read or to
refuse: text, depth, values and the number of files are bounded.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ...models.outside import placed
from ..errors import ConfigError, unknown
from .laid import wires_anew, without_network
from .yaml_loader import MOST_BYTES, Loader

PRESETS = Path(__file__).parent / "presets"
YAML_SUFFIXES = (".yaml", ".yml")
LISTS_ALL = "apical config list"
MOST_FILES = 64  # the presets extend five at most


def parse_file(path: Path) -> Any:
    """The value a YAML file stands for; it exists. References to files begin at its folder."""
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{path}: expected at most {MOST_BYTES} bytes of YAML, got more; is this a file of settings?")
    try:
        return placed(parse(content.decode("utf-8"), str(path)), path.parent)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8 text, got {error.reason}; is this a YAML file?") from error


def parse(text: str, where: str) -> Any:
    """The value a YAML text stands for; `where` names its origin in the error.

    Raises:
        ConfigError: no YAML, a key twice, or too much of it (see `Loader`).
    """
    if len(text) > MOST_BYTES:
        raise ConfigError(f"{where}: expected at most {MOST_BYTES} characters of YAML, got {len(text)}; shorten it")
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
    settings = _extended(path, (), Sources(str(path)))
    return {"name": path.stem, **settings}


class Sources:
    """Files that one set of settings is read from, each once: what extends itself twice over would grow without bound."""

    def __init__(self, where: str) -> None:
        self._where, self._visits, self._bytes = where, 0, 0
        self._found: dict[Path, dict[str, Any]] = {}

    def read(self, path: Path) -> dict[str, Any]:
        """The mapping of one file.

        Raises:
            ConfigError: the file is one too many, or no mapping.
        """
        self._visits += 1
        if path not in self._found:
            self._bytes += path.stat().st_size
            self._found[path] = _mapping_in(path)
        if self._visits > MOST_FILES or self._bytes > MOST_BYTES:
            raise ConfigError(
                f"{self._where}: expected extends to lead to at most {MOST_FILES} files of {MOST_BYTES} bytes in all, a file counted as "
                "often as it is extended, got more; extend fewer"
            )
        return self._found[path]


def read_all(names: Any, where: str) -> dict[str, Any]:
    """Settings of one or several presets or files, later ones laid over earlier ones.

    Args:
        names: a name, or a list of them.
        where: what names them, put before a complaint.

    Raises:
        ConfigError: something else than names, or more than 64 files.
    """
    merged: dict[str, Any] = {}
    sources = Sources(where)
    for name in _names(names, where):
        path = _locate(name)
        merged = merge(merged, {"name": path.stem, **_extended(path, (), sources)})
    return merged


def _names(names: Any, where: str) -> list[str]:
    listed = names if isinstance(names, list) else [names]
    for name in listed:
        if not isinstance(name, str):
            raise ConfigError(f"{where}: expected names of presets or files, got {name!r}; write their names")
    return listed


def _locate(preset_or_path: str) -> Path:
    known = presets()
    if preset_or_path in known:
        return PRESETS / f"{preset_or_path}.yaml"
    path = Path(preset_or_path)
    if path.is_file():
        return path
    if path.is_dir():
        raise ConfigError(f"{path}: expected a preset or a YAML file, got a folder; `{LISTS_ALL}` lists the presets")
    if path.suffix in YAML_SUFFIXES or len(path.parts) > 1:
        raise ConfigError(f"{path}: expected a YAML file, got no such file; `{LISTS_ALL}` lists the presets")
    raise ConfigError(f"preset: {unknown('a preset or a YAML file', preset_or_path, known, LISTS_ALL)}")


def _mapping_in(path: Path) -> dict[str, Any]:
    """The mapping a YAML file holds, `extends` included."""
    settings = parse_file(path)
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: expected a mapping of settings, got {type(settings).__name__}; see a preset")
    return settings


def _extended(path: Path, children: tuple[Path, ...], sources: Sources) -> dict[str, Any]:
    path = path.resolve()
    if path in children:
        chain = " > ".join(child.name for child in (*children, path))
        raise ConfigError(f"{path}: expected extends without a circle, got {chain}; remove one of them")
    settings = dict(sources.read(path))
    merged: dict[str, Any] = {}
    for name in _names(settings.pop("extends", []), f"{path}: extends"):
        merged = merge(merged, _extended(_parent(name, path), (*children, path), sources))
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

    Layers in `update` take the place of the network in `base`, with its sizes and the grids that the rule had for it.

    >>> merge({"rule": {"context": "dfb", "grids": [1]}}, {"rule": {"grids": [2]}})
    {'rule': {'context': 'dfb', 'grids': [2]}}
    """
    merged = without_network(base) if wires_anew(update) else dict(base)
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
