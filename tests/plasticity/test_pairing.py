import pytest
import torch
from apical.plasticity import RuleError, pair
from hypothesis import given
from hypothesis import strategies as st

BATCHES = st.integers(2, 40)


def objects_of(rows, n):
    return rows % n


@given(
    n=BATCHES,
    negatives=st.sampled_from(["next", "random"]),
    phases=st.sampled_from(["both", "either"]),
    seed=st.integers(0, 99),
)
def test_fixations_stay_and_saccades_leave(n, negatives, phases, seed):
    p = pair(n, negatives=negatives, phases=phases, generator=torch.Generator().manual_seed(seed))
    rows = torch.arange(2 * n)
    assert (objects_of(p.fixation, n) == objects_of(rows, n)).all()
    assert (p.fixation != rows).all()
    assert (objects_of(p.saccade, n) != objects_of(rows, n)).all()
    for weight in (p.fixation_weight, p.saccade_weight):
        assert weight.sum() == pytest.approx(1) or (phases == "either" and weight.sum() == 0)


def test_next_is_the_partner_of_the_next_row():
    p = pair(3)
    assert p.fixation.tolist() == [3, 4, 5, 0, 1, 2]
    assert p.saccade.tolist() == [4, 5, 0, 1, 2, 3]


def test_either_gives_every_row_one_phase():
    p = pair(50, phases="either", generator=torch.Generator().manual_seed(1))
    assert ((p.fixation_weight > 0) ^ (p.saccade_weight > 0)).all()
    assert 30 < int((p.fixation_weight > 0).sum()) < 70


def test_random_saccades_reach_every_other_object_evenly():
    generator = torch.Generator().manual_seed(0)
    seen = torch.zeros(8)
    for _ in range(2000):
        seen[pair(4, negatives="random", generator=generator).saccade[0]] += 1
    assert seen[0] == seen[4] == 0
    rest = seen[[1, 2, 3, 5, 6, 7]] / 2000
    assert (rest - 1 / 6).abs().max() < 0.035  # four standard deviations


@pytest.mark.parametrize(("arguments", "field"), [
    ({"objects": 1}, "pair.objects"),
    ({"objects": 4, "negatives": "nearest"}, "pair.negatives"),
    ({"objects": 4, "phases": "neither"}, "pair.phases"),
    ({"objects": 4, "negatives": "random"}, "pair.generator"),
    ({"objects": 4, "phases": "either"}, "pair.generator"),
])  # fmt: skip
def test_misuse_is_refused(arguments, field):
    with pytest.raises(RuleError, match=field):
        pair(**arguments)
