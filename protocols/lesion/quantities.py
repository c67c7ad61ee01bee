"""What can be measured, by the name that protocols use; read without torch."""

from dataclasses import dataclass

# of a measure with a value per population: mean over those below the top one, and the top one's
DERIVED = ("lower", "top")


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity.

    Attributes:
        label: what it is.
        units: `1` where it has none.
        stage: where it can be measured.
        per_population: whether every population has one; its name then stands for the mean over populations.
        stimuli: objects that it needs, empty for any.
    """

    label: str
    units: str = "1"
    stage: str = "network"
    per_population: bool = False
    stimuli: str = ""


def _each(label: str, **more: str) -> Measure:
    return Measure(label, per_population=True, **more)


MEASURES: dict[str, Measure] = {
    "accuracy": Measure("linear read-out of the top population, test images", "%"),
    "score_same": _each("score u, the other glance at the object"),
    "score_different": _each("score u, a glance at another object"),
    "gate": _each("share of trials with a neuromodulator"),
    "loss": _each("local objective"),
    "moved": _each("basal weights moved since the first probe, |ΔW| / |W|"),
    "update": _each("change that one step would make, |ΔW|"),
    "rate": _each("mean rate"),
    "rank": Measure("effective rank of the top population's rates"),
    "selectivity_fovea": Measure("P - N selectivity at the fovea", stimuli="pairs"),
    "selectivity_swap": Measure("P - N selectivity at the swap view", stimuli="pairs"),
    "selectivity_nonswap": Measure("P - N selectivity at the non-swap view", stimuli="pairs"),
    "complex": _each("share of complex-like units, F1/F0 < 1"),
    "orientation": _each("orientation selectivity, 1 - circular variance"),
    "tolerance": _each("correlation over objects of the rates at two glances"),
    "update_predicted": Measure("change by a predicted trial, |ΔW|, mean over populations", stimuli="familiar"),
    "update_substituted": Measure("change by a substituted trial, |ΔW|, mean over populations", stimuli="familiar"),
    "update_ratio": Measure("substituted over predicted, |ΔW|", stimuli="familiar"),
    "peak": Measure("onset of the pulse that changes most, from the end of the fixation", "s", "circuit"),
    "peak_from_start": Measure("the same, from its beginning", "s", "circuit"),
    "early": Measure("largest change by pulses before the fixation, over the peak's", stage="circuit"),
    "late": Measure("change by the latest pulse, over the peak's", stage="circuit"),
    "cosine": Measure("cosine of the spiking change with the rate rule's, at the peak", stage="circuit"),
    "change": Measure("summed change over all lags", stage="synapse"),
    "largest": Measure("largest potentiation of a lag", stage="synapse"),
    "smallest": Measure("largest depression of a lag", stage="synapse"),
    "pre_first": Measure("change at lags with pre before post", stage="synapse"),
    "post_first": Measure("change at lags with post before pre", stage="synapse"),
}
