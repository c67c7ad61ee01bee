"""What the neurons and synapses of a closed loop do, as Brian2 reads it.

Units are the two-compartment neurons of a replay with three traces more: `open` jumps to 1 at a somatic spike and decays (the gate of the
rule reads it), `count` is calcium that says how active the unit was (a memory is loaded from it), `held` is what its slow synapses
hold. Synapses carry their weight and an eligibility; a weight moves where modulator and eligibility meet:

    basal    at a pre-synaptic spike   eligibility += gate (V_a - rest) / s_a          read from the post-synaptic neuron
    apical   at a post-synaptic spike  eligibility += held                             read from the pre-synaptic one
    both     at the end of a glance    w += eta gamma eligibility
"""

from math import exp
from typing import Any

from ..equations import namespace, neuron_equations
from .settings import Loop

GATE_OPEN = 0.36787944117144233  # exp(-1): a gate stays open for tau_gate after a spike
RESET = "V_s = V_r; w_s += b; open = 1; count += per_count; held += per_held; spikes += 1"
BASAL = "I_b_post += (w + excess)*charge\neligibility += trace_post"
APICAL = "I_a_post += (w + excess)*charge"
APICAL_POST = "eligibility += held_pre"
SPLIT = {
    "I_b": ("I_b_post += clip(w, 0, inf)*charge\neligibility += trace_post", "I_b_post -= clip(-w, 0, inf)*charge"),
    "I_a": ("I_a_post += clip(w, 0, inf)*charge", "I_a_post -= clip(-w, 0, inf)*charge"),
}
INHIBIT = {"I_b": "I_b_post -= excess*charge", "I_a": "I_a_post -= excess*charge"}
SYNAPSE = "w : 1\neligibility : 1"
CONSOLIDATE = "w = clip(w + eta*gamma_post*eligibility, -excess, inf)\neligibility = 0"
MEMORY = "dpersistent/dt = -persistent/tau_memory : 1\ndheld/dt = -held/tau_held : 1\ncalcium : 1 (linked)"
SOURCE = "intensity : 1\nonset : second (shared)"
MODULATOR = "score : 1\nphase : 1\nkind : 1 (constant)\nopens : second (shared)\ncloses : second (shared)"
# a kind of 0 speaks at every glance, +1 at fixations, -1 at saccades
RELEASES = "t >= opens and t < closes and phase != 0 and kind*phase >= 0 and phase*score < margin"
RELAY = "v : 1"


def unit_equations(loop: Loop) -> str:
    """Equations of the units."""
    text = neuron_equations(loop.neuron, level=2, conductance=False)
    if loop.cut == "gate-open":
        text = text.replace("int(V_b > E_L + theta_b)", "1")
    elif loop.gate == "spike":
        text = text.replace("int(V_b > E_L + theta_b)", f"int(open > {GATE_OPEN})")
    # what centres a potential is feed-forward inhibition: it comes and goes with what is seen
    text = text.replace("I_bias : amp (constant)", "I_bias = centre*int(t >= onset) : amp (constant over dt)")
    return "\n".join(
        [
            text,
            "centre : amp (constant)",
            "onset : second (shared)",
            "dopen/dt = -open/tau_gate : 1",
            "dcount/dt = -count/tau_count : 1",
            "dheld/dt = -held/tau_held : 1",
            "prediction = (V_a - V_rest)/s_a : 1 (constant over dt)",
            "gamma : 1",
            "spikes : 1",
        ]
    )


def unit_namespace(loop: Loop, b2: Any) -> dict[str, Any]:
    """Constants of the units' equations as quantities."""
    ms = b2.ms
    neuron = loop.neuron.but(tau_syn_a=loop.apical_decay)
    if loop.cut == "silent-soma":
        neuron = neuron.but(I_trim=-1e5)
    counted = loop.rate * loop.tau_count * 1e-3 * (1 - exp(-loop.fixation / loop.tau_count))
    return namespace(neuron, b2) | {
        "V_rest": neuron.E_a * b2.mV, "s_a": loop.apical_gain * b2.mV, "tau_gate": loop.tau_gate * ms,
        "tau_count": loop.tau_count * ms, "tau_held": held_decay(loop) * ms, "per_count": 1 / counted,
        "per_held": 1 / (loop.rate * loop.apical_decay * 1e-3 * loop.past),
    }  # fmt: skip


def held_decay(loop: Loop) -> float:
    """Time constant of what an apical synapse holds for its own plasticity, ms; NMDA-like 50 ms where a memory neuron speaks."""
    return 50.0 if loop.held == "persistent" else loop.apical_decay
