"""Axes of a sweep: the values that settings take, each with the label by which results are found.

PATH: [a, b]                                  a grid
NAME: {list: [{PATH: a, PATH: b}, ...]}       settings that change together
NAME: {random: {PATH: {log-uniform: [a, b]}}, n: 8, seed: 0}
NAME: {entries: {LABEL: {GROUP: ...}}}        groups of settings by a name; `rule` replaces the rule of the base as a whole
"""

import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...models.outside import unplaced
from ..errors import ConfigError, nearest
from ..settings.yaml import merge, nested

GRID, LIST, RANDOM, ENTRIES = "grid", "list", "random", "entries"
KINDS = (LIST, RANDOM, ENTRIES)
MOST = 10_000  # values of an axis, and cells of a sweep
Label = int | float | str


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an axis.

    Attributes:
        label: by which results are found: the value itself, a number of a list or draw, or a name.
        settings: nested settings that it stands for.
        about: what else is told of it; nothing is computed by it.
    """

    label: Label
    settings: Mapping[str, Any]
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Axis:
    """Values that one direction of a sweep takes.

    Attributes:
        name: of the setting, or one of its own.
        kind: grid, list, random or entries.
        values: in their order.
    """

    name: str
    kind: str
    values: tuple[Value, ...]

    @property
    def paths(self) -> list[str]:
        """Settings that it changes, dotted."""
        return list(dict.fromkeys(path for value in self.values for path in leaves(value.settings)))

    def apply(self, settings: Mapping[str, Any], value: Value) -> dict[str, Any]:
        """Settings with those of a value laid over them; the rule of an entry replaces the rule below as a whole."""
        whole = {
            k: v for k, v in settings.items() if not (self.kind == ENTRIES and k == "rule" and k in value.settings)
        }
        return merge(whole, value.settings)


def leaves(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted paths and their values.

    >>> leaves({"rule": {"name": "lpl"}, "seed": 3})
    {'rule.name': 'lpl', 'seed': 3}
    """
    found: dict[str, Any] = {}
    for key, value in settings.items():
        path = f"{prefix}{key}"
        found |= leaves(value, f"{path}.") if isinstance(value, Mapping) and value else {path: value}
    return found


def key_of(label: Any) -> str:
    """A label as results are found by it: 1 and 1.0 are one number, 1 and "1" are two labels."""
    return repr(float(label)) if isinstance(label, int | float) and not isinstance(label, bool) else json.dumps(label)


def axis_of(name: str, told: Any) -> Axis:
    """An axis as a file tells it.

    Args:
        name: of the setting, or one of its own.
        told: a list, or a mapping with list, random or entries.

    Raises:
        ConfigError: another form, no values, or one value twice.
    """
    where = f"axes.{name}"
    if isinstance(told, list):
        axis = Axis(name, GRID, tuple(_grid_value(name, value, f"{where}[{i}]") for i, value in enumerate(told)))
    elif isinstance(told, Mapping):
        axis = _of_mapping(name, told, where)
    else:
        raise ConfigError(
            f"{where}: expected a list of values or a mapping with {', '.join(KINDS)}, got {told!r}; for example [0.001, 0.01]"
        )
    if not 1 <= len(axis.values) <= MOST:
        raise ConfigError(
            f"{where}: expected 1 to {MOST:,} values, got {len(axis.values)}; give at least one, or fewer"
        )
    seen: dict[str, Value] = {}
    for value in axis.values:
        other = seen.setdefault(key_of(value.label), value)
        if other is value:
            continue
        if other.settings == value.settings:
            raise ConfigError(f"{where}: expected every value once, got {value.label!r} twice; remove one")
        raise ConfigError(
            f"{where}: expected values of different names, got two that are called {value.label!r}; give them names under entries"
        )
    return axis


def _grid_value(path: str, value: Any, where: str) -> Value:
    if isinstance(value, Mapping):
        raise ConfigError(
            f"{where}: expected a value of the setting {path}, got a mapping; write it with a name of its own under entries"
        )
    if not all(path.split(".")):
        raise ConfigError(
            f"{where}: expected a setting as group.name, got {path!r}; for example optimiser.learning_rate"
        )
    return Value(_label(value), nested(path, value))


def _label(value: Any) -> Label:
    plain = isinstance(value, int | float | str) and not isinstance(value, bool)
    told = unplaced(value)  # where a file lies is no part of its name
    return told if plain else json.dumps(told)


def _of_mapping(name: str, told: Mapping[str, Any], where: str) -> Axis:
    kinds = [kind for kind in KINDS if kind in told]
    if len(kinds) != 1:
        near = nearest(str(next(iter(told), "")), KINDS)
        raise ConfigError(
            f"{where}: expected one of {', '.join(KINDS)}, got {', '.join(map(str, told)) or 'none'}{near}"
        )
    kind = kinds[0]
    known = {kind} | ({"n", "seed"} if kind == RANDOM else set())
    if other := [str(key) for key in told if key not in known]:
        raise ConfigError(
            f"{where}.{other[0]}: expected one of {', '.join(sorted(known))}, got an unknown name; remove it"
        )
    make: Mapping[str, Callable[[], list[Value]]] = {
        LIST: lambda: _listed(told[LIST], f"{where}.list"),
        RANDOM: lambda: _drawn(told, where),
        ENTRIES: lambda: _entries(told[ENTRIES], f"{where}.entries"),
    }
    return Axis(name, kind, tuple(make[kind]()))


def dotted(settings: Any, where: str) -> dict[str, Any]:
    """Settings by dotted paths, or nested, as nested ones."""
    if not isinstance(settings, Mapping) or not settings:
        raise ConfigError(
            f"{where}: expected a mapping of settings, got {settings!r}; for example {{network.width: 0.5, training.batch: 32}}"
        )
    found: dict[str, Any] = {}
    for path, value in settings.items():
        if not isinstance(path, str) or not all(path.split(".")):
            raise ConfigError(f"{where}: expected settings as group.name, got {path!r}; for example network.width")
        found = merge(found, nested(path, value))
    return found


def _listed(points: Any, where: str) -> list[Value]:
    if not isinstance(points, list):
        raise ConfigError(
            f"{where}: expected a list of mappings of settings, got {points!r}; write one mapping a point"
        )
    return [Value(i, dotted(point, f"{where}[{i}]")) for i, point in enumerate(points)]


def _entries(entries: Any, where: str) -> list[Value]:
    if not isinstance(entries, Mapping):
        raise ConfigError(
            f"{where}: expected a mapping of names to settings, got {entries!r}; write name: {{rule: ...}}"
        )
    return [Value(str(name), dotted(each, f"{where}.{name}") if each else {}) for name, each in entries.items()]


def _drawn(told: Mapping[str, Any], where: str) -> list[Value]:
    n, seed, laws = told.get("n"), told.get("seed", 0), told[RANDOM]
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= MOST:
        raise ConfigError(f"{where}.n: expected how many draws, 1 to {MOST:,}, got {n!r}; for example n: 8")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise ConfigError(f"{where}.seed: expected a number from 0 to {2**32 - 1}, got {seed!r}; for example seed: 0")
    if not isinstance(laws, Mapping) or not laws:
        raise ConfigError(
            f"{where}.random: expected settings with a law each, got {laws!r}; for example {{optimiser.learning_rate: {{log-uniform: [1.0e-4, 0.01]}}}}"
        )
    draws = {str(path): law_of(law, f"{where}.random.{path}") for path, law in laws.items()}
    return [
        Value(i, dotted({path: draw(_uniform(seed, path, i)) for path, draw in draws.items()}, where)) for i in range(n)
    ]


def _uniform(seed: int, path: str, index: int) -> float:
    """A number in [0, 1) of (seed, setting, draw): more draws, or another setting beside it, change none that were made."""
    from numpy.random import SeedSequence, default_rng

    return float(default_rng(SeedSequence([seed, zlib.crc32(path.encode()), index])).random())


LAWS = ("log-uniform", "uniform", "integers", "choice")


def law_of(told: Any, where: str) -> Callable[[float], Any]:
    """The value that a number in [0, 1) draws; numbers are rounded to four digits, so that they can be written down.

    >>> law_of({"log-uniform": [1.0e-4, 1.0]}, "x")(0.5)
    0.01
    >>> law_of({"choice": ["a", "b"]}, "x")(0.7), law_of({"integers": [1, 3]}, "x")(0.999)
    ('b', 3)

    Raises:
        ConfigError: another form.
    """
    if not isinstance(told, Mapping) or len(told) != 1:
        raise ConfigError(
            f"{where}: expected one law of {', '.join(LAWS)}, got {told!r}; for example {{uniform: [0, 1]}}"
        )
    ((law, given),) = told.items()
    if law not in LAWS:
        raise ConfigError(f"{where}: expected one law of {', '.join(LAWS)}, got {law!r}{nearest(str(law), LAWS)}")
    if not isinstance(given, list) or not given:
        raise ConfigError(f"{where}.{law}: expected a list, got {given!r}; two ends of a range, or what to choose from")
    if law == "choice":
        choice: Sequence[Any] = given
        return lambda u: choice[int(u * len(choice))]
    low, high = _range(law, given, f"{where}.{law}")
    if law == "integers":
        return lambda u: int(low) + int(u * (int(high) - int(low) + 1))
    if law == "uniform":
        return lambda u: _rounded(low + u * (high - low), low, high)
    return lambda u: _rounded(math.exp(math.log(low) + u * math.log(high / low)), low, high)


def _range(law: str, given: list[Any], where: str) -> tuple[float, float]:
    kinds = int if law == "integers" else (int, float)
    if len(given) != 2 or any(not isinstance(end, kinds) or isinstance(end, bool) for end in given):
        kind = "integers" if law == "integers" else "numbers"
        raise ConfigError(f"{where}: expected two {kind}, got {given!r}; the smaller first")
    low, high = given
    if not (math.isfinite(low) and math.isfinite(high) and low < high) or (law == "log-uniform" and low <= 0):
        above = " above 0" if law == "log-uniform" else ""
        raise ConfigError(
            f"{where}: expected two numbers{above}, the smaller first, got {given!r}; exchange or change them"
        )
    return low, high


def _rounded(value: float, low: float, high: float) -> float:
    return min(max(float(f"{value:.4g}"), low), high)
