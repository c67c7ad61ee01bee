"""What a local rule sees of one population in one step, and what it gives back.

A rule is a pure function from signals, state included, to factors, new state included. It never touches weights: the weight changes
are outer products of the factors with the pre-synaptic side, the same for every rule, and live in `outer.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from .pairing import Pairing


@dataclass(frozen=True, slots=True)
class Apical:
    """The apical side of a population for one context source.

    Attributes:
        context: c, what the apical dendrites receive, (rows, inputs).
        potential: e = B c, the dendritic prediction, (rows, units).
        back: B^T z, what the same synapses would carry from the population back to its context, (rows, inputs); only for rules that
            declare `transport`, None for all others.
    """

    context: Tensor
    potential: Tensor
    back: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Signals:
    """Signals of one population in one step.

    Attributes:
        rate: z after block pooling, (rows, units). Units are the pooled ones: the resolution of the apical dendrites.
        apical: apical compartment by context source, a word of the models' `CONTEXTS` such as `lateral` (own population).
        pairing: which row follows which; None for rules without phases.
        label: class of each row for supervised rules, int64 (rows,).
        basal: a of every neuron before the max-pool, (rows, channels, height, width) or (rows, neurons), for rules of site `neuron`.
        state: what the rule left in this population at the step before.
        position: of the population, 0 at the bottom, for rules whose hyperparameters differ by population.
    """

    rate: Tensor
    apical: Mapping[str, Apical] = field(default_factory=dict)
    pairing: Pairing | None = None
    label: Tensor | None = None
    basal: Tensor | None = None
    state: Mapping[str, Tensor] = field(default_factory=dict)
    position: int = 0


@dataclass(frozen=True, slots=True)
class Phase:
    """Scores and neuromodulators of one context source, one number a row: what is broadcast, and why.

    Attributes:
        score_fixation, score_saccade: u = z . e with the rate of the paired row, (rows,); after a saccade that is `Pairing.shown`.
        gamma_fixation, gamma_saccade: neuromodulator, >= 0 and <= 0, before the weight of the mean, (rows,); where goodness is penalised
            (SCFF), the first may fall below 0.
    """

    score_fixation: Tensor
    score_saccade: Tensor
    gamma_fixation: Tensor
    gamma_saccade: Tensor


@dataclass(frozen=True, slots=True)
class Factors:
    """What a rule gives back for one population.

    Attributes:
        loss: the local objective, a scalar.
        drive: gamma * (B c) gathered at the row whose rate it meets, (rows, units): neuromodulator times dendritic prediction. The
            weight change is drive_j rho'(a_j) z_i summed over rows (and places). A rule of site `neuron` gives the whole factor,
            rho' included, in the shape of `Signals.basal`.
        prediction: per context source, gamma * z gathered at the row that predicted, (rows, units): the change of B is prediction^T c.
        phases: per context source, scores and neuromodulators; a rule without apical dendrites that has a neuromodulator keeps it under
            the name `basal`.
        met: per context source, of rules with several negatives: who met whom, (rows, rows): neuromodulator times weight with which the
            prediction of row i met the rate of row r. Of all others `phases` and the pairing say it.
        decay: forgetting rate of every channel, (channels,): the weight change loses decay_j W_j, and the bias, which nothing would
            bound, does not learn. None for most rules.
        state: what the rule leaves in this population for the next step.
    """

    loss: Tensor
    drive: Tensor
    prediction: Mapping[str, Tensor] = field(default_factory=dict)
    phases: Mapping[str, Phase] = field(default_factory=dict)
    met: Mapping[str, Tensor] = field(default_factory=dict)
    decay: Tensor | None = None
    state: Mapping[str, Tensor] = field(default_factory=dict)
