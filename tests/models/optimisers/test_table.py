"""The table of optimisers agrees with their classes, and refuses what a row does not allow."""

import inspect
from importlib import import_module

import pytest
import torch
from apical.models import ModelError
from apical.models.optimisers.table import OPTIMISERS, SETTINGS, make
from apical.plasticity import SAL, Blockwise, ClappPP, SoftHebb

# rules that each optimiser fits
FITTING = {"lars": Blockwise(), "softhebb": SoftHebb()}


def class_of(name):
    module, kind = OPTIMISERS[name].home.split(":")
    return getattr(import_module(f"apical.models.optimisers.{module}"), kind)


def made(name, **settings):
    rule = FITTING.get(name, ClappPP())
    return make(name, rule, learning_rate=0.1, factors={}, settings=settings)


def arguments(kind):
    """Names that a class takes, those of what it hands on included."""
    found = set()
    for part in kind.__mro__:
        if "__init__" in vars(part) and part is not object:
            found |= set(inspect.signature(part.__init__).parameters)
    return found - {"self", "others", "learning_rate", "factors"}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_row_names_what_its_class_reads(name):
    assert set(OPTIMISERS[name].reads) == arguments(class_of(name))


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_class_takes_every_number_within_the_bounds(name):
    for word in OPTIMISERS[name].reads:
        told = SETTINGS[word]
        assert getattr(made(name), word) == told.default
        low = told.at_least if told.at_least is not None else told.above * 1.001 + 1e-12
        high = told.at_most if told.at_most is not None else told.below * 0.999
        for value in (low, high):
            assert getattr(made(name, **{word: value}), word) == value


def test_every_setting_is_read_by_somebody():
    assert {word for row in OPTIMISERS.values() for word in row.reads} == set(SETTINGS)


@pytest.mark.parametrize(("name", "rule", "settings", "message"), [
    ("adma", ClappPP(), {}, r"optimiser\.name: expected one of adamw, sgd, lars, softhebb, got 'adma'"),
    ("sgd", ClappPP(), {"eps": 1e-8}, r"optimiser\.eps: expected one of momentum, weight_decay for sgd"),
    ("sgd", ClappPP(), {"momentum": 1.0}, r"optimiser\.momentum: expected at least 0 and below 1"),
    ("lars", SAL(), {}, r"optimiser\.name: expected adamw or sgd for a rule with areas, got 'lars'"),
    ("softhebb", ClappPP(), {}, r"optimiser\.name: expected adamw or sgd for ClappPP, got 'softhebb'"),
])  # fmt: skip
def test_what_a_row_does_not_allow_is_refused(name, rule, settings, message):
    with pytest.raises(ModelError, match=message):
        make(name, rule, learning_rate=0.1, factors={}, settings=settings)


def test_factors_reach_the_optimiser():
    weight, still = torch.zeros(2), torch.zeros(2)
    optimiser = make("sgd", ClappPP(), learning_rate=1.0, factors={"b": 0.0}, settings={"weight_decay": 0.0})
    for name, value in (("a.weight", weight), ("b.weight", still)):
        optimiser.register(name, value)
        optimiser.apply(name, value, torch.ones(2))
    assert weight.tolist() == [1.0, 1.0]
    assert still.tolist() == [0.0, 0.0]
