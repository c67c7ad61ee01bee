"""Panels of a protocol's figure."""

import numpy as np
import pytest
import xarray as xr
from apical.protocols.lesion.figure import draw
from apical.protocols.lesion.spec import load


def scores(largest: float) -> xr.Dataset:
    """Two conditions, two seeds, one probe, three populations."""
    values = np.random.default_rng(0).random((2, 2, 1, 3))
    values[1, 0, 0, 2] = largest
    names = {"condition": ["hinge", "no_gate"], "seed": [0, 1], "probe": ["after"], "population": ["a", "b", "c"]}
    found = xr.DataArray(values, names, list(names), attrs={"long_name": "score u", "units": "1"})
    return xr.Dataset({"score_same": found})


@pytest.mark.parametrize(("largest", "scale"), [(3.0, "linear"), (1e27, "symlog")])
def test_a_condition_that_diverges_leaves_the_others_legible(largest, scale):
    panel = draw(load("fixation_saccade"), scores(largest), []).axes[0]
    assert panel.get_yscale() == scale
    low, high = (panel.transData.transform((0, y))[1] for y in (0.0, 1.0))
    assert abs(high - low) > 0.05 * panel.bbox.height
