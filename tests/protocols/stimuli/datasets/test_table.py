"""What the rows of the data sets say, and who reads them."""

import inspect
from importlib import import_module

import pytest
from apical.protocols.stimuli.datasets.row import DataSet
from apical.protocols.stimuli.datasets.table import DATASETS
from apical.protocols.stimuli.names import KNOWN, row_of


@pytest.mark.parametrize("name", DATASETS)
def test_a_row_fits_its_loader(name):
    row = DATASETS[name]
    module, function = row.loader.split(":")
    loader = getattr(import_module(f"apical.protocols.stimuli.{module}"), function)
    inspect.signature(loader).bind(**dict.fromkeys(row.reads))
    assert ("path" in row.reads) == row.own
    assert (row.crops is None) == (name == "shapes")
    assert len(row.mean) == len(row.std)
    assert row.description


@pytest.mark.parametrize("name", [name for name, row in DATASETS.items() if row.layouts])
def test_official_files_have_addresses_and_sums(name):
    row = DATASETS[name]
    assert row.downloads
    assert all(len(d.md5) == 32 and d.url.startswith("https://") for d in row.downloads)
    for layout in row.layouts:
        assert all(len(md5) == 32 for md5 in layout.md5.values()) and set(layout.size) <= set(layout.md5)


def test_the_words_are_those_of_the_rows():
    assert KNOWN == (
        "shapes",
        "cifar10",
        "cifar100",
        "mnist",
        "stl10",
        "tiny-imagenet",
        "imagenet",
        "folder:PATH",
        "npz:PATH",
    )


@pytest.mark.parametrize("word", ["shapes", "cifar100", "folder:/a:b", "npz:x.npz"])
def test_a_word_finds_its_row(word):
    assert row_of(word) is DATASETS[word.partition(":")[0]]


@pytest.mark.parametrize("word", ["", ":", "folder", "npz:", "shapes:", "mnist:x", "cifar", "folder :x"])
def test_another_word_finds_none(word):
    assert row_of(word) is None


def test_only_given_arguments_that_are_read_reach_the_loader(monkeypatch):
    calls = []
    monkeypatch.setattr("apical.protocols.stimuli.datasets.npz.load_npz", lambda **words: calls.append(words))
    row = DataSet(description="", loader="datasets.npz:load_npz", reads=("path", "seed", "image_size"))
    row.load({"path": "x", "seed": 0, "image_size": None, "n_train": 5})
    assert calls == [{"path": "x", "seed": 0}]


def test_published_statistics_are_those_of_the_papers():
    """The rounded ones that are used everywhere; the files are measured in test_cifar."""
    assert DATASETS["mnist"].mean + DATASETS["mnist"].std == (0.1307, 0.3081)
    assert DATASETS["cifar10"].mean == (0.4914, 0.4822, 0.4465)
