"""Whether signals are of the same trials, so that they can be compared row by row."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..errors import ConfigError
from .recorded import Recorded

OF_NO_STIMULUS = ("step", "epoch")  # when a trial was, not what was shown


def check_same_trials(
    signals: Mapping[str, xr.DataArray],
    others: Mapping[str, xr.DataArray] | None = None,
    recorded: Recorded | None = None,
    other: Recorded | None = None,
) -> None:
    """Check that all populations saw the same stimuli in the same order.

    Raises:
        ConfigError: they did not, or two trainings are compared, which drew views of their own.
    """
    if recorded is not None and other is not None and recorded.of_training and other.of_training:
        seeds = [each.tree.attrs.get("config", {}).get("seed") for each in (recorded, other)]
        if seeds[0] != seeds[1]:
            raise ConfigError(
                f"analyse.with: expected two recordings of the same images, got those of two trainings of the seeds {seeds[0]} and {seeds[1]}, which "
                "drew views of their own; record both with apical record and give --recording"
            )
    first_name, first = next(iter(signals.items()))
    for name, signal in [*signals.items(), *(others or {}).items()]:
        if len(signal) != len(first):
            raise ConfigError(
                f"analyse.{name}: expected {len(first)} trials as of {first_name}, got {len(signal)}; record both with the same stimuli"
            )
        for key, coordinate in first.coords.items():
            if coordinate.dims != first.dims[:1] or key in OF_NO_STIMULUS:
                continue
            if key not in signal.coords or not _equal(coordinate.values, signal.coords[key].values):
                raise ConfigError(
                    f"analyse.{name}: expected the trials of {first_name}, got another {key}; record both with the same stimuli"
                )


def _equal(a: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]", b: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> bool:  # fmt: skip
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f" and b.dtype.kind == "f")
