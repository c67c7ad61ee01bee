"""Expectations."""

import math

import pytest
from apical.protocols.errors import ConfigError
from apical.protocols.lesion.expectations import parse

VALUES = {("a", "x", None): 2.0, ("b", "x", None): 5.0, ("a", "x", "change"): -1.0, ("a", "x", "before"): 3.0}
VALUES[("n", "x", None)] = math.nan
VALUES[("n", "x", "change")] = math.nan


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a.x < b.x", True),
        ("b.x < a.x", False),
        ("a.x < 0.4 * b.x", False),
        ("a.x <= 0.4 * b.x", True),
        ("a.x >= 0.4*b.x + 0.1", False),
        ("a.x > -1e3", True),
        ("a.x.change < 0", True),
        ("a.x = 2", True),
        ("a.x = 2.0001", False),
        ("a.x.before between 2.5 and b.x", True),
        ("a.x between 2.5 and 3", False),
        ("2 = a.x", True),
        ("-1 * a.x < b.x - 6", True),
        ("n.x > 0", False),
        ("n.x < 0", False),
        ("n.x = n.x", False),
        ("n.x.change between -1 and 1", False),
        ("a.x between -1 and n.x", False),
        ("0 * n.x < 1", False),
        ("b.x between 2*a.x and 3*a.x", True),
        ("b.x between 2.6*a.x and 3*a.x", False),
    ],
)
def test_statements_are_evaluated(text, holds):
    assert parse(text).holds(lambda *name: VALUES[name]) is holds


@pytest.mark.parametrize(
    "text",
    ["", "a.x", "a < 1", "a.x < b.x < c.x", "a.b.c.d < 1", "a.x < 2 * 3", "__import__('os').x < 1", "a.x between 1"],
)
def test_nothing_else_is_understood(text):
    with pytest.raises(ConfigError, match="expected a statement like"):
        parse(text)
