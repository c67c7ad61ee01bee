"""The embedded stimulus: determinism, pairs, and the difficulty of the task."""

import pytest
import torch
from apical.protocols.stimuli.errors import StimulusError
from apical.protocols.stimuli.objects.outlines import OUTLINES
from apical.protocols.stimuli.objects.render import GLANCE_COLUMNS, OBJECT_COLUMNS, Ranges, render
from apical.protocols.stimuli.objects.shapes import CLASSES, load_shapes


@pytest.fixture(scope="module")
def shapes():
    return load_shapes(n_train=400, n_test=100, seed=3)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_types_sizes_and_balance(shapes):
    assert shapes.shape == (3, 32, 32) and len(shapes.train) == 400 and len(shapes.test) == 100
    assert shapes.train.classes == CLASSES and len(CLASSES) == 10
    assert shapes.train.images.dtype == shapes.second.dtype == torch.uint8
    assert torch.bincount(shapes.train.labels).tolist() == [40] * 10
    assert torch.bincount(shapes.test.labels).tolist() == [10] * 10


def test_the_seed_alone_decides_bit_for_bit(shapes):
    before = torch.random.get_rng_state()
    again, other = (load_shapes(n_train=400, n_test=100, seed=s) for s in (3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(again.train.images, shapes.train.images) and torch.equal(again.second, shapes.second)
    assert torch.equal(again.test.images, shapes.test.images)
    assert again.train.fingerprint == shapes.train.fingerprint != other.train.fingerprint


def test_the_number_of_threads_changes_nothing(shapes):
    threads = torch.get_num_threads()
    torch.set_num_threads(3 if threads != 3 else 2)
    try:
        again = load_shapes(n_train=400, n_test=100, seed=3)
        assert torch.get_num_threads() == (3 if threads != 3 else 2)
    finally:
        torch.set_num_threads(threads)
    assert again.train.fingerprint == shapes.train.fingerprint


def test_more_objects_extend_the_fewer(shapes):
    fewer = load_shapes(n_train=150, n_test=20, seed=3)
    assert torch.equal(fewer.train.labels, shapes.train.labels[:150])
    assert torch.equal(fewer.train.images, shapes.train.images[:150])
    assert torch.equal(fewer.test.images, shapes.test.images[:20])


def test_test_objects_are_new(shapes):
    rows = shapes.test.images.flatten(1).float()
    assert torch.cdist(rows, shapes.train.images.flatten(1).float()).min() > 100
    assert torch.cdist(rows, shapes.second.flatten(1).float()).min() > 100


def silhouettes(number: int, objects: torch.Tensor, views: torch.Tensor) -> torch.Tensor:
    """Render without texture or background: what differs between light and dark ranges is the object."""
    outline = list(OUTLINES.values())[number]
    return render(outline, objects, views, 32, 32, Ranges(brightness=(1.0, 1.0), cast=0.0))


def test_a_fixation_shows_the_same_object_under_another_glance(shapes):
    objects = torch.rand(1, OBJECT_COLUMNS, generator=generator(1)).expand(2, -1).clone()
    views = torch.rand(2, GLANCE_COLUMNS, generator=generator(2))
    pair = silhouettes(3, objects, views)
    assert (pair[0].float() - pair[1].float()).abs().mean() > 10
    views[1] = views[0]
    assert torch.equal(*silhouettes(3, objects, views))
    # The outline depends on the class alone: the same object and glance in another class is another image.
    assert not torch.equal(silhouettes(3, objects, views), silhouettes(4, objects, views))


def test_both_glances_of_a_row_have_the_hue_of_their_object():
    """Object colour, 23 uniform numbers, belongs to the object: without light the centre pixels agree."""
    disc = OUTLINES["disc"]
    objects = torch.rand(40, OBJECT_COLUMNS, generator=generator(5))
    ranges = Ranges(texture=(0.0, 0.0), offset=0.0, cast=0.0, brightness=(1.0, 1.0))
    centre = [
        render(disc, objects, torch.rand(40, GLANCE_COLUMNS, generator=generator(s)), 32, 32, ranges)[:, :, 16, 16]
        for s in (1, 2)
    ]
    direction = [torch.nn.functional.normalize(c.float(), dim=1) for c in centre]
    assert ((direction[0] * direction[1]).sum(1) > 0.999).all()


def test_glances_are_the_two_rendered_ones_in_random_order(shapes):
    index = torch.arange(0, 400, 2)
    views = shapes.glances(index, generator(1))
    assert views.shape == (400, 3, 32, 32) and views.dtype == torch.float32
    grey = torch.tensor([0.299, 0.587, 0.114])
    normal = shapes.normalisation
    pixels = views * torch.tensor(normal.std)[:, None, None] + torch.tensor(normal.mean)[:, None, None]

    def contours(x: torch.Tensor) -> torch.Tensor:
        luminance = torch.einsum("c,nchw->nhw", grey, x.float()).flatten(1)
        return torch.nn.functional.normalize(luminance - luminance.mean(1, keepdim=True), dim=1)

    one, two = contours(shapes.train.images[index]), contours(shapes.second[index])
    first, second = contours(pixels[:200]), contours(pixels[200:])
    straight = ((first * one).sum(1) > 0.999) & ((second * two).sum(1) > 0.999)
    swapped = ((first * two).sum(1) > 0.999) & ((second * one).sum(1) > 0.999)
    assert (straight ^ swapped).all()
    assert 60 < int(swapped.sum()) < 140


def test_glances_follow_the_generator(shapes):
    index, before = torch.tensor([5, 0, 5]), torch.random.get_rng_state()
    first, again, other = (shapes.glances(index, generator(s)) for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_still_images_are_normalised(shapes):
    still = shapes.still(shapes.train.images)
    torch.testing.assert_close(still.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(still.std((0, 2, 3)), torch.ones(3), rtol=0, atol=1e-4)


def ridge(train: torch.Tensor, labels: torch.Tensor, test: torch.Tensor, wanted: torch.Tensor) -> float:
    centre = train.mean(0)
    x, y = train - centre, torch.nn.functional.one_hot(labels, 10).float() - 0.1
    dual = torch.linalg.solve(x @ x.T + 0.3 * x.square().sum(1).mean() * torch.eye(len(x)), y)
    return float((((test - centre) @ (x.T @ dual)).argmax(1) == wanted).float().mean())


def test_pixels_are_a_poor_linear_read_out():
    shapes = load_shapes(n_train=1500, n_test=500)
    train, test = shapes.still(shapes.train.images).flatten(1), shapes.still(shapes.test.images).flatten(1)
    accuracy = ridge(train, shapes.train.labels, test, shapes.test.labels)
    assert 0.1 < accuracy < 0.4


def test_outlines_tell_the_classes_apart():
    """Without background and with a fixed pose, the pixels suffice: what makes the task hard is the variation."""
    fixed = Ranges(size=(0.7, 0.7), offset=0.0, turn=0.0, orientation=0.0, texture=(0.0, 0.0), cast=0.0)
    g, images, labels = generator(), [], []
    for number, outline in enumerate(OUTLINES.values()):
        objects = torch.rand(60, OBJECT_COLUMNS, generator=g)
        images.append(render(outline, objects, torch.rand(60, GLANCE_COLUMNS, generator=g), 32, 32, fixed))
        labels += [number] * 60
    x, y = torch.cat(images).float().flatten(1) / 255, torch.tensor(labels)
    half = torch.arange(600) % 2 == 0
    assert ridge(x[half], y[half], x[~half], y[~half]) > 0.4


@pytest.mark.parametrize("size", [8, 33, 64])
def test_every_size_works(size):
    small = load_shapes(image_size=size, n_train=20, n_test=10)
    assert small.shape == (3, size, size)
    assert small.train.images.float().std() > 10


def test_a_larger_image_shows_the_same_scene():
    small, large = (load_shapes(image_size=s, n_train=50, n_test=10).train.images.float() for s in (32, 128))
    shrunk = torch.nn.functional.avg_pool2d(large, 4)
    assert (shrunk - small).abs().mean() < 6


@pytest.mark.parametrize("wrong", [{"image_size": 7}, {"n_train": 0}, {"n_test": -1}])
def test_impossible_sizes_are_refused(wrong):
    field = next(iter(wrong))
    with pytest.raises(StimulusError, match=rf"^shapes\.{field}: expected at least \d+, got .*; ") as caught:
        load_shapes(**wrong)
    assert caught.value.exit_code == 2
