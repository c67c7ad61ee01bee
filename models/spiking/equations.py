"""Equation strings for Brian2, put together from the mechanisms that a level of fidelity has.

Potentials and currents keep the field's names: V_s soma, V_b basal, V_a apical; I_b, I_a synaptic currents; w_s adaptation.
`trace` is what a pre-synaptic spike adds to the eligibility of a synapse (Form A): the gate rho' times the apical deviation in units of the
prediction; zero at neurons that lost their max-pool. `opened` is the gate alone, read in one of two ways:

    voltage   V_b - E_L > theta_b: the basal potential, which is never reset and knows of no spike of the soma
    spike     a post-synaptic spike in the last tau_gate: a trace of post-synaptic spikes that saturates at 1
    none      always: the rule has no gate beside its second factor

Of a rule whose second factor is its own, `trace` is the gate alone, so that a synapse counts the pre-synaptic spikes that the factor meets. A
neuron without apical dendrites has no V_a.
"""

from typing import Any

from .neuron import Neuron

# what a synapse does at a pre-synaptic spike; the eligibility rides on the same event
CURRENT = "{target}_post += w"
ELIGIBLE = "eligibility += trace_post"
DECAYING = "eligibility = eligibility*exp(-(t - last)/tau_e) + trace_post; last = t"
COINCIDENT = "coincidence += opened_post"
GATES = {
    "voltage": "winner*int(V_b > E_L + theta_b)",
    "spike": "winner*int(t - lastspike < gate_time)",
    "none": "winner",
}
FORMS = ("voltage", "spike")  # that a user chooses from


def neuron_equations(
    neuron: Neuron, *, level: int, conductance: bool, coincidence: bool = False, gate: str = "voltage", held: bool = False, tuft: bool = True,
    counted: bool = False,
) -> str:  # fmt: skip
    """Equations of the units' neuron group.

    Args:
        neuron: which terms exist; those with a zero coefficient are left out.
        level: 0 mean currents, 1 spiking inputs, 2 and above also a spiking soma.
        conductance: apical synapses are conductances.
        coincidence: the gate is a variable of its own.
        gate: one of `GATES`.
        held: gate and trace are held from one run of `hold_step` to the next.
        tuft: whether there is an apical compartment.
        counted: the trace is the gate alone.
    """
    lines = [
        _synaptic("I_b", "I_b_mean" if level == 0 else "", "tau_syn"),
        "dV_b/dt = (-(V_b - E_L) + (I_b + I_bias)/g_s)/tau_b : volt",
        *(_apical(neuron, level, conductance) if tuft else []),
        "I_bias : amp (constant)",
        "winner : 1 (constant)",
    ]
    opened = GATES[gate]
    trace = _trace(gate, counted)
    if level == 0:
        lines += ["I_b_mean : amp (constant)", f"dtrace_sum/dt = {trace}/second : 1"]
    elif held:
        lines += ["trace : 1", *(["opened : 1"] if coincidence else [])]
    else:
        # once per neuron and step instead of once per event; potentials move over ms, a step is 0.1 ms
        lines.append(f"trace = {trace} : 1 (constant over dt)")
        lines += [f"opened = {opened} : 1 (constant over dt)"] if coincidence else []
    if level >= 2:
        lines += _soma(neuron, tuft)
    return "\n".join(lines)


def hold_step(gate: str, coincidence: bool, counted: bool = False) -> str:
    """Read gate and trace anew. Run once a millisecond, it takes the potentials that a recording keeps, so that the change follows from these."""
    return f"trace = {_trace(gate, counted)}" + (f"; opened = {GATES[gate]}" if coincidence else "")


def _trace(gate: str, counted: bool) -> str:
    return GATES[gate] if counted else f"{GATES[gate]}*(V_a - V_rest)/s_a"


def _synaptic(name: str, mean: str, tau: str, unit: str = "amp") -> str:
    return f"d{name}/dt = ({f'{mean} - ' if mean else '-'}{name})/{tau} : {unit}"


def _soma(neuron: Neuron, tuft: bool) -> list[str]:
    current = "-g_s*(V_s - E_L) + I_0 + I_b + I_bias - w_s"
    current += " + kappa*(V_a - V_rest)" if neuron.kappa and tuft else ""
    current += " + g_sd/(1 + exp(-(V_a - E_d)/D_d))" if neuron.bac else ""
    current += " + I_noise_s" if neuron.noise_current else ""
    noise = " + sigma_s*sqrt(2/tau_s)*xi" if neuron.sigma_s else ""
    lines = [f"dV_s/dt = ({current})/C_s{noise} : volt", "dw_s/dt = -w_s/tau_w : amp"]
    return lines + (["I_noise_s : amp"] if neuron.noise_current else [])


def _apical(neuron: Neuron, level: int, conductance: bool) -> list[str]:
    current = "-g_a*(V_a - E_a)"
    lines = []
    if conductance:
        current += " - (g_exc + g_exc_bias)*(V_a - E_exc) - (g_inh + g_inh_bias)*(V_a - E_inh)"
        lines += [_synaptic(g, "", "tau_syn_a", "siemens") for g in ("g_exc", "g_inh")]
        lines += [f"{g}_bias : siemens (constant)" for g in ("g_exc", "g_inh")]
    else:
        current += " + I_a + I_a_bias"
        lines += [_synaptic("I_a", "I_a_mean" if level == 0 else "", "tau_syn_a"), "I_a_bias : amp (constant)"]
        lines += ["I_a_mean : amp (constant)"] if level == 0 else []
    if level >= 2:
        current += " + g_sa*(V_s - V_a)" if neuron.g_sa else ""
        if neuron.bac:
            # lastspike lies far in the past before the first spike
            kick = "int(t - lastspike > 0.5*ms)*int(t - lastspike < 2.5*ms)"
            current += f" + g_dd/(1 + exp(-(V_a - E_d)/D_d)) + c_d*{kick} - w_d"
            lines.append("dw_d/dt = (-w_d + a_wd*(V_a - E_a))/tau_wd : amp")
        if neuron.noise_current:
            current += " + I_noise_a"
            lines.append("I_noise_a : amp")
    return [f"dV_a/dt = ({current})/C_a : volt", *lines]


def noise_step(name: str) -> str:
    """Exact step of an Ornstein-Uhlenbeck current; drawn apart from the equations, where two noise terms have no fixed order."""
    return f"{name} = {name}*exp(-dt/tau_noise) + noise_current*sqrt(1 - exp(-2*dt/tau_noise))*randn()"


def namespace(neuron: Neuron, units: Any) -> dict[str, Any]:
    """Constants of the equations as quantities.

    Args:
        neuron: parameters.
        units: the module `brian2`.
    """
    mV, ms, pA, pF, nS = units.mV, units.ms, units.pA, units.pF, units.nS
    n = neuron
    return {
        "C_s": n.C_s * pF, "g_s": n.g_s * nS, "E_L": n.E_L * mV, "V_th": n.V_th * mV, "V_r": n.V_r * mV,
        "I_0": n.holding * pA, "b": n.b * pA, "tau_w": n.tau_w * ms, "sigma_s": n.sigma_s * mV, "tau_s": n.tau_s * ms,
        "tau_b": n.tau_b * ms, "theta_b": n.theta_b * mV, "C_a": n.C_a * pF, "g_a": n.g_a * nS, "E_a": n.E_a * mV,
        "kappa": n.kappa * nS, "g_sa": n.g_sa * nS, "tau_syn": n.tau_syn * ms, "tau_syn_a": n.tau_syn_a * ms,
        "E_exc": n.E_exc * mV, "E_inh": n.E_inh * mV, "noise_current": n.noise_current * pA,
        "tau_noise": n.tau_noise * ms, "g_sd": n.g_sd * pA, "g_dd": n.g_dd * pA, "c_d": n.c_d * pA, "E_d": n.E_d * mV,
        "D_d": n.D_d * mV, "a_wd": n.a_wd * nS, "tau_wd": n.tau_wd * ms, "ms": ms,
    }  # fmt: skip
