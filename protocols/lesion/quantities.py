"""What can be measured, by the name that protocols use; read without torch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...models.outside import Open

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
        find: of one from outside, what measures: a function of the subject, at other stages of the curve that was found (x, y, values).
    """

    label: str
    units: str = "1"
    stage: str = "network"
    per_population: bool = False
    stimuli: str = ""
    find: Callable[[Any], Any] | None = None


def _each(label: str, stimuli: str = "") -> Measure:
    return Measure(label, per_population=True, stimuli=stimuli)


OWN: dict[str, Measure] = {
    "accuracy": Measure("linear read-out of the top population, test images", "%"),
    "score_same": _each("score u, the other glance at the object"),
    "score_different": _each("score u, a glance at another object"),
    "gate": _each("share of trials with a neuromodulator"),
    "loss": _each("local objective"),
    "moved": _each("basal weights moved since the first probe, |ΔW| / |W|"),
    "update": _each("change that the rule drives in one step, |ΔW| before learning rate and optimiser"),
    "step": _each("what one step moves the basal weights by, |ΔW|"),
    "rate": _each("mean rate"),
    "rank": Measure("effective rank of the top population's rates"),
    "selectivity_fovea": Measure("P - N selectivity at the fovea", stimuli="pairs"),
    "selectivity_swap": Measure("P - N selectivity at the swap view", stimuli="pairs"),
    "selectivity_nonswap": Measure("P - N selectivity at the non-swap view", stimuli="pairs"),
    "complex": _each("share of complex-like units, F1/F0 < 1"),
    "complex_subsampled": _each("the same with max-pools subsampled"),
    "modulation_subsampled": _each("F1/F0 with max-pools subsampled"),
    "orientation": _each("orientation selectivity, 1 - circular variance"),
    "tuned": _each("share of units tuned to orientation, 1 - circular variance > 1/3"),
    "tolerance": _each("correlation over objects of the rates at two glances"),
    "update_predicted": Measure(
        "change that a predicted trial drives, |ΔW| before learning rate and optimiser, mean over populations",
        stimuli="familiar",
    ),
    "update_substituted": Measure(
        "change that a substituted trial drives, |ΔW| before learning rate and optimiser, mean over populations",
        stimuli="familiar",
    ),
    "update_ratio": Measure("substituted over predicted, change that the rule drives", stimuli="familiar"),
    "dprime": _each("selectivity |d'| for two textures", "textures"),
    "trials": Measure("labelled glances until a read-out of the top population is right", stimuli="textures"),
    "violation_rate": _each("|d'| of rates between U and the expected D", "gabors"),
    "violation_apical": _each("|d'| of apical potentials between U and the expected D", "gabors"),
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
    "evoked": Measure("post-synaptic spikes per pulse", stage="synapse"),
    "shift": Measure("pre before post minus post before pre: shift between two inputs", stage="synapse"),
    "excess": Measure("excess response to a novel image, over the first response", stage="adaptation"),
    "excess_large": Measure("the same in a set of four times as many images", stage="adaptation"),
    "emergence": Measure("time constant of the excess", "s", "adaptation"),
    "decay": Measure("time constant of the response to a new set", "s", "adaptation"),
    "ssa": Measure("(deviant - standard) / sum", stage="adaptation"),
    "deviance": Measure("(deviant - many-standards control) / sum", stage="adaptation"),
    "output": Measure("read-out on the last day, share of the way to the target", stage="bci"),
    "residual_plus": Measure("slope of the residual apical signal on the error, P+", stage="bci"),
    "residual_minus": Measure("slope of the residual apical signal on the error, P-", stage="bci"),
    "prediction": Measure("correlation of that slope with the change of rates", stage="bci"),
}


def _adopted(thing: Any, word: str) -> Measure:
    from .foreign import measure

    return measure(thing, word)


MEASURES = Open(OWN, group="apical.measures", field="measures", adopt=_adopted)
