"""Whether signals are of the same trials, so that they can be compared row by row."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from ..errors import ConfigError
from .recorded import Recorded

OF_NO_STIMULUS = ("step", "epoch")  # when a trial was, not what was shown
NO_IMAGE = ("name", "images", "sha256")  # of a data set, which its fingerprint tells, whatever it is called


def check_same_images(recorded: Recorded, other: Recorded, by: str = "") -> None:
    """Check that two recordings were made of the same images; their order is another matter.

    Args:
        recorded, other: the recordings.
        by: what the trials are averaged by. Means of a `label` are comparable between trainings that drew views of their own of one data set.

    Raises:
        ConfigError: they were not, with the first thing that differs.
    """
    if recorded.of_training != other.of_training:
        raise _differ("kind of recording", recorded.name, other.name)
    if not recorded.of_training:
        first, second = _shown(recorded), _shown(other)
        for key in [*first, *(key for key in second if key not in first)]:
            if first.get(key) != second.get(key):
                raise _differ(key, first.get(key), second.get(key))
        return
    data = [dict(each.tree.attrs.get("stimulus", {})) for each in (recorded, other)]
    for part in ("train", "test"):
        if data[0].get(part) != data[1].get(part):
            names = [f"{each.get('name')} ({str(each.get(part))[:8]})" for each in data]
            raise _differ(f"{part} images", *names)
    seeds = [each.tree.attrs.get("config", {}).get("seed") for each in (recorded, other)]
    if seeds[0] != seeds[1] and by != "label":
        raise ConfigError(
            f"analyse.with: expected two recordings of the same images, got those of two trainings of the seeds {seeds[0]} and {seeds[1]}, which "
            "drew views of their own; record both with apical record and give --recording"
        )


def _shown(recorded: Recorded) -> dict[str, Any]:
    """What the images of an own recording depend on: kind, settings, path, fingerprint, and the seed where images were drawn by it."""
    about = dict(recorded.tree.attrs.get("shown", {}))
    if about.get("kind") != "images":
        return about
    every = about.get("images")
    told: dict[str, Any] = {"kind": "images", "data set (SHA-256)": str(about.get("sha256"))[:12]}
    told |= {key: value for key, value in about.items() if key not in NO_IMAGE}
    told["count"] = about.get("count") or every
    if about.get("views") or told["count"] != every:
        told["seed"] = recorded.tree.attrs.get("presentation", {}).get("seed")
    return told


def _differ(what: str, one: Any, two: Any) -> ConfigError:
    return ConfigError(
        f"analyse.with: expected two recordings of the same images, got another {what}: {one} and {two}; "
        "record both runs with apical record, the same stimulus and --seed, and give --recording"
    )


def check_same_trials(
    signals: Mapping[str, xr.DataArray],
    others: Mapping[str, xr.DataArray] | None = None,
    recorded: Recorded | None = None,
    other: Recorded | None = None,
) -> None:
    """Check that all populations saw the same stimuli in the same order.

    Raises:
        ConfigError: they did not, or two recordings are of other images.
    """
    if recorded is not None and other is not None:
        check_same_images(recorded, other)
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
