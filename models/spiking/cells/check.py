"""The border: a cell and a synapse are refused in one sentence before Brian2 is asked to run them."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from ...errors import ModelError
from ..brian import session
from ..neuron import unknown
from .cell import ROLES, Cell, Synapse
from .quantities import constants, known_units, quantity, unit_of

_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
# what Brian2 itself puts in reach of equations
_OWN = {
    "t",
    "dt",
    "i",
    "j",
    "N",
    "lastspike",
    "not_refractory",
    "xi",
    "and",
    "or",
    "not",
    "True",
    "False",
    "if",
    "else",
}
_OWN |= {
    "N_pre",
    "N_post",
    "N_incoming",
    "N_outgoing",
    "t_in_timesteps",
    "lastspike_post",
    "lastspike_pre",
    "inf",
    "e",
    "pi",
}
# what never changes is checked once
_PASSED: "WeakSet[Cell]" = WeakSet()
_PASSED_TOGETHER: "WeakKeyDictionary[Synapse, WeakSet[Cell]]" = WeakKeyDictionary()


def check(cell: Cell, synapse: Synapse | None = None) -> None:
    """Check a cell, and a synapse that ends on it.

    Raises:
        ModelError: equations that Brian2 does not read, units that do not agree, roles or inputs that name nothing, a synapse that reads what
            the cell has not. Field, what is expected, what is there and a remedy, in one sentence.
    """
    if cell in _PASSED and (synapse is None or cell in _PASSED_TOGETHER.get(synapse, ())):
        return
    with session("numpy") as (b2, _):
        known = _check_cell(b2, cell)
        _PASSED.add(cell)
        if synapse is not None:
            _check_synapse(b2, synapse.reading(cell), cell, known)
            _PASSED_TOGETHER.setdefault(synapse, WeakSet()).add(cell)


def _check_cell(b2: Any, cell: Cell) -> Mapping[str, Any]:
    """The dimensions of the cell's variables by name."""
    space = constants(b2, "cell", cell.namespace)
    known = _equations(b2, "cell.model", cell.model).dimensions
    where = f"a variable or constant of {cell.name}"
    for field in ("model", "threshold", "reset"):
        for word in _unresolved(b2, getattr(cell, field), {*known, *space}):
            raise ModelError(
                f"cell.{field}: expected names of the model or its namespace, got {word!r}; give {word} a line in the model or a "
                "value in the namespace"
            )
    for role, name in cell.roles.items():
        _check_dimension(b2, f"cell.roles.{role}", name, known, space, ROLES[role], where)
    for name, unit in cell.inputs.items():
        if name not in _equations(b2, "cell.model", cell.model).parameter_names:
            raise ModelError(
                f"cell.inputs: expected a parameter of the model, got {name!r}; write a line '{name} : amp' and use it in an equation"
            )
        _same(b2, f"cell.inputs.{name}", unit_of(b2, f"cell.inputs.{name}", unit), known[name], name)
    _check_start(b2, "cell", cell.start, known)
    if cell.refractory:
        _same(b2, "cell.refractory", quantity(b2, "cell.refractory", cell.refractory), b2.second.dim, "a time")
    _try_cell(b2, cell, space)
    return dict(known)


def _try_cell(b2: Any, cell: Cell, space: dict[str, Any]) -> None:
    """One cell, not run for any time; what Brian2 refuses is told of the field that brought it."""

    def build(threshold: str = "False", reset: str = "") -> None:
        group = _alone(b2, cell, threshold, reset, space)
        for number, code in enumerate(cell.every_step):
            group.run_regularly(code, when="start", name=f"checked_step_{number}")
        b2.Network(group, name="checked_network").run(0 * b2.second, namespace={})

    _part_by_part("cell", cell, ("threshold", "reset"), build)


def _alone(b2: Any, cell: Cell, threshold: str, reset: str, space: dict[str, Any]) -> Any:
    rests = {"refractory": quantity(b2, "cell.refractory", cell.refractory)} if cell.refractory else {}
    return b2.NeuronGroup(
        1,
        cell.model,
        threshold=threshold,
        reset=reset,
        method=cell.method,
        namespace=space,
        name="checked_cell",
        **rests,
    )


def _check_synapse(b2: Any, synapse: Synapse, cell: Cell, cells: Mapping[str, Any]) -> None:
    space = constants(b2, "synapse", synapse.namespace)
    shared = constants(b2, "cell", cell.namespace)
    for name in set(space) & set(shared):
        if not _equal(b2, space[name], shared[name]):
            raise ModelError(
                f"synapse.namespace.{name}: expected the value of {cell.name}, {cell.namespace[name]}, or a name of its own, got "
                f"{synapse.namespace[name]}; rename it"
            )
    known = _equations(b2, "synapse.model", synapse.model).dimensions
    reach = {*known, *space, *shared, *cells, *(f"{name}_post" for name in cells)}
    for field in ("model", "on_pre", "on_post"):
        for word in _unresolved(b2, getattr(synapse, field), reach):
            own = word.removesuffix("_post")
            variables = ", ".join(cells)
            raise ModelError(
                f"synapse.{field}: expected variables of the synapse or of {cell.name} ({variables}), got {word!r}; take a cell that has "
                f"{own}, or give it a line or a value in the synapse"
            )
    for field, unit in (("weight", synapse.unit), ("bounded", synapse.unit), ("eligibility", synapse.eligibility_unit)):
        if name := getattr(synapse, field):
            if name not in known:
                raise unknown(f"synapse.{field}", name, known)
            word = "eligibility_unit" if field == "eligibility" else "unit"
            _same(b2, f"synapse.{word}", unit_of(b2, f"synapse.{word}", unit), known[name], name)
    _check_start(b2, "synapse", synapse.start, known)
    _same(b2, "synapse.delay", quantity(b2, "synapse.delay", synapse.delay), b2.second.dim, "a time")
    _try_synapse(b2, synapse, cell, shared | space, shared)


def _try_synapse(b2: Any, synapse: Synapse, cell: Cell, space: dict[str, Any], cells: dict[str, Any]) -> None:
    def build(**event: str) -> None:
        group = _alone(b2, cell, cell.threshold or "False", cell.reset, cells)
        source = b2.SpikeGeneratorGroup(1, [], [] * b2.second, name="checked_source")
        wires = b2.Synapses(
            source, group, synapse.model, namespace=space, method=synapse.method, name="checked_synapse", **event
        )
        wires.connect(i=[0], j=[0])
        b2.Network(group, source, wires, name="checked_network").run(0 * b2.second, namespace={})

    _part_by_part("synapse", synapse, ("on_pre", "on_post"), build)


def _part_by_part(owner: str, made: Cell | Synapse, fields: tuple[str, ...], build: Callable[..., None]) -> None:
    """Build it as a whole; where Brian2 refuses, the model alone and then one event after the other, to tell which it was."""
    events = {field: text for field in fields if (text := getattr(made, field))}
    try:
        build(**events)
    except Exception:
        parts: dict[str, str] = {}
        _translated(f"{owner}.model", build, parts)
        for field, text in events.items():
            parts[field] = text
            _translated(f"{owner}.{field}", build, parts)
        raise  # it passes in parts, so that Brian2 itself is at fault


def _translated(field: str, build: Callable[..., None], parts: dict[str, str]) -> None:
    try:
        build(**parts)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"{field}: expected equations whose units agree, got {_first_words(error)}; correct the line or the unit of a constant"
        ) from None


def _equations(b2: Any, field: str, text: str) -> Any:
    try:
        return b2.Equations(text)
    except Exception as error:
        raise ModelError(
            f"{field}: expected Brian2 equations such as 'dv/dt = -v/tau : volt', got {_first_words(error)}; correct that line"
        ) from None


def _first_words(error: BaseException) -> str:
    """What the innermost error says, on one line and no longer than a sentence."""
    while error.__cause__ is not None:
        error = error.__cause__
    said = " ".join(str(error).split()) or type(error).__name__
    said = said.removesuffix(".").replace(";", ",")
    return said if len(said) <= 240 else said[:237] + "..."


def _unresolved(b2: Any, text: str, known: set[str]) -> list[str]:
    """Words of code that nothing gives a meaning, in their order; the names of units behind a colon are none."""
    functions, units = set(b2.DEFAULT_FUNCTIONS), known_units(b2)
    # what code assigns without declaring it lives as long as the code runs
    known = known | set(re.findall(r"(?:^|;)\s*(\w+)\s*=(?!=)", text, re.MULTILINE))
    found = []
    for line in text.splitlines():
        code = line.split("#")[0]
        if ":" in code and "=" not in code.split(":")[0]:
            continue  # the declaration of a parameter
        code = code.rpartition(":")[0] if ":" in code else code
        code = re.sub(r"\bd(\w+)/dt\b", r"\1", code)
        found += [word for word in _WORD.findall(code) if word not in known | functions | units | _OWN]
    return [word for word in dict.fromkeys(found) if not word.startswith("xi_")]


def _check_dimension(
    b2: Any, field: str, name: str, known: Mapping[str, Any], space: Mapping[str, Any], unit: str, where: str
) -> None:
    if name not in known and name not in space:
        raise ModelError(f"{field}: expected {where} in {unit}, got {name!r}; name one of {', '.join(known)}")
    found = known[name] if name in known else b2.get_dimensions(space[name])
    _same(b2, field, getattr(b2, unit), found, name)


def _check_start(b2: Any, owner: str, start: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for name, value in start.items():
        if name not in known:
            raise unknown(f"{owner}.start", name, known)
        _same(b2, f"{owner}.start.{name}", quantity(b2, f"{owner}.start.{name}", value), known[name], name)


def _same(b2: Any, field: str, value: Any, dimension: Any, name: str) -> None:
    got = b2.get_dimensions(value)
    if got is not dimension and got != dimension:
        raise ModelError(
            f"{field}: expected the unit of {name}, {b2.get_unit(dimension)}, got {b2.get_unit(got)}; correct one of the two"
        )


def _equal(b2: Any, x: Any, y: Any) -> bool:
    return b2.get_dimensions(x) == b2.get_dimensions(y) and float(x) == float(y)
