from dataclasses import replace

import pytest
import torch
from apical.plasticity import RuleError, pair
from apical.plasticity.pairing import _tabled, _untabled
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


@given(st.integers(2, 12), st.integers(1, 20), st.sampled_from(["both", "either"]), st.integers(0, 99))
def test_others_are_glances_at_other_objects(objects, others, phases, seed):
    draw = lambda count: pair(  # noqa: E731
        objects, negatives="random", phases=phases, others=count, generator=torch.Generator().manual_seed(seed)
    )
    found, without = draw(others), draw(0)
    assert found.others.shape == (2 * objects, others)
    assert (found.others % objects != (torch.arange(2 * objects) % objects)[:, None]).all()
    assert found.others.min() >= 0 and found.others.max() < 2 * objects
    assert without.others is None
    # drawn last: runs of rules without them see the pairings they always saw
    assert torch.equal(found.saccade, without.saccade)
    assert torch.equal(found.fixation_weight, without.fixation_weight)
    assert torch.equal(found.to(torch.device("cpu"), torch.float32).others, found.others)


def test_others_reach_every_row_of_every_other_object():
    found = pair(4, others=500, generator=torch.Generator().manual_seed(0)).others
    assert sorted(found[1].unique().tolist()) == [0, 2, 3, 4, 6, 7]
    counts = found.flatten().bincount(minlength=8)
    assert counts.min() > 0.8 * counts.max()


def test_others_need_a_generator():
    with pytest.raises(RuleError, match=r"pair.generator: expected a torch.Generator"):
        pair(4, others=2)
    with pytest.raises(RuleError, match=r"pair.others: expected at least 0, got -1"):
        pair(4, others=-1)


@pytest.mark.parametrize("negatives", ["next", "opposite"])
def test_what_a_rule_writes_into_its_pairing_stays_there(negatives):
    """A rule from outside may spend its pairing: the next step has a whole one."""
    first = pair(4, negatives=negatives)
    for found in (first, first.to(torch.device("cpu"), torch.float64)):
        found.saccade_weight.zero_()
        assert found.fixation_weight.sum() == 1
    assert pair(4, negatives=negatives).saccade_weight.sum() == 1


def test_a_pairing_made_of_a_kept_one_is_not_taken_for_it():
    only = torch.zeros(8, dtype=torch.float64)
    found = replace(pair(4), fixation_weight=only).to(torch.device("cpu"), torch.float64)
    assert torch.equal(found.fixation_weight, only)


@pytest.mark.parametrize("others", [0, 3])
def test_one_table_carries_a_drawn_pairing(others):
    drawn = pair(5, negatives="random", phases="either", others=others, generator=torch.Generator().manual_seed(0))
    found = _untabled(_tabled(drawn), torch.float64)
    for name in ("fixation", "saccade", "fixation_weight", "saccade_weight", *(("others",) if others else ())):
        assert torch.equal(getattr(found, name), getattr(drawn, name))
    assert (found.others is None) == (not others)
