"""Views, and who follows whom."""

import pytest
import torch
from apical.plasticity import pair
from apical.protocols.errors import ConfigError
from apical.protocols.lesion.events import Contingency
from apical.protocols.lesion.glances import follow, moved
from apical.protocols.lesion.protocol import Stimuli, View
from hypothesis import given
from hypothesis import strategies as st

PAIRS, FAMILIAR = Stimuli(objects="pairs", count=3), Stimuli(objects="familiar", count=8)


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("view", ["swap", "nonswap"])
def test_swapped_pairs(view):
    plain = pair(12)
    found, _ = follow(plain, Contingency(follows="swapped", view=view), PAIRS, draws())
    first = 0 if view == "swap" else 6
    expected = torch.arange(12)
    expected[first : first + 6] = torch.tensor([3, 4, 5, 0, 1, 2]) + first
    assert torch.equal(found.fixation[:12], 12 + expected)
    assert torch.equal(found.fixation[found.fixation], torch.arange(24))  # backwards alike
    assert torch.equal(found.saccade, plain.saccade)
    # a saccade never goes to an object of the same pair
    assert ((found.saccade % 3) != torch.arange(24) % 3).all()


@given(st.integers(2, 20), st.floats(0, 1), st.integers(0, 99))
def test_scrambling_keeps_the_glances_and_breaks_a_share(objects, share, seed):
    found, _ = follow(pair(objects), Contingency(follows="random", share=share), Stimuli(), draws(seed))
    assert sorted(found.fixation.tolist()) == list(range(2 * objects))
    broken = int((found.fixation[:objects] != objects + torch.arange(objects)).sum())
    chosen = round(share * objects)
    assert broken == (chosen if chosen > 1 else 0)


def test_a_sequence_goes_round_and_is_substituted_by_another():
    contingency = Contingency(follows="sequence", length=4, share=0.0)
    found, none = follow(pair(12), contingency, FAMILIAR, draws())
    assert found.fixation[:12].tolist() == [13, 14, 15, 12, 17, 18, 19, 16, 21, 22, 23, 20]
    assert found.fixation[12:].tolist() == [1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8]
    assert not none.any()
    other, all_of_them = follow(pair(12), contingency.model_copy(update={"share": 1.0}), FAMILIAR, draws())
    assert all_of_them.all()
    assert (other.fixation % 12 // 4 != torch.arange(24) % 12 // 4).all()
    for objects, length in ((8, 3), (8, 4), (12, 6)):
        with pytest.raises(ConfigError, match=f"expected a divisor of {objects} objects that leaves three sequences"):
            follow(pair(objects), Contingency(follows="sequence", length=length), FAMILIAR, draws())


@given(st.integers(2, 6), st.integers(3, 6), st.integers(0, 99))
def test_a_substitute_teaches_what_no_saccade_takes_back(length, sequences, seed):
    """gamma+ B c and gamma- B c of one row, or of one object, would cancel where fixation and saccade are the same row."""
    objects = length * sequences
    contingency = Contingency(follows="sequence", length=length, share=0.5)
    found, _ = follow(pair(objects), contingency, FAMILIAR, draws(seed))
    substitutes, _ = follow(pair(objects), contingency.model_copy(update={"share": 1.0}), FAMILIAR, draws(seed))
    assert (found.saccade != found.fixation).all()
    assert (found.saccade != substitutes.fixation).all()
    sequence = torch.arange(2 * objects) % objects // length
    assert (sequence[found.saccade] != sequence[found.fixation]).all()
    assert (sequence[found.saccade] != sequence).all()
    assert sorted(found.saccade.tolist()) == list(range(2 * objects))


def test_swapping_needs_pairs():
    with pytest.raises(ConfigError, match="expected objects in pairs"):
        follow(pair(8), Contingency(follows="swapped"), FAMILIAR, draws())


def test_views():
    images = torch.zeros(1, 1, 16, 16)
    images[0, 0, 6:10, 6:10] = 1
    torch.testing.assert_close(moved(images, View(shift=0.25))[0, 0, 6:10, 10:14], torch.ones(4, 4))
    assert moved(images, View(size=2.0)).sum() > 3 * images.sum()
    assert moved(images, View(size=0.5)).sum() < 0.4 * images.sum()
    torch.testing.assert_close(moved(images, View(turn=90.0)), images, atol=1e-5, rtol=0)
    corner = torch.zeros(1, 1, 16, 16)
    corner[0, 0, 0:4, 12:16] = 1  # above, on the right
    torch.testing.assert_close(moved(corner, View(turn=90.0))[0, 0, 0:4, 0:4], torch.ones(4, 4), atol=1e-5, rtol=0)
