"""What is done to a subject, one event after the other."""

import pytest
import torch
from apical.models.networks.contexts import CONTEXTS, Context
from apical.plasticity import ClappPP, clapp
from apical.protocols.lesion.events import Apical, Contingency
from apical.protocols.lesion.glances import Looking
from apical.protocols.lesion.measures import BATCHES, Probing
from apical.protocols.lesion.protocol import Stimuli
from apical.protocols.lesion.subject import Subject
from apical.protocols.runs.trained import open_run


@pytest.fixture
def subject(dfb):
    run = open_run(dfb, rule=ClappPP)
    return Subject(run, "both", None, Looking(run.batches, Stimuli(), 8), 1.0)


def test_sources_are_scaled_each_for_itself(subject):
    subject.set(Apical(source="top", scale=0.5))
    subject.set(Apical(source="lateral", scale=0.25))
    assert subject.apical == {"lateral": (0.25,) * 6, "dfb": (0.5,) * 5 + (0.25,)}
    subject.set(Apical(source="top", scale=1.0))
    assert subject.apical == {"lateral": (0.25,) * 6, "dfb": (1.0,) * 5 + (0.25,)}
    subject.set(Apical(scale=0.0))
    assert subject.apical == {"lateral": (0.0,) * 6, "dfb": (0.0,) * 6}
    subject.set(Apical(scale=1.0))
    subject.set(Apical(source="lateral", scale=1.0))
    assert subject.apical == {"lateral": (1.0,) * 6, "dfb": (1.0,) * 6}


def test_what_is_cut_stays_cut(subject):
    subject.set(Apical(lesion="top"))
    subject.set(Apical(scale=2.0))
    assert subject.apical == {"lateral": (2.0,) * 6, "dfb": (0.0,) * 5 + (2.0,)}


def test_a_further_source_is_feedback_but_where_it_is_the_own_population(dfb, monkeypatch):
    monkeypatch.setitem(CONTEXTS, "above", Context(lambda own, count: min(own + 1, count - 1)))
    monkeypatch.setitem(clapp.SOURCES, "above", ("above",))
    run = open_run(dfb, rule=ClappPP)
    subject = Subject(run, "above", None, Looking(run.batches, Stimuli(), 8), 1.0)
    subject.set(Apical(lesion="top"))
    assert subject.apical == {"above": (0.0,) * 5 + (1.0,)}
    subject.set(Apical(source="lateral", scale=0.5))
    assert subject.apical == {"above": (0.0,) * 5 + (0.5,)}


def test_a_step_is_measured_and_taken_back(dfb):
    """The rule drives a change; what the weights move by is the optimiser's, and nothing stays moved by asking."""
    run = open_run(dfb, rule=ClappPP)
    subject = Subject(run, "own", run.newest(), Looking(run.batches, Stimuli(), 8), 1.0)
    before, moments = subject.copy(), subject.optimiser.state()
    found = Probing(subject, ["update", "step"], {}).measure()
    after = subject.copy()
    assert all(torch.equal(before.tensors[name], tensor) for name, tensor in after.tensors.items())
    assert subject.optimiser.state() == moments
    seen = subject.glances("probe", 0, Contingency())
    moved = []
    for step in range(BATCHES):
        seen = subject.glances("probe", step, Contingency())
        subject.engine.rule = subject.manipulated(seen, step)
        weights = subject.weights()
        subject.engine.step(seen.images, seen.pairing)
        moved.append((subject.network.populations[0].weight - weights["conv1"]).norm().item())
        subject.become(before)
    assert found["step"]["conv1"] == pytest.approx(sum(moved) / BATCHES, rel=1e-5)
    assert found["update"]["conv1"] != pytest.approx(found["step"]["conv1"], rel=0.1)
