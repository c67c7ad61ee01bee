"""What a passed check does not show; stands in every report of a replay."""

RISKS = (
    "Time scale of the eligibility: windows measured at spines are 0.3 to 2 s (Yagishita 2014), a fixation lasts 0.2 to 0.3 s. A trace of 1 s "
    "without reset mixes glances (C7); the replay resets it at every glance.",
    "No apical deviation, no plasticity (C11), whereas pairing in slices works without top-down input: either back-propagating spikes give a "
    "positive baseline, or the rule modulates a Hebbian term that is not part of it.",
    "Soma and tuft are taken to be segregated; in vivo their calcium signals are strongly correlated (Beaulieu-Laroche 2019). C12 says how much "
    "coupling is tolerated, and the synapse would have to make the correction itself.",
    "The neuromodulator is signed here. Locus coeruleus broadcasts an unsigned error (Jordan & Keller 2023): two modulators, or a signal of the "
    "saccade, would be needed.",
    "The neuromodulator is one number per population; surprise in V1 is specific to features (Furutachi 2024).",
    "Context, modulator and pre-synaptic rates are those of the rate network; only the circuit fires. Inputs are Poisson, independent, and "
    "constant within a glance.",
)
