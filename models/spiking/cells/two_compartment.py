"""The replays' own neuron as a cell given by equations, and the eligibility of its basal synapses in six forms.

    A        pre-synaptic spike                        eligibility += H(V_b - E_L) (V_a - rest)                          `apical-pre`
    A copy   pre-synaptic spike                        e += H(V_b - E_L) D,  tau_D dD/dt = -D + V_a - V_c         `apical-pre-copy`
    A quiet  the same as A, later than 10 ms after a spike  eligibility += H(V_b - E_L) (V_a - rest) H(t - t_post - 10 ms)    `apical-pre-quiet`
    B        post-synaptic spike                       eligibility += x (V_a - rest),   tau_x dx/dt = -x + spikes        `apical-post`
    D        burst, against what is usual              eligibility += x (burst - P event)                                `apical-burst`
    D'       burst                                     eligibility += x burst                                            `burst-alone`

V_c is a copy of the tuft that gets the neuron's own back-propagating spikes, with their plateaus and slow outward current, but no context: the
efference copy against which `bac` has to read its tuft, since its spikes alone put V_a far above rest (`from_neuron(..., copy=True)`, cell
`bac-copy`). The copy has the tuft's own constants, but for `c_copy`, the kick of a
spike, which may differ; how a neuron would come by it is not modelled.

A burst is a spike within 16 ms of the one before it (its first such spike counts), an event is any other spike; P is the neuron's own
running ratio of bursts to events. B and D carry the post-synaptic rate and not rho': they are other rules in expectation.
"""

from dataclasses import replace

from ...errors import ModelError
from ..equations import neuron_equations, noise_step
from ..neuron import BAC, LINEAR, Neuron
from .cell import Cell, Synapse

QUIET = "10 ms"
BURST = "16 ms"


COPY = """dV_c/dt = (-g_a*(V_c - E_a) + g_dd/(1 + exp(-(V_c - E_d)/D_d)) + c_copy*{kick} - w_c)/C_a : volt
dw_c/dt = (-w_c + a_wd*(V_c - E_a))/tau_wd : amp
dD/dt = (V_a - V_c - D)/tau_D : volt""".format(kick="int(t - lastspike > 0.5*ms)*int(t - lastspike < 2.5*ms)")


def from_neuron(neuron: Neuron = LINEAR, *, copy: bool = False) -> Cell:
    """The neuron of a replay as a cell.

    Its inputs are constant or time-varying currents, `I_s` into the soma besides the holding current, `I_t` into the tuft; synapses add to
    `I_b` and `I_a`, which decay.

    Args:
        neuron: its parameters.
        copy: whether it has the efference copy V_c of its tuft and the deviation D from it besides; only where spikes reach the tuft.

    Raises:
        ModelError: a copy of a tuft that no spike reaches.
    """
    if copy and not neuron.bac:
        raise ModelError(
            f"from_neuron.copy: expected a neuron whose spikes reach the tuft, got {neuron.name}; take BAC, or read V_a against its rest"
        )
    text = neuron_equations(neuron, level=2, conductance=False)
    text = text.replace("I_bias : amp (constant)", "I_s : amp").replace("I_a_bias : amp (constant)", "I_t : amp")
    text = text.replace("I_bias", "I_s").replace("I_a_bias", "I_t")
    lines = [line for line in text.splitlines() if not line.startswith(("trace", "winner"))]
    n = neuron
    namespace = {
        "C_s": f"{n.C_s} pF", "g_s": f"{n.g_s} nS", "E_L": f"{n.E_L} mV", "V_th": f"{n.V_th} mV", "V_r": f"{n.V_r} mV",
        "I_0": f"{n.holding} pA", "b": f"{n.b} pA", "tau_w": f"{n.tau_w} ms", "sigma_s": f"{n.sigma_s} mV", "tau_s": f"{n.tau_s} ms",
        "tau_b": f"{n.tau_b} ms", "C_a": f"{n.C_a} pF", "g_a": f"{n.g_a} nS", "E_a": f"{n.E_a} mV", "V_rest": f"{n.E_a} mV",
        "kappa": f"{n.kappa} nS", "g_sa": f"{n.g_sa} nS", "tau_syn": f"{n.tau_syn} ms", "tau_syn_a": f"{n.tau_syn_a} ms",
        "noise_current": f"{n.noise_current} pA", "tau_noise": f"{n.tau_noise} ms", "g_sd": f"{n.g_sd} pA", "g_dd": f"{n.g_dd} pA",
        "c_d": f"{n.c_d} pA", "E_d": f"{n.E_d} mV", "D_d": f"{n.D_d} mV", "a_wd": f"{n.a_wd} nS", "tau_wd": f"{n.tau_wd} ms",
    }  # fmt: skip
    cell = Cell(
        name=n.name, model="\n".join(lines), threshold="V_s > V_th", reset="V_s = V_r; w_s += b", refractory=f"{n.t_ref} ms",
        namespace=namespace, inputs={"I_s": "pA", "I_t": "pA"},
        roles={
            "soma": "V_s", "basal": "V_b", "apical": "V_a", "basal_rest": "E_L", "apical_rest": "V_rest", "current": "I_s",
            "apical_current": "I_t", "synaptic": "I_b", "apical_synaptic": "I_a",
        },
        start={"V_s": f"{n.E_L} mV", "V_b": f"{n.E_L} mV", "V_a": f"{n.E_a} mV"},
        every_step=tuple(noise_step(name) for name in ("I_noise_a", "I_noise_s")) if n.noise_current else (),
        source="Naud & Sprekeler 2018, PNAS 115:E6329" if n.bac else "Apical",
    )  # fmt: skip
    if not copy:
        return cell
    return replace(
        cell, name=f"{n.name}-copy", model=f"{cell.model}\n{COPY}", namespace={**namespace, "tau_D": "20 ms", "c_copy": f"{n.c_d} pA"},
        roles={**cell.roles, "apical_deviation": "D"}, start={**cell.start, "V_c": f"{n.E_a} mV"},
    )  # fmt: skip


CELLS = {"linear": from_neuron(LINEAR), "bac": from_neuron(BAC), "bac-copy": from_neuron(BAC, copy=True)}

_ELIGIBLE = "w : amp\neligibility : volt"
_TRACE = "dx/dt = -x/tau_x : 1 (event-driven)"
_GATED = "{synaptic} += w; eligibility += int({basal} > {basal_rest})*({apical} - {apical_rest})"
_BURSTS = "last : second\nbursting : 1\nn_events : 1\nn_bursts : 1\nw : amp\neligibility : 1"
# the first spike after `burst_gap` is an event, the second of a burst its burst; P comes from spikes before this one
_SORTED = """short = int(t - last < burst_gap)
burst = short*(1 - bursting)
event = 1 - short
{change}
n_bursts += burst
n_events += event
bursting = short
last = t"""
_USUAL = "eligibility += x*(burst - event*(n_bursts + 0.2)/(n_events + 1.0))"
_NAMES = {"weight": "w", "unit": "pA", "eligibility": "eligibility"}

SYNAPSES = {
    "apical-pre": Synapse(
        name="apical-pre", model=_ELIGIBLE, on_pre=_GATED, eligibility_unit="mV", weight="w", unit="pA", eligibility="eligibility",
        source="Apical: form A of a replay",
    ),
    "apical-pre-copy": Synapse(
        name="apical-pre-copy", model=_ELIGIBLE, on_pre="{synaptic} += w; eligibility += int({basal} > {basal_rest})*{apical_deviation}",
        eligibility_unit="mV", weight="w", unit="pA", eligibility="eligibility",
        source="Apical: form A against an efference copy of the tuft",
    ),
    "apical-pre-quiet": Synapse(
        name="apical-pre-quiet", model=_ELIGIBLE, on_pre=f"{_GATED}*int(t - lastspike_post > quiet)",
        namespace={"quiet": QUIET}, eligibility_unit="mV", weight="w", unit="pA", eligibility="eligibility",
        source="Apical: form A, away from the neuron's own spikes",
    ),
    "apical-post": Synapse(
        name="apical-post", model=f"{_TRACE}\n{_ELIGIBLE}", on_pre="{synaptic} += w; x += 1", on_post="eligibility += x*({apical} - {apical_rest})",
        namespace={"tau_x": "20 ms"}, eligibility_unit="mV", weight="w", unit="pA", eligibility="eligibility",
        source="Apical: form B of a pairing",
    ),
    "apical-burst": Synapse(
        name="apical-burst", model=f"{_TRACE}\n{_BURSTS}", on_pre="{synaptic} += w; x += 1", on_post=_SORTED.replace("{change}", _USUAL),
        namespace={"tau_x": "100 ms", "burst_gap": BURST}, start={"last": "-1 second"}, **_NAMES,
        source="Payeur et al. 2021, Nature Neuroscience 24:1010, Eq. 1, held as an eligibility",
    ),
    "burst-alone": Synapse(
        name="burst-alone", model=f"{_TRACE}\n{_BURSTS}", on_pre="{synaptic} += w; x += 1", on_post=_SORTED.replace("{change}", "eligibility += x*burst"),
        namespace={"tau_x": "100 ms", "burst_gap": BURST}, start={"last": "-1 second"}, **_NAMES,
        source="Apical: the burst term of burst-dependent plasticity alone",
    ),
}  # fmt: skip
