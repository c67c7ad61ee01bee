"""Which experiment takes which rule, as a table: computed from what each rule declares, for `apical config list --needs` and the documentation."""

from collections.abc import Iterable, Sequence

from ..plasticity import Rule
from .lesion.asked import offered
from .offers import EXPERIMENTS, lacks, objective_of
from .settings.names import EXAMPLE
from .settings.rule import RuleConfig, make_rule

ALIGNED = {"own": "own objective", "head": "class loss of its head", "read-out": "read-out of the classes"}
NO = "no"
HEAD = ("rule", *EXPERIMENTS)
BEGIN, END = "<!-- begin: apical config list --needs -->", "<!-- end -->"


def rule_of(word: str) -> Rule:
    """A rule with its defaults.

    Args:
        word: as in `rule.name`: a word of the table, an entry point, `package.module:Name` or `path/to/file.py:Name`.

    Raises:
        ConfigError: there is no such rule, or it has no defaults.
    """
    return make_rule(RuleConfig(name=word, temperature=EXAMPLE))


def row(word: str, rule: Rule) -> dict[str, str]:
    """What the experiments say of one rule.

    Args:
        word: its name.
        rule: with its hyperparameters.

    Returns:
        rule, align, replay, lesion, spike: `no`, or how; and `why`, what is missing where it is not all.
    """
    reasons = {name: reason for name in EXPERIMENTS if (reason := lacks(name, rule)) is not None}
    told = {"rule": word} | dict.fromkeys(EXPERIMENTS, NO)
    if "align" not in reasons:
        told["align"] = ALIGNED[objective_of(rule)]
    if "replay" not in reasons:
        told["replay"] = _second(rule)
    protocols = [each["can"] for each in offered(rule)]
    whole, part = protocols.count("yes"), protocols.count("in part")
    told["lesion"] = f"{whole} of {len(protocols)} protocols" + (f", {part} in part" if part else "")
    if "spike" not in reasons:
        told["spike"] = "yes"
    same: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        same.setdefault(reason, []).append(name)
    told["why"] = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in same.items())
    return told


def _second(rule: Rule) -> str:
    needs = rule.needs
    if needs.sources:
        return "apical potential" if needs.second == "apical" else "own second factor, with a tuft"
    return "own second factor, basal"


def table(words: Iterable[str] = ()) -> list[dict[str, str]]:
    """Rows of rules.

    Args:
        words: rules by name; those that come with Apical where there are none.
    """
    from ..plasticity import RULES

    return [row(word, rule_of(word)) for word in tuple(words) or RULES]


def markdown(rows: Sequence[dict[str, str]]) -> str:
    """The table as the documentation has it, and below it what is missing, a line for rules of one reason."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    lines += [f"| `{r['rule']}` | {' | '.join(r[name] for name in EXPERIMENTS)} |" for r in rows]
    same: dict[str, list[str]] = {}
    for r in rows:
        if r["why"]:
            same.setdefault(r["why"], []).append(f"`{r['rule']}`")
    return "\n".join([*lines, "", *(f"- {', '.join(names)}: {why}" for why, names in same.items())])
