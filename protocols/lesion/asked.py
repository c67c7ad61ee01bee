"""What events, conditions and measures of a protocol ask of a rule, by what it declares.

A condition or a measure without a subject in a rule is left out by name, with the need that is missing, and so are statements about it. A protocol
is refused, before any images are read, where no condition beside its controls or no measure is left.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import cast

from ...plasticity import LocalRule, Rule, underneath
from ..errors import ConfigError
from ..offers import lacks
from .events import Apical, Contingency, Event, Fixation, Gamma, Saccade
from .protocol import Condition, Protocol, known, load
from .quantities import DERIVED

TUFT = "no apical dendrites (Needs.sources)"
PAIRED = ("glances", "patches")  # presentations in which a glance is followed by another at the same object


def _paired(rule: LocalRule) -> str | None:
    needs = rule.needs
    if needs.presentation in PAIRED and needs.negatives != "opposite":
        return None
    return "no second glance at the same object (Needs.presentation)"


def _single(rule: LocalRule) -> str | None:
    if (reason := _paired(rule)) is not None:
        return reason
    return "several negatives, drawn from all other objects (Needs.others)" if rule.needs.others else None


def _modulated(rule: LocalRule) -> str | None:
    return None if rule.needs.modulated else "no neuromodulator (Needs.records)"


def _scored(rule: LocalRule) -> str | None:
    return None if "score" in rule.needs.records else "no score (Needs.records)"


def _tuft(rule: LocalRule) -> str | None:
    return None if rule.needs.sources else TUFT


def _contrast(rule: LocalRule) -> str | None:
    return None if hasattr(underneath(rule), "contrast") else "no contrast that makes its neuromodulator of scores"


MEASURED: Mapping[str, Callable[[LocalRule], str | None]] = {  # what is not named asks nothing
    "score_same": _scored, "score_different": _scored, "gate": _modulated, "violation_apical": _tuft, "tolerance": _paired,
    "update_predicted": _single, "update_substituted": _single, "update_ratio": _single,
}  # fmt: skip


def of_event(rule: LocalRule, event: Event) -> str | None:
    """What a rule lacks for an event of a network that learns; None where it lacks nothing."""
    if isinstance(event, Apical):
        return _tuft(rule)
    if isinstance(event, Contingency):
        return None if event.follows == "same" else _single(rule)
    if isinstance(event, Saccade):
        return _paired(rule)
    if isinstance(event, Fixation):
        return None if event.until is None else _scored(rule)
    if not isinstance(event, Gamma):
        return None
    only = Gamma(scale=event.scale, clamp=event.clamp, populations=event.populations)
    # a factor on the change, down to silence, needs no neuromodulator of its own
    return None if event == only and event.clamp in (None, 0.0) else _contrast(rule)


def of_condition(rule: LocalRule, condition: Condition, stage: str) -> str | None:
    """What a rule lacks for a condition; None where it lacks nothing."""
    if stage != "network":
        return None
    if condition.wiring != "own" and not hasattr(underneath(rule), "context"):
        return "no setting `context`, by which it could be wired otherwise"
    return next((reason for event in condition.events if (reason := of_event(rule, event)) is not None), None)


def of_protocol(rule: LocalRule, protocol: Protocol) -> str | None:
    """What a rule lacks for all of a protocol; None where it lacks nothing."""
    stage, objects = protocol.head.stage, protocol.head.stimuli.objects
    if stage == "synapse":
        return None  # of no run
    if (reason := lacks("lesion", rule)) is not None:
        return reason
    if stage == "network" and objects not in ("stream", "familiar"):
        if (reason := _paired(rule)) is not None or rule.needs.presentation != "glances":
            return reason or "another presentation than glances, which these objects are drawn as (Needs.presentation)"
        return "labels, which these objects have not (Needs.supervised)" if rule.needs.supervised else None
    return None


def left_out(rule: LocalRule, protocol: Protocol) -> Iterator[tuple[str, str]]:
    """Names of conditions and measures without a subject, each with what the rule lacks."""
    for condition in protocol.conditions:
        if (reason := of_condition(rule, condition, protocol.head.stage)) is not None:
            yield f"condition {condition.label}", reason
    for name in protocol.head.measures:
        ask = MEASURED.get(name)
        if protocol.head.stage == "network" and ask is not None and (reason := ask(rule)) is not None:
            yield f"measure {name}", reason


def fitted(rule: LocalRule, protocol: Protocol) -> tuple[Protocol, dict[str, str]]:
    """A protocol as a rule can be led through it, and what was left out, with the reasons.

    Raises:
        ConfigError: nothing is left of it; the sentence names the need that is missing.
    """
    name = f"protocol {protocol.name}"
    if (reason := of_protocol(rule, protocol)) is not None:
        raise ConfigError(f"{name}: expected a rule that it can be done to, got one with {reason}; {_remedy()}")
    out = dict(left_out(rule, protocol))
    if not out:
        return protocol, out
    conditions = tuple(c for c in protocol.conditions if f"condition {c.label}" not in out)
    measures = [m for m in protocol.head.measures if f"measure {m}" not in out]
    if not measures or (not any(not c.control for c in conditions) and any(not c.control for c in protocol.conditions)):
        raise ConfigError(
            f"{name}: expected a rule that it can be done to, got one with {next(iter(out.values()))}; {_remedy()}"
        )
    labels, known = (
        {c.label for c in conditions},
        set(protocol.measured) - {m for m in protocol.head.measures if m not in measures},
    )
    known |= {f"{m}_{end}" for m in known for end in DERIVED}
    stated = tuple(e for e in protocol.expectations if all(c in labels and m in known for c, m, _ in e.names()))
    head = protocol.head.model_copy(update={"measures": measures})
    kept = {m: row for m, row in protocol.measured.items() if m in known}
    return replace(protocol, head=head, conditions=conditions, expectations=stated, measured=kept), out


def offered(rule: Rule) -> list[dict[str, str]]:
    """Every protocol that comes with Apical: whether a rule can be led through it, and what would be left out or is missing."""
    local, rows = cast(LocalRule, rule), []  # what is not is refused by its need
    for protocol in _own():
        try:
            out = fitted(local, protocol)[1]
            can, why = (
                ("in part" if out else "yes"),
                "; ".join(f"without {name}: {reason}" for name, reason in out.items()),
            )
        except ConfigError:
            can, why = "no", of_protocol(local, protocol) or next(reason for _, reason in left_out(local, protocol))
        head = protocol.head
        rows.append({"name": protocol.name, "title": head.title, "stage": head.stage, "can": can, "why": why})
    return rows


@cache
def _own() -> tuple[Protocol, ...]:
    """Protocols that come with Apical."""
    return tuple(load(name) for name in known())


def _remedy() -> str:
    return "give a run of another rule, or choose another protocol with `apical lesion RUN --list`"
