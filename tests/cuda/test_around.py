"""What stands around a step on CUDA: how images are shown, what is recorded, what read-outs see."""

import pytest
from apical.protocols.stimuli.presentations.table import ROWS

slow = pytest.mark.slow
MOST_WAITS = {
    "cifar10-narrow": 150,
    "cifar10-both-narrow": 230,
}  # of a recorded step, which copies every signal to the host


@pytest.mark.parametrize("presentation", ROWS)
def test_images_are_shown_without_a_wait(done, presentation):
    assert done("shown", presentation=presentation)["device"] == "cuda"


def test_glances_at_objects_are_shown_without_a_wait(done):
    assert done("shown", presentation="glances", stimulus="shapes")["device"] == "cuda"


@pytest.mark.parametrize("preset", ["cifar10-narrow", pytest.param("cifar10-both-narrow", marks=slow)])
def test_a_recorded_step_mixes_no_devices_and_waits_a_bounded_number_of_times(done, preset):
    found = done("steps", preset=preset, recorded=True)
    assert 0 < sum(found["waits"].values()) <= MOST_WAITS[preset], found["waits"]


@pytest.mark.parametrize(
    "preset",
    [
        "cifar10-ff-narrow",
        *(pytest.param(name, marks=slow) for name in ("cifar10-scff-narrow", "mnist-sal", "cifar10-narrow")),
    ],
)
def test_networks_are_read_on_the_device_and_features_reach_the_host(done, preset):
    found = done("read", preset=preset)
    assert (found["device"], found["features"]) == ("cuda", "cpu")
    assert found["waits"] == {}
