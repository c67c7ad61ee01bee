"""What every figure shows and by which equation: HTML of our own making, safe to insert."""

from markupsafe import Markup, escape

_A = "<var>a</var> = <var>W</var> ∗ <var>z</var><sub>pre</sub> + <var>b</var>"
_E = "<var>e</var> = <var>B</var> <var>c</var>"
_U = "<var>u</var> = <var>z</var> · <var>e</var>"
_TREND = "Faint: steps (in a long run, means of neighbouring steps); line: mean over a fiftieth of the run."
_FURTHER = {"feedback": " Second apical dendrite: its context <var>c</var> is the activity of the top population."}
# figures that are drawn once for each apical dendrite
_OF_DENDRITES = ("scores", "gates", "potentials")

_CAPTIONS = {
    "learning": "Loss of every population over training. Every population has an objective of its own; the values are "
    "not comparable across populations. " + _TREND,
    "read_outs": "Test accuracy of a read-out fitted to the frozen rates <var>z</var> of each layer and of several layers "
    "together (named where they are not all), beside two controls: the same network with the random weights it started from, and the pixels.",
    "scores": f"Distribution of the score {_U}, summed over the population, for pairs of glances at one object "
    f"(fixation) and at two objects (saccade), where {_E} is the apical prediction set by the glance before. "
    "P is the probability that a fixation scores above a saccade: 0.5 is chance, 1 is perfect separation. "
    "The outermost bins hold all scores beyond them (0.2 % on either side).",
    "gates": "Fraction of the batch for which the neuromodulator is not zero, <var>γ</var> ≠ 0, so that plasticity "
    f"happens. With a margin, the gate closes for a fixation whose score {_U} is high enough and for a saccade whose "
    "score is low enough. " + _TREND,
    "potentials": f"Apical potential {_E}, set by the glance before, against basal potential {_A} of the glance now "
    "seen: one count per trial and recorded unit, late in training. <var>r</var> is Pearson's correlation over all "
    "pairs, then over fixations and over saccades alone. Basal potentials are those before the nonlinearity "
    "<var>ρ</var>.",
    "changes": "Euclidean norm of the change of the weights at each step: basal |Δ<var>W</var>| and, where the "
    "population has an apical dendrite, apical |Δ<var>B</var>|. " + _TREND,
    "replay_checks": "Every check of the replay with spikes: distance of its value to the criterion, compressed; bars span the seeds, "
    "a cross is a failed check. Right: value, criterion.",
    "replay_fi_curve": "Rate of the spiking neuron in its output range against the rate asked for, and the difference from "
    "<var>ρ</var> = relu; shaded: criterion.",
    "replay_rates": "Mean output rate and mean basal potential of the spiking neurons against <var>z</var> = <var>ρ</var>(<var>a"
    "</var>) and <var>a</var> of the rate network; one point per trial and neuron.",
    "replay_apical": f"Mean apical potential of the spiking neurons against the dendritic prediction {_E} of the rate network, and "
    "what is left of it against the output rate: a trend there would be a leak from the soma.",
    "replay_cosines": "Cosine between the eligibility from spikes, summed at pre-synaptic spikes, and <var>e<sub>j</sub></var> "
    "<var>ρ</var>′(<var>a<sub>j</sub></var>) <var>z<sub>i</sub></var> of the rate network, trial by trial.",
    "replay_timing": "Eligibility of one pair of spikes at a clamped apical potential, by the lag between them, in three forms "
    "(the replay uses form A), and the effect of a modulator that comes late beside exp(−delay/<var>τ<sub>e</sub></var>).",
    "spike_raster": "A network of spiking neurons in a closed loop through three glances: what its inputs saw, every spike, score <var>u</var> "
    "and neuromodulator <var>γ</var> that its own modulatory neurons gave each population, and potentials of three units; the tuft, on the "
    "right scale, holds what it predicts from the glance before. Shaded: the eyes move and nothing is seen.",
    "spike_learning": "Objective of what the closed loop has learnt from spikes, run with rates on pairs that it never learnt from, beside its rate "
    "twin, which learnt with rates from the same start on the same glances.",
    "traces": f"Single units over consecutive glances: basal potential {_A}, rate <var>z</var> = <var>ρ</var>(<var>a"
    f"</var>), apical potential {_E} with the context <var>c</var> of the glance before, and the broadcast "
    "neuromodulator <var>γ</var>. Shaded: saccades, where the object changes. Shown are the units whose rate varies "
    "most, with channel, row and column in brackets.",
}


def caption(name: str) -> Markup:
    """Caption of the figure of that name, e.g. ``"gates_feedback"`` or ``"traces_conv1"``."""
    kind, dendrite = dendrite_of(name)
    further = _FURTHER.get(dendrite, f" Apical dendrite {escape(dendrite)}." if dendrite else "")
    return Markup(_CAPTIONS["traces" if kind.startswith("traces_") else kind] + further)


def dendrite_of(name: str) -> tuple[str, str]:
    """A figure's kind and the further apical dendrite it shows, e.g. ``("gates", "feedback")``; empty for the first or for all."""
    kind, _, dendrite = name.partition("_")
    return (kind, dendrite) if kind in _OF_DENDRITES else (name, "")
