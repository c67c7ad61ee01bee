"""What `align`, `replay`, `lesion` and `spike` ask of a rule, by what it declares; nothing here knows a rule by name.

align     a local change of every population: engine `local` or `feedback`, undivided populations
replay    factors of every population from its own signals: engine `local`
lesion    the same, for what learns in a network; each protocol asks more (`lesion/asked.py`)
spike     the rule of the closed loop: one context of two glances, gathered, with a hinge
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..plasticity import Hinge, Rule, underneath
from .errors import ConfigError

ENGINES = {
    "backprop": "backpropagates the objective of the top", "feedback": "carries the error of the output down through fixed matrices",
    "block": "learns inside blocks of layers by autograd",
}  # fmt: skip
OBJECTIVES = {
    "own": "the rule's own objective, at the top population",
    "head": "the class loss at the rule's own head",
    "read-out": "the squared error of a linear read-out of the classes that was fitted to the top population; the rule has no objective",
}


def _align(rule: Rule) -> str | None:
    if rule.needs.engine not in ("local", "feedback"):
        return f"no local change of a population: it {ENGINES[rule.needs.engine]} (Needs.engine)"
    if rule.needs.routed:
        return "areas, of which every row changes its own, so that no one change of a population can be compared (Needs.routed)"
    return None


def _replay(rule: Rule) -> str | None:
    if rule.needs.engine == "local":
        return None
    return f"no factors of a population from its own signals: it {ENGINES[rule.needs.engine]} (Needs.engine)"


def _spike(rule: Rule) -> str | None:
    needs = rule.needs
    if needs.engine != "local":
        return _replay(rule)
    if len(needs.sources) != 1 or needs.sources[0] not in ("lateral", "dfb"):
        return f"{'several contexts' if needs.sources else 'no apical dendrites'}: the loop has one, lateral or dfb (Needs.sources)"
    if needs.second != "apical" or needs.transport or needs.others:
        what = (
            "reads its matrix backwards (Needs.transport)"
            if needs.transport
            else "has a second factor of its own (Needs.second)"
        )
        return f"another change than neuromodulator times apical potential: it {what}"
    if not isinstance(getattr(underneath(rule), "contrast", None), Hinge):
        return "another contrast than the hinge, whose margin the loop's modulatory neurons count to"
    return None


EXPERIMENTS: Mapping[str, Callable[[Rule], str | None]] = {
    "align": _align, "replay": _replay, "lesion": _replay, "spike": _spike,
}  # fmt: skip
NEEDED = {
    "align": "a local change of every population", "replay": "factors that a synapse could write", "lesion": "factors that could be manipulated",
    "spike": "one context and a hinge",
}  # fmt: skip


def lacks(experiment: str, rule: Rule) -> str | None:
    """What a rule has or lacks that an experiment cannot do with; None where it is offered."""
    return EXPERIMENTS[experiment](rule)


def fits(rule: Rule) -> str | None:
    """Why apical matrices of a rule cannot be fitted; None where they can: the change is linear in B while its gates are held."""
    needs = rule.needs
    if lacks("align", rule) or not needs.sources or needs.engine != "local":
        return "no apical dendrites that learn (Needs.sources)"
    if needs.second != "apical":
        return "a second factor of its own, so that a change is not linear in B (Needs.second)"
    if needs.transport or needs.backwards or needs.others:
        return "matrices that are read against the order of glances, or by several negatives (Needs.transport, .backwards, .others)"
    return None if hasattr(underneath(rule), "contrast") else "no contrast whose gates could be held"


def objective_of(rule: Rule) -> str:
    """The objective that an alignment compares with, a word of `OBJECTIVES`."""
    if rule.needs.engine == "feedback":
        return "head"
    return "own" if hasattr(underneath(rule), "objective") else "read-out"


def require(experiment: str, run: Any) -> None:
    """Refuse a run whose rule lacks what an experiment asks, before time is spent.

    Args:
        experiment: a key of `EXPERIMENTS`.
        run: as `describe` gives it.

    Raises:
        ConfigError: as said, naming the need.
    """
    reason = lacks(experiment, run.rule)
    if reason is not None:
        path: Path = run.folder.path
        raise ConfigError(
            f"{path}: expected a run of a rule with {NEEDED[experiment]} for apical {experiment}, got {run.config.rule.name}, which has {reason}; "
            "give a run of a rule that has them, see `apical config list --needs`"
        )
