"""What the network looks at: one glance after another, in copies side by side."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .wiring import Array


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """One glance of every copy.

    Attributes:
        inputs: intensities in [0, 1], (copies, inputs).
        sign: +1 where it is a fixation (the object of the glance before), -1 where a saccade led to another object, (copies,).
        object: number of the object, (copies,).
    """

    inputs: Array
    sign: Array
    object: NDArray[np.int64]
