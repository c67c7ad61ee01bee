"""Some units after the other give what all give at once."""

import numpy as np
import xarray as xr
from apical.recordings.analysis import by_units, responses, sparsity

from .signals import signal


def test_portions_are_the_whole():
    random = np.random.default_rng(0)
    rate = signal(random.gamma(1.0, size=(40, 1500)), 8, label=random.integers(0, 3, 40))
    rate = rate.assign_coords(unit_id=("unit", np.arange(1500)))
    sizes = []

    def function(part):
        sizes.append(part.sizes["unit"])
        return responses(part, ["label"])

    found = by_units(function, rate, 100, 1024 * 100)
    assert sizes == [1024, 476]
    xr.testing.assert_identical(found, responses(rate, ["label"]))


def test_few_units_are_one_portion():
    rate = signal(np.ones((4, 3)))
    xr.testing.assert_identical(by_units(sparsity, rate, 1 << 40), sparsity(rate))
