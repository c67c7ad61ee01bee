"""CIFAR-10 files: both layouts, damage, hostile pickles, and the real data where they are."""

import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from apical.protocols.stimuli.datasets import files
from apical.protocols.stimuli.datasets.cifar import load_cifar10, load_cifar100, restricted_unpickle
from apical.protocols.stimuli.datasets.table import DATASETS
from apical.protocols.stimuli.errors import StimulusError
from official_files import lay_out

ROWS = 6


def content(name: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(sum(name.removesuffix(".bin").encode()))
    return rng.integers(0, 256, (ROWS, 3072), dtype=np.uint8), rng.integers(0, 10, ROWS)


def binary(name: str) -> bytes:
    pixels, labels = content(name)
    return np.concatenate([labels[:, None].astype(np.uint8), pixels], 1).tobytes()


def pickled(name: str, protocol: int = 2) -> bytes:
    pixels, labels = content(name)
    batch = {b"batch_label": b"x", b"data": pixels, b"labels": labels.tolist(), b"filenames": [b"a.png"] * ROWS}
    return pickle.dumps(batch, protocol)


def write(tmp_path, monkeypatch, layout, make):
    """Small files in one of CIFAR-10's layouts."""
    return lay_out(tmp_path, monkeypatch, "cifar10", layout, {name: make(name) for name in layout.md5})


@pytest.mark.parametrize(("layout", "make"), list(zip(DATASETS["cifar10"].layouts, (binary, pickled), strict=True)))
def test_both_layouts_give_the_same_images(tmp_path, monkeypatch, layout, make):
    write(tmp_path, monkeypatch, layout, make)
    train, test = load_cifar10(tmp_path)
    assert train.shape == (3, 32, 32) and len(train) == 5 * ROWS and len(test) == ROWS
    pixels, labels = content("data_batch_3")
    assert np.array_equal(train.images[2 * ROWS : 3 * ROWS].numpy().reshape(ROWS, -1), pixels)
    assert train.labels[2 * ROWS : 3 * ROWS].tolist() == labels.tolist()
    assert test.labels.tolist() == content("test_batch")[1].tolist()
    assert train.classes[0] == "airplane" and train.classes[9] == "truck"


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    folder = write(tmp_path, monkeypatch, DATASETS["cifar10"].layouts[0], binary)
    (folder / "data_batch_4.bin").unlink()
    with pytest.raises(StimulusError, match=r"data_batch_4\.bin: expected an official file, got none; run") as caught:
        load_cifar10(tmp_path)
    assert caught.value.exit_code == 1


def test_a_truncated_file_is_named_with_both_sizes(tmp_path, monkeypatch):
    folder = write(tmp_path, monkeypatch, DATASETS["cifar10"].layouts[0], binary)
    path = folder / "data_batch_2.bin"
    path.write_bytes(path.read_bytes()[:-100])
    size = ROWS * 3073
    with pytest.raises(StimulusError, match=rf"data_batch_2\.bin: expected {size} bytes, got {size - 100}; delete it"):
        load_cifar10(tmp_path)


@pytest.mark.parametrize(
    ("layout", "make", "name"),
    [
        (DATASETS["cifar10"].layouts[0], binary, "test_batch.bin"),
        (DATASETS["cifar10"].layouts[1], pickled, "data_batch_1"),
    ],
)
def test_one_flipped_bit_is_found(tmp_path, monkeypatch, layout, make, name):
    folder = write(tmp_path, monkeypatch, layout, make)
    data = bytearray((folder / name).read_bytes())
    data[1000] ^= 4
    (folder / name).write_bytes(data)
    good, bad = files.md5_of(make(name)), files.md5_of(bytes(data))
    with pytest.raises(StimulusError, match=rf"{name}: expected MD5 {good}, got {bad} .*; delete it and run"):
        load_cifar10(tmp_path)


def test_a_complete_layout_is_preferred(tmp_path, monkeypatch):
    folder = write(tmp_path, monkeypatch, DATASETS["cifar10"].layouts[0], binary)
    write(tmp_path, monkeypatch, DATASETS["cifar10"].layouts[1], pickled)
    (folder / "data_batch_1.bin").unlink()
    assert len(load_cifar10(tmp_path)[0]) == 5 * ROWS


def test_no_folder_names_both_layouts_and_the_remedy(tmp_path):
    with pytest.raises(StimulusError, match=r"^cifar10: expected .*batches-bin or .*batches-py, .*apical data fetch"):
        load_cifar10(tmp_path)


class Payload:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("function", [os.system, eval, exec])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path, monkeypatch, protocol, function):
    mark = tmp_path / "executed"
    order = f"touch {mark}" if function is os.system else f"open({str(mark)!r}, 'w').close()"
    hostile = pickle.dumps({b"data": Payload(function, order), b"labels": [0]}, protocol)
    pickle.loads(hostile)
    assert mark.exists(), "the payload works where unpickling is not restricted"
    mark.unlink()
    write(tmp_path, monkeypatch, DATASETS["cifar10"].layouts[1], lambda name: hostile)
    with pytest.raises(StimulusError, match=r"data_batch_1: expected a dictionary of arrays .* got a reference to "):
        load_cifar10(tmp_path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "value",
    [Payload(getattr, "x", "upper"), Payload(np.load, "x"), Payload(np.fromfile, "x"), np.random.default_rng(0)],
)
def test_other_references_are_refused(value):
    with pytest.raises(StimulusError, match=r"got a reference to "):
        restricted_unpickle("file", pickle.dumps({"data": value}))


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_old_and_new_module_names_of_numpy_are_read(module):
    data = pickle.dumps({b"data": np.arange(6, dtype=np.uint8)}, 2)
    written = b"numpy._core.multiarray" if b"numpy._core.multiarray" in data else b"numpy.core.multiarray"
    value = restricted_unpickle("file", data.replace(written, module))
    assert value[b"data"].tolist() == list(range(6))


@pytest.mark.parametrize("broken", [b"", b"\x80\x02}", b"nonsense", pickle.dumps([1]), pickled("x")[:-20]])
def test_broken_pickles_are_one_sentence(broken):
    with pytest.raises(StimulusError, match=r"^file: expected a dictionary of arrays and plain values, got .*; fetch"):
        restricted_unpickle("file", broken)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({b"data": np.zeros((ROWS, 3072))}, "data"),
        ({b"data": np.zeros((ROWS, 10), np.uint8)}, "data"),
        ({b"data": None}, "data"),
        ({b"labels": [1]}, "labels"),
        ({b"labels": ["x"] * ROWS}, "labels"),
    ],
)
def test_wrong_content_is_named(tmp_path, monkeypatch, change, field):
    write(
        tmp_path,
        monkeypatch,
        DATASETS["cifar10"].layouts[1],
        lambda name: pickle.dumps({**pickle.loads(pickled(name)), **change}, 2),
    )
    with pytest.raises(StimulusError, match=rf"data_batch_1\.{field}: expected .*, got .*; "):
        load_cifar10(tmp_path)


@pytest.mark.skipif(not os.environ.get("APICAL_DATA"), reason="APICAL_DATA names no folder of real data")
def test_the_real_data():
    try:
        train, test = load_cifar10()
    except StimulusError as error:
        pytest.skip(str(error))
    assert (len(train), len(test)) == (50_000, 10_000)
    assert torch.bincount(train.labels).tolist() == [5000] * 10 and torch.bincount(test.labels).tolist() == [1000] * 10
    from apical.protocols.stimuli.images import Normalisation

    measured = Normalisation.of(train.images)
    assert measured.mean == pytest.approx(DATASETS["cifar10"].mean, abs=5e-5)
    assert measured.std == pytest.approx(DATASETS["cifar10"].std, abs=1e-4)


@pytest.fixture
def hundred(tmp_path, monkeypatch):
    """CIFAR-100 of six images a split."""
    contents = {"meta": pickle.dumps({b"fine_label_names": [f"class {k}".encode() for k in range(100)]}, 2)}
    for name in ("train", "test"):
        pixels, _ = content(name)
        fields = {b"data": pixels, b"fine_labels": [0, 99, 5, 5, 7, 42], b"coarse_labels": [1] * ROWS}
        contents[name] = pickle.dumps(fields, 2)
    return lay_out(tmp_path, monkeypatch, "cifar100", DATASETS["cifar100"].layouts[0], contents)


def test_cifar100_has_its_fine_labels_and_names(hundred):
    train, test = load_cifar100(hundred.parent)
    assert np.array_equal(train.images.numpy().reshape(ROWS, -1), content("train")[0])
    assert test.labels.tolist() == [0, 99, 5, 5, 7, 42]
    assert len(train.classes) == 100 and train.classes[99] == "class 99"


def test_cifar100_without_fine_labels_is_refused(hundred, monkeypatch):
    data = pickle.dumps({b"data": content("test")[0], b"labels": [0] * ROWS}, 2)
    (hundred / "test").write_bytes(data)
    row = DATASETS["cifar100"]
    layout = row.layouts[0]
    known = replace(layout, md5={**layout.md5, "test": files.md5_of(data)})
    monkeypatch.setitem(DATASETS, "cifar100", replace(row, layouts=(known,)))
    with pytest.raises(StimulusError, match=r"test\.fine_labels: expected 6 integers, got NoneType; fetch it again"):
        load_cifar100(hundred.parent)
