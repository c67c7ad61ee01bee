"""What a rule is before it sees a signal: a frozen value with hyperparameters in range and needs that exist."""

import math
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import Any

from ...models import RELAYS
from ...models.networks.contexts import CONTEXTS
from ...plasticity import ENGINES, Needs, Rule, RuleError, underneath
from ..errors import ConfigError
from ..stimuli.presentations.table import presentation
from .findings import Broken, unasked

METHODS = {
    "local": ("start", "factors"),
    "backprop": ("objective",),
    "feedback": ("error", "factors"),
    "block": (),
}
RECORDED = ("basal", "rate", "apical", "neuromodulator", "score")


def check_value(rule: Rule) -> None:
    """A frozen dataclass, equal and hashed by its fields."""
    kind = type(rule).__name__
    made: object = rule
    if not is_dataclass(made) or isinstance(made, type):
        raise Broken("an instance of a dataclass", f"{rule!r}", "decorate the class with @dataclass(frozen=True)")
    given: dict[str, Any] = {field.name: getattr(rule, field.name) for field in fields(made) if field.init}
    try:
        same = type(rule)(**given)
        alike = same == rule and hash(same) == hash(rule)
    except TypeError as error:
        raise Broken(
            "a value that can be made again and hashed", str(error), "keep tuples, not lists, in fields"
        ) from error
    if not alike:
        raise Broken(f"{kind} of the same fields to be equal", "another value", "let the dataclass compare its fields")
    name = next(iter(given), "anything")
    try:
        setattr(rule, name, given.get(name))
    except (FrozenInstanceError, AttributeError, TypeError):
        return
    raise Broken(f"{kind}.{name} not to be set", "an assignment that worked", "decorate with @dataclass(frozen=True)")


def check_nonsense(rule: Rule, anything: tuple[str, ...]) -> None:
    """Every hyperparameter refuses what is no value of its kind, by a RuleError that names it."""
    given: dict[str, Any] = {field.name: getattr(rule, field.name) for field in fields(rule) if field.init}  # type: ignore[arg-type]
    asked = {name: nonsense(value) for name, value in given.items() if name not in anything}
    asked = {name: value for name, value in asked.items() if value is not None}
    if not asked:
        raise unasked("no hyperparameter that is a number, a word or a switch")
    for name, value in asked.items():
        where = f"{type(rule).__name__}.{name}"
        try:
            type(rule)(**{**given, name: value})
        except RuleError as error:
            if name in str(error):
                continue
            raise Broken(
                f"a RuleError that names {where}", str(error), "begin the sentence with Class.field"
            ) from error
        except Exception as error:
            raise Broken(
                f"a RuleError for {where} = {value!r}", f"{type(error).__name__}: {error}",
                "raise apical.plasticity.RuleError: settings turn it into one sentence",
            ) from error  # fmt: skip
        raise Broken(
            f"a RuleError for {where} = {value!r}", "a rule",
            f"check it in __post_init__, or name it in `anything` where it takes any {type(value).__name__}",
        )  # fmt: skip


def nonsense(value: Any) -> Any:
    """What no hyperparameter of this kind may be; None where nothing is known about it."""
    if isinstance(value, bool):
        return "perhaps"
    if isinstance(value, int | float):
        return math.nan
    if isinstance(value, str):
        return "no such word"
    if isinstance(value, tuple) and value:
        inner = nonsense(value[0])
        return None if inner is None else (inner, *value[1:])
    return None


def check_needs(rule: Rule) -> None:
    """Words that exist, and no two that contradict each other."""
    needs = getattr(rule, "needs", None)
    if not isinstance(needs, Needs):
        raise Broken("a `needs` of class Needs", f"{needs!r}", "declare needs = Needs(...)")
    for complaint in _unknown(rule, needs):
        raise complaint
    for complaint in _contradictions(needs):
        raise complaint


def _unknown(rule: Rule, needs: Needs) -> list[Broken]:
    found = []
    missing = [name for name in METHODS[needs.engine] if not callable(getattr(rule, name, None))]
    if needs.routed and not callable(getattr(rule, "routing", None)):
        missing.append("routing")
    if missing:
        found.append(
            Broken(f"the method {missing[0]} of a rule of engine {needs.engine}", "none", f"write it, or declare another engine of {', '.join(ENGINES)}")
        )  # fmt: skip
    try:
        presentation(needs.presentation)
    except ConfigError as error:
        found.append(Broken("a known needs.presentation", str(error), "correct the word"))
    sources = [s for s in needs.sources if s not in CONTEXTS and not (needs.engine == "feedback" and s == "error")]
    if sources:
        found.append(Broken(f"needs.sources among {', '.join(CONTEXTS)}", repr(sources[0]), "correct the word"))
    if needs.relay not in RELAYS:
        found.append(Broken(f"needs.relay among {', '.join(RELAYS)}", repr(needs.relay), "correct the word"))
    recorded = [name for name in needs.records if name not in RECORDED]
    if recorded:
        found.append(Broken(f"needs.records among {', '.join(RECORDED)}", repr(recorded[0]), "correct the name"))
    inner: Any = underneath(rule)
    names = {field.name for field in fields(inner)}
    for told in ("relayed", "per_population"):
        strange = [name for name in getattr(needs, told) if name not in names]
        if strange:
            found.append(Broken(f"needs.{told} to name hyperparameters", repr(strange[0]), f"name some of {', '.join(sorted(names)) or 'its fields'}"))  # fmt: skip
    return found


def _contradictions(needs: Needs) -> list[Broken]:
    found, wired = [], bool(needs.sources)
    if needs.engine in ("backprop", "block") and wired:
        found.append(Broken(f"no needs.sources at engine {needs.engine}", repr(needs.sources), "such a rule has no apical dendrites"))  # fmt: skip
    if needs.engine == "feedback" and not (
        needs.supervised and needs.sources == ("error",) and needs.head == "classes"
    ):
        found.append(Broken("needs.supervised, sources=('error',) and head='classes' at engine feedback", "others", "begin with replace(DirectFeedbackAlignment.needs, ...)"))  # fmt: skip
    if needs.engine == "local" and needs.head != "none":
        found.append(Broken("needs.head='none' at engine local", repr(needs.head), "a local rule has no head"))
    if needs.transport and not wired:
        found.append(Broken("needs.sources where needs.transport", "none", "name the source whose matrix is read backwards"))  # fmt: skip
    if needs.engine == "local" and wired != ("apical" in needs.records):
        said = "'apical' in needs.records" if wired else "no 'apical' in needs.records without needs.sources"
        found.append(Broken(said, repr(needs.records), "let one record what there is"))
    if "score" in needs.records and "neuromodulator" not in needs.records:
        found.append(Broken("'neuromodulator' beside 'score' in needs.records", repr(needs.records), "name both or neither"))  # fmt: skip
    return found
