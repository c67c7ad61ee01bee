"""Random streams as functions of (seed, stream, step).

No state has to be saved: the step alone restores every draw, and a draw does not depend on what was drawn before it.
"""

import zlib

import numpy as np
import torch


def stream(seed: int, name: str, step: int = 0) -> torch.Generator:
    """A CPU generator for one step of one named stream, independent of all other steps and streams.

    >>> float(torch.rand(1, generator=stream(0, "views", 7))) == float(torch.rand(1, generator=stream(0, "views", 7)))
    True
    """
    words = np.random.SeedSequence([seed, zlib.crc32(name.encode()), step]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(words[0]))
