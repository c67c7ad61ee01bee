"""What driven cells did, as plain arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Driven:
    """What the cells did.

    Attributes:
        duration: ms.
        time: of the samples, ms, (samples,).
        potentials: by role, mV, (cells, samples).
        kept: the cell's other variables that were asked for, by name, in their units, (cells, samples).
        spikes: times in ms, one array per cell.
        weights: at the end, in the synapse's unit; (cells, sources), or (cells,) with wiring `one`; None without synapse.
        weight_course: the same at every sample of `weight_time`, (..., samples); None unless asked for.
        weight_time: ms; None unless asked for.
        eligibility: at the end, as `weights`; None where the synapse has none.
    """

    duration: float
    time: Array
    potentials: dict[str, Array]
    kept: dict[str, Array]
    spikes: list[Array]
    weights: Array | None = None
    weight_course: Array | None = None
    weight_time: Array | None = None
    eligibility: Array | None = None

    @property
    def counts(self) -> NDArray[np.int64]:
        """Spikes of each cell."""
        return np.array([len(times) for times in self.spikes], dtype=np.int64)

    def rate(self, start: float = 0.0) -> Array:
        """Rate of each cell from `start` (ms) to the end, Hz."""
        late = np.array([(times >= start).sum() for times in self.spikes])
        return np.asarray(late / (self.duration - start) * 1e3)
