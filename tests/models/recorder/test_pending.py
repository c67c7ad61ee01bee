"""Rows that wait for the end of a step: bytes laid side by side come back as what they were."""

import numpy as np
import torch
from apical.models.recorder.pending import MOST, Constants, Pending, hosted, packed
from hypothesis import given
from hypothesis import strategies as st

TYPES = [torch.float32, torch.float16, torch.float64, torch.int8, torch.int32, torch.int64, torch.bool]
SHAPES = [(), (1,), (3,), (2, 5), (0, 4), (3, 1, 2)]


@st.composite
def tensors(draw):
    generator = torch.Generator().manual_seed(draw(st.integers(0, 9)))
    found = (torch.randn(draw(st.sampled_from(SHAPES)), generator=generator) * 50).to(draw(st.sampled_from(TYPES)))
    if found.dim() and draw(st.booleans()):  # with gaps, as a column of scores has
        found = torch.stack([found, found], -1)[..., 1]
    return found.T if found.dim() == 2 and draw(st.booleans()) else found


@given(st.lists(tensors(), max_size=8))
def test_packed_tensors_come_back_as_they_were(given):
    for found in (packed(given), hosted(given)):
        assert len(found) == len(given)
        for value, tensor in zip(found, given, strict=True):
            assert value.dtype == tensor.numpy().dtype
            np.testing.assert_array_equal(value, tensor.numpy(), strict=True)


def test_rows_are_taken_once_and_in_their_order():
    pending = Pending()
    pending.add("a", {"x": torch.arange(2), "step": np.array([1])})
    pending.add("b", {"y": torch.ones(1)})
    pending.add("a", {"x": torch.arange(3), "step": np.array([2])})
    assert not pending.waits
    taken = list(pending.taken())
    assert [(path, {name: value.tolist() for name, value in row.items()}) for path, row in taken] == [
        ("a", {"x": [0, 1], "step": [1]}), ("b", {"y": [1.0]}), ("a", {"x": [0, 1, 2], "step": [2]}),
    ]  # fmt: skip
    assert list(pending.taken()) == []
    pending.add("a", {"x": torch.empty(1, device="meta")})
    assert pending.waits
    pending.add("a", {"x": torch.empty(MOST // 4, device="meta")})
    assert not pending.waits, "that is too much to hold"
    pending.drop()
    assert list(pending.taken()) == []


def test_a_constant_is_made_once():
    constants, made, cpu = Constants(), [], torch.device("cpu")
    for key in ("a", "b", "a", "b"):
        found = constants.on(cpu, key, lambda key=key: made.append(key) or torch.full((2,), ord(key)))
        assert found.tolist() == [ord(key)] * 2
    assert made == ["a", "b"]
