"""Precision and kernels: the fastest by the figures, kept per machine, whatever state the cache is in."""

import json

import pytest
import torch
from apical.models import ModelError
from apical.models.engine import kernels
from apical.models.engine.kernels import Choice, choose, fastest, from_words, machine, measure
from apical.plasticity import Kernels

CPU = torch.device("cpu")
FIGURES = {
    "product onednn": 1.0, "product default": 2.0,
    "convolution direct": 5.0, "convolution winograd": 4.0, "convolution bf16": 3.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "asked", "expected"),
    [
        ({}, "auto", ("bf16", "onednn", "winograd")),
        ({}, "float32", ("float32", "onednn", "winograd")),
        ({"convolution bf16": 3.9}, "auto", ("float32", "onednn", "winograd")),  # less than a tenth faster
        ({"convolution bf16": 3.9}, "bf16", ("bf16", "onednn", "winograd")),
        ({"product default": 0.9}, "auto", ("bf16", "default", "winograd")),
        ({"convolution direct": 3.2}, "auto", ("float32", "onednn", "direct")),
    ],
)
def test_the_fastest_is_chosen(figures, asked, expected):
    found = fastest(FIGURES | figures, asked)
    assert tuple(found.words().values()) == expected
    assert found.told()["milliseconds"] == FIGURES | figures


def test_what_was_not_measured_is_not_chosen():
    lacking = {"product default": 1.0, "convolution direct": 5.0, "convolution winograd": 6.0}
    assert tuple(fastest(lacking).words().values()) == ("float32", "default", "direct")


def test_every_kernel_is_measured():
    threads = torch.get_num_threads()
    found = measure(0.0)
    assert torch.get_num_threads() == threads
    expected = set(FIGURES)
    if not kernels.HAS_ONEDNN:
        expected -= {"product onednn"}
    if not kernels._multiplies_half():
        expected -= {"convolution bf16"}
    assert set(found) == expected
    assert all(value > 0 for value in found.values())


def test_without_onednn_nothing_fails(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    found = measure(0.0)
    assert "convolution bf16" not in found
    assert fastest(found).precision == "float32"


@pytest.fixture
def counted(monkeypatch):
    calls = []
    monkeypatch.setattr(kernels, "measure", lambda: calls.append(1) or dict(FIGURES))
    return calls


def test_a_machine_is_measured_once(counted, tmp_path, monkeypatch):
    first = choose("auto", CPU, tmp_path / "new" / "folder")
    assert choose("auto", CPU, tmp_path / "new" / "folder") == first == fastest(FIGURES)
    assert len(counted) == 1
    here = machine()
    monkeypatch.setattr(torch, "__version__", "99")
    choose("auto", CPU, tmp_path / "new" / "folder")
    assert len(counted) == 2
    kept = json.loads((tmp_path / "new" / "folder" / "kernels.json").read_text())
    assert kept == {here: FIGURES, machine(): FIGURES}


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "{}", '{"MACHINE": 3}', '{"MACHINE": {"product default": 1.0}}', '{"MACHINE": {"x": "y"}}']
)
def test_a_broken_cache_is_measured_anew(counted, tmp_path, text):
    (tmp_path / "kernels.json").write_text(text.replace("MACHINE", machine()))
    assert choose("float32", CPU, tmp_path) == fastest(FIGURES, "float32")
    assert len(counted) == 1
    assert json.loads((tmp_path / "kernels.json").read_text())[machine()] == FIGURES


def test_a_cache_that_cannot_be_written(counted, tmp_path):
    (tmp_path / "file").write_text("")
    assert choose("auto", CPU, tmp_path / "file" / "apical") == fastest(FIGURES)
    assert choose("auto", CPU) == fastest(FIGURES)
    assert len(counted) == 2


def test_on_cuda_nothing_is_measured(counted):
    cuda = torch.device("cuda")
    assert choose("auto", cuda).precision == "bf16"
    assert choose("float32", cuda) == Choice("float32")
    assert not counted


def test_words_are_read_back():
    choice = Choice("bf16", Kernels("default", "winograd"), FIGURES)
    assert from_words(choice.words()) == Choice("bf16", Kernels("default", "winograd"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"precision": "bf16"}, "kernels: expected what `words` gives"),
        ({"product": "mkl", "convolution": "direct"}, "Kernels.product: expected one of onednn, default, got 'mkl'"),
        ({"product": "default", "convolution": "fft"}, "Kernels.convolution: expected one of direct, winograd"),
        ({"precision": "f8", "product": "default", "convolution": "direct"}, "expected one of float32, bf16, got 'f8'"),
    ],
)
def test_unknown_words_are_refused(words, message):
    with pytest.raises(ModelError, match=message):
        from_words(words)
