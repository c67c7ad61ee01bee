"""A replay as the report and the terminal show it: what of each check passed, what failed and why, and all of it folded."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...recordings import Drawing, Section, TextTable
from ..sections import checks_table, count, counted, number

DOCUMENTS = "replays"  # folder of one document per name
PLACE, LADDER = 60, 65
TRIAL = "replay_trial"
_E = "<var>e</var> = <var>B</var> <var>c</var>"
ABOUT = {
    "C0": "in rate mode the circuit is the rule",
    "C1": "single cells: f-I curve, bursts",
    "C2": "rates and basal potentials are those of the rate network",
    "C3": "the apical potential is the dendritic prediction",
    "C4": "eligibility and change of the batch are the rule's",
    "C4b": "they are nearer to the rule than to any wrong one",
    "C4c": "their size is the rule's",
    "C5": "gates open where the rule's do",
    "C6": "errors stand at the kink of the transfer function",
    "C7": "an eligibility that outlasts its glance",
    "C8": "a modulator that comes late",
    "C9": "a blocked tuft learns nothing",
    "C10": "the lesion of a source takes its own learning alone",
    "C11": "windows of single pairs of spikes",
    "C12": "how much the soma may leak into the tuft",
    "C13": "Dale's law",
    "C14": "a context that comes late",
    "C15": "the network learns by the spikes' changes",
    "C16": "above what permutations give",
    "C17": "the neuromodulator from spikes",
    "C18": "the change follows from the recording alone",
    "C19": "the gate from post-synaptic spikes",
}
FIGURES = {
    "replay_checks": (
        "every check",
        "Distance of every check's value to its criterion, compressed; bars span the seeds, a cross is a failed check. Right: value, criterion.",
    ),
    TRIAL: (
        "one trial",
        "Every spike of the circuit in one trial, beside what the rate network says of the same trial: basal potential <var>a</var>, rate "
        f"<var>z</var> and apical potential {_E} of every unit (dots), and what the spiking neurons made of them (rings; means over the window "
        "after the settle time). Below: potentials of the units that fire most; dashed: where <var>a</var> and <var>e</var> of the rate network put the "
        "basal and the apical potential.",
    ),
    "replay_fi_curve": (
        "f-I curve",
        "Rate of the spiking neuron in its output range against the rate asked for, and the difference from <var>ρ</var> = relu; shaded: "
        "criterion.",
    ),
    "replay_rates": (
        "rates",
        "Mean output rate and mean basal potential of the spiking neurons against <var>z</var> = <var>ρ</var>(<var>a</var>) and <var>a</var> of "
        "the rate network; one point per trial and neuron.",
    ),
    "replay_apical": (
        "apical potential",
        f"Mean apical potential of the spiking neurons against the dendritic prediction {_E} of the rate network, and what is left of it against "
        "the output rate: a trend there would be a leak from the soma.",
    ),
    "replay_second": (
        "the rule's own second factor",
        "What the post-synaptic side adds to a change: the drive of the rule's factors over neuromodulator and weight, where the gate is open. Upwards: the "
        "rule was told basal potentials, rates and apical potentials of the spiking neurons; along: those of the rate network.",
    ),
    "replay_cosines": (
        "eligibility",
        "Cosine between the eligibility from spikes, summed at pre-synaptic spikes, and that of the rate network, trial by trial: second factor (the apical "
        "potential <var>e<sub>j</sub></var>, or the rule's own) times the gate <var>ρ</var>′(<var>a<sub>j</sub></var>), where it is one, times "
        "<var>z<sub>i</sub></var>.",
    ),
    "replay_timing": (
        "timing",
        "Eligibility of one pair of spikes at a clamped apical potential, by the lag between them, in three forms (the replay uses form A), and the "
        "effect of a modulator that comes late beside exp(−delay/<var>τ<sub>e</sub></var>).",
    ),
}


def section(result: Mapping[str, Any]) -> Section:
    """What `replay_run` found, of checks or of a ladder.

    Args:
        result: as `replay_run` gives it; of earlier versions without self_tests or mutants.
    """
    if "rows" in result:
        return _ladder(result)
    name, checks = str(result["replays"][0]), result["checks"]
    failed = [check for check in checks if not check["passed"]]
    tables = [counted(checks, ABOUT)]
    tables += [checks_table(failed, "What failed", folded=False)] if failed else []
    tables.append(checks_table(checks, f"All {len(checks)} quantities", folded=True))
    tests = result.get("self_tests", [])
    tables += (
        [checks_table(tests, "Self-tests, which no mutant fails and which are not counted", folded=True)]
        if tests
        else []
    )
    tables += _left_out(result.get("left_out", {}), "Checks without a subject in this rule")
    tables += _mutants(result["mutants"]) if "mutants" in result else []
    passed = f"{len(checks) - len(failed)} of {len(checks)} quantities meet their criterion with every seed."
    return Section(
        name=f"replay-{name}", title=f"Replay with spikes: {name}", summary=(passed, f"{described(result)}."), tables=tuple(tables),
        figures=_figures(result), notes=tuple(f"Not shown by the checks: {risk}" for risk in result["risks"]), order=PLACE,
    )  # fmt: skip


def _left_out(reasons: Mapping[str, str], title: str) -> list[TextTable]:
    """What was not asked, and why; nothing where all was."""
    rows = tuple((name, reason) for name, reason in reasons.items())
    return [TextTable(head=("left out", "because"), rows=rows, title=title, numbers=False)] if rows else []


def described(result: Mapping[str, Any]) -> str:
    """What was replayed and how."""
    circuit, settings = result["circuit"], result["settings"]
    tuft = (
        f"{circuit['contexts']} context neurons ({circuit['source']})" if circuit["contexts"] else "no apical dendrites"
    )
    own = ", the second factor told by the rule's own factors" if circuit.get("second", "apical") != "apical" else ""
    return (
        f"{circuit['units']} neurons of {circuit['population']} with {circuit['inputs']} inputs and {tuft}{own}; "
        f"{circuit['trials']} trials of {settings['duration']:g} ms, level {settings['level']}, pool {settings['pool']}, "
        f"time constants {settings['tau']:g} ms, {count(len(settings['seeds']), 'seed')}"
    )


def _figures(result: Mapping[str, Any]) -> tuple[Drawing, ...]:
    """Those that the document names, the most telling first; their files bear the name of the replay, but for earlier versions'."""
    drawn = result.get("figures", {})
    return tuple(
        Drawing(name=Path(drawn[kind]).stem, title=f"Replay: {title}", caption=caption)
        for kind, (title, caption) in FIGURES.items()
        if kind in drawn
    )


def _mutants(power: Mapping[str, Any]) -> list[TextTable]:
    rows: list[tuple[str, ...]] = [
        (row["name"], f"{len(row['rejected_by'])} of {row['shown']}", row["what"], ", ".join(sorted(_names(row["rejected_by"]))))
        for row in power["mutants"]
    ]  # fmt: skip
    rows.append(("rejected by no check", "", ", ".join(power["unrejected"]) or "none"))
    rows.append(("checks that reject none", "", "; ".join(power["powerless"]) or "none"))
    head = ("mutant", "rejected by", "what is wrong", "checks that held before and reject it")
    title = "Mutants: replays that are wrong in one way"
    whole = TextTable(
        head=("mutant", "rejected by"), rows=tuple((row["name"], "; ".join(row["rejected_by"])) for row in power["mutants"]),
        title="Mutants, and every quantity that rejects them", folded=True, numbers=False,
    )  # fmt: skip
    left = _left_out(power.get("left_out", {}), "Mutants without a subject in this rule")
    return [TextTable(head=head, rows=tuple(rows), title=title, numbers=False), whole, *left]


def _names(labels: Sequence[str]) -> set[str]:
    return {label.split()[0] for label in labels}


def _ladder(result: Mapping[str, Any]) -> Section:
    head = (
        "population", "source", "rung", "cosT", "cosB", "cosT above the best wrong rule", "cosB above it", "|dW| left by a blocked tuft",
    )  # fmt: skip
    rows = tuple(
        (
            row["population"],
            row["source"],
            row["rung"],
            *(number(row[name], form) for name, form in _LADDER_FORMS.items()),
        )
        for row in result["rows"]
    )
    tables = [TextTable(head=head, rows=rows, numbers=False)]
    if result["refused"]:
        refused = tuple((row["population"], row["source"], row["reason"]) for row in result["refused"])
        tables.append(TextTable(head=(*head[:2], "reason"), rows=refused, title="No circuit of", numbers=False))
    summary = "cosT: mean cosine of a trial's eligibility with the rule; cosB: that of the change of the batch. Means over seeds."
    return Section(
        name="ladder",
        title="Ladder from rates to calcium spikes",
        summary=(summary,),
        tables=tuple(tables),
        order=LADDER,
    )


_LADDER_FORMS = {"cosT": ".3f", "cosB": ".3f", "margin_cosT": "+.3f", "margin_cosB": "+.3f", "blocked": ".2f"}
