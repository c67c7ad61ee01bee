"""The tables of `reference/words`: title, one sentence, heads, rows."""

import inspect
from collections.abc import Iterator

from vocabulary import _plain as plain
from vocabulary import code

Told = tuple[str, str, tuple[str, ...], list[tuple[str, ...]]]


def _first(thing: object) -> str:
    """The first sentence of a docstring."""
    text = (inspect.getdoc(thing) or "").split("\n\n")[0]
    return plain(text.replace("`", ""))


def tables() -> Iterator[Told]:
    """All of them."""
    yield from _of_rules()
    yield from _of_networks()
    yield from _of_stimuli()
    yield from _of_results()
    yield from _of_spikes()


def _of_rules() -> Iterator[Told]:
    from apical.plasticity import CONTRASTS, RULES
    from apical.protocols.settings.names import rules_by_kind

    kinds = {name: kind for kind, names in rules_by_kind().items() for name in names}
    rows = [
        (code(w), plain(kinds.get(w, "")), _first(getattr(made, "rule", None) or made)) for w, made in RULES.items()
    ]
    yield (
        "Rules",
        "`rule.name`; equations and sources in [the rules](rules.md).",
        ("word", "computed", "what it is"),
        rows,
    )
    yield (
        "Contrasts",
        "`rule.contrast`, of rules that have one.",
        ("word", "what it is"),
        [(code(w), _first(c)) for w, c in CONTRASTS.items()],
    )


def _of_networks() -> Iterator[Told]:
    from apical.models.networks.contexts import CONTEXTS
    from apical.models.networks.table import BUILDERS
    from apical.models.optimisers.table import OPTIMISERS

    rows = [
        (
            code(w),
            ", ".join(code(s) for s in b.reads),
            code(list(b.example)) if b.example else "",
            "yes" if b.blocks else "",
        )
        for w, row in BUILDERS.items()
        for b in ([row, row.populations] if row.populations else [row])
    ]
    yield (
        "Builders",
        "`network.builder`.",
        ("word", "settings it reads", "grids, for example", "for rules in blocks"),
        rows,
    )
    said = {
        "lateral": "the own population's rates",
        "retro": "the own rates, predicted against the order of trials",
        "dfb": "rates of the top population (direct feedback)",
    }
    yield (
        "Context sources",
        "`rule.context` names one or a combination that the rule offers.",
        ("word", "whose rates arrive"),
        [(code(w), said.get(w, "")) for w in CONTEXTS],
    )
    yield (
        "Optimisers",
        "`optimiser.name`.",
        ("word", "settings it reads"),
        [(code(w), ", ".join(code(s) for s in o.reads)) for w, o in OPTIMISERS.items()],
    )


def _of_stimuli() -> Iterator[Told]:
    from apical.protocols.stimuli.datasets.table import DATASETS
    from apical.protocols.stimuli.presentations.table import PRESENTATIONS
    from apical.protocols.stimuli.shown.table import KINDS, told

    rows = [(code(f"{w}:PATH" if d.own else w), plain(d.description)) for w, d in DATASETS.items()]
    yield (
        "Data sets",
        "`stimulus.name`; the layout of your own is in [input formats](../reference/input-formats.md).",
        ("word", "what it is"),
        rows,
    )
    rows = [(code(w), str(p.rows), _first(p.show)) for w, p in PRESENTATIONS.items()]
    yield (
        "Presentations",
        "What a rule's `needs.presentation` asks for.",
        ("word", "rows of the batch per object", "what is shown"),
        rows,
    )
    rows = [
        (code(f"{w}:PATH" if k.own else w), plain(k.description), ", ".join(code(s) for s in told(k)))
        for w, k in KINDS.items()
    ]
    yield (
        "Stimuli to record",
        "`apical record RUN STIMULUS`; `images` is written by the data set's own word.",
        ("word", "what it is", "settings"),
        rows,
    )


def _of_results() -> Iterator[Told]:
    from apical.protocols.analyse.table import ANALYSES
    from apical.protocols.readouts.table import READ_OUTS
    from apical.recordings.export.table import FORMATS

    rows = [
        (code(w), "every run" if r.fitted else "some rules", ", ".join(code(f"probe.{s}") for s in r.settings))
        for w, r in READ_OUTS.items()
    ]
    yield "Read-outs", "`apical probe --read-out`.", ("word", "of", "settings it reads"), rows
    yield "Analyses", "`apical analyse RUN WORD`.", ("word",), [(code(w),) for w in ANALYSES]
    yield "Formats of export", "`apical export RUN --format WORD`.", ("word",), [(code(w),) for w in FORMATS]


def _of_spikes() -> Iterator[Told]:
    from apical.models.spiking.cells.table import CELLS, SYNAPSES

    yield (
        "Cells",
        "Neurons by equations, `apical.models.spiking.cells`.",
        ("word", "source"),
        [(code(w), plain(c.source)) for w, c in CELLS.items()],
    )
    yield "Plastic synapses", "Likewise.", ("word", "source"), [(code(w), plain(s.source)) for w, s in SYNAPSES.items()]
