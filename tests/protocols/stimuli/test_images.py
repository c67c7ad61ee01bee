"""Image sets, subsets, resizing and normalisation."""

import hashlib

import pytest
import torch
from apical.protocols.stimuli.datasets.splits import split_by_seed
from apical.protocols.stimuli.errors import StimulusError
from apical.protocols.stimuli.images import ImageSet, Normalisation, balanced_order, moved
from hypothesis import given, settings
from hypothesis import strategies as st


def photos(n: int, channels: int = 3, size: int = 8, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, size, size), dtype=torch.uint8, generator=generator)


def build(labels: list[int], **options) -> ImageSet:
    return ImageSet.build("photos.train", photos(len(labels), **options), torch.tensor(labels), ("a", "b", "c"))


def test_the_fingerprint_depends_on_pixels_labels_classes_and_shape():
    labels = torch.tensor([0, 1, 2, 1])
    images = photos(4)
    one = ImageSet.build("x", images, labels, ("a", "b", "c"))
    assert one.fingerprint == ImageSet.build("y", images.clone(), labels, ("a", "b", "c")).fingerprint
    changed = images.clone()
    changed[3, 2, 7, 7] ^= 1
    others = [
        ImageSet.build("x", changed, labels, ("a", "b", "c")),
        ImageSet.build("x", images, labels.flip(0), ("a", "b", "c")),
        ImageSet.build("x", images, labels, ("a", "b", "d")),
        ImageSet.build("x", images.view(4, 3, 4, 16), labels, ("a", "b", "c")),
    ]
    assert len({one.fingerprint, *(o.fingerprint for o in others)}) == 5
    assert len(one.fingerprint) == len(hashlib.sha256().hexdigest())


@pytest.mark.parametrize(
    ("images", "labels", "field"),
    [
        (photos(2).float(), [0, 1], "images"),
        (photos(2)[0], [0, 1], "images"),
        (photos(2, channels=2), [0, 1], "images"),
        (photos(0), [], "images"),
        (photos(2), [0], "labels"),
        (photos(2), [0, 3], "labels"),
        (photos(2), [0, -2], "labels"),
    ],
)
def test_arrays_that_disagree_are_refused(images, labels, field):
    with pytest.raises(StimulusError, match=rf"^x\.{field}: expected .*, got .*; "):
        ImageSet.build("x", images, torch.tensor(labels, dtype=torch.int64), ("a", "b", "c"))


@settings(max_examples=50, deadline=None)
@given(labels=st.lists(st.integers(-1, 2), min_size=1, max_size=60), seed=st.integers(0, 999), data=st.data())
def test_subsets_are_nested_balanced_and_follow_the_seed(labels, seed, data):
    whole = torch.tensor(labels)
    order = balanced_order(whole, seed)
    assert sorted(order.tolist()) == list(range(len(labels)))
    assert torch.equal(order, balanced_order(whole, seed))
    count = data.draw(st.integers(1, len(labels)))
    taken = whole[order[:count]].tolist()
    exhausted = {c for c in set(labels) if taken.count(c) == labels.count(c)}
    numbers = {c: taken.count(c) for c in set(labels)}
    for c in numbers:
        # no class is behind another by more than one unless it has no more images
        assert c in exhausted or all(numbers[c] >= n - 1 for n in numbers.values())


def test_subset_takes_rows_with_their_labels():
    images = build([k % 3 for k in range(30)])
    part = images.subset(9, seed=1)
    assert torch.bincount(part.labels).tolist() == [3, 3, 3]
    for image, label in zip(part.images, part.labels, strict=True):
        row = (images.images == image).flatten(1).all(1).nonzero().item()
        assert images.labels[row] == label
    assert part.fingerprint != images.fingerprint == images.subset(None).fingerprint
    for wrong in (0, 31):
        with pytest.raises(StimulusError, match=r"^photos\.train\.subset: expected 1 to 30 images") as caught:
            images.subset(wrong)
        assert caught.value.exit_code == 2


def test_labelled_drops_the_unlabelled():
    images = build([0, -1, 2, -1])
    assert images.labelled().labels.tolist() == [0, 2]
    assert torch.equal(images.labelled().images, images.images[[0, 2]])
    whole = build([0, 1, 2])
    assert whole.labelled() is whole


def test_split_by_seed_is_a_partition_and_keeps_the_unlabelled_for_training():
    images = build([k % 3 for k in range(30)] + [-1] * 5)
    train, test = split_by_seed(images, 0)
    assert torch.bincount(test.labels).tolist() == [2, 2, 2] and len(train) == 29
    assert (train.name, test.name) == ("photos.train", "photos.test")
    rows = torch.cat([train.images, test.images]).flatten(1)
    assert len(torch.unique(rows, dim=0)) == 35
    assert not torch.equal(split_by_seed(images, 1)[1].images, test.images)
    assert torch.equal(split_by_seed(images, 0)[1].images, test.images)
    with pytest.raises(StimulusError, match=r"^photos: expected a fifth"):
        split_by_seed(build([0, 1, 2, 0]), 0)


def test_statistics_are_those_of_the_pixels():
    images = photos(50)
    images[:, 1] //= 3
    measured = Normalisation.of(images)
    pixels = images.double() / 255
    torch.testing.assert_close(torch.tensor(measured.mean), pixels.mean((0, 2, 3)).float())
    torch.testing.assert_close(torch.tensor(measured.std), pixels.std((0, 2, 3), correction=0).float())
    normal = measured.apply(images)
    torch.testing.assert_close(normal.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    assert Normalisation.of(torch.full((2, 1, 4, 4), 7, dtype=torch.uint8)).std == (1.0,)


@pytest.mark.parametrize("wrong", [photos(2).float(), photos(2, channels=1), photos(2)[0]])
def test_still_refuses_other_images(wrong):
    with pytest.raises(StimulusError, match=r"^still\.images: expected uint8 \(n, 3, H, W\), got "):
        Normalisation((0.5,) * 3, (0.2,) * 3).apply(wrong)


def test_resized_keeps_the_centre():
    images = torch.zeros(2, 3, 20, 40, dtype=torch.uint8)
    images[:, :, :, 10:30] = 200
    square = ImageSet.build("x", images, torch.zeros(2, dtype=torch.int64), ("a",)).resized(10)
    assert square.shape == (3, 10, 10)
    assert (square.images[:, :, :, 1:-1] == 200).all()
    same = build([0, 1])
    assert same.resized(8) is same and same.resized(None) is same
    with pytest.raises(StimulusError, match=r"image_size: expected at least 8"):
        same.resized(4)


def test_what_is_there_already_is_not_copied():
    index = torch.arange(5)
    assert moved(index, torch.device("cpu")) is index


@pytest.mark.gpu
def test_indices_arrive_on_the_gpu_whatever_becomes_of_them_here():
    device = torch.device("cuda")
    for number in range(200):
        index = torch.full((4096,), number)
        there = moved(index, device)
        del index
        assert there.device.type == "cuda"
        assert bool((there == number).all())
