"""Is the upper half lighter than the lower?"""

import numpy as np


def halves(*, seed: int = 0, count: int = 64):
    def part(count, seed):
        labels = np.arange(count) % 2
        images = np.random.default_rng(seed).integers(0, 64, (count, 8, 8), dtype=np.uint8)
        images[labels == 1, :4] += 120
        return images, labels

    return part(count, seed), part(count // 2, seed + 1)
