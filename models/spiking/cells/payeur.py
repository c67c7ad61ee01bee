"""Burst-dependent plasticity (Payeur, Guerguiev, Zenke, Richards & Naud 2021, Nature Neuroscience 24:1010) with its BurstPoisson cell.

    C_s dV_s/dt = -g_s (V_s - E_L) + I_s - w_s            an event where V_s > V_th: reset, w_s += b
    C_d dV_d/dt = -g_d (V_d - E_L) + I_a - w_d            tau_wd dw_d/dt = -w_d + a (V_d - E_L)
    P           = 1 / (1 + exp(-(V_d - E_d)/D_d))         probability that an event is followed by a second spike, 5 to 15 ms later
    dw          = -eta Pbar x  at an event,   +eta x  at the second spike of a burst      that is  dw/dt = eta (B - Pbar E) x

Soma and dendrite do not touch: the dendrite decides whether an event becomes a burst, and not how often events come. x is the pre-synaptic
trace, Pbar the neuron's running ratio of bursts to events. Here x counts every pre-synaptic spike, where the source counts events, and the
trace is not normalised. Pbar starts at 0.2 and averages over `tau_mean`, which is Pbar's memory after some seconds.

The source's sigmoid has E_d = -57 mV and D_d = 6 mV; a constant current moves V_d by 1 / (g_d + a).
"""

from .cell import Cell, Synapse

CELL = Cell(
    name="burst-poisson",
    model="""dV_s/dt = (-g_s*(V_s - E_L) + I_s + I_b - w_s)/C_s + sigma_s*sqrt(2/tau_s)*xi : volt
dw_s/dt = -w_s/tau_w : amp
dV_a/dt = (-g_d*(V_a - E_L) + I_t + I_a - w_d)/C_d : volt
dI_b/dt = -I_b/tau_syn : amp
dI_a/dt = -I_a/tau_syn : amp
dw_d/dt = (-w_d + a_wd*(V_a - E_L))/tau_wd : amp
P = 1/(1 + exp(-(V_a - E_d)/D_d)) : 1
due : second
last_event : second
I_s : amp
I_t : amp""",
    # an event, or the second spike of a burst that falls due in this step
    threshold="(V_s > V_th and t - last_event >= dead) or timestep(due, dt) == timestep(t, dt)",
    reset="""second_spike = int(timestep(due, dt) == timestep(t, dt))
burst = (1 - second_spike)*int(rand() < P)
due = burst*(t + 5*ms + rand()*10*ms)
last_event = t
V_s = V_r*(1 - second_spike) + V_s*second_spike
w_s += b*(1 - second_spike)""",
    namespace={
        "C_s": "370 pF", "g_s": "23.125 nS", "E_L": "-70 mV", "V_th": "-50 mV", "V_r": "-70 mV", "b": "200 pA", "tau_w": "100 ms",
        "sigma_s": "5 mV", "tau_s": "16 ms", "C_d": "170 pF", "g_d": "24.285714 nS", "a_wd": "13 nS", "tau_wd": "30 ms",
        "E_d": "-57 mV", "D_d": "6 mV", "dead": "20 ms", "tau_syn": "5 ms",
    },
    roles={
        "soma": "V_s", "apical": "V_a", "basal_rest": "E_L", "apical_rest": "E_L", "current": "I_s", "apical_current": "I_t",
        "synaptic": "I_b", "apical_synaptic": "I_a",
    },
    inputs={"I_s": "pA", "I_t": "pA"},
    start={"V_s": "-70 mV", "V_a": "-70 mV", "due": "-1 second", "last_event": "-1 second"},
    kept={"P": "1"},
    source="Payeur et al. 2021, Nature Neuroscience 24:1010; its code's BurstPoissonGroup",
)  # fmt: skip

SYNAPSE = Synapse(
    name="burst-dependent",
    model="""dx/dt = -x/tau_x : 1 (event-driven)
dn_events/dt = -n_events/tau_mean : 1 (event-driven)
dn_bursts/dt = -n_bursts/tau_mean : 1 (event-driven)
last : second
bursting : 1
w : amp""",
    on_pre="{synaptic} += w; x += 1",
    # a spike within the gap of the one before it is the second of a burst, unless that one was a second itself
    on_post="""short = int(t - last < burst_gap)
burst = short*(1 - bursting)
event = 1 - short
w += eta*x*(burst - event*clip(n_bursts/n_events, 0, 1))
n_events += event
n_bursts += burst
bursting = short
last = t""",
    weight="w",
    unit="pA",
    namespace={"tau_x": "100 ms", "tau_mean": "4 second", "burst_gap": "16 ms", "eta": "0.1 pA"},
    start={"last": "-1 second", "n_events": 20.0, "n_bursts": 4.0},
    source="Payeur et al. 2021, Nature Neuroscience 24:1010, Eq. 1",
)
