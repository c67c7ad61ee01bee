"""The voltage rule of Clopath, Buesing, Vasilaki & Gerstner 2010 (Nature Neuroscience 13:344) with its cell, fit to visual cortex.

    C du/dt   = -g_L (u - E_L) + g_L D_T exp((u - V_T)/D_T) - w_ad + z + I_s     a spike holds u at 33 mV for 2 ms, then resets it
    u-, u+    = low-pass of u with tau_minus, tau_plus                           both read 4 ms late
    dw        = -A_LTD [u-(t - 4 ms) - theta_minus]+                             at every pre-synaptic spike, which lifts u by w in mV
    dw/dt     =  A_LTP x [u - theta_plus]+ [u+(t - 4 ms) - theta_minus]+         x: pre-synaptic trace of area 1, tau_x

Constants are those of NEST's `clopath_synapse_spike_pairing` example, its b = 0.0805 pA included, and otherwise the defaults of its
`aeif_psc_delta_clopath`. Differential equations have no delay: u passes through a chain of twenty filters of 0.2 ms before it is
low-passed, which delays it by 4 ms and smears it by 0.6 to 0.9 ms; with time constants of 7 and 10 ms that is below 1 %. Weights are not bounded.
"""

from .cell import Cell, Synapse

STAGES = 20
_CHAIN = "\n".join(
    f"dlate_{k}/dt = ({'u' if k == 0 else f'late_{k - 1}'} - late_{k})/tau_late : volt" for k in range(STAGES)
)

CELL = Cell(
    name="clopath",
    model=f"""free = int(timestep(t - lastspike, dt) > timestep(t_clamp, dt)) : 1 (constant over dt)
du/dt = free*(-g_L*(u - E_L) + g_L*D_T*exp(clip((u - V_T)/D_T, -100, 20)) - w_ad + z + I_s)/C : volt
dw_ad/dt = free*(a*(u - E_L) - w_ad)/tau_w : amp
dz/dt = -z/tau_z : amp
dV_T/dt = (V_T_rest - V_T)/tau_T : volt
{_CHAIN}
du_minus/dt = (late_{STAGES - 1} - u_minus)/tau_minus : volt
du_plus/dt = (late_{STAGES - 1} - u_plus)/tau_plus : volt
I_s : amp""",
    threshold="u > V_clamp",
    reset="u = V_clamp; w_ad += b; z = I_sp; V_T = V_T_max",
    refractory="2 ms",
    # the step at which the clamp ends
    every_step=("u = u + (V_reset - u)*int(timestep(t - lastspike, dt) == timestep(t_clamp, dt) + 1)",),
    namespace={
        "C": "281 pF", "g_L": "30 nS", "E_L": "-70.6 mV", "D_T": "2 mV", "a": "4 nS", "b": "0.0805 pA", "tau_w": "144 ms",
        "I_sp": "400 pA", "tau_z": "40 ms", "V_T_rest": "-50.4 mV", "V_T_max": "30.4 mV", "tau_T": "50 ms", "V_clamp": "33 mV",
        "V_reset": "-49.6 mV", "t_clamp": "2 ms", "tau_minus": "10 ms", "tau_plus": "7 ms", "tau_late": "0.2 ms",
    },
    roles={"soma": "u", "current": "I_s"},
    inputs={"I_s": "pA"},
    start=dict.fromkeys(("u", "u_minus", "u_plus", *(f"late_{k}" for k in range(STAGES))), "-70.6 mV") | {"V_T": "-50.4 mV"},
    kept={"u_minus": "mV", "u_plus": "mV"},
    source="Clopath et al. 2010, Nature Neuroscience 13:344; Brette & Gerstner 2005",
)  # fmt: skip

SYNAPSE = Synapse(
    name="clopath",
    model="""dx/dt = -x/tau_x : 1 (clock-driven)
above = clip((u_post - theta_plus)/mV, 0, inf) : 1
ready = clip((u_plus_post - theta_minus)/mV, 0, inf) : 1
dw/dt = A_LTP*x/tau_x*above*ready : 1 (clock-driven)""",
    on_pre="w -= A_LTD*clip((u_minus_post - theta_minus)/mV, 0, inf); x += 1; u_post += w*mV",
    namespace={
        "tau_x": "15 ms", "theta_minus": "-70.6 mV", "theta_plus": "-45.3 mV", "A_LTD": 14e-5, "A_LTP": 8e-5,
    },
    source="Clopath et al. 2010, Nature Neuroscience 13:344; constants of NEST's clopath_synapse_spike_pairing",
)  # fmt: skip

KICK = 80.0  # mV by which a pulse of one step lifts u, as NEST's example does


def kicks(times: list[float], duration: float, dt: float = 0.1) -> list[float]:
    """The current, pA in steps of dt, that lifts the cell by `KICK` at each time and so makes it fire.

    Args:
        times: ms.
        duration: of the course, ms.
        dt: ms.
    """
    course = [0.0] * round(duration / dt)
    for time in times:
        course[round(time / dt)] = 281.0 * KICK / dt
    return course
