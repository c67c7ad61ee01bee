"""What the blockwise rule declares, and its entries of the table."""

import pytest
from apical.plasticity import RULES, BarlowTwins, Blockwise, RuleError, SimCLR, VICReg, hyperparameters
from hypothesis import given
from hypothesis import strategies as st


def test_the_table_names_objective_and_span():
    kinds = {"barlow": BarlowTwins, "simclr": SimCLR, "vicreg": VICReg}
    for word, kind in kinds.items():
        blockwise, twin = RULES[f"blockwise-{word}"](), RULES[f"bp-{word}"]()
        assert isinstance(blockwise.objective, kind)
        assert (blockwise.end_to_end, blockwise.noise) == (False, 0.25)
        assert (twin.objective, twin.end_to_end, twin.noise) == (blockwise.objective, True, 0.0)


def test_an_entry_takes_the_hyperparameters_of_both():
    rule = RULES["blockwise-barlow"](redundancy=0.02, noise=0.1, projector=[8, 4])
    assert rule == Blockwise(objective=BarlowTwins(redundancy=0.02), noise=0.1, projector=(8, 4))
    assert {"redundancy", "scale", "noise", "order"} <= hyperparameters(RULES["blockwise-barlow"])
    assert "order" not in hyperparameters(RULES["bp-barlow"])
    assert "temperature" in hyperparameters(RULES["bp-simclr"])
    assert not {"objective", "end_to_end"} & hyperparameters(RULES["bp-simclr"])


def test_an_unknown_name_is_a_type_error():
    with pytest.raises(TypeError, match="redundancy"):
        RULES["blockwise-simclr"](redundancy=1.0)


@given(steps=st.integers(4, 200), blocks=st.integers(1, 4))
def test_stretches_follow_each_other_and_fill_the_run(steps, blocks):
    rule, seen = Blockwise(order="sequential"), []
    for step in range(steps):
        turn, first, last = rule.stretch(step, steps, blocks)
        assert first <= step < last
        seen.append(turn)
    assert seen == sorted(seen)
    counts = [seen.count(i) for i in range(blocks)]
    assert max(counts) - min(counts) <= 1


def test_together_the_run_is_one_stretch():
    assert Blockwise().stretch(17, 100, 4) == (3, 0, 100)


@pytest.mark.parametrize(("build", "message"), [
    (lambda: Blockwise(expansion="pool"), r"Blockwise.expansion: expected one of conv, local, global, got 'pool'"),
    (lambda: Blockwise(order="random"), r"Blockwise.order: expected one of simultaneous, sequential, got 'random'"),
    (lambda: Blockwise(spread="hw"), r"Blockwise.spread: expected one of all, map, got 'hw'"),
    (lambda: Blockwise(noise=-0.1), r"Blockwise.noise: expected a finite number of at least 0, got -0.1"),
    (lambda: Blockwise(projector=()), r"Blockwise.projector: expected at least one size, got none"),
    (lambda: Blockwise(projector=(8, 0)), r"Blockwise.projector: expected whole numbers from 1 to 65536, got 0"),
    (lambda: Blockwise(features=2.5), r"Blockwise.features: expected whole numbers from 1 to 65536, got 2.5"),
    (lambda: Blockwise(features=True), r"Blockwise.features: expected whole numbers from 1 to 65536, got True"),
    (lambda: Blockwise(end_to_end=True, order="sequential"), r"Blockwise.order: expected simultaneous for an end-to-end rule"),
])  # fmt: skip
def test_misuse_is_refused(build, message):
    with pytest.raises(RuleError, match=message):
        build()
