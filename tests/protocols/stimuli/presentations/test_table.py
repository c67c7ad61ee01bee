"""What networks are shown: labels in images, patchworks, and the picture they are read out with."""

import pytest
import torch
from apical.plasticity import ClappPP, ForwardForward
from apical.protocols.errors import ConfigError
from apical.protocols.runs.setup import presentation_of
from apical.protocols.stimuli.images import ImageSet, Normalisation
from apical.protocols.stimuli.presentations.patchworks import masks
from apical.protocols.stimuli.presentations.table import PRESENTATIONS, presentation
from apical.protocols.stimuli.presentations.written_labels import labelled, neutral, write
from apical.protocols.stimuli.stimulus import ViewedImages
from apical.protocols.stimuli.views.views import ViewSettings
from hypothesis import given
from hypothesis import strategies as st

CLASSES = 5


def stimulus_of(channels=1, side=8, count=12, classes=CLASSES, unlabelled=False):
    g = torch.Generator().manual_seed(3)
    pixels = torch.randint(0, 256, (count, channels, side, side), generator=g, dtype=torch.uint8)
    label = torch.arange(count) % classes
    if unlabelled:
        label[0] = -1
    images = ImageSet.build("toy", pixels, label, [str(k) for k in range(classes)])
    # leaves grey levels readable: black is 0, white is 255
    level = Normalisation((0.0,) * channels, (1.0 / 255,) * channels)
    return ViewedImages("toy", images, images, level, ViewSettings())


def show(word, stimulus, index, seed=0):
    return PRESENTATIONS[word].show(stimulus, torch.tensor(index), torch.Generator().manual_seed(seed))


def claims(images):
    """Label pixels of every image, as shown in every channel: (n, channels, classes)."""
    return images.flatten(2)[:, :, :CLASSES].round()


@pytest.mark.parametrize("channels", [1, 3])
def test_overlay_claims_the_truth_and_then_something_else(channels):
    stimulus = stimulus_of(channels)
    index = [4, 7, 0, 11]
    images, label = show("overlay", stimulus, index)
    assert images.shape == (8, channels, 8, 8)
    assert label[:4].tolist() == stimulus.train.labels[index].tolist()
    expected = 255 * torch.nn.functional.one_hot(label, CLASSES).float()
    assert torch.equal(claims(images), expected[:, None].expand(-1, channels, -1))
    # every other pixel is the image's own, in both phases
    stored = stimulus.still(stimulus.train.images[index]).flatten(2)[:, :, CLASSES:].repeat(2, 1, 1)
    assert torch.equal(images.flatten(2)[:, :, CLASSES:], stored)


def test_wrong_labels_are_never_true_and_every_other_class():
    stimulus = stimulus_of()
    seen = torch.zeros(CLASSES, CLASSES)
    for seed in range(60):
        _, label = show("overlay", stimulus, list(range(12)), seed)
        true, wrong = label.chunk(2)
        assert (true != wrong).all()
        seen.index_put_((true, wrong), torch.ones(12), accumulate=True)
    share = seen / seen.sum(1, keepdim=True)
    off = share[~torch.eye(CLASSES, dtype=torch.bool)]
    assert (off - 0.25).abs().max() < 0.16  # at least 120 draws a class, four standard deviations


def test_the_stored_images_stay_as_they_are():
    stimulus = stimulus_of()
    before = stimulus.train.images.clone()
    show("overlay", stimulus, [0, 1])
    show("hybrids", stimulus, [0, 1])
    neutral(stimulus, stimulus.train.images)
    assert torch.equal(stimulus.train.images, before)


def test_neutral_claims_nothing_and_is_what_a_network_is_read_with():
    stimulus = stimulus_of(3)
    pixels = stimulus.test.images[:3]
    for images in (neutral(stimulus, pixels), PRESENTATIONS["overlay"].still(stimulus, pixels)):
        assert torch.equal(claims(images), torch.full((3, 3, CLASSES), 51.0))  # a fifth of white
        own = stimulus.still(pixels).flatten(2)[:, :, CLASSES:]
        assert torch.equal(images.flatten(2)[:, :, CLASSES:], own)
    for word in ("glances", "images", "hybrids"):
        assert torch.equal(PRESENTATIONS[word].still(stimulus, pixels), stimulus.still(pixels))


def test_labels_may_be_longer_than_a_row_of_pixels():
    written = write(torch.zeros(1, 1, 3, 3, dtype=torch.uint8), torch.eye(5)[[4]])
    assert written.tolist() == [[[[0, 0, 0], [0, 255, 0], [0, 0, 0]]]]


def test_more_classes_than_pixels_are_refused():
    with pytest.raises(ConfigError, match=r"overlay.classes: expected at most the 9 pixels of an image, got 10"):
        write(torch.zeros(1, 1, 3, 3, dtype=torch.uint8), torch.eye(10)[[0]])


def test_labels_are_written_in_the_levels_of_the_data():
    """After normalisation black and white are those of every other pixel."""
    stimulus = stimulus_of()
    pixels = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    pixels[0, 0, 7] = 255
    images = labelled(stimulus, pixels, torch.tensor([2]))
    assert images[0, 0, 0, 2] == images.max() == images[0, 0, 7, 0]
    assert images[0, 0, 0, 1] == images.min() == images[0, 0, 4, 4]


@given(seed=st.integers(0, 999), count=st.integers(2, 6), channels=st.sampled_from([1, 3]))
def test_hybrids_are_patchworks_of_two_images(seed, count, channels):
    stimulus = stimulus_of(channels)
    images, label = show("hybrids", stimulus, list(range(count)), seed)
    own, mixed = images.chunk(2)
    other = own.roll(-1, 0)
    assert torch.equal(own, stimulus.still(stimulus.train.images[:count]))
    from_own, from_other = (mixed == own).all(1), (mixed == other).all(1)
    assert (from_own | from_other).all(), "every place shows one of the two, in all channels"
    assert label.tolist() == [*stimulus.train.labels[:count].tolist(), *[-1] * count]


def test_masks_have_blobs_of_both_kinds():
    drawn = masks(400, 28, 28, torch.Generator().manual_seed(0)).float()
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.03)
    assert drawn.mean((1, 2, 3)).min() > 0.05
    assert drawn.mean((1, 2, 3)).max() < 0.95
    # neighbours agree far more often than chance, places further apart do not
    near, far = (((drawn == drawn.roll(by, 3)).float().mean().item()) for by in (1, 14))
    assert near > 0.8
    assert far == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("word", ["overlay", "hybrids"])
def test_draws_depend_on_the_generator_alone(word):
    stimulus = stimulus_of()
    one, two, other = (show(word, stimulus, [3, 1, 5], seed) for seed in (1, 1, 2))
    assert torch.equal(one[0], two[0])
    assert torch.equal(one[1], two[1])
    assert not torch.equal(one[0], other[0])


def test_supervised_rules_refuse_unlabelled_images():
    stimulus = stimulus_of(unlabelled=True)
    with pytest.raises(ConfigError, match=r"stimulus.name: expected a label for every training image.*got 1 without"):
        presentation_of(ForwardForward(), stimulus)
    assert presentation_of(ForwardForward(presentation="hybrids"), stimulus) is PRESENTATIONS["hybrids"]
    assert presentation_of(ClappPP(), stimulus) is PRESENTATIONS["glances"]


def test_an_unknown_presentation_is_told():
    with pytest.raises(
        ConfigError, match=r"rule.presentation: expected one of glances, .* got 'glance'; did you mean glances\?"
    ):
        presentation("glance")


def test_only_labels_in_images_claim_a_class():
    """What the read-out by goodness asks of a presentation."""
    assert [word for word, row in PRESENTATIONS.items() if row.claimed is not None] == ["overlay"]
    stimulus = stimulus_of()
    label = torch.arange(12) % CLASSES
    shown = PRESENTATIONS["overlay"].claimed(stimulus, stimulus.train.images, label)
    assert claims(shown)[:, 0].argmax(1).tolist() == label.tolist()
