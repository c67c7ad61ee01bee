"""From the settings of a rule to the rule: every rule's own dataclass says which settings it reads."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, nearest

if TYPE_CHECKING:  # settings are read without torch where nothing needs a rule
    from pathlib import Path

    from ..plasticity import ClappPP, Rule
    from .settings import RuleConfig

# settings that several rules share and that have a name of their own under `rule`; all others are `rule.options`
SHARED = ("context", "contrast", "negatives", "phases", "temperature")


def make_rule(config: "RuleConfig") -> "Rule":
    """The rule that the settings describe.

    Raises:
        RuleError: an option outside its range.
    """
    from ..plasticity import CONTRASTS, RULES, hyperparameters

    kind: Any = RULES[config.name]
    read = hyperparameters(kind)
    words: dict[str, Any] = {name: getattr(config, name) for name in SHARED if name in read}
    if "contrast" in words:
        words["contrast"] = CONTRASTS[config.contrast]()
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in config.options.items()}
    return kind(**words, **options)  # type: ignore[no-any-return]


def clapp_rule(config: "RuleConfig", run: "Path | str") -> "ClappPP":
    """CLAPP++ as a run's settings describe it, for commands that take its factors apart.

    Raises:
        ConfigError: a run of another rule.
    """
    from ..plasticity import ClappPP

    rule = make_rule(config)
    if not isinstance(rule, ClappPP):
        lacks = "neither apical dendrites nor a local change" if rule.engine != "local" else "factors of its own"
        raise ConfigError(
            f"{run}: expected a run of clapp++, got {config.name}, which has {lacks}; give a run of that rule"
        )
    return rule


def in_blocks(name: str) -> bool | None:
    """Whether a rule of that name needs a network in blocks; None for an unknown name."""
    from ..plasticity import RULES, Variant

    return isinstance(RULES[name], Variant) if name in RULES else None


def routed(name: str) -> bool:
    """Whether a rule of that name needs populations divided into areas."""
    from ..plasticity import RULES

    return bool(getattr(RULES.get(name), "routed", False))


def complaints(config: "RuleConfig") -> Iterator[str]:
    """What is wrong with the settings of a rule, one sentence each, `rule.` included."""
    from ..plasticity import RULES, RuleError, hyperparameters

    if config.name not in RULES:
        yield f"rule.name: expected one of {', '.join(RULES)}, got {config.name!r}{nearest(config.name, list(RULES))}"
        return
    kind: Any = RULES[config.name]
    read = hyperparameters(kind)
    if config.phases == "either" and config.contrast == "logistic" and "contrast" in read:
        yield "rule.phases: expected both for the logistic contrast, which needs both scores of a row, got 'either'"
    if "temperature" in read and config.temperature is None:
        yield f"rule.temperature: expected a number for {config.name}, got null; for example 0.1"
    if "temperature" not in read and config.temperature is not None:
        yield f"rule.temperature: expected null for {config.name}, which has none, got {config.temperature}; remove it"
    for name in SHARED:
        default, value = type(config).model_fields[name].default, getattr(config, name)
        if name not in read and name != "temperature" and value != default:
            yield f"rule.{name}: expected {default} for {config.name}, which does not read it, got {value!r}; remove it"
    options = sorted(read - set(SHARED))
    for name in config.options:
        if name in SHARED:
            yield f"rule.options.{name}: expected rule.{name} instead, got an option; move it"
        elif name not in options:
            known = ", ".join(options) or "none"
            yield f"rule.options.{name}: expected one of {known}, got an option unknown to {config.name}{nearest(name, options)}"
            return
    try:
        make_rule(config)
    except RuleError as error:
        yield f"rule.options: {error}" if config.options else str(error)
    except TypeError as error:
        yield f"rule.options: expected values of the right type, got {error}; see the rule's arguments"
