"""MNIST files: idx parsing, compression, damage, and the real data where they are."""

import gzip
import os
import struct

import numpy as np
import pytest
import torch
from apical.protocols.stimuli.datasets.mnist import load_mnist, parse_idx
from apical.protocols.stimuli.datasets.table import DATASETS
from apical.protocols.stimuli.errors import StimulusError
from official_files import lay_out

COUNT = {"train": 8, "t10k": 4}


def idx(name: str) -> bytes:
    n = COUNT[name.split("-")[0]]
    rng = np.random.default_rng(len(name))
    if "images" in name:
        return struct.pack(">iiii", 2051, n, 28, 28) + rng.integers(0, 256, n * 784, dtype=np.uint8).tobytes()
    return struct.pack(">ii", 2049, n) + rng.integers(0, 10, n, dtype=np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return lay_out(
        tmp_path,
        monkeypatch,
        "mnist",
        DATASETS["mnist"].layouts[0],
        {name: idx(name) for name in DATASETS["mnist"].layouts[0].md5},
    )


def compress(path, level=6):
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), level))
    path.unlink()


def test_plain_and_compressed_files_give_the_same_images(tmp_path, folder):
    train, test = load_mnist(tmp_path)
    assert train.shape == (1, 28, 28) and (len(train), len(test)) == (8, 4)
    assert train.images.flatten().tolist() == list(idx("train-images-idx3-ubyte")[16:])
    assert test.labels.tolist() == list(idx("t10k-labels-idx1-ubyte")[8:])
    for path in list(folder.iterdir()):
        compress(path, level=1)
    again, _ = load_mnist(tmp_path)
    assert again.fingerprint == train.fingerprint


def test_a_truncated_archive_is_named(tmp_path, folder):
    path = folder / "train-images-idx3-ubyte"
    compress(path)
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(packed.read_bytes()[:-30])
    with pytest.raises(
        StimulusError, match=r"train-images-idx3-ubyte\.gz: expected a readable file, got .*; delete it"
    ):
        load_mnist(tmp_path)


def test_flipped_missing_and_short_files_are_named(tmp_path, folder):
    path = folder / "t10k-labels-idx1-ubyte"
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(StimulusError, match=r"t10k-labels-idx1-ubyte: expected MD5 \w{32}, got \w{32} \(12 bytes\); "):
        load_mnist(tmp_path)
    path.write_bytes(good[:-1])
    with pytest.raises(StimulusError, match=r"t10k-labels-idx1-ubyte: expected 12 bytes, got 11; "):
        load_mnist(tmp_path)
    path.unlink()
    with pytest.raises(StimulusError, match=r"t10k-labels-idx1-ubyte: expected an official file, got none; "):
        load_mnist(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x00\x08\x01", struct.pack(">ii", 2051, 4) + b"1234", struct.pack(">ii", 2049, 5) + b"1234",
     struct.pack(">ii", 2049, -4) + b"1234"],
)  # fmt: skip
def test_a_header_that_disagrees_is_refused(content):
    with pytest.raises(StimulusError, match=r"^file: expected .*, got .*; fetch it again$"):
        parse_idx("file", content, 1)


@pytest.mark.skipif(not os.environ.get("APICAL_DATA"), reason="APICAL_DATA names no folder of real data")
def test_the_real_data():
    try:
        train, test = load_mnist()
    except StimulusError as error:
        pytest.skip(str(error))
    assert (len(train), len(test)) == (60_000, 10_000)
    assert torch.bincount(train.labels)[0] == 5923
    assert train.images.double().mean().item() / 255 == pytest.approx(0.1307, abs=5e-5)
