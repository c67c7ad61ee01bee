"""What is done to a subject, one event after the other."""

import pytest
import torch
from apical.protocols.lesion.events import Apical
from apical.protocols.lesion.glances import Looking
from apical.protocols.lesion.protocol import Stimuli
from apical.protocols.lesion.subject import Source, Subject
from apical.protocols.runs.folder import RunFolder
from apical.protocols.train.run import load_stimulus


@pytest.fixture
def subject(dfb):
    config, cpu = RunFolder(dfb).settings(), torch.device("cpu")
    stimulus = load_stimulus(config, None, cpu)
    return Subject(Source(config, None, stimulus, cpu), "both", "initial", Looking(stimulus, Stimuli(), 8, 0), 1.0)


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
