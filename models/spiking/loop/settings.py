"""How a network of rates becomes one of spikes: times, rates, memory, modulators, and what is cut in a control."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

from ...errors import ModelError
from ..brian import TARGETS
from ..limits import time_constants
from ..neuron import LINEAR, Neuron, unknown

MEMORIES = {
    "persistent": "memory neurons with a slow persistent current, loaded by a corollary discharge at every eye movement",
    "slow": "apical synapses that decay as slowly as NMDA receptors or slower; past and present add up",
    "none": "apical synapses of the present population alone: a control",
}
GATES = {
    "spike": "open for a while after a somatic spike",
    "voltage": "open while the basal potential is above its threshold",
}
MODULATORS = {
    "two": "two unsigned ones; an interneuron turns the sign of the second",
    "signed": "one that raises or lowers",
}
DALE = {
    "none": "signed synapses",
    "split": "what is below 0 comes through a relay of its source, which inhibits, later than what excites",
    "relay": "every plastic synapse excites; a relay of each source inhibits all targets alike",
}
CUTS = {
    "intact": "nothing",
    "silent-soma": "somata never reach threshold",
    "shuffled-gamma": "the corollary discharge says fixation and saccade at random",
    "no-memory": "the tuft is driven by the present glance alone",
    "tuft-blocked": "receptors of the tuft are blocked",
    "gate-open": "synapses change whether the neuron was active or not",
    "shuffled-trials": "every copy's synapses meet the modulator of another copy",
    "reversed": "weights move the other way",
    "random": "weights move as far, at random",
    "zero": "weights do not move",
}

UNIT = LINEAR.but(theta_b=1.0)  # mV: after a saccade the basal potential only nears rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Parameters of a closed loop.

    Attributes:
        fixation, saccade: durations of a glance, ms; nothing is seen during the saccade.
        input_rate: Hz of an input of intensity 1: several cells that share a receptive field.
        rate: Hz of a unit with z = 1.
        memory_rate: Hz of a memory neuron that holds c = 1.
        apical_gain: mV of V_a per unit of B c.
        pool: neurons per unit.
        memory: a word of `MEMORIES`.
        tau_memory: its time constant, ms.
        tau_count: of the calcium trace that a memory is loaded from, ms.
        gate: a word of `GATES`.
        tau_gate: how long the gate stays open after a spike, ms.
        modulators: a word of `MODULATORS`.
        release: last part of a fixation in which modulators fire, ms.
        dale: a word of `DALE`.
        margin_of_weights: with Dale's law, the inhibition of a relay as a multiple of the largest weight at the start.
        background: pA of a spike of the balanced background: 500 excitatory and 500 inhibitory ones a second that cancel in the mean and
            make firing irregular; 0 for none.
        cut: a word of `CUTS`.
        eta_basal, eta_apical: step sizes of W and B; 0 freezes them.
        neuron: of the units; current-based, without a drive from the tuft to the soma.
        dt: time step, ms.
        target: `numpy` or `cython`.

    Raises:
        ModelError: an unknown word, or a number out of range.
    """

    fixation: float = 320.0
    saccade: float = 40.0
    input_rate: float = 200.0
    rate: float = 40.0
    memory_rate: float = 60.0
    apical_gain: float = 5.0
    pool: int = 1
    memory: str = "persistent"
    tau_memory: float = 2000.0
    tau_count: float = 150.0
    gate: str = "spike"
    tau_gate: float = 50.0
    modulators: str = "two"
    release: float = 20.0
    dale: str = "none"
    margin_of_weights: float = 1.5
    background: float = 120.0
    cut: str = "intact"
    eta_basal: float = 1.0
    eta_apical: float = 0.3
    neuron: Neuron = UNIT
    dt: float = 0.5
    target: str = "numpy"

    def __post_init__(self) -> None:
        words = {"memory": MEMORIES, "gate": GATES, "modulators": MODULATORS, "dale": DALE, "cut": CUTS}
        for name, known in words.items():
            if getattr(self, name) not in known:
                raise unknown(f"loop.{name}", getattr(self, name), known)
        if self.target not in TARGETS:
            raise unknown("loop.target", self.target, TARGETS)
        if self.target == "cpp_standalone":
            raise ModelError(
                "loop.target: expected numpy or cython, got cpp_standalone; weights are shared between copies at every glance, which a "
                "compiled program cannot stop for"
            )
        zero = ("saccade", "eta_basal", "eta_apical", "background")
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float):
                least = 0.0 if field.name in zero else math.ulp(0.0)
                if not (math.isfinite(value) and value >= least):
                    remedy = (
                        "a memory that never forgets cannot be built of synapses or currents; give a time"
                        if field.name == "tau_memory"
                        else "correct it"
                    )
                    raise ModelError(
                        f"loop.{field.name}: expected a finite number {'from' if field.name in zero else 'above'} 0, got {value!r}; {remedy}"
                    )
        if self.pool < 1:
            raise ModelError(f"loop.pool: expected at least 1 neuron per unit, got {self.pool}; 1 is usual")
        self._check_times()

    def _check_times(self) -> None:
        if not self.release < self.fixation:
            raise ModelError(
                f"loop.release: expected less than the fixation of {self.fixation:g} ms, got {self.release:g}; shorten it"
            )
        if self.neuron.bac or self.neuron.kappa or self.neuron.g_sa or self.neuron.noise_current:
            raise ModelError(
                f"loop.neuron: expected a segregated, current-based one, got {self.neuron.name!r} with calcium spike or coupling; use "
                "LINEAR.but(...)"
            )
        times = time_constants(self.neuron, level=2) | {
            "tau_gate": self.tau_gate, "tau_count": self.tau_count, "tau_memory": self.tau_memory, "release": self.release,
        }  # fmt: skip
        if self.memory != "persistent":
            times.pop("tau_syn_a", None)
        shortest = min(times, key=lambda name: times[name])
        if self.dt > times[shortest] / 2:
            raise ModelError(
                f"loop.dt: expected at most half of {shortest} = {times[shortest]:g} ms, got {self.dt:g}; lower it"
            )
        if self.input_rate * self.dt * 1e-3 > 0.2:
            raise ModelError(
                f"loop.input_rate: expected at most {200 / self.dt:g} Hz at a step of {self.dt:g} ms, got {self.input_rate:g}; a source fires "
                "once a step at most, lower it or the step"
            )

    @property
    def cycle(self) -> float:
        """Saccade and fixation, ms."""
        return self.saccade + self.fixation

    @property
    def kinds(self) -> tuple[float, ...]:
        """When each modulator speaks: +1 at fixations, -1 at saccades, 0 at both."""
        return (0.0,) if self.modulators == "signed" else (1.0, -1.0)

    @property
    def held(self) -> str:
        """The memory that is built: none in the control without one."""
        return "none" if self.cut == "no-memory" else self.memory

    @property
    def apical_decay(self) -> float:
        """Time constant of the apical synapses, ms: slow ones are the memory themselves."""
        return self.tau_memory if self.held == "slow" else 20.0 if self.held == "none" else self.neuron.tau_syn_a

    @property
    def past(self) -> float:
        """Share of the glance before in a slow memory, mean over a fixation, for a steady rate: what its gain is divided by.

        (1 - exp(-T / tau)) exp(-S / tau) (1 - exp(-T / tau)) tau / T with fixation T and saccade S.
        """
        if self.held != "slow":
            return 1.0
        tau = self.tau_memory
        filled = 1 - math.exp(-self.fixation / tau)
        return filled * math.exp(-self.saccade / tau) * filled * tau / self.fixation

    def but(self, **values: Any) -> "Loop":
        """The same loop with other values."""
        return replace(self, **values)
