"""What a run is shown: every draw of every use of its images is what earlier versions drew."""

import hashlib
from dataclasses import replace

import pytest
import torch
from apical.plasticity import ClappPP
from apical.protocols.align.portions import FIT, MEASURE, Portions
from apical.protocols.lesion.events import Contingency
from apical.protocols.lesion.glances import OBJECTS, Looking
from apical.protocols.lesion.protocol import Stimuli
from apical.protocols.replay.circuits import Loaded
from apical.protocols.runs.batches import TRAINING, Batches
from apical.protocols.stimuli.presentations.table import PRESENTATIONS


class Images:
    """24 objects of three classes."""

    labels = torch.arange(24) % 3
    images = torch.zeros(24, 1, 8, 8, dtype=torch.uint8)

    def __len__(self):
        return 24

    def at(self, index, times=1):
        return self.images[index.repeat(times)]


class Seen:
    """A stimulus that notes which objects were asked for, and numbers of the stream that they were asked with."""

    name, shape, train = "seen", (1, 8, 8), Images()

    def __init__(self):
        self.log = []

    def glances(self, index, generator):
        self.log += [index, torch.randint(0, 2**31, (8,), generator=generator)]
        return torch.zeros(2 * len(index), 1, 8, 8)

    def still(self, images):
        return images.float()


class Several:
    """A rule that asks for further rows."""

    needs = replace(ClappPP(negatives="random").needs, others=3)


EITHER = ClappPP(negatives="random", phases="either")


def batches(rule=EITHER):
    return Batches(Seen(), PRESENTATIONS["glances"], rule, 3)


def digest(tensors) -> str:
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(str(tensor.dtype).encode())
        found.update(tensor.contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


def parts(pairing):
    found = [pairing.fixation, pairing.saccade, pairing.fixation_weight, pairing.saccade_weight]
    return found if pairing.others is None else [*found, pairing.others]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ClappPP(), "81b1b36f132cba1d"),
        (EITHER, "710de1649fe68ac0"),
        (Several(), "226c69f1e37aaebf"),
    ],
)
def test_draws_of_the_training(rule, expected):
    shown, found = batches(rule), []
    for step in range(8):
        epoch, position = divmod(step, 6)
        shown.show(TRAINING, shown.order(TRAINING, epoch)[4 * position : 4 * position + 4], step)
        found += parts(shown.pairing(TRAINING, 4, step))
    assert digest([*shown.stimulus.log, *found]) == expected


def test_draws_of_an_alignment():
    shown = batches()
    portions = Portions(shown, 4, 3, 5)
    found = [*portions.measure(), *portions.fit()]
    pairings = [tensor for batch in found for tensor in parts(batch.pairing)]
    assert digest([*shown.stimulus.log, *pairings]) == "bde459c65e12a746"


def test_draws_of_a_replay():
    class Run:
        rule, batches, stimulus = EITHER, batches(), Seen()
        presentation = PRESENTATIONS["glances"]

    loaded = Loaded(Run, None, 0, None)
    found = [loaded.glances(5), loaded.glances(6, "learning", 2), loaded.glances(4, "held-out")]
    pairings = [tensor for batch in found for tensor in parts(batch.pairing)]
    assert digest([*Run.batches.stimulus.log, *pairings]) == "0325f05241f14b63"


@pytest.mark.parametrize(
    ("kind", "count", "expected"),
    [
        ("stream", 6, "26e32c9994d11e97"),
        ("familiar", 6, "a606e14e7cecaff9"),
        ("pairs", 4, "90041b6bb2917e5a"),
    ],
)
def test_draws_of_a_lesion(kind, count, expected):
    shown = batches(ClappPP())
    looking, found = Looking(shown, Stimuli(objects=kind, count=count), 8), []
    asked = [("fixation", 0, "next"), ("fixation", 5, "random")]
    everyone = [(*one, c) for one in asked for c in (Contingency(), Contingency(follows="random", share=0.5))]
    for purpose, step, negatives, contingency in everyone:
        seen = looking.glances(purpose, step, contingency, negatives)
        found += [*parts(seen.pairing), seen.substituted.long()]
    if kind == "pairs":
        found += looking.pairs()
    if kind == "familiar":
        sequence = Contingency(follows="sequence", length=4, share=0.5)
        seen = Looking(shown, Stimuli(objects="familiar", count=12), 8).glances("probe", 1, sequence, "next")
        found += [*parts(seen.pairing), seen.substituted.long()]
    assert digest([*shown.stimulus.log, *found]) == expected


def test_no_use_of_the_images_shares_the_views_or_the_pairing_of_another():
    names = [name for purpose in (TRAINING, MEASURE, FIT, OBJECTS) for name in (purpose.views, purpose.pairing)]
    assert len(set(names)) == len(names)
