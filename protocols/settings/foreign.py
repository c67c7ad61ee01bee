"""Rules and contrasts from outside, beside those of plasticity's tables, which know of no outside."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ...models.imported import Unfit, asked
from ...models.keywords import takes, unnamed
from ...models.outside import Open, OutsideError

if TYPE_CHECKING:  # settings are read without torch where nothing needs a rule
    from ...plasticity import Contrast, Rule

SEE = "see how a rule is written in CONTRIBUTING.md, or begin with `apical new rule NAME`"
# what each engine calls
METHODS = {
    "local": ("start", "factors"),
    "backprop": ("objective",),
    "feedback": ("error", "factors"),
    "block": ("objective",),
}


def rules() -> "Open[Callable[..., Rule]]":
    """Rules by word: factories of hyperparameters."""
    from ...plasticity import RULES

    return Open(RULES, group="apical.rules", field="rule.name", adopt=_rule)


def contrasts() -> "Open[Callable[..., Contrast]]":
    """Contrasts by word: factories without arguments."""
    from ...plasticity import CONTRASTS

    return Open(CONTRASTS, group="apical.contrasts", field="rule.contrast", adopt=_contrast)


def foreign_rule(kind: "Callable[..., Rule]", word: str, given: Mapping[str, Any]) -> "Rule":
    """A rule from outside, if it is one.

    Args:
        kind: what makes it.
        word: that names it.
        given: its hyperparameters.

    Raises:
        OutsideError: making it raises, or what is made lacks something that a rule has.
        RuleError: a hyperparameter outside its range, where the rule says so.
        TypeError: a value of another type.
    """

    def made() -> "tuple[Rule, str]":
        rule = kind(**given)
        return rule, _lacks(rule)

    rule, lacks = asked(word, made, "made", partial(OutsideError, "rule.name"), passing=(TypeError,))
    if lacks:
        raise OutsideError("rule.name", f"expected a rule, got {word}, {lacks}; {SEE}")
    return rule


def check_rule(kind: "Callable[..., Rule]", word: str, options: Mapping[str, Any]) -> None:
    """Refuse what makes no rule, before its settings are judged; hyperparameters that are wrong are told later.

    Args:
        kind: what would make it.
        word: that names it.
        options: as they are given.

    Raises:
        OutsideError: something else is made.
    """
    from ...plasticity import RuleError, hyperparameters

    known = hyperparameters(kind)
    with suppress(TypeError, RuleError):
        foreign_rule(kind, word, {name: value for name, value in options.items() if name in known})


def _lacks(rule: Any) -> str:
    """What an object lacks that a rule has; empty where it is whole."""
    from ...plasticity import Blockwise, Needs

    if not hasattr(rule, "needs"):
        return f"whose {type(rule).__name__} has no `needs`"
    if not isinstance(rule.needs, Needs):
        return f"whose `needs` are {type(rule.needs).__name__}, not apical.plasticity.Needs"
    engine = rule.needs.engine
    if engine == "block" and not isinstance(rule, Blockwise):
        return "which learns in blocks and is no apical.plasticity.Blockwise"
    methods = (*METHODS[engine], *(("routing",) if rule.needs.routed else ()))
    missing = [name for name in methods if not callable(getattr(rule, name, None))]
    return f"whose {type(rule).__name__} of engine {engine} has no {' and no '.join(missing)}" if missing else ""


class _Made:
    """A rule that is handed over made: a factory without hyperparameters."""

    def __init__(self, rule: "Rule") -> None:
        self._rule = rule

    def __call__(self) -> "Rule":
        return self._rule

    def hyperparameters(self) -> tuple[str, ...]:
        """None."""
        return ()


def _rule(thing: Any, word: str) -> "Callable[..., Rule]":
    from ...plasticity import Needs

    if not isinstance(thing, type) and isinstance(getattr(thing, "needs", None), Needs):
        return _Made(thing)
    if not callable(thing):
        raise Unfit(f"expected a rule, got {word}, which is {type(thing).__name__}; {SEE}")
    if unnamed(thing):
        raise Unfit(f"expected a rule, a class or function of keyword arguments, got {word}, which takes others; {SEE}")
    factory: Callable[..., Rule] = thing
    return factory


def _contrast(thing: Any, word: str) -> "Callable[..., Contrast]":
    expected = "expected a contrast with separable, losses and modulators"
    if not isinstance(thing, type) and not callable(thing):
        made = thing
    elif missing := takes(thing).required:
        raise Unfit(
            f"{expected} that is made without arguments, got {word}, which asks for {', '.join(missing)}; give defaults"
        )
    else:
        made = asked(word, thing, "made", Unfit)
    if lacks := [name for name in ("separable", "losses", "modulators") if not hasattr(made, name)]:
        raise Unfit(f"{expected}, got {word}, whose {type(made).__name__} has no {' and no '.join(lacks)}; add it")
    return lambda: made
