"""Constants with units written as text, `370 pF` or `0.15 / ms`: so that a cell is plain data and Brian2 is imported only to run it."""

import math
import re
from collections.abc import Mapping
from typing import Any

from ...errors import ModelError

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*([*/]?)\s*([A-Za-z][A-Za-z0-9_*/\s()]*)?\s*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Constant = str | float


def quantity(b2: Any, field: str, value: Constant) -> Any:
    """A number with its unit.

    Args:
        b2: the module `brian2`.
        field: of what, for the message.
        value: text such as `370 pF`, `-70 mV`, `0.15 / ms`, or a plain number.

    Raises:
        ModelError: no finite number, or a unit that Brian2 has not.
    """
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ModelError(
                f"{field}: expected a finite number or text such as '370 pF', got {value!r}; write number and unit"
            )
        return float(value)
    found = _QUANTITY.fullmatch(value)
    if found is None:
        raise ModelError(
            f"{field}: expected a number and a unit such as '370 pF', got {value!r}; write one number and one unit"
        )
    number, division, unit = float(found[1]), found[2] == "/", (found[3] or "").strip()
    if not unit:
        return number
    factor = unit_of(b2, field, unit)
    return number / factor if division else number * factor


def unit_of(b2: Any, field: str, unit: str) -> Any:
    """A unit by its name, or a product of such: `pA`, `mV`, `mV*ms`, `1`.

    Raises:
        ModelError: a unit that Brian2 has not.
    """
    if unit.strip() == "1":
        return 1.0
    for word in _WORD.findall(unit):
        if word not in known_units(b2):
            raise ModelError(
                f"{field}: expected a unit of Brian2 such as mV, pA, nS, pF or ms, got {word!r}; correct it"
            )
    try:
        # only names of units, digits, * / and brackets can be left here
        return eval(unit, {"__builtins__": {}}, {word: b2.DEFAULT_UNITS[word] for word in _WORD.findall(unit)})
    except Exception:
        raise ModelError(f"{field}: expected a unit such as pA or mV*ms, got {unit!r}; correct it") from None


def constants(b2: Any, owner: str, namespace: Mapping[str, Constant]) -> dict[str, Any]:
    """The constants of a namespace as quantities.

    Raises:
        ModelError: as `quantity`.
    """
    return {name: quantity(b2, f"{owner}.namespace.{name}", value) for name, value in namespace.items()}


def known_units(b2: Any) -> set[str]:
    """Names of all units of Brian2, short (`pF`) and long (`pfarad`)."""
    units = b2.units
    return {*units.allunits.__dict__, *units.stdunits.__dict__, *b2.DEFAULT_UNITS}
