"""Dendritic prediction of somatic spiking (Urbanczik & Senn 2014, Neuron 81:521), in units of mV, nS and pA.

    C dU/dt   = -g_L (U - E_L) + g_D (V - U) + g_E (E_E - U) + g_I (E_I - U)      soma, nudged by the conductances of a teacher
    C dV/dt   = -g_L (V - E_L) + I_d,   tau_s dI_d/dt = -I_d + w S_pre            dendrite, not reached by the soma
    V*        = (g_L E_L + g_D V) / (g_L + g_D)                                   what the dendrite predicts of U
    phi(U)    = phi_max / (1 + k exp(beta (theta - U)))                           rate; no reset
    h(V)      = d log phi / dV = beta / (1 + exp(beta (V - theta)) / k)
    tau_D dD/dt = -D + (S_post - phi(V*)) h(V*) PSP,   dw/dt = eta D              PSP: dendritic potential per unit weight

Constants are those of NEST's `pp_cond_exp_mc_urbanczik` and of its example; eta is that example's 0.17 with NEST's factors 15 (in h) and
15 C_m (in the synapse) multiplied in. The reference of the tests was computed by NEST 3.10.
"""

from .cell import Cell, Synapse

CELL = Cell(
    name="urbanczik-senn",
    model="""dU/dt = (-g_L*(U - E_L) + g_D*(V - U) + g_E*(E_E - U) + g_I*(E_I - U))/C : volt
dV/dt = (-g_L*(V - E_L) + I_d + I_dend)/C : volt
dI_d/dt = -I_d/tau_syn : amp
V_star = (g_L*E_L + g_D*V)/(g_L + g_D) : volt
predicted = phi_max/(1 + k*exp(beta*(theta - V_star))) : Hz
sensitivity = beta/(1 + exp(beta*(V_star - theta))/k) : 1/volt
rate = phi_max/(1 + k*exp(beta*(theta - U))) : Hz
g_E : siemens
g_I : siemens
I_dend : amp""",
    threshold="rand() < 1 - exp(-rate*dt)",
    refractory="3 ms",
    namespace={
        "C": "300 pF", "g_L": "30 nS", "g_D": "600 nS", "E_L": "-70 mV", "E_E": "0 mV", "E_I": "-75 mV", "tau_syn": "3 ms",
        "phi_max": "0.15 / ms", "k": 0.5, "beta": "0.3333333333 / mV", "theta": "-55 mV",
    },
    roles={"soma": "U", "apical": "V", "prediction": "V_star", "apical_rest": "E_L", "apical_current": "I_dend", "apical_synaptic": "I_d"},
    inputs={"g_E": "nS", "g_I": "nS", "I_dend": "pA"},
    start={"U": "-70 mV", "V": "-70 mV"},
    source="Urbanczik & Senn 2014, Neuron 81:521",
)  # fmt: skip

SYNAPSE = Synapse(
    name="urbanczik-senn",
    model="""dx_L/dt = -x_L/tau_L : 1 (clock-driven)
dx_s/dt = -x_s/tau_syn : 1 (clock-driven)
psp = R*(x_L - x_s) : ohm
dD/dt = -(D + predicted_post*sensitivity_post*psp)/tau_D : Hz/amp (clock-driven)
dw_free/dt = eta*D : amp (clock-driven)
w = clip(w_free/pA, 0, w_max/pA)*pA : amp""",
    on_pre="{apical_synaptic} += w; x_L += 1; x_s += 1",
    on_post="D += sensitivity_post*psp/tau_D",
    weight="w_free",
    bounded="w",
    unit="pA",
    namespace={
        "tau_L": "10 ms", "R": "14.285714285714286 Mohm", "tau_D": "100 ms", "eta": "11475 pA**2", "w_max": "1350 pA",
    },
    source="Urbanczik & Senn 2014, Neuron 81:521; constants of NEST's urbanczik_synapse_example",
)  # fmt: skip
