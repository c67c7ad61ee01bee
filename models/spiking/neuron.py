"""Parameters of the spiking two-compartment neuron: the presets `linear` and `bac`.

    C_s dV_s/dt = -g_s (V_s - E_L) + I_0 + I_b + kappa (V_a - E_a) - w_s [+ g_sd f(V_a)] + noise
    tau_w dw_s/dt = -w_s             V_s > V_th: V_s -> V_r, w_s += b; the threshold then rests for t_ref, V_s does not
    tau_b dV_b/dt = -(V_b - E_L) + I_b / g_s                                     basal potential, never reset: reports a
    C_a dV_a/dt = -g_a (V_a - E_a) + I_a + g_sa (V_s - V_a) [+ g_dd f(V_a) + c_d K(t - t_spike) - w_d]
    f(V) = 1 / (1 + exp(-(V - E_d) / D_d)),  K = 1 from 0.5 to 2.5 ms after a spike

`linear` is current-based without exponential terms: gain and rheobase are closed forms and signed drives stay linear. The terms in
brackets belong to `bac`, soma and calcium spike of Naud & Sprekeler 2018 (PNAS 115:E6329), which is switched as a whole: with the
linear soma or a slow tuft the calcium spike bursts too much.
"""

import dataclasses
import difflib
import math
from dataclasses import dataclass
from typing import Any

from ..errors import ModelError

_MAY_BE_ZERO = {
    "sigma_s", "kappa", "g_sa", "t_ref", "b", "theta_b", "delay_exc", "delay_inh", "delay_context",
    "noise_current", "g_sd", "g_dd", "c_d", "a_wd",
}  # fmt: skip
_POTENTIALS = {"E_L", "V_th", "V_r", "E_a", "E_d", "E_exc", "E_inh", "theta_b", "I_trim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Neuron:
    """Parameters of one neuron type; units pF, nS, mV, ms, pA throughout.

    Attributes:
        name: preset it came from.
        C_s, tau_s, E_L, V_th, V_r, t_ref: soma; g_s = C_s / tau_s.
        b, tau_w: spike-triggered adaptation current; it straightens the f-I curve.
        sigma_s: intrinsic noise of V_s without threshold, standard deviation in mV.
        C_a, tau_a, E_a: apical compartment; g_a = C_a / tau_a.
        tau_b: filter of the basal potential.
        theta_b: threshold of the gate rho' on V_b - E_L, mV.
        tau_gate: how long a post-synaptic spike keeps the gate open where the eligibility reads it from spikes.
        I_trim: pA, added to the closed form of I_0. A measured shift, no closed form: intrinsic noise adds firing below the rheobase, and
            -5 pA puts the largest distance of the f-I curve from ReLU over 0 to 100 Hz at 1.3 Hz, which is 1.8 Hz without.
        kappa: current into the soma per mV of apical deviation, nS; 0 = the tuft reports and does not drive.
        g_sa: ohmic leak from the soma into the tuft, nS; 0 = segregated.
        tau_syn, tau_syn_a: decay of basal and apical synaptic currents.
        delay_exc, delay_inh: synaptic delays; the inhibitory one holds a relay.
        delay_context: further delay of all apical input.
        E_exc, E_inh: reversal potentials of conductance synapses.
        rest_exc, rest_inh: background conductances of the tuft as multiples of g_a (conductance synapses only).
        bac: whether the calcium spike and the back-propagating spike exist; the fields after it apply only then.
        noise_current, tau_noise: Ornstein-Uhlenbeck current into both compartments.
        g_sd, g_dd, c_d, E_d, D_d, a_wd, tau_wd: calcium current into soma and tuft, kick by a back-propagating spike, activation,
            and the tuft's slow outward current.
    """

    name: str = "linear"
    C_s: float = 370.0
    tau_s: float = 16.0
    E_L: float = -70.0
    V_th: float = -50.0
    V_r: float = -60.0
    b: float = 170.0
    tau_w: float = 30.0
    t_ref: float = 2.0
    sigma_s: float = 2.0
    C_a: float = 170.0
    tau_a: float = 20.0
    E_a: float = -70.0
    tau_b: float = 16.0
    theta_b: float = 0.0
    tau_gate: float = 200.0
    I_trim: float = -5.0
    kappa: float = 0.0
    g_sa: float = 0.0
    tau_syn: float = 5.0
    tau_syn_a: float = 5.0
    delay_exc: float = 1.5
    delay_inh: float = 3.0
    delay_context: float = 0.0
    E_exc: float = 0.0
    E_inh: float = -80.0
    rest_exc: float = 3.2 / 8.5
    rest_inh: float = 5.3 / 8.5
    bac: bool = False
    noise_current: float = 0.0
    tau_noise: float = 2.0
    g_sd: float = 0.0
    g_dd: float = 0.0
    c_d: float = 0.0
    E_d: float = -38.0
    D_d: float = 6.0
    a_wd: float = 0.0
    tau_wd: float = 30.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in ("name", "bac"):
                continue
            low = -math.inf if field.name in _POTENTIALS else 0.0
            fits = math.isfinite(value) and (value > low or (value == 0 and field.name in _MAY_BE_ZERO))
            if not fits:
                bound = "a finite number" if low else f"a number {'from' if field.name in _MAY_BE_ZERO else 'above'} 0"
                raise ModelError(f"neuron.{field.name}: expected {bound}, got {value!r}; correct it")
        if not self.V_r < self.V_th:
            raise ModelError(f"neuron.V_r: expected less than V_th = {self.V_th} mV, got {self.V_r}; lower it")

    @property
    def g_s(self) -> float:
        """Leak conductance of the soma, nS."""
        return self.C_s / self.tau_s

    @property
    def g_a(self) -> float:
        """Leak conductance of the apical compartment, nS."""
        return self.C_a / self.tau_a

    @property
    def charge(self) -> float:
        """Charge per spike on the straight part of the f-I curve, fC: C_s (V_th - V_r) + b tau_w."""
        return self.C_s * (self.V_th - self.V_r) + self.b * self.tau_w

    @property
    def gain(self) -> float:
        """Slope of the f-I curve in Hz per pA, closed form 1 / charge."""
        return 1e3 / self.charge

    @property
    def holding(self) -> float:
        """Constant current into the soma, pA: I_0 = rheobase + I_trim."""
        return self.rheobase + self.I_trim

    @property
    def rheobase(self) -> float:
        """Current that puts the neuron at the kink of its f-I curve, pA: g_s ((V_th + V_r) / 2 - E_L)."""
        return self.g_s * ((self.V_th + self.V_r) / 2 - self.E_L)

    @property
    def apical_leak(self) -> float:
        """Conductance that a constant apical current sees, nS; with `bac` the slow outward current adds to the leak."""
        return self.g_a + (self.a_wd if self.bac else 0.0)

    @property
    def E_base(self) -> float:
        """Resting potential of a tuft with conductance synapses and background, mV."""
        total = 1 + self.rest_exc + self.rest_inh
        return (self.E_a + self.rest_exc * self.E_exc + self.rest_inh * self.E_inh) / total

    def but(self, **values: Any) -> "Neuron":
        """The same neuron with other values.

        >>> LINEAR.but(tau_a=50.0).g_a
        3.4

        Raises:
            ModelError: an unknown parameter or an impossible value.
        """
        known = [field.name for field in dataclasses.fields(self)]
        for name in values:
            if name not in known:
                raise unknown("neuron.parameter", name, known)
        return dataclasses.replace(self, **values)


LINEAR = Neuron()
BAC = Neuron(
    name="bac", bac=True, V_r=-70.0, b=200.0, tau_w=100.0, t_ref=0.5, sigma_s=0.0, I_trim=0.0, tau_a=7.0, noise_current=450.0,
    g_sd=1300.0, g_dd=1200.0, c_d=2600.0, a_wd=13.0,
)  # fmt: skip
PRESETS = {"linear": LINEAR, "bac": BAC}


def unknown(field: str, name: object, known: Any) -> ModelError:
    """Error for a word that is not among the known ones: lists them and points at the nearest."""
    words = [str(word) for word in known]
    near = difflib.get_close_matches(str(name), words, n=1)
    hint = f"; did you mean {near[0]}?" if near else "; use one of them"
    return ModelError(f"{field}: expected one of {', '.join(words)}, got {name!r}{hint}")
