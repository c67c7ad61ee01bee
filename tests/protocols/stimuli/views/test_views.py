"""Views against a plain implementation that handles one image and one pixel row at a time."""

import colorsys
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from apical.protocols.stimuli.errors import StimulusError
from apical.protocols.stimuli.views.views import (
    ViewParameters,
    ViewSettings,
    apply_views,
    draw_views,
    simclr_views,
)
from hypothesis import given, settings
from hypothesis import strategies as st

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.25)
STILL = {"crop_scale": (1.0, 1.0), "flip": 0.0, "jitter_p": 0.0, "grey_p": 0.0, "blur_p": 0.0}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photos(n: int, channels: int = 3, height: int = 16, width: int = 20, seed: int = 1) -> torch.Tensor:
    return torch.randint(0, 256, (n, channels, height, width), dtype=torch.uint8, generator=generator(seed))


# --- reference: one image, numpy, loops ---


def reference_resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    channels, h, w = image.shape
    out = np.zeros((channels, height, width))
    for i in range(height):
        y = min(max((i + 0.5) * h / height - 0.5, 0.0), h - 1.0)
        for j in range(width):
            x = min(max((j + 0.5) * w / width - 0.5, 0.0), w - 1.0)
            top, left = math.floor(y), math.floor(x)
            bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
            fy, fx = y - top, x - left
            above = image[:, top, left] * (1 - fx) + image[:, top, right] * fx
            below = image[:, bottom, left] * (1 - fx) + image[:, bottom, right] * fx
            out[:, i, j] = above * (1 - fy) + below * fy
    return out


def reference_grey(image: np.ndarray) -> np.ndarray:
    return 0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2] if len(image) == 3 else image[0]


def reference_hue(image: np.ndarray, turn: float) -> np.ndarray:
    c, s = math.cos(2 * math.pi * turn), math.sin(2 * math.pi * turn)
    to_yiq = np.array(
        [[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]], dtype=float
    )
    y, i, q = np.tensordot(to_yiq, image, 1)
    return np.tensordot(np.linalg.inv(to_yiq), np.stack([y, c * i + s * q, c * q - s * i]), 1)


def reference_jitter(image: np.ndarray, factors: np.ndarray, order: list[int]) -> np.ndarray:
    for operation in order:
        factor = factors[operation]
        if operation == 0:
            image = factor * image
        elif operation == 1:
            image = factor * image + (1 - factor) * reference_grey(image).mean()
        elif len(image) == 3 and operation == 2:
            image = factor * image + (1 - factor) * reference_grey(image)
        elif len(image) == 3:
            image = reference_hue(image, factor)
        image = image.clip(0.0, 1.0)
    return image


def reference_blur(image: np.ndarray, sigma: float) -> np.ndarray:
    for axis in (1, 2):
        side = image.shape[axis]
        reach = max(3, (side // 10) | 1) // 2
        weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        pads = [(0, 0)] * 3
        pads[axis] = (reach, reach)
        padded = np.pad(image, pads, mode="reflect")
        taps = [np.take(padded, range(k, k + side), axis) * w for k, w in enumerate(weight / weight.sum())]
        image = np.sum(taps, axis=0)
    return image


def reference_view(image: torch.Tensor, p: ViewParameters, row: int, mean, std) -> np.ndarray:
    top, left, h, w = (int(v) for v in p.crop[row])
    pixels = image.numpy().astype(float)[:, top : top + h, left : left + w] / 255.0
    pixels = reference_resize(pixels, *image.shape[1:])
    if p.flip[row]:
        pixels = pixels[:, :, ::-1]
    pixels = reference_jitter(pixels, p.factors[row].numpy().astype(float), p.order[row].tolist())
    if p.grey[row]:
        pixels = np.repeat(reference_grey(pixels)[None], len(pixels), 0)
    if p.sigma[row] > 0:
        pixels = reference_blur(pixels, float(p.sigma[row]))
    return (pixels - np.array(mean)[:, None, None]) / np.array(std)[:, None, None]


@pytest.mark.parametrize(("channels", "height", "width"), [(3, 16, 20), (1, 16, 20), (3, 33, 30)])
def test_every_view_equals_the_reference(channels, height, width):
    images = photos(24, channels, height, width)
    parameters = draw_views(24, height, width, generator(3))
    assert parameters.grey.any() and parameters.flip.any() and (parameters.sigma > 0).any()
    result = apply_views(images, parameters, MEAN[:channels], STD[:channels])
    for row, image in enumerate(images):
        expected = reference_view(image, parameters, row, MEAN[:channels], STD[:channels])
        np.testing.assert_allclose(result[row].numpy(), expected, atol=2e-5)


def test_identity_returns_the_normalised_image():
    images = photos(5, height=18, width=18)
    views = simclr_views(images, generator(), mean=MEAN, std=STD, **STILL)
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    torch.testing.assert_close(views, ((images / 255.0 - mean) / std).repeat(2, 1, 1, 1), rtol=0, atol=2e-6)


def test_two_views_of_an_image_share_the_image_and_not_the_parameters():
    images = photos(4, height=18, width=18)
    views = simclr_views(images, generator(), mean=MEAN, std=STD, **{**STILL, "flip": 0.5})
    still = simclr_views(images, generator(), mean=MEAN, std=STD, **STILL)[:4]
    kinds = []
    for view, image in zip(views, still.repeat(2, 1, 1, 1), strict=True):
        same, mirrored = torch.allclose(view, image, atol=1e-5), torch.allclose(view, image.flip(-1), atol=1e-5)
        assert same != mirrored
        kinds.append(mirrored)
    assert 0 < sum(kinds) < len(kinds)


def test_a_batch_equals_its_single_images():
    images, parameters = photos(9), draw_views(9, 16, 20, generator(5))
    together = apply_views(images, parameters, MEAN, STD)
    singles = [apply_views(images[k : k + 1], parameters.rows(slice(k, k + 1)), MEAN, STD) for k in range(9)]
    torch.testing.assert_close(together, torch.cat(singles), rtol=0, atol=1e-6)


def test_the_generator_alone_decides_and_global_state_is_untouched():
    images, before = photos(6), torch.random.get_rng_state()
    first, again, other = (simclr_views(images, generator(s), mean=MEAN, std=STD) for s in (7, 7, 8))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())
    running = generator(7)
    simclr_views(images, running, mean=MEAN, std=STD)
    assert not torch.equal(simclr_views(images, running, mean=MEAN, std=STD), first)


def test_channels_last_changes_the_layout_alone():
    images = photos(6)
    plain = simclr_views(images, generator(), mean=MEAN, std=STD)
    strided = simclr_views(images, generator(), mean=MEAN, std=STD, memory_format=torch.channels_last)
    assert strided.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(plain, strided)


def test_the_distribution_of_the_parameters():
    n, side = 40_000, 32
    p = draw_views(n, side, side, generator(11))
    area = p.crop[:, 2] * p.crop[:, 3] / side**2
    assert area.min() > 0.22 and area.max() <= 1.0
    assert (p.crop[:, :2] >= 0).all() and (p.crop[:, :2] + p.crop[:, 2:] <= side).all()
    reference = torch.tensor(reference_crops(4000, side, (0.25, 1.0)))
    for quantile in (0.1, 0.5, 0.9):
        for mine, theirs in ((area, reference[:, 0]), (torch.log(p.crop[:, 3] / p.crop[:, 2]), reference[:, 1])):
            assert mine.quantile(quantile) == pytest.approx(theirs.quantile(quantile).item(), abs=0.03)
    for rate, expected in ((p.flip, 0.5), (p.grey, 0.2), (p.sigma > 0, 0.5), ((p.factors[:, 0] != 1), 0.8)):
        assert rate.float().mean().item() == pytest.approx(expected, abs=4 * math.sqrt(0.25 / n))
    jittered = p.factors[p.factors[:, 0] != 1]
    low, high = torch.tensor([0.2, 0.2, 0.2, -0.2]), torch.tensor([1.8, 1.8, 1.8, 0.2])
    assert (jittered >= low).all() and (jittered <= high).all()
    torch.testing.assert_close(jittered.mean(0), (low + high) / 2, rtol=0, atol=0.015)
    torch.testing.assert_close(jittered.std(0), (high - low) / math.sqrt(12), rtol=0.02, atol=0)
    sigma = p.sigma[p.sigma > 0]
    assert 0.1 <= sigma.min() < 0.11 and 1.99 < sigma.max() <= 2.0
    assert (p.order.sort(1).values == torch.arange(4)).all()
    codes = (p.order * torch.tensor([64, 16, 4, 1])).sum(1)
    assert torch.unique(codes, return_counts=True)[1].tolist() == pytest.approx([n / 24] * 24, rel=0.12)


def reference_crops(count: int, side: int, scale: tuple[float, float]) -> list[tuple[float, float]]:
    """Area and log aspect ratio by rejection, one crop at a time, with another random generator."""
    rng, crops = np.random.default_rng(0), []
    while len(crops) < count:
        for _ in range(10):
            target = side * side * rng.uniform(*scale)
            ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
            w, h = round(math.sqrt(target * ratio)), round(math.sqrt(target / ratio))
            if 0 < w <= side and 0 < h <= side:
                crops.append((w * h / side**2, math.log(w / h)))
                break
        else:
            crops.append((1.0, 0.0))
    return crops


@settings(max_examples=30, deadline=None)
@given(height=st.integers(8, 48), width=st.integers(8, 48), low=st.floats(0.05, 1.0), seed=st.integers(0, 2**31))
def test_crops_lie_inside_images_of_every_size(height, width, low, seed):
    crop = draw_views(64, height, width, generator(seed), ViewSettings(crop_scale=(low, 1.0))).crop
    top, left, h, w = crop.unbind(1)
    assert (crop == crop.round()).all() and (h >= 1).all() and (w >= 1).all()
    assert (top >= 0).all() and (left >= 0).all() and (top + h <= height).all() and (left + w <= width).all()


def test_where_no_crop_fits_the_largest_central_one_is_taken():
    crop = draw_views(50, 10, 40, generator(), ViewSettings(crop_scale=(1.0, 1.0))).crop
    assert torch.unique(crop, dim=0).tolist() == [[0.0, 13.0, 10.0, 13.0]]


def test_brightness_factor_acts_as_a_factor():
    image = torch.full((1, 3, 8, 8), 100, dtype=torch.uint8)
    parameters = draw_views(1, 8, 8, generator(), ViewSettings(**STILL))
    parameters = replace(parameters, factors=torch.tensor([[1.5, 1.0, 1.0, 0.0]]))
    view = apply_views(image, parameters, (0.0,) * 3, (1.0,) * 3)
    torch.testing.assert_close(view, torch.full_like(view, 150 / 255), rtol=0, atol=1e-6)


def test_grey_images_keep_one_channel_and_ignore_colour():
    images = photos(8, channels=1)
    kept = {**STILL, "jitter_p": 1.0, "grey_p": 1.0}
    plain = simclr_views(images, generator(), mean=(0.0,), std=(1.0,), **STILL)
    coloured = simclr_views(images, generator(), mean=(0.0,), std=(1.0,), **kept, jitter=(0, 0, 0.8, 0.5))
    torch.testing.assert_close(coloured, plain, rtol=0, atol=1e-6)
    bright = simclr_views(images, generator(), mean=(0.0,), std=(1.0,), **kept, jitter=(0.8, 0, 0, 0))
    assert not torch.allclose(bright, plain, atol=1e-2)


def test_a_turned_hue_goes_the_way_of_hsv():
    red = torch.tensor([200, 60, 60], dtype=torch.uint8)[None, :, None, None].expand(1, 3, 8, 8)
    parameters = draw_views(1, 8, 8, generator(), ViewSettings(**STILL))
    for turn in (0.1, 0.2, -0.1):
        turned = replace(parameters, factors=torch.tensor([[1.0, 1.0, 1.0, turn]]))
        colour = apply_views(red, turned, (0.0,) * 3, (1.0,) * 3)[0, :, 0, 0].tolist()
        hue = colorsys.rgb_to_hsv(*colour)[0]
        assert (hue + 0.5) % 1 - 0.5 == pytest.approx(turn, abs=0.06)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"crop_scale": (0.0, 1.0)}, "crop_scale"),
        ({"crop_scale": (0.5, 0.2)}, "crop_scale"),
        ({"crop_scale": (0.5, 1.2)}, "crop_scale"),
        ({"flip": 1.5}, "flip"),
        ({"blur_p": float("nan")}, "blur_p"),
        ({"jitter": (0.8, 0.8, 0.8, 0.6)}, "jitter"),
        ({"jitter": (-0.1, 0.8, 0.8, 0.1)}, "jitter"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, field):
    with pytest.raises(StimulusError, match=rf"^views\.{field}: expected .*, got .*; ") as caught:
        simclr_views(photos(2), generator(), mean=MEAN, std=STD, **wrong)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("images", [photos(2).float(), photos(2, channels=1), photos(2, channels=4)])
def test_images_of_another_kind_are_refused(images):
    with pytest.raises(StimulusError, match=r"^views\.images: expected uint8"):
        simclr_views(images, generator(), mean=MEAN, std=STD)


@pytest.mark.gpu
def test_the_device_changes_rounding_alone():
    images = photos(32)
    here = simclr_views(images, generator(), mean=MEAN, std=STD)
    there = simclr_views(images.cuda(), generator(), mean=MEAN, std=STD)
    torch.testing.assert_close(there.cpu(), here, rtol=0, atol=1e-4)
