"""What passes and what fails."""

import math

import pytest
from apical.protocols.check import Check, Criterion, above, at_least, at_most


@pytest.mark.parametrize(
    ("criterion", "values", "passed", "text"),
    [
        (at_least(0.95), [0.95, 0.99], True, ">= 0.95"),
        (at_least(0.95), [0.949, 0.999], False, ">= 0.95"),
        (at_most(0.05), [0.05], True, "<= 0.05"),
        (at_most(0.05), [-3.0, 0.051], False, "<= 0.05"),
        (above(0), [0.0], False, "> 0"),
        (above(0), [1e-12], True, "> 0"),
        (Criterion(0.93, 1.07), [0.93, 1.07], True, "0.93 to 1.07"),
        (Criterion(0.93, 1.07), [1.08], False, "0.93 to 1.07"),
        (at_least(0.0), [math.nan], False, ">= 0"),
        (at_least(0.0), [], False, ">= 0"),
    ],
)
def test_every_seed_must_meet_the_criterion(criterion, values, passed, text):
    check = Check("C0", "a number", values, criterion)
    assert check.passed is passed
    assert check.as_dict()["criterion"] == text


def test_a_reason_is_told_only_where_it_failed():
    good, bad = (Check("C0", "x", [v, v + 0.2], at_least(0.5), "because") for v in (0.6, 0.4))
    assert "reason" not in good.as_dict()
    assert bad.as_dict() == {
        "name": "C0", "what": "x", "value": 0.5, "interval": [0.4, pytest.approx(0.6)], "seeds": 2, "criterion": ">= 0.5",
        "passed": False, "reason": "because",
    }  # fmt: skip
