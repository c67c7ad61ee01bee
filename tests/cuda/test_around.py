"""What stands around a step on CUDA: how images are shown, what is recorded, what read-outs see."""

import pytest
from apical.protocols.stimuli.presentations.table import ROWS

slow = pytest.mark.slow
EVERYTHING = (
    "recording.variables=[rate,basal,apical,score,neuromodulator,drive,gate,eligibility,weights]",
    "recording.reductions=[mean,norm,sparsity,histogram]",
)
RECORDED = [
    ("cifar10-narrow",), ("cifar10-narrow", *EVERYTHING),
    *(pytest.param(case, marks=slow) for case in (
        ("cifar10-both-narrow",), ("cifar10-both-narrow", *EVERYTHING), ("cifar10-bp-narrow",), ("cifar10-scff-narrow",),
        ("cifar10-softhebb-narrow",), ("cifar10-blockwise-narrow",), ("cifar10-resnet18-dfb-narrow",),
    )),
]  # fmt: skip


@pytest.mark.parametrize("presentation", ROWS)
def test_images_are_shown_without_a_wait(done, presentation):
    assert done("shown", presentation=presentation)["device"] == "cuda"


def test_glances_at_objects_are_shown_without_a_wait(done):
    assert done("shown", presentation="glances", stimulus="shapes")["device"] == "cuda"


@pytest.mark.parametrize("preset", ["cifar10-narrow", pytest.param("cifar10-both-narrow", marks=slow)])
def test_a_step_before_which_a_fixed_batch_is_shown_waits_for_its_answers_as_well(done, preset):
    found = done("steps", preset=preset, overrides=("recording.probe=4", "recording.probe_every=1"), recorded=True)
    assert sum(found["waits"].values()) == 2, found["waits"]


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: " ".join(case[:2]))
def test_a_recorded_step_waits_once_for_all_its_signals(done, case):
    preset, *overrides = case
    found = done("steps", preset=preset, overrides=overrides, recorded=True)
    assert sum(found["waits"].values()) == 1, found["waits"]


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
