"""Corruptions: types, order of the severities, draws, and what each does to images with a known answer."""

import pytest
import torch
from apical.protocols.stimuli import StimulusError
from apical.protocols.stimuli.objects.shapes import load_shapes
from apical.protocols.stimuli.views.blurs import defocus_blur, elastic, motion_blur, zoom_blur
from apical.protocols.stimuli.views.compression import jpeg, pixelate
from apical.protocols.stimuli.views.corruptions import CORRUPTIONS, SEVERITIES, contact_sheet, corrupt, shot_noise

every_corruption = pytest.mark.parametrize("name", CORRUPTIONS)
UNUSED = torch.Generator()


@pytest.fixture(scope="module")
def images():
    return load_shapes(image_size=32, n_train=4, n_test=60, seed=0).test.images


def distance(images, other):
    return float((images.float() - other.float()).square().mean().sqrt())


@every_corruption
def test_shape_dtype_and_stronger_is_farther(images, name):
    before = images.clone()
    distances = []
    for severity in SEVERITIES:
        found = corrupt(images, name, severity, seed=1)
        assert (found.shape, found.dtype) == (images.shape, torch.uint8)
        distances.append(distance(images, found))
    assert distances[0] > 2
    assert distances == sorted(set(distances))
    assert torch.equal(images, before)


@every_corruption
@pytest.mark.parametrize("shape", [(5, 1, 28, 28), (3, 3, 13, 20), (2, 3, 8, 8)], ids=str)
def test_grey_odd_and_oblong_images(name, shape):
    noise = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert corrupt(noise, name, 5).shape == shape


@every_corruption
def test_draws_depend_on_the_seed_alone(images, name):
    state = torch.random.get_rng_state()
    one, again, other = (corrupt(images, name, 3, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert torch.equal(torch.random.get_rng_state(), state)
    drawn = {"gaussian_noise", "shot_noise", "impulse_noise", "motion_blur", "fog", "elastic"}
    assert torch.equal(one, other) == (name not in drawn)


@every_corruption
def test_every_image_has_draws_of_its_own(name):
    """The same picture twice in a batch is not corrupted twice alike, where chance has a part."""
    picture = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    one, two = corrupt(picture.expand(2, -1, -1, -1), name, 4)
    drawn = {"gaussian_noise", "shot_noise", "impulse_noise", "motion_blur", "fog", "elastic"}
    assert torch.equal(one, two) == (name not in drawn)


def test_a_flat_image_stays_flat_where_light_is_only_moved():
    flat = torch.full((2, 3, 24, 24), 0.6)
    for move in (defocus_blur, motion_blur, zoom_blur, elastic, pixelate):
        torch.testing.assert_close(move(flat, 0.3, torch.Generator().manual_seed(0)), flat)


def test_noise_has_the_stated_strength():
    grey = torch.full((4, 3, 64, 64), 128, dtype=torch.uint8)
    for severity, strength in zip(SEVERITIES, CORRUPTIONS["gaussian_noise"].strengths, strict=True):
        assert distance(grey, corrupt(grey, "gaussian_noise", severity)) / 255 == pytest.approx(strength, rel=0.1)
    share = (corrupt(grey, "impulse_noise", 5) != 128).float().mean().item()
    assert share == pytest.approx(CORRUPTIONS["impulse_noise"].strengths[4], rel=0.1)
    shot = shot_noise(torch.full((1, 1, 200, 200), 0.5), 0.02, torch.Generator().manual_seed(0))
    assert (shot.mean().item(), shot.var().item()) == pytest.approx((0.5, 0.5 * 0.02), rel=0.05)


def test_a_point_is_spread_over_the_disk():
    point = torch.zeros(1, 1, 41, 41)
    point[..., 20, 20] = 1
    spread = defocus_blur(point, 5 / 41, UNUSED)
    rows, columns = (torch.arange(41) - 20).square().view(-1, 1), (torch.arange(41) - 20).square()
    far = (rows + columns).float().sqrt()
    assert spread.sum().item() == pytest.approx(1)
    assert (spread[0, 0][far >= 6] == 0).all()
    assert spread[0, 0][far <= 4].unique().numel() == 1


def test_jpeg_keeps_what_its_steps_can_say():
    """Finest steps lose about half a grey level; a block's mean survives steps that kill every wave."""
    smooth = torch.linspace(0, 1, 16).expand(1, 3, 16, 16)
    assert (jpeg(smooth, 1e-3, UNUSED) - smooth).abs().max() < 2 / 255
    harsh = jpeg(torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0)), 100.0, UNUSED)
    assert all(block.std() < 1e-4 for row in harsh[0, 0].split(8) for block in row.split(8, 1))


def test_the_contact_sheet_has_a_row_per_corruption(images):
    sheet = contact_sheet(images)
    assert (sheet.shape, sheet.dtype) == ((3, 32 * len(CORRUPTIONS), 32 * 6), torch.uint8)
    assert torch.equal(sheet[:, :32, :32], images[0])


@pytest.mark.parametrize(("change", "message"), [
    ({"name": "gausian_noise"}, r"corruption: expected one of gaussian_noise, .*, got 'gausian_noise'; did you mean 'gaussian_noise'\?"),
    ({"severity": 0}, r"corruption.severity: expected 1 to 5, got 0; 5 is the strongest"),
    ({"images": torch.zeros(2, 3, 32, 32)}, r"corruption.images: expected uint8 .* got torch.float32"),
    ({"images": torch.zeros(2, 3, 4, 4, dtype=torch.uint8)}, r"corruption.images: .*at least 8 pixels a side"),
])  # fmt: skip
def test_misuse_is_refused(change, message):
    given = {"images": torch.zeros(2, 3, 16, 16, dtype=torch.uint8), "name": "fog", "severity": 2} | change
    with pytest.raises(StimulusError, match=message):
        corrupt(given["images"], given["name"], given["severity"])
