"""A neuron and a plastic synapse given by equations: plain data, checked at the border (`check.py`), run by Brian2 (`drive.py`).

Strings are Brian2's own: a model of differential equations with the dimension of every variable, a threshold, a reset. A synapse reads the
cell that it ends on as `V_a_post`, or by the role that a variable plays, `{apical}`, and then fits every cell with that role.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ...errors import ModelError
from ..neuron import unknown
from .quantities import Constant

# what a variable or constant of a cell is, and its unit
ROLES = {
    "soma": "volt", "basal": "volt", "apical": "volt", "prediction": "volt", "apical_deviation": "volt", "basal_rest": "volt", "apical_rest": "volt",
    "current": "amp", "apical_current": "amp", "synaptic": "amp", "apical_synaptic": "amp",
}  # fmt: skip
METHODS = ("euler", "exponential_euler", "heun", "milstein", "rk2", "rk4", "exact")
Names = Mapping[str, str]
Constants = Mapping[str, Constant]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Cell:
    """A neuron given by equations.

    Attributes:
        name: how it is called in tables and messages.
        model: Brian2 equations, one variable a line, with its dimension.
        threshold: condition of a spike; empty for a cell that does not fire.
        reset: what a spike does.
        refractory: time during which the threshold rests, such as `2 ms`; empty for none.
        namespace: constants with units, such as `{"C_s": "370 pF"}`.
        roles: what the variables are, by a word of `ROLES`: `soma`, `basal` and `apical` are potentials, `prediction` what the dendrite
            expects of the soma, `apical_deviation` the tuft against what the neuron's own spikes alone would do, `basal_rest` and `apical_rest` constants, `current` and `apical_current` inputs of an electrode, `synaptic` and
            `apical_synaptic` what a spike of a synapse adds to.
        inputs: parameters of the model that are driven from outside, with the unit in which they are given: `{"I_s": "pA"}`.
        start: values of variables at the start, such as `{"V_s": "-70 mV"}`; 0 for those that are not named.
        every_step: code that is run before every step, for noise that is drawn exactly.
        method: Brian2's integration.
        source: where equations and constants are from.
        kept: variables worth recording beside the potentials.
    """

    name: str
    model: str
    threshold: str = ""
    reset: str = ""
    refractory: str = ""
    namespace: Constants = field(default_factory=dict)
    roles: Names = field(default_factory=dict)
    inputs: Names = field(default_factory=dict)
    start: Constants = field(default_factory=dict)
    every_step: tuple[str, ...] = ()
    method: str = "euler"
    source: str = ""
    kept: Names = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_text("cell", self, ("name", "model", "threshold", "reset", "refractory"))
        for word in self.roles:
            if word not in ROLES:
                raise unknown("cell.roles", word, ROLES)
        if self.reset and not self.threshold:
            raise ModelError(
                f"cell.threshold: expected one beside the reset, got none; give {self.name} both or neither"
            )

    def but(self, *, namespace: Constants | None = None, **values: Any) -> "Cell":
        """The same cell with other values; constants are taken over one by one.

        >>> Cell(name="leaky", model="dv/dt = -v/tau : 1", namespace={"tau": "10 ms"}).but(namespace={"tau": "20 ms"}).namespace
        {'tau': '20 ms'}

        Raises:
            ModelError: an unknown field, or a constant that the cell has not.
        """
        return _changed("cell", self, namespace, values)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Synapse:
    """A synapse given by equations; its weight changes inside Brian2 while it runs.

    Attributes:
        name: how it is called in tables and messages.
        model: Brian2 equations of its variables; `{apical}` and the like stand for the variables of the cell it ends on.
        on_pre: what a pre-synaptic spike does.
        on_post: what a post-synaptic spike does; empty for nothing.
        weight: name of the weight, a variable of the model.
        bounded: name of a variable that is the weight within its bounds, and is returned in its place; empty for the weight itself.
        unit: in which weights are given and returned, such as `pA`; `1` for a number.
        eligibility: name of a variable that holds what a modulator would turn into a change; empty where the weight changes by itself.
        eligibility_unit: of that variable.
        namespace: constants with units.
        start: values of variables at the start.
        delay: from a pre-synaptic spike to its effect.
        method: Brian2's integration.
        source: where equations and constants are from.
    """

    name: str
    model: str
    on_pre: str
    on_post: str = ""
    weight: str = "w"
    bounded: str = ""
    unit: str = "1"
    eligibility: str = ""
    eligibility_unit: str = "1"
    namespace: Constants = field(default_factory=dict)
    start: Constants = field(default_factory=dict)
    delay: str = "0 ms"
    method: str = "euler"
    source: str = ""

    def __post_init__(self) -> None:
        _check_text("synapse", self, ("name", "model", "on_pre", "on_post", "weight", "eligibility"))

    def but(self, *, namespace: Constants | None = None, **values: Any) -> "Synapse":
        """The same synapse with other values; constants are taken over one by one.

        Raises:
            ModelError: an unknown field, or a constant that the synapse has not.
        """
        return _changed("synapse", self, namespace, values)  # type: ignore[no-any-return]

    def reading(self, cell: Cell) -> "Synapse":
        """The same synapse with every `{role}` replaced by what plays it in a cell.

        Raises:
            ModelError: the cell has nothing in that role.
        """
        filled: dict[str, Any] = {
            part: _filled(f"synapse.{part}", getattr(self, part), cell) for part in ("model", "on_pre", "on_post")
        }
        return replace(self, **filled)


class _Roles(dict[str, str]):
    """Roles as they are written in a synapse: a constant as it is, a variable of the cell by its name and `_post`."""

    def __init__(self, where: str, cell: Cell) -> None:
        names = {role: name if name in cell.namespace else f"{name}_post" for role, name in cell.roles.items()}
        super().__init__(names)
        self.where, self.cell = where, cell

    def __missing__(self, role: str) -> str:
        if role not in ROLES:
            raise unknown(self.where, role, ROLES)
        known = ", ".join(self.cell.roles) or "none"
        raise ModelError(
            f"{self.where}: expected a cell with the role {role}, got {self.cell.name}, which has {known}; name that variable in the "
            "cell's roles or take another cell"
        )


def _filled(where: str, text: str, cell: Cell) -> str:
    try:
        return text.format_map(_Roles(where, cell))
    except ModelError:
        raise
    except (ValueError, IndexError, AttributeError):
        raise ModelError(f"{where}: expected roles as {{apical}}, got braces that do not match; correct them") from None


def _check_text(owner: str, made: Any, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(made, name)
        if not isinstance(value, str):
            raise ModelError(f"{owner}.{name}: expected text, got {value!r}; write Brian2's equations as a string")
    for name in ("name", "model"):
        if not getattr(made, name).strip():
            raise ModelError(f"{owner}.{name}: expected some text, got none; write it")
    if made.method not in METHODS:
        raise unknown(f"{owner}.method", made.method, METHODS)


def _changed(owner: str, made: Any, namespace: Constants | None, values: dict[str, Any]) -> Any:
    known = [one.name for one in fields(made)]
    for name in values:
        if name not in known:
            raise unknown(f"{owner}.field", name, known)
    for name in namespace or {}:
        if name not in made.namespace:
            raise unknown(f"{owner}.namespace", name, made.namespace)
    return replace(made, **values, namespace={**made.namespace, **(namespace or {})})
