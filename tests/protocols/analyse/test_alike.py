"""Two recordings are compared where they are of the same images."""

from pathlib import Path

import apical
import pytest
import xarray as xr
from apical.protocols.analyse.alike import check_same_images
from apical.protocols.analyse.recorded import Recorded
from apical.protocols.errors import ConfigError

from .recorded_runs import make_run

NOISE = {"kind": "white-noise", "frames": 10, "seed": 0}
STILLS = {"kind": "images", "name": "own", "part": "test", "count": 0, "views": False, "images": 50, "sha256": "ab12"}
VIEWS = STILLS | {"views": True}


def own(shown, seed=0):
    return Recorded(Path("run"), "own", Path("own.zarr"), xr.DataTree(xr.Dataset(attrs={"shown": shown, "presentation": {"seed": seed}})))  # fmt: skip


def training(data, seed=0):
    return Recorded(Path("run"), "training", Path("recording.zarr"), xr.DataTree(xr.Dataset(attrs={"stimulus": data, "config": {"seed": seed}})))  # fmt: skip


@pytest.mark.parametrize(
    ("one", "two", "difference"),
    [
        (own(NOISE), own(NOISE | {"seed": 1}), "another seed: 0 and 1"),
        (own(NOISE), own(STILLS), "another kind: white-noise and images"),
        (own({"kind": "array", "path": "a.npy"}), own({"kind": "array", "path": "b.npy"}), "another path: a.npy and b.npy"),
        (own(STILLS), own(STILLS | {"sha256": "cd34"}), "another data set (SHA-256): ab12 and cd34"),
        (own(STILLS), own(STILLS | {"count": 5}), "another count: 50 and 5"),
        (own(STILLS | {"count": 5}, 0), own(STILLS | {"count": 5}, 1), "another seed: 0 and 1"),
        (own(VIEWS, 0), own(VIEWS, 1), "another seed: 0 and 1"),
        (own(STILLS), training({"name": "shapes"}), "another kind of recording: own and training"),
        (training({"name": "a", "train": "x1"}), training({"name": "b", "train": "x2"}), "another train images: a (x1) and b (x2)"),
        (training({}, 0), training({}, 1), "drew views of their own"),
    ],
)  # fmt: skip
def test_other_images_are_refused_by_their_first_difference(one, two, difference):
    with pytest.raises(ConfigError) as refused:
        check_same_images(one, two)
    assert difference in str(refused.value)


def test_order_and_names_are_no_difference():
    check_same_images(own(STILLS, 0), own(STILLS | {"name": "cifar10", "count": 50}, 1))  # shuffled by another seed
    check_same_images(own(NOISE, 0), own(NOISE, 1))  # noise has a seed of its own
    same = {"name": "shapes", "train": "x1", "test": "y1"}
    check_same_images(training(same, 0), training(same | {"name": "other"}, 0))
    check_same_images(training(same, 0), training(same, 1), by="label")


def test_rsa_asks_too(tmp_path):
    """Of class means of two trainings of other images."""
    one, two = (make_run(tmp_path / name, replay=False, attributes={"stimulus": {"name": name, "train": name}}) for name in ("a", "b"))  # fmt: skip
    with pytest.raises(ConfigError, match="another train images"):
        apical.analyse(one, "rsa", other=two)
    with pytest.raises(ConfigError, match="another train images"):
        apical.analyse(one, "cka", other=two)
