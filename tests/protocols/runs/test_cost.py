"""What a step costs, against the count by hand."""

import pytest
from apical.protocols.bench.limit import work
from apical.protocols.runs.cost import cost_of
from apical.protocols.settings.load import load

SMALL = [
    "stimulus.n_train=32",
    "stimulus.n_test=16",
    "training.batch=16",
    "network.width=0.0625",
    "stimulus.image_size=32",
]


def counted(*changes, preset="demo"):
    return cost_of(load(preset, [*SMALL, *changes]))


@pytest.mark.parametrize("context", ["dfb", "both"])
def test_multiplications_are_those_of_the_formula(context):
    found = counted(f"rule.context={context}", "rule.grids=[8,4,4,4,2,2]")
    # rows that no hinge moves cost no lateral product
    assert found.macs == pytest.approx(work(context, 16, 0.0625)["flop"] / 2 / 16, rel=0 if context == "dfb" else 0.02)


def test_feedback_to_both_costs_more_than_to_one_and_bytes_bound_the_weights():
    one, both = (counted(f"rule.context={context}", "rule.grids=[8,4,4,4,2,2]") for context in ("dfb", "both"))
    assert both.macs > one.macs
    assert both.bytes > one.bytes > work("dfb", 16, 0.0625)["bytes"] / 16 / 2
