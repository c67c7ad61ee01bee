"""What every figure of a recording shows, in the words of its rule: HTML of our own making, and plain text made safe for it."""

from collections.abc import Callable, Mapping

from markupsafe import Markup, escape

from .words import short

TAGS = ("var", "sub", "sup", "b", "i")  # what a text may hold of HTML
SMOOTHED = " Faint: steps (in a long run, means of neighbouring steps); line: mean over a fiftieth of the run."
_FURTHER = {"feedback": " Second apical dendrite: its context is the activity of the top population."}
# figures that are drawn once for each apical dendrite
OF_DENDRITES = ("scores", "gates", "potentials")

Words = Mapping[str, str]


def safe(text: str) -> Markup:
    """Plain text as HTML; of tags, those of `TAGS` without attributes are kept.

    >>> safe("<var>z</var> < 1 <script>")
    Markup('<var>z</var> &lt; 1 &lt;script&gt;')
    """
    found = str(escape(text))
    for tag in TAGS:
        for end in (f"<{tag}>", f"</{tag}>"):
            found = found.replace(str(escape(end)), end)
    return Markup(found)


def caption(name: str, words: Words, smoothed: bool) -> Markup:
    """Caption of a figure of a recording.

    Args:
        name: of the figure, e.g. ``"gates_feedback"`` or ``"traces_conv1"``.
        words: of the recording's rule, see `words_of`.
        smoothed: whether curves over training are running means.
    """
    kind, dendrite = dendrite_of(name)
    further = _FURTHER.get(dendrite, f" Apical dendrite {dendrite}." if dendrite else "")
    told = _CAPTIONS["traces" if kind.startswith("traces_") else kind](words)
    trend = SMOOTHED if smoothed and kind in ("learning", "gates", "changes", "drives") else ""
    return safe(told + further + trend)


def dendrite_of(name: str) -> tuple[str, str]:
    """A figure's kind and the further apical dendrite it shows, e.g. ``("gates", "feedback")``; empty for the first or for all."""
    kind, _, dendrite = name.partition("_")
    return (kind, dendrite) if kind in OF_DENDRITES else (name, "")


def _clause(before: str, text: str) -> str:
    return f"{before}{text}" if text else ""


def _learning(words: Words) -> str:
    return f"Loss over training{_clause(': ', words['loss'])}."


def _scores(words: Words) -> str:
    first, second = words["first"], words["second"]
    return (
        f"Distribution of the score{_clause(' ', words['score'])}, for both phases: {first}; {second}. "
        f"P is the probability that one of the first ({short(first)}) scores above one of the second ({short(second)}): 0.5 is chance, "
        "1 is perfect separation. The outermost bins hold all scores beyond them (0.2 % on either side)."
    )


def _gates(words: Words) -> str:
    return (
        "Fraction of the batch for which the neuromodulator is not zero, <var>γ</var> ≠ 0, so that plasticity happens."
        f"{_clause(' Neuromodulator: ', words['modulator'])}{'.' if words['modulator'] else ''}"
        f"{_clause(' Gate: ', words['gate'])}{'.' if words['gate'] else ''}"
    )


def _potentials(words: Words) -> str:
    return (
        f"Apical potential{_clause(' ', words['apical'])}, against basal potential {words['basal']} of the same trial: "
        "one count per trial and recorded unit, late in training. <var>r</var> is Pearson's correlation over all pairs"
        f"{', then over each phase alone' if words['second'] else ''}. Basal potentials are those before the nonlinearity <var>ρ</var>."
    )


def _changes(_: Words) -> str:
    return (
        "What each recorded step moved the weights by, decay included: Euclidean norm |Δ<var>W</var>| and, where there are apical dendrites "
        "that learn, |Δ<var>B</var>| of their weights."
    )


def _drives(_: Words) -> str:
    return (
        "What the rule gave for each weight in a recorded step, before learning rate and optimiser, which decide how far the weights "
        "move by it: Euclidean norms."
    )


def _traces(words: Words) -> str:
    shaded = f" Shaded: {words['second']}." if words["second"] else ""
    return (
        f"Single units over the last recorded trials: basal potential {words['basal']}; rate {words['rate']}"
        f"{_clause('; apical potential ', words['apical'])}"
        f"{_clause('; neuromodulator ', words['modulator'])}.{shaded} Trials are rows of one batch, side by side; a broken line marks where the "
        "next recorded step begins. Shown are the units whose rate varies most, with channel, row and column in brackets, unless others "
        "were chosen."
    )


KERNELS = (
    "Kernels of the first layer as it ended, each scaled to its own largest entry, in colour where the image has three channels; grey is "
    "zero. Ordered by their norm, largest first."
)
_CAPTIONS: dict[str, Callable[[Words], str]] = {
    "learning": _learning,
    "scores": _scores,
    "gates": _gates,
    "potentials": _potentials,
    "changes": _changes,
    "drives": _drives,
    "traces": _traces,
}
