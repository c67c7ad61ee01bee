"""The words of `apical compare`."""

import pytest
from apical.protocols.command.arguments import parse_budget, parse_names, parse_seeds
from apical.protocols.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-2", [0, 1, 2]), ("5", [5]), ("0,3,7", [0, 3, 7]), ("1-2, 9", [1, 2, 9])]
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "2-1", "0,0", "-1", "0-99999999", "4294967296"])
def test_seeds_that_are_none(text):
    with pytest.raises(ConfigError, match="--seeds: expected"):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("text", "kind", "amount"),
    [
        ("120s", "seconds", 120.0),
        ("1.5 s", "seconds", 1.5),
        ("3epochs", "epochs", 3),
        ("1 epoch", "epochs", 1),
        ("5000samples", "samples", 5000),
        ("1 sample", "samples", 1),
    ],
)
def test_budgets(text, kind, amount):
    assert parse_budget(text) == {"seconds": None, "epochs": None, "samples": None, kind: amount}


@pytest.mark.parametrize("text", ["", "3", "0s", "0epochs", "-3s", "1.5epochs", "3 minutes", "0samples"])
def test_budgets_that_are_none(text):
    with pytest.raises(ConfigError, match="--budget: expected"):
        parse_budget(text)


def test_names():
    assert parse_names(None) is None
    assert parse_names("a, b") == ["a", "b"]
    for text in ("a,,b", "a,a", ""):
        with pytest.raises(ConfigError, match="--rules: expected"):
            parse_names(text)
