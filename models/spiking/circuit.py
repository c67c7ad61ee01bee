"""A small circuit cut out of a trained network, with the signals of its trials: what a replay is made from and compared with.

A trial is one glance of the engine: row i of the batch gave the context and with it the apical potential; basal potential and rate belong
to the row that followed, once as a fixation and once as a saccade. In every trial

    a = W z_pre + bias,   z = rho(a),   e = B c + apical_bias,   e_ji = e_j rho'(a_j) z_i,   dW_ji = gamma weight e_ji

hold exactly, with the engine's own factors, and the dW of all trials add up to the engine's change. Where the rule has a second factor of its
own (`post`), that stands in the place of e_j; where it sees single neurons (site `neuron`), rho' is in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Telling = Callable[[Index, Array, Array, Array], Array]  # trials, a, z, e -> second factor
_TRIALS = (
    "bias", "z_pre", "context", "apical_bias", "basal", "rate", "prediction", "gate", "winner", "gamma", "weight",
    "phase", "score", "context_row", "seen_row", "post", "trial",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Circuit:
    """Arrays of one circuit; dimensionless, in the units of the rate network.

    Attributes:
        name: population it was cut from.
        source: context source, a word of `CONTEXTS`.
        map_shape: (channels, height, width) of the population's neurons before any max-pool; (n, 1, 1) for a dense one.
        position: (row, col) on that map, or None for a dense population.
        units: flat position of each neuron in `map_shape`, (units,).
        inputs: flat position of each input in the population below (or the image), (inputs,); twice, where a mirrored rim shows it twice.
        synapses: flat position of each input's synapse in the weights of a neuron, (inputs,); None where that is `inputs`.
        contexts: index of each context neuron, (contexts,).
        W: basal weights, (units, inputs).
        B: apical weights, (units, contexts).
        bias: b plus what the inputs outside the kept weight mass give in this trial, (trials, units).
        apical_bias: what the contexts outside the kept weight mass give, (trials, units).
        z_pre: pre-synaptic rates, (trials, inputs).
        context: c, (trials, contexts).
        basal: a, (trials, units).
        rate: z = rho(a), (trials, units).
        prediction: dendritic prediction e = B c, (trials, units).
        gate: rho'(a), (trials, units).
        winner: how many windows of a max-pool the neuron wins: 0 or 1, or more where windows overlap; losers do not change. Without a
            max-pool, how many windows it lies in: 1, or more where they overlap, (trials, units).
        gamma: neuromodulator, >= 0 at fixations, <= 0 at saccades, 0 where the margin is met, (trials,).
        weight: weight of the trial in the batch mean, divided by the area of the pooled block and of the window of a mean pool, (trials,).
        phase: 0 fixation, 1 saccade, (trials,).
        score: u of the whole population, (trials,).
        context_row, seen_row: rows of the batch, (trials,).
        sign: of each input, (inputs,): -1 where a cell fires for what lies below the mean, with weights of opposite sign; None where no
            input has such a twin.
        gated: whether rho'(a) is a factor beside the second one.
        post: second factor of the rule's own in place of the prediction, (trials, units); None where it is the prediction.
        told: gives `post` from potentials and rates of the neurons, see `Told`; None beside a `post` of None.
        trial: what `told` calls the trials, (trials,).
    """

    name: str
    source: str
    map_shape: tuple[int, int, int]
    position: tuple[int, int] | None
    units: Index
    inputs: Index
    contexts: Index
    W: Array
    B: Array
    bias: Array
    apical_bias: Array
    z_pre: Array
    context: Array
    basal: Array
    rate: Array
    prediction: Array
    gate: Array
    winner: Array
    gamma: Array
    weight: Array
    phase: NDArray[np.int8]
    score: Array
    context_row: Index
    seen_row: Index
    synapses: Index | None = None
    sign: NDArray[np.int8] | None = None
    gated: bool = True
    post: Array | None = None
    told: Telling | None = None
    trial: Index | None = None

    def __post_init__(self) -> None:
        trials, units, inputs, contexts = len(self.gamma), len(self.units), len(self.inputs), len(self.contexts)
        shapes: dict[str, tuple[int, ...]] = {
            "W": (units, inputs),
            "B": (units, contexts),
            "z_pre": (trials, inputs),
            "context": (trials, contexts),
        }
        shapes |= dict.fromkeys(
            ("bias", "apical_bias", "basal", "rate", "prediction", "gate", "winner"), (trials, units)
        )
        shapes |= dict.fromkeys(("weight", "phase", "score", "context_row", "seen_row"), (trials,))
        further = {"synapses": (inputs,), "sign": (inputs,), "post": (trials, units), "trial": (trials,)}
        shapes |= {name: shape for name, shape in further.items() if getattr(self, name) is not None}
        for name, shape in shapes.items():
            got = np.shape(getattr(self, name))
            if got != shape:
                raise ModelError(f"circuit.{name}: expected shape {shape}, got {got}; build circuits with extract()")
        for name in ("z_pre", "context"):
            values = getattr(self, name)
            if values.size and not values.min() >= 0:
                raise ModelError(
                    f"circuit.{name}: expected rates of at least 0, got {values.min():.3g}; a neuron cannot fire so: "
                    "choose a population above the first, whose inputs are rates and not pixels"
                )

    @property
    def trials(self) -> int:
        """Number of trials."""
        return len(self.gamma)

    @property
    def apical(self) -> bool:
        """Whether its neurons have a tuft."""
        return bool(self.B.shape[1])

    @property
    def second(self) -> Array:
        """Second factor: the dendritic prediction, or the rule's own, (trials, units)."""
        return self.prediction if self.post is None else self.post

    def eligibility(self) -> Array:
        """e_ji = e_j rho'(a_j) z_i of every trial, (trials, units, inputs): what the spiking eligibility estimates."""
        return (self.second * self.gate * self.winner)[:, :, None] * self.z_pre[:, None, :]

    def change(self, eligibility: Array | None = None) -> Array:
        """dW_ji = gamma weight e_ji of every trial, (trials, units, inputs); of the rate rule when no eligibility is given.

        Args:
            eligibility: e of every trial, e.g. `Replay.eligibility`.
        """
        traces = self.eligibility() if eligibility is None else eligibility
        return (self.gamma * self.weight)[:, None, None] * traces

    def of_weights(self, change: Array) -> tuple[Index, Array]:
        """Synapses of the rate network, by `synapses`, and their change, from that of the circuit's inputs, (units, inputs).

        Two cells of opposite sign are one synapse of the rate network, which changes by the difference of theirs.
        """
        where = self.inputs if self.synapses is None else self.synapses
        if self.sign is None:
            return where, change
        half = len(where) // 2
        return where[:half], change[:, :half] - change[:, half:]

    def take(self, trials: Sequence[int] | Index | slice) -> "Circuit":
        """The same circuit with some of the trials."""
        chosen = trials if isinstance(trials, slice) else np.asarray(trials, dtype=np.int64)
        values: dict[str, Any] = {
            name: getattr(self, name)[chosen] for name in _TRIALS if getattr(self, name) is not None
        }
        return replace(self, **values)

    def scale_apical(self, scale: float) -> "Circuit":
        """The same circuit with its apical input scaled: 0 is an apical block. Calibrate on the intact circuit."""
        prediction, post = self.prediction * scale, self.post
        if self.told is not None and self.trial is not None:
            post = self.told(self.trial, self.basal, self.rate, prediction)
        return replace(self, B=self.B * scale, apical_bias=self.apical_bias * scale, prediction=prediction, post=post)

    def variables(self) -> dict[str, tuple[tuple[str, ...], NDArray[Any], dict[str, str]]]:
        """Everything as (dims, values, attributes), for a recording."""
        return {
            name: (dims, getattr(self, name), {"units": "1", "long_name": said})
            for name, (dims, said) in _VARIABLES.items()
            if getattr(self, name) is not None and (self.apical or name not in _TUFT)
        }


_TUFT = ("contexts", "B", "context", "apical_bias", "prediction")
_VARIABLES: dict[str, tuple[tuple[str, ...], str]] = {
    "inputs": (("input",), "flat position of the input"),
    "synapses": (("input",), "flat position of the synapse in the weights of a neuron"),
    "contexts": (("context_unit",), "index of the context neuron"),
    "sign": (("input",), "1, or -1 for a cell that fires for what lies below the mean"),
    "W": (("unit", "input"), "basal weights"),
    "B": (("unit", "context_unit"), "apical weights"),
    "bias": (("trial", "unit"), "bias and inputs outside the circuit"),
    "apical_bias": (("trial", "unit"), "contexts outside the circuit"),
    "z_pre": (("trial", "input"), "pre-synaptic rate"),
    "context": (("trial", "context_unit"), "context"),
    "basal": (("trial", "unit"), "basal potential of the rate network"),
    "rate": (("trial", "unit"), "rate of the rate network"),
    "prediction": (("trial", "unit"), "dendritic prediction of the rate network"),
    "post": (("trial", "unit"), "second factor of the rule's own, of the rate network"),
    "gate": (("trial", "unit"), "slope of the transfer function"),
    "winner": (("trial", "unit"), "windows of its pool that the neuron speaks through"),
    "gamma": (("trial",), "neuromodulator"),
    "weight": (("trial",), "weight in the batch mean"),
    "phase": (("trial",), "phase (0 fixation, 1 saccade)"),
    "score": (("trial",), "score of the population"),
    "context_row": (("trial",), "row of the batch that gave the context"),
    "seen_row": (("trial",), "row of the batch that was seen"),
}
