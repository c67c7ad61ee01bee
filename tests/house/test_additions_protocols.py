"""What an addition costs: a data set, a read-out and a presentation are one new file and one row in one table each.

The row is added to a copy of the rooms; a tiny run is then trained and read out with it on the command line.
"""

import json

import pytest
from copies import Copy

# the command as a user gives it, its JSON on a line
COMMANDS = """
import contextlib, io, json
from apical.protocols.command.main import main

def apical(*words):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            main([*words, "--json"])
        except SystemExit as leaving:
            assert leaving.code == 0, (words, leaving.code)
    return json.loads(out.getvalue())

def tell(**found):
    print(json.dumps(found))

TINY = ["--epochs", "1", "--quiet"]
for text in (
    "network.width=0.03125", "rule.grids=[4,2,2,2,1,1]", "training.batch=8", "training.device=cpu", "recording.enabled=false",
    "probe.n_train=null",
):
    TINY += ["--set", text]
SHAPES = ["--set", "stimulus.n_train=40", "--set", "stimulus.n_test=20"]
"""


@pytest.fixture
def copy(tmp_path):
    return Copy.make(tmp_path / "copy")


@pytest.mark.slow
def test_a_data_set(copy):
    copy.add(
        "protocols/stimuli/datasets/dots.py",
        '''"""Noise with a bright dot on the left or on the right."""

import torch

from ..images import ImageSet


def load_dots(*, seed=0):
    """Train (40) and test (20) images, uint8 (N, 1, 16, 16)."""
    return _part("train", 40, seed), _part("test", 20, seed + 1)


def _part(split, count, seed):
    labels = torch.arange(count) % 2
    images = torch.randint(0, 64, (count, 1, 16, 16), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    for row, label in enumerate(labels):
        images[row, :, 6:10, 2 + 8 * label : 6 + 8 * label] = 255
    return ImageSet.build(f"dots.{split}", images, labels, ("left", "right"))
''',
    )
    copy.insert(
        "protocols/stimuli/datasets/table.py",
        "ROWS: dict[str, DataSet] = {",
        '    "dots": DataSet(description="a dot on a side", loader="datasets.dots:load_dots", reads=("seed",), crops=(0.9, 1.0), flip=0.0),\n',
    )
    assert len(copy.touched) == 2
    found = json.loads(
        copy.run(
            COMMANDS
            + """
from apical.protocols.stimuli.names import WORDS
listed = apical("data", "list")["datasets"]
apical("train", "demo", "--data", "dots", "--out", "run", *TINY, "--set", "stimulus.image_size=16")
tell(words=WORDS, listed=listed, read=apical("probe", "run", "--layers", "conv1", "--quiet"))
"""
        )
    )
    assert "dots" in found["words"]
    assert {entry["name"]: entry["status"] for entry in found["listed"]}["dots"] == "embedded"
    # views are mirrored for other data sets: here a side is a class
    assert found["read"]["accuracy"] == found["read"]["accuracy_pixels"] == 100
    assert (found["read"]["n_train"], found["read"]["n_test"]) == (40, 20)


@pytest.mark.slow
def test_a_read_out(copy):
    copy.add(
        "protocols/readouts/class_means.py",
        '''"""Read-out of frozen rates by the nearest class mean."""

import torch

from .fitted import ReadOut, standardise
from .kinds import OfRates


def _fit(x, labels, x_test, labels_test, *, draws, neighbours):
    x, x_test = standardise(x, x_test)
    classes = int(labels.max()) + 1
    means = torch.stack([x[labels == k].mean(0) for k in range(classes)])
    found = torch.cdist(x_test, means).argmin(1)
    return ReadOut(100 * float((found == labels_test).double().mean()), None, {"neighbours": neighbours})


CLASS_MEANS = OfRates(_fit)
''',
    )
    copy.insert(
        "protocols/readouts/table.py",
        "ROWS: dict[str, Row] = {",
        '    "class-means": Row(home="class_means:CLASS_MEANS", settings=("neighbours",)),\n',
    )
    assert len(copy.touched) == 2
    found = json.loads(
        copy.run(
            COMMANDS
            + """
apical("train", "demo", "--out", "run", *TINY, *SHAPES)
asked = apical("probe", "run", "--read-out", "class-means", "--layers", "conv1", "--quiet", "--set", "probe.neighbours=7")
chosen = apical("probe", "run", "--set", "probe.read_out=class-means", "--layers", "conv1", "--quiet", "--corruptions", "--corrupted-images", "4")
tell(asked=asked, chosen=chosen, schema=apical("config", "schema")["$defs"]["ProbeConfig"]["properties"]["read_out"])
"""
        )
    )
    asked, chosen = found["asked"], found["chosen"]
    assert asked["read_out"] == chosen["read_out"] == asked["settings"]["read_out"] == "class-means"
    assert asked["choices"] == {"conv1": {"neighbours": 7}, "all": {"neighbours": 7}}
    assert asked["accuracy"] == chosen["accuracy"]
    assert 0 <= asked["accuracy_pixels"] <= 100 and 0 <= chosen["accuracy_corrupted"] <= 100
    assert found["schema"]["anyOf"][0]["enum"] == ["class-means", "linear", "knn"]


@pytest.mark.slow
def test_a_presentation(copy):
    copy.add(
        "protocols/stimuli/presentations/corners.py",
        '''"""Two corners of one image as two glances; a network that is built for a corner is read out on darker whole images."""

import torch

from ..images import moved

SIDE = 16


def frame(shape):
    """Shape of a corner."""
    return shape[0], SIDE, SIDE


def still(stimulus, images):
    """Whole images, half as bright."""
    return stimulus.still(images // 2)


def corners(stimulus, index, generator):
    """Rows 0..n-1: the upper left corner, rows n..2n-1: the lower right one."""
    index = moved(index, stimulus.train.labels.device)
    images = stimulus.train.images[index]
    both = torch.cat([images[..., :SIDE, :SIDE], images[..., -SIDE:, -SIDE:]])
    return stimulus.still(both), stimulus.train.labels[index].repeat(2)
''',
    )
    table = "protocols/stimuli/presentations/table.py"
    copy.insert(table, "from ..stimulus import ViewedImages", "from . import corners\n")
    copy.insert(
        table,
        "ROWS: dict[str, Presentation] = {",
        '    "corners": Presentation(2, True, corners.corners, corners.still, corners.frame),\n',
    )
    assert len(copy.touched) == 2
    found = json.loads(
        copy.run(
            COMMANDS
            + """
from dataclasses import replace
from apical.models.populations.conv import ConvPopulation
from apical.plasticity import RULES

class Cornered(RULES["clapp++"]):
    __slots__ = ()
    if hasattr(RULES["clapp++"], "needs"):
        needs = property(lambda rule: replace(RULES["clapp++"].needs.fget(rule), presentation="corners"))
    else:
        presentation = "corners"

RULES["cornered"] = Cornered
from apical.protocols.stimuli.presentations import corners
sizes, shown = [], []
forward, still = ConvPopulation.forward, corners.still

def watched(population, pre, *arguments, **words):
    if population.name == "conv1":
        sizes.append((len(pre), pre.shape[-1]))
    return forward(population, pre, *arguments, **words)

ConvPopulation.forward = watched
apical("train", "demo", "--out", "run", *TINY, *SHAPES, "--set", "rule.name=cornered")
trained, sizes[:] = set(sizes), []
apical("probe", "run", "--layers", "conv1", "--quiet")
from apical.protocols.stimuli import load
from apical.protocols.stimuli.presentations.table import presentation
stimulus = load("shapes", n_train=4, n_test=2)
seen = presentation("corners").still(stimulus, stimulus.test.images)
tell(trained=sorted(trained), read=sorted({side for _, side in sizes}), dark=bool((seen == stimulus.still(stimulus.test.images // 2)).all()))
"""
        )
    )
    assert found == {"trained": [[16, 16]], "read": [32], "dark": True}
