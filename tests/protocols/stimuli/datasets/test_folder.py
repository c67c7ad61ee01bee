"""Image folders: layouts, modes, and every refusal."""

import numpy as np
import pytest
import torch
from apical.protocols.stimuli.datasets.folder import load_folder
from apical.protocols.stimuli.errors import StimulusError
from PIL import Image

RNG = np.random.default_rng(0)


def save(path, size=(12, 10), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    shape = (height, width) if mode in ("L", "I;16") else (height, width, len(mode))
    kind = np.uint16 if mode == "I;16" else np.uint8
    pixels = RNG.integers(0, 256, shape).astype(kind)
    Image.fromarray(pixels).save(path)
    return pixels


def fill(root, counts, **options):
    return {
        f"{name}/{k}.png": save(root / name / f"{k}.png", **options) for name, n in counts.items() for k in range(n)
    }


def test_train_and_test_folders(tmp_path):
    pixels = fill(tmp_path / "train", {"cat": 3, "ant": 2})
    fill(tmp_path / "test", {"cat": 1, "ant": 1})
    train, test = load_folder(tmp_path)
    assert train.classes == ("ant", "cat") and train.labels.tolist() == [0, 0, 1, 1, 1]
    assert train.shape == (3, 10, 12) and test.labels.tolist() == [0, 1]
    assert np.array_equal(train.images[2].permute(1, 2, 0).numpy(), pixels["cat/0.png"])


def test_val_serves_as_test(tmp_path):
    fill(tmp_path / "train", {"cat": 1, "ant": 1})
    fill(tmp_path / "val", {"cat": 2, "ant": 1})
    assert len(load_folder(tmp_path)[1]) == 3


def test_a_plain_folder_is_split_by_seed(tmp_path):
    fill(tmp_path, {"cat": 10, "ant": 10})
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".cache").mkdir()
    train, test = load_folder(tmp_path, seed=1)
    assert torch.bincount(train.labels).tolist() == [8, 8] and torch.bincount(test.labels).tolist() == [2, 2]
    assert load_folder(tmp_path, seed=1)[1].fingerprint == test.fingerprint
    assert load_folder(tmp_path, seed=2)[1].fingerprint != test.fingerprint


def test_grey_stays_grey_only_where_all_are(tmp_path):
    fill(tmp_path, {"cat": 5, "ant": 5}, mode="L")
    assert load_folder(tmp_path)[0].shape == (1, 10, 12)
    save(tmp_path / "cat" / "colour.png")
    assert load_folder(tmp_path)[0].shape == (3, 10, 12)


def refused(path, match, code=1, **options):
    with pytest.raises(StimulusError, match=match) as caught:
        load_folder(path, **options)
    assert caught.value.exit_code == code and "\n" not in str(caught.value)


def test_missing_and_empty_folders(tmp_path):
    refused(
        tmp_path / "none",
        r"^folder:.*none: expected a folder of images as PATH/CLASS/\*\.png, or PATH/train/CLASS.*, got none; ",
    )
    refused(
        tmp_path, r"expected two or more class folders of images, got none; lay them out as PATH/CLASS/\*\.png, or "
    )
    fill(tmp_path, {"cat": 2})
    refused(tmp_path, r"expected two or more class folders of images, got 1 \(cat\); ")
    (tmp_path / "dog").mkdir()
    refused(tmp_path, r"dog: expected image files, got none; ")


def test_a_corrupt_image_is_named(tmp_path):
    fill(tmp_path, {"cat": 5, "ant": 5})
    path = tmp_path / "cat" / "3.png"
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    refused(tmp_path, r"cat/3\.png: expected a readable image, got \w+; ", code=2)
    path.write_bytes(b"not an image")
    refused(tmp_path, r"cat/3\.png: expected a readable image, got UnidentifiedImageError; ", code=2)


def test_sixteen_bits_are_refused_instead_of_clipped(tmp_path):
    fill(tmp_path, {"cat": 5, "ant": 5}, mode="L")
    save(tmp_path / "ant" / "deep.png", mode="I;16")
    refused(tmp_path, r"ant/deep\.png: expected 8 bits per channel, got mode I;16; ", code=2)


def test_mixed_sizes_name_both_and_image_size_resolves_them(tmp_path):
    fill(tmp_path, {"cat": 5, "ant": 5})
    save(tmp_path / "cat" / "wide.png", size=(40, 20))
    refused(
        tmp_path,
        r"expected one image size, 12 x 10 of .*ant/0\.png, got 40 x 20 of .*wide\.png; set stimulus.image_size",
    )
    assert load_folder(tmp_path, image_size=16)[0].shape == (3, 16, 16)


def test_resizing_cuts_the_centre(tmp_path):
    for name in ("a", "b"):
        for k in range(5):
            pixels = np.zeros((20, 40, 3), np.uint8)
            pixels[:, 12:28] = 200
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / name / f"{k}.png")
    image = load_folder(tmp_path, image_size=20)[0].images[0]
    assert (image[:, :, 2:18] == 200).all() and (image[:, :, :2] == 0).all()


def test_train_and_test_must_agree(tmp_path):
    fill(tmp_path / "train", {"cat": 2, "ant": 2})
    fill(tmp_path / "test", {"cat": 1, "dog": 1})
    refused(tmp_path, r"test: expected class folders of train, got 'dog'; ")
    (tmp_path / "test" / "dog").rename(tmp_path / "test" / "ant")
    for file in (tmp_path / "test").rglob("*.png"):
        save(file, size=(9, 9))
    refused(tmp_path, r"test: expected 12 x 10 pixels as in train, got 9 x 9; ")
