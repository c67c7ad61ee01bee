"""What a passed check does not show, in numbers where they were measured; stands in every report of a replay."""

from .asked import SUBJECTS
from .workbench import Bench

# what each is about, a word of `SUBJECTS`, and the sentence
_RISKS: tuple[tuple[str, str], ...] = (
    (
        "neuromodulator",
        "Time scale of the eligibility: windows measured at spines are 0.3 to 2 s (Yagishita 2014), a fixation lasts 0.2 to 0.3 s. A trace of 1 s "
        "without reset mixes glances (C7); the replay resets it at every glance.",
    ),
    (
        "tuft",
        "No apical deviation, no plasticity (C11), whereas pairing in slices works without top-down input: either back-propagating spikes give a "
        "positive baseline, or the rule modulates a Hebbian term that is not part of it.",
    ),
    (
        "tuft",
        "Soma and tuft are taken to be segregated; in vivo their calcium signals are strongly correlated (Beaulieu-Laroche 2019). C12 says how much "
        "coupling is tolerated, and the synapse would have to make the correction itself.",
    ),
    (
        "score",
        "The neuromodulator is signed here. Locus coeruleus broadcasts an unsigned error (Jordan & Keller 2023): two modulators, or a signal of the "
        "saccade, would be needed.",
    ),
    (
        "neuromodulator",
        "The neuromodulator is one number per population; surprise in V1 is specific to features (Furutachi 2024).",
    ),
    (
        "tuft",
        "The context is that of the glance before, while the present one drives the soma: a memory of one glance that is not modelled. With what the "
        "top sees now cosT is 0.70 and cosB 0.79 on the demo even without noise (mutant 'current context').",
    ),
    (
        "score",
        "The neuromodulator is decided by every neuron of the population. Thirty at one place correlate by -0.11 with its score on the demo, all 32 "
        "channels there by -0.10; C17 takes the whole population from spikes, without a soma.",
    ),
    (
        "tuft",
        "Post-synaptic spikes change synapses in slices (C11 shows the windows of forms B and C); the replay's form A changes at pre-synaptic spikes "
        "alone, and its basal potential has no response to the soma's spikes.",
    ),
    (
        "",
        "Pools of 10 are part of the result: one neuron per input gives a cosT of 0.90 on the demo, and 0.84 in the first 300 ms from rest.",
    ),
    (
        "",
        "Context, modulator and pre-synaptic rates are those of the rate network; only the circuit fires. Inputs are Poisson, independent, and "
        "constant within a glance.",
    ),
)


def risks(bench: Bench) -> list[str]:
    """What stands in the report of a replay: the list above, and what follows from its settings."""
    own = []
    if bench.settings.eligibility == "voltage":
        own.append(
            "The gate is read from a basal potential that is never reset. A soma that never fires leaves every trace and dW as it is, bit for bit; "
            "C19 and --eligibility spike read it from post-synaptic spikes."
        )
    if bench.settings.level == 4:
        own.append(
            "With calcium and back-propagating spikes (level 4) the tuft's potential is set by the soma: on the demo cosT is 0.53 and cosB 0.35, below "
            "the best wrong rule, and blocking the tuft leaves 95 % of |dW|."
        )
    if bench.circuit.post is not None:
        own.append(
            "The second factor is told, not simulated: the rule's own factors receive the mean potentials and rates of the circuit's neurons, and all other "
            "neurons, statistics over the batch and competitors at other places stay those of the rate network. How a neuron would hold it is not said."
        )
    if bench.circuit.sign is not None:
        own.append(
            "Inputs are centred on their way into this population: what lies above and what lies below the mean come from two cells of opposite sign, "
            "each with plastic synapses, which no one cell's synapses are."
        )
    return [*own, *(text for about, text in _RISKS if not about or SUBJECTS[about](bench) is None)]
