"""Values that settings take."""

import math
from collections import Counter

import pytest
from apical.protocols.errors import ConfigError
from apical.protocols.sweep.axes import axis_of, key_of, law_of, leaves


def labels(axis):
    return [value.label for value in axis.values]


def test_a_grid_sets_its_setting():
    axis = axis_of("optimiser.learning_rate", [0.1, 1])
    assert labels(axis) == [0.1, 1]
    assert axis.values[1].settings == {"optimiser": {"learning_rate": 1}}
    assert axis.paths == ["optimiser.learning_rate"]


def test_lists_and_booleans_have_a_text_as_label():
    assert labels(axis_of("rule.grids", [[1, 2], [4, 4]])) == ["[1, 2]", "[4, 4]"]
    assert labels(axis_of("recording.enabled", [True, False])) == ["true", "false"]


def test_settings_change_together():
    axis = axis_of("size", {"list": [{"network.width": 0.5, "training.batch": 8}, {"network": {"width": 1.0}}]})
    assert labels(axis) == [0, 1]
    assert axis.values[0].settings == {"network": {"width": 0.5}, "training": {"batch": 8}}
    assert set(axis.paths) == {"network.width", "training.batch"}


def test_an_entry_replaces_the_rule_as_a_whole_and_no_other_group():
    axis = axis_of("rule", {"entries": {"a": {"rule": {"name": "lpl"}, "optimiser.learning_rate": 1}, "b": None}})
    base = {"rule": {"name": "clapp", "context": "dfb"}, "optimiser": {"weight_decay": 2}}
    assert axis.apply(base, axis.values[0]) == {
        "rule": {"name": "lpl"},
        "optimiser": {"weight_decay": 2, "learning_rate": 1},
    }
    assert axis.apply(base, axis.values[1]) == base


def test_draws_stay_when_there_are_more_of_them_or_other_settings_beside():
    law = {"log-uniform": [1e-4, 1e-1]}
    few = axis_of("d", {"random": {"optimiser.learning_rate": law}, "n": 3, "seed": 1})
    many = axis_of(
        "d", {"random": {"network.width": {"uniform": [0, 1]}, "optimiser.learning_rate": law}, "n": 5, "seed": 1}
    )
    rates = [leaves(value.settings)["optimiser.learning_rate"] for value in many.values]
    assert [leaves(value.settings)["optimiser.learning_rate"] for value in few.values] == rates[:3]
    assert len(set(rates)) == 5
    other = axis_of("d", {"random": {"optimiser.learning_rate": law}, "n": 3, "seed": 2})
    assert leaves(other.values[0].settings) != leaves(few.values[0].settings)


def test_laws_draw_what_they_say():
    told = {
        "random": {"a.b": {"log-uniform": [1e-4, 1.0]}, "c.d": {"choice": ["x", "y"]}, "e.f": {"integers": [1, 3]}},
        "n": 600,
    }
    drawn = [leaves(value.settings) for value in axis_of("d", told).values]
    decades = Counter(math.floor(math.log10(each["a.b"])) for each in drawn)
    assert set(decades) <= {-4, -3, -2, -1, 0}
    assert all(100 < decades[k] < 200 for k in (-4, -3, -2, -1))
    assert 240 < Counter(each["c.d"] for each in drawn)["x"] < 360
    assert set(Counter(each["e.f"] for each in drawn)) == {1, 2, 3}
    assert law_of({"uniform": [2, 4]}, "x")(0.25) == 2.5


def test_keys_tell_numbers_from_texts():
    assert key_of(1) == key_of(1.0) != key_of("1")
    assert key_of(True) != key_of(1)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (3, "expected a list of values or a mapping with list, random, entries, got 3; for example"),
        ([], "expected 1 to 10,000 values, got 0"),
        ([1, 1.0], "expected every value once, got 1.0 twice; remove one"),
        (
            ["/a/r.py:MyRule", "/b/r.py:MyRule"],
            "expected values of different names, got two that are called 'r.py:MyRule'; give them names under entries",
        ),
        ([{"name": "lpl"}], r"\[0\]: expected a value of the setting a.b, got a mapping; write it .* under entries"),
        ({"lists": []}, "expected one of list, random, entries, got lists; did you mean list?"),
        ({"list": [], "random": {}}, "expected one of list, random, entries, got list, random"),
        ({"list": [], "n": 2}, r"\.n: expected one of list, got an unknown name"),
        ({"list": {"a": 1}}, "list: expected a list of mappings of settings, got {'a': 1}"),
        ({"list": [3]}, r"list\[0\]: expected a mapping of settings, got 3"),
        ({"list": [{"a..b": 3}]}, r"expected settings as group.name, got 'a..b'"),
        ({"entries": [1]}, r"entries: expected a mapping of names to settings, got \[1\]"),
        ({"entries": {}}, "expected 1 to 10,000 values, got 0"),
        ({"random": {"a.b": {"uniform": [0, 1]}}}, "n: expected how many draws, 1 to 10,000, got None"),
        ({"random": {"a.b": {"uniform": [0, 1]}}, "n": True}, "n: expected how many draws"),
        ({"random": {"a.b": {"uniform": [0, 1]}}, "n": 2, "seed": -1}, "seed: expected a number from 0"),
        ({"random": {}, "n": 2}, "random: expected settings with a law each, got {}"),
        ({"random": {"a.b": [0, 1]}, "n": 2}, r"random.a.b: expected one law of log-uniform, .*, got \[0, 1\]"),
        ({"random": {"a.b": {"loguniform": [1, 2]}}, "n": 2}, "did you mean log-uniform?"),
        ({"random": {"a.b": {"choice": []}}, "n": 2}, r"choice: expected a list, got \[\]"),
        ({"random": {"a.b": {"uniform": [1]}}, "n": 2}, r"uniform: expected two numbers, got \[1\]"),
        ({"random": {"a.b": {"integers": [1, 2.5]}}, "n": 2}, "integers: expected two integers"),
        ({"random": {"a.b": {"uniform": [2, 1]}}, "n": 2}, "expected two numbers, the smaller first, got"),
        ({"random": {"a.b": {"log-uniform": [0, 1]}}, "n": 2}, "expected two numbers above 0, the smaller first"),
    ],
)
def test_another_form_is_refused(told, message):
    with pytest.raises(ConfigError, match=rf"^axes\.a\.b.*{message}"):
        axis_of("a.b", told)


def test_a_grid_needs_a_setting():
    with pytest.raises(ConfigError, match=r"expected a setting as group.name, got 'a\.'"):
        axis_of("a.", [1])
