"""Responses of neurons that adapt."""

import numpy as np
import pytest
import yaml
from apical.plasticity import ClappPP
from apical.protocols.lesion import protocol as spec
from apical.protocols.lesion.adaptation import Adapting, adapted, time_constant
from apical.protocols.lesion.events import Adaptation
from apical.protocols.lesion.glances import Looking
from apical.protocols.lesion.protocol import Stimuli
from apical.protocols.lesion.subject import Subject
from apical.protocols.runs.trained import open_run


@pytest.fixture
def subject(dfb):
    run = open_run(dfb, rule=ClappPP)
    return Subject(run, "own", run.newest(), Looking(run.batches, Stimuli(), 8), 1.0)


def lived(subject, tmp_path, measures, **events):
    path = tmp_path / "mine.yaml"
    body = {"events": [{word: values} for word, values in events.items()] + ["probe"]}
    path.write_text(yaml.safe_dump({"stage": "adaptation", "measures": measures, "conditions": {"mine": body}}))
    return adapted(subject, spec.load(str(path)).conditions[0], 0)["after"].values


def test_a_time_constant_is_found():
    t = np.arange(0, 20, 0.9)
    assert time_constant(t, 3 - 2 * np.exp(-t / 2.6)) == pytest.approx(2.6, rel=0.02)
    assert time_constant(t, 1 + np.exp(-t / 1.4)) == pytest.approx(1.4, rel=0.02)
    assert np.isnan(time_constant(t, np.ones_like(t)))
    assert np.isnan(time_constant(t, np.exp(-t / 0.01)))  # over before the second sample


def test_a_neuron_adapts_to_its_fixed_point(subject):
    """x - g w with w -> x - g w: in the end x / (1 + g) is left, with tau / (1 + g)."""
    cells = Adapting(subject, Adaptation(tau=1.0, strength=1.0))
    drive = cells.drive(subject.looking.seen(subject.looking.familiar(np.arange(2)), "fovea")).clamp_min(0)
    first = Adapting(subject, Adaptation(tau=1.0, strength=0.0)).show(drive, 0.1)
    for _ in range(100):
        last = cells.show(drive, 0.1)
    np.testing.assert_allclose(last.numpy(), first.numpy() / 2, rtol=1e-4)
    assert not np.allclose(first.numpy(), 0)


@pytest.mark.parametrize("site", ["output", pytest.param("input", marks=pytest.mark.slow)])
def test_a_novel_image_finds_neurons_that_have_not_adapted(subject, tmp_path, site):
    """And without adaptation, the control, there is no excess."""
    measures, stream = ["excess", "excess_large", "emergence", "decay"], {"images": 2}
    slow = lived(subject, tmp_path, measures, adaptation={"site": site, "tau": 2.0}, stream=stream)
    assert slow["excess"] > 0
    assert slow["excess_large"] < slow["excess"]
    assert 0.3 < slow["decay"] < 4
    none = lived(subject, tmp_path, measures, adaptation={"site": site, "strength": 0.0}, stream=stream)
    assert abs(none["excess"]) < 1e-6


def test_a_deviant_is_above_the_standard_by_adaptation_and_not_without(subject, tmp_path):
    stream = {"kind": "oddball", "images": 4, "frame": 0.5, "frames": 60}
    slow = lived(subject, tmp_path, ["ssa", "deviance"], adaptation={"tau": 3.0}, stream=stream)
    assert slow["ssa"] > 0.005
    none = lived(subject, tmp_path, ["ssa", "deviance"], adaptation={"strength": 0.0}, stream=stream)
    assert abs(none["ssa"]) < 1e-6
    assert abs(none["deviance"]) < 1e-6
