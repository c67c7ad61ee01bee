"""Bad equations are refused in one sentence that names the field."""

import dataclasses

import pytest
from apical.models import ModelError
from apical.models.spiking.cells import CELLS, SYNAPSES, Cell, Synapse, check, drive, measure

pytest.importorskip("brian2", reason="the bridge needs brian2")

LEAKY = Cell(
    name="leaky",
    model="dv/dt = (E - v + R*I_s)/tau : volt\nI_s : amp",
    threshold="v > -50*mV",
    reset="v = E",
    namespace={"tau": "10 ms", "R": "50 Mohm", "E": "-70 mV"},
    roles={"soma": "v", "current": "I_s"},
    inputs={"I_s": "pA"},
    start={"v": "-70 mV"},
)
PLAIN = Synapse(name="plain", model="w : volt", on_pre="v_post += w", unit="mV")


# variants of one, which test_presets.py and test_circuits.py run
VARIANTS = ("apical-pre-copy", "apical-pre-quiet", "apical-post", "burst-alone")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in VARIANTS else name for name in SYNAPSES]
)
def test_presets_pass(name):
    cell = (
        CELLS.get(name)
        or CELLS[{"burst-dependent": "burst-poisson", "apical-pre-copy": "bac-copy"}.get(name, "linear")]
    )
    check(cell, SYNAPSES[name])


@pytest.mark.parametrize("name", CELLS)
def test_preset_cells_pass(name):
    check(CELLS[name])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": "dv/dt = (E - v + I_s)/tau : volt\nI_s : amp"}, r"cell\.model: expected equations whose units agree"),
        ({"model": "dv/dt = (E - v : volt"}, r"cell\.model: expected Brian2 equations such as"),
        ({"model": "dv/dt = (E - v + Q*I_s)/tau : volt\nI_s : amp"}, r"cell\.model: expected names of .* got 'Q'; give Q"),
        ({"threshold": "v > 50*pA"}, r"cell\.threshold: expected equations whose units agree"),
        ({"threshold": "u > E"}, r"cell\.threshold: expected names .* got 'u'"),
        ({"reset": "v = tau"}, r"cell\.reset: expected equations whose units agree"),
        ({"threshold": ""}, r"cell\.threshold: expected one beside the reset"),
        ({"refractory": "2 mV"}, r"cell\.refractory: expected the unit of a time"),
        ({"roles": {"tuft": "v"}}, r"cell\.roles: expected one of soma, .* got 'tuft'"),
        ({"roles": {"soma": "u"}}, r"cell\.roles\.soma: expected a variable or constant of leaky in volt, got 'u'; name one of v"),
        ({"roles": {"soma": "I_s"}}, r"cell\.roles\.soma: expected the unit of I_s, A, got V|expected the unit of I_s"),
        ({"inputs": {"v": "mV"}}, r"cell\.inputs: expected a parameter of the model, got 'v'"),
        ({"inputs": {"I_s": "mV"}}, r"cell\.inputs\.I_s: expected the unit of I_s"),
        ({"inputs": {"I_s": "pQ"}}, r"cell\.inputs\.I_s: expected a unit of Brian2 such as .* got 'pQ'"),
        ({"start": {"v": "3 pA"}}, r"cell\.start\.v: expected the unit of v"),
        ({"start": {"u": "3 mV"}}, r"cell\.start: expected one of v, I_s, got 'u'"),
        ({"method": "guess"}, r"cell\.method: expected one of euler"),
        ({"model": 3}, r"cell\.model: expected text, got 3"),
        ({"namespace": {"tau": "ten ms", "R": "50 Mohm", "E": "-70 mV"}}, r"cell\.namespace\.tau: expected a number and a unit"),
    ],
)  # fmt: skip
def test_bad_cells_are_one_sentence(values, said):
    fields = {field.name: getattr(LEAKY, field.name) for field in dataclasses.fields(LEAKY)} | values
    with pytest.raises(ModelError, match=said) as raised:
        drive(Cell(**fields), duration=1.0)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"on_pre": "V_a_post += w"}, r"synapse\.on_pre: expected variables of the synapse or of leaky \(v, I_s\), got 'V_a_post'"),
        ({"on_pre": "v_post += w*{apical}/mV"}, r"synapse\.on_pre: expected a cell with the role apical, got leaky, which has soma"),
        ({"on_pre": "v_post += {tuft}"}, r"synapse\.on_pre: expected one of soma, .* got 'tuft'"),
        ({"on_pre": "v_post += {"}, r"synapse\.on_pre: expected roles as \{apical\}, got braces"),
        ({"model": "w : amp", "unit": "pA"}, r"synapse\.on_pre: expected equations whose units agree"),
        ({"unit": "pA"}, r"synapse\.unit: expected the unit of w"),
        ({"weight": "q"}, r"synapse\.weight: expected one of w, got 'q'"),
        ({"eligibility": "e"}, r"synapse\.eligibility: expected one of w, got 'e'"),
        ({"delay": "1 mV"}, r"synapse\.delay: expected the unit of a time"),
        ({"namespace": {"tau": "20 ms"}}, r"synapse\.namespace\.tau: expected the value of leaky, 10 ms, or a name of its own"),
        ({"on_post": "w += x"}, r"synapse\.on_post: expected variables of the synapse"),
    ],
)  # fmt: skip
def test_bad_synapses_are_one_sentence(values, said):
    with pytest.raises(ModelError, match=said) as raised:
        drive(LEAKY, PLAIN.but(**values) if "namespace" not in values else _with(values), duration=1.0, rates=[1.0])
    assert "\n" not in str(raised.value)


def _with(values):
    return Synapse(**{field.name: getattr(PLAIN, field.name) for field in dataclasses.fields(PLAIN)} | values)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"inputs": {"I_t": 1.0}}, r"drive\.inputs of leaky: expected one of I_s, got 'I_t'"),
        (
            {"inputs": {"I_s": [1.0, 2.0, 3.0]}, "cells": 2},
            r"drive\.inputs\.I_s: expected finite numbers, one for each of 2",
        ),
        ({"inputs": {"I_s": float("nan")}}, r"drive\.inputs\.I_s: expected finite numbers"),
        ({"duration": 0.0}, r"drive\.duration: expected a time above 0"),
        ({"duration": 1.05}, r"drive\.duration: expected a multiple of dt"),
        ({"rates": [1.0]}, r"drive\.synapse: expected one for the spikes of sources"),
        ({"synapse": PLAIN}, r"drive\.pre: expected spike times or rates, got both or neither"),
        ({"synapse": PLAIN, "rates": [-1.0]}, r"drive\.rates: expected rates from 0"),
        ({"synapse": PLAIN, "pre": [[0.51, 0.52]]}, r"drive\.pre\[0\]: expected at most one spike a step"),
        ({"synapse": PLAIN, "rates": [1.0, 2.0], "wiring": "one"}, r"drive\.wiring: expected 1 sources"),
        ({"synapse": PLAIN, "rates": [1.0], "wiring": "some"}, r"drive\.wiring: expected one of all, one"),
        ({"synapse": PLAIN, "rates": [1.0], "weights": [1.0, 2.0]}, r"drive\.weights: expected a number or \(1, 1\)"),
        ({"post": [[1.0], [2.0]]}, r"drive\.post: expected the spikes of 1 cells"),
        ({"target": "cpp_standalone"}, r"drive\.target: expected numpy or cython"),
        ({"seed": -1}, r"drive\.seed: expected 0 or above"),
        ({"cells": 10**6, "duration": 1e6}, r"drive\.every: expected at most"),
    ],
)
def test_bad_drives_are_one_sentence(words, said):
    with pytest.raises(ModelError, match=said):
        drive(LEAKY, **{"duration": 5.0, **words})


def test_what_cannot_be_measured_is_said():
    with pytest.raises(ModelError, match=r"cell\.roles\.current: expected an input of leaky, got None"):
        measure(LEAKY.but(roles={"soma": "v"}))
    with pytest.raises(ModelError, match=r"cell\.model: expected at least 100 Hz .* got at most"):
        measure(LEAKY.but(refractory="50 ms"), duration=100.0, cells=1)


def test_changes_of_a_cell_are_checked():
    assert LEAKY.but(namespace={"tau": "20 ms"}).namespace == {"tau": "20 ms", "R": "50 Mohm", "E": "-70 mV"}
    with pytest.raises(ModelError, match=r"cell\.namespace: expected one of tau, R, E, got 'taus'; did you mean tau"):
        LEAKY.but(namespace={"taus": "20 ms"})
    with pytest.raises(ModelError, match=r"synapse\.field: expected one of"):
        PLAIN.but(weigth="w")
