"""What a rule calls its signals and what they are: the words of axes, captions and tables, so that no page speaks of another rule."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

LOSSES = {
    "local": "objective that the rule gives every population of its own; not comparable between populations",
    "backprop": "objective at the top, which is backpropagated",
    "feedback": "cross-entropy at the output",
    "block": "objective of every block; not comparable between blocks",
}
APICAL = {
    "local": "e = B c, set by the context c of the row before",
    "feedback": "e, the error that reached the population through fixed matrices",
}
BASAL, RATE = "a = W ∗ z_pre + b", "z = ρ(a)"
KINDS = {"opposite": ("positive", "negative")}  # by how rows are paired; all others are fixations and saccades
PAIRS = ("fixation", "saccade")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Plain text, one clause each; empty where the rule has no such signal or the default of its kind says it.

    Args:
        first, second: what the two rows are that a row is compared with; empty for fixation and saccade, or positive and negative where
            the network is shown data of two kinds.
        loss: what is recorded as loss.
        basal, rate: basal potential and rate, as equations; empty for a = W ∗ z_pre + b and z = ρ(a).
        apical: the apical potential, as an equation.
        score: what decides about plasticity, as an equation.
        modulator: the neuromodulator, as an equation.
        gate: when the neuromodulator is zero.
    """

    first: str = ""
    second: str = ""
    loss: str = ""
    basal: str = ""
    rate: str = ""
    apical: str = ""
    score: str = ""
    modulator: str = ""
    gate: str = ""

    def told(self, *, engine: str, negatives: str, sources: bool) -> Mapping[str, str]:
        """All words by name, with the defaults of an engine, of a pairing and of apical dendrites where the rule says nothing."""
        first, second = KINDS.get(negatives, PAIRS)
        whole = replace(
            self,
            first=self.first or first,
            second=self.second or second,
            loss=self.loss or LOSSES.get(engine, ""),
            basal=self.basal or BASAL,
            rate=self.rate or RATE,
            apical=self.apical or (APICAL.get(engine, "") if sources else ""),
        )
        return asdict(whole)


# of rules whose apical dendrites predict the rate that follows
PREDICTION = "e = B c, the dendritic prediction from the context c of the row before"
CONTRASTED = Words(
    apical=PREDICTION,
    score="u = z · e, the rate against the dendritic prediction, summed over the population",
    modulator="γ = −dL/du of the contrast function, above 0 at fixations and below 0 at saccades",
    gate="with a margin, γ is 0 once a fixation scores high enough or a saccade low enough",
)
