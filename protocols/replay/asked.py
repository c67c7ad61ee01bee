"""What each check and each mutant asks of a circuit: one that has no subject in it is left out by name, with the reason."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from .workbench import Bench

T = TypeVar("T")
ASKED: Mapping[str, tuple[str, ...]] = {  # by function
    "bursts": ("tuft",), "gate": ("score",), "kink": ("gate",), "duration": ("neuromodulator",), "modulator": ("neuromodulator",),
    "apical_block": ("tuft",), "dissociation": ("tuft", "context"), "pairs": ("tuft",), "somatic_leak": ("tuft", "linear"),
    "context_delay": ("tuft",), "neuromodulator": ("score",), "spike_gate": ("gate",),
}  # fmt: skip
NAMES = {
    "bursts": "C1, bursts", "gate": "C5", "kink": "C6", "duration": "C7", "modulator": "C8", "apical_block": "C9", "dissociation": "C10",
    "pairs": "C11", "somatic_leak": "C12", "context_delay": "C14", "neuromodulator": "C17", "spike_gate": "C19",
}  # fmt: skip
OF_MUTANTS: Mapping[str, tuple[str, ...]] = {
    "shuffled gamma": ("neuromodulator",), "current context": ("tuft",), "open gate": ("gate",), "no network": ("score",),
    "untrained network": ("score",),  # replayed as faithfully: only C17 asks what was learnt
    "bent conductances": ("tuft",),
}  # fmt: skip


def _tuft(bench: Bench) -> str | None:
    return None if bench.circuit.apical else "the rule has no apical dendrites (Needs.sources)"


def _linear(bench: Bench) -> str | None:
    return None if bench.circuit.post is None else "the second factor is the rule's own, not V_a (Needs.second)"


def _gate(bench: Bench) -> str | None:
    return None if bench.circuit.gated else "rho' is no factor of its own: the rule sees single neurons (Needs.site)"


def _modulator(bench: Bench) -> str | None:
    varies = bool(np.ptp(bench.circuit.gamma) > 0)
    return None if varies else "no neuromodulator tells trials apart (Needs.records)"


def _score(bench: Bench) -> str | None:
    if bench.population is not None:
        return None
    return "the neuromodulator does not follow from the score z . e of single trials" + (
        f": the rule has {bench.unscored}" if bench.unscored else ""
    )


def _context(bench: Bench) -> str | None:
    given = (
        bench.loaded is not None
        and hasattr(bench.loaded.run.rule, "context")
        and not bench.circuit.source.endswith(("retro", "-back"))
    )
    return None if given else "the rule has no setting `context`, by which its tufts could be given another source"


SUBJECTS: Mapping[str, Callable[[Bench], str | None]] = {
    "tuft": _tuft, "linear": _linear, "gate": _gate, "neuromodulator": _modulator, "score": _score, "context": _context,
}  # fmt: skip


def missing(bench: Bench, asked: Iterable[str]) -> str | None:
    """Why a circuit has no subject for what is asked; None where it has."""
    return next((reason for word in asked if (reason := SUBJECTS[word](bench)) is not None), None)


def chosen(bench: Bench, measures: Sequence[Callable[[Bench], T]]) -> tuple[list[Callable[[Bench], T]], dict[str, str]]:
    """Checks that have a subject, and the reason of each that has none, by name.

    Args:
        bench: with its circuit.
        measures: functions of a bench; one that `ASKED` does not name asks nothing.
    """
    reasons = {m.__name__: missing(bench, ASKED.get(m.__name__, ())) for m in measures}
    kept = [m for m in measures if reasons[m.__name__] is None]
    return kept, {NAMES.get(name, name): reason for name, reason in reasons.items() if reason is not None}
