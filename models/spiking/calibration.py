"""Calibration in closed form: from the units of a rate network to Hz, pC and mV.

    rates    nu = r z           r puts the 99th percentile of each population at 80 Hz
    basal    I_b = q_b w nu     q_b = r_post / (G r_pre): then f_j = r_post relu(a_j), G the slope of the f-I curve
    bias     I = b r_post / G
    apical   I_a = q_a B nu     q_a = s_a g / r_context: then V_a - E_a = s_a (B c)_j, s_a = 5 mV per s.d. of B c

Inputs, output and context have scales of their own (r_pre, r_post, r_context): in a trained network their rates differ severalfold. With
pools of P neurons per unit every charge is divided by P.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .circuit import Circuit
from .neuron import LINEAR, Neuron

TAIL = 99.9
TAIL_HZ = 120.0  # aimed at: what lies above is clipped and reaches the neuron as a bias current


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Scales of one circuit and one neuron type.

    Attributes:
        pre_rate, post_rate, context_rate: Hz per unit of z_pre, z and c.
        ceiling: rates of spiking sources are clipped here, Hz; the end of the straight f-I curve.
        basal_gain: V_b - E_L per unit of a, mV.
        apical_gain: s_a, V_a - E_a per unit of B c, mV.
        basal_charge, apical_charge: charge of one spike through a unit weight, pool 1, pC.
        bias_current: current per unit of bias, pA.
        apical_current: current per unit of B c, pA.
        clipped_pre, clipped_context: share of (trial, source) rates above the ceiling.
        tail_pre, tail_context: 99.9th percentile of the rates before they are clipped, Hz; should stay below `TAIL_HZ`.

    Without apical dendrites the scales of context and tuft have no subject: rate 1 Hz, gain 1 mV.
    """

    pre_rate: float
    post_rate: float
    context_rate: float
    ceiling: float
    basal_gain: float
    apical_gain: float
    basal_charge: float
    apical_charge: float
    bias_current: float
    apical_current: float
    clipped_pre: float
    clipped_context: float
    tail_pre: float
    tail_context: float

    units: ClassVar[dict[str, str]] = {
        "pre_rate": "Hz", "post_rate": "Hz", "context_rate": "Hz", "ceiling": "Hz", "basal_gain": "mV",
        "apical_gain": "mV", "basal_charge": "pC", "apical_charge": "pC", "bias_current": "pA", "apical_current": "pA",
        "clipped_pre": "1", "clipped_context": "1", "tail_pre": "Hz", "tail_context": "Hz",
    }  # fmt: skip

    def as_dict(self) -> dict[str, float]:
        """All numbers by name; their units are in `Calibration.units`."""
        return {name: float(getattr(self, name)) for name in self.units}

    def fit(self, neuron: Neuron) -> "Calibration":
        """The same scales for another neuron type: its charges, currents and basal gain follow from the closed forms."""
        return replace(
            self, basal_gain=self.post_rate / (neuron.gain * neuron.g_s),
            basal_charge=self.post_rate / (neuron.gain * self.pre_rate), bias_current=self.post_rate / neuron.gain,
            apical_charge=self.apical_gain * neuron.apical_leak / self.context_rate,
            apical_current=self.apical_gain * neuron.apical_leak,
        )  # fmt: skip


def calibrate(
    circuit: Circuit,
    neuron: Neuron = LINEAR,
    *,
    rate: float = 80.0,
    percentile: float = 99.0,
    ceiling: float = 100.0,
    apical_sd: float = 5.0,
) -> Calibration:
    """The closed forms for one circuit.

    Args:
        circuit: the intact circuit, with all its trials.
        neuron: neuron type.
        rate: rate at the percentile, Hz.
        percentile: percentile of z over all trials and neurons.
        ceiling: rates of spiking sources are clipped here, Hz.
        apical_sd: V_a - E_a per standard deviation of B c (over trials and units), mV.

    Raises:
        ModelError: a number out of range, or a circuit that is silent or has no dendritic prediction.
    """
    for name, value in (("rate", rate), ("ceiling", ceiling), ("apical_sd", apical_sd)):
        if not (math.isfinite(value) and value > 0):
            raise ModelError(f"calibration.{name}: expected a finite number above 0, got {value!r}; correct it")
    if not 0 < percentile <= 100:
        raise ModelError(f"calibration.percentile: expected above 0 and up to 100, got {percentile!r}; 99 is usual")
    pre = rate / _top(circuit.z_pre, percentile, "z_pre")
    post = rate / _top(circuit.rate, percentile, "rate")
    context = rate / _top(circuit.context, percentile, "context") if circuit.apical else 1.0
    spread = float(circuit.prediction.std()) if circuit.apical else apical_sd
    if not spread > 0:
        raise ModelError(
            "circuit.prediction: expected a dendritic prediction that varies, got a constant; calibrate the intact circuit"
            " and pass its calibration on"
        )
    unfitted = Calibration(
        pre_rate=pre, post_rate=post, context_rate=context, ceiling=ceiling, apical_gain=apical_sd / spread,
        basal_gain=0.0, basal_charge=0.0, apical_charge=0.0, bias_current=0.0, apical_current=0.0,
        clipped_pre=float((circuit.z_pre * pre > ceiling).mean()),
        clipped_context=float((circuit.context * context > ceiling).mean()) if circuit.apical else 0.0,
        tail_pre=float(np.percentile(circuit.z_pre * pre, TAIL)),
        tail_context=float(np.percentile(circuit.context * context, TAIL)) if circuit.apical else 0.0,
    )  # fmt: skip
    return unfitted.fit(neuron)


def _top(values: NDArray[np.float64], percentile: float, name: str) -> float:
    top = float(np.percentile(values, percentile)) if values.size else 0.0
    if not top > 0:
        raise ModelError(
            f"circuit.{name}: expected a {percentile:g}th percentile above 0, got {top:.3g}; choose units that are active, "
            "more trials, or a higher percentile"
        )
    return top
