"""A step of training on CUDA: every rule, engine, precision and optimiser, without a wait and without a tensor of the host."""

import pytest
from apical.plasticity import RULES
from apical.protocols.settings.load import load

slow = pytest.mark.slow
# Kernels that the engine starts in a step, without those that show the images. A graph of the whole step replays them as one; each of them
# still costs a few microseconds of the device. Where populations wait for the top, four for each max-pool hold its winners in one byte.
MOST = {"cifar10-narrow": 311, "cifar10-dfb-narrow": 327, "cifar10-both-narrow": 525}
SHOWN = 108  # two views of every image of a batch
# every rule on a network that it is made for; those of one page, a few a second, by default
STEPS = [
    ("cifar10-bp-narrow",), ("cifar10-fa-narrow",), ("mnist-sal", "network.areas=3"),
    *(pytest.param(case, marks=slow) for case in (
        ("cifar10-infonce-narrow",), ("cifar10-clapp-narrow",), ("cifar10-clapp-s-narrow",), ("cifar10-hinge-cpc-narrow",),
        ("cifar10-gim-narrow",), ("cifar10-gim-narrow", "rule.name=bp-gim"), ("cifar10-lpl-narrow",), ("cifar10-bp-lpl-narrow",),
        ("cifar10-blockwise-narrow",), ("cifar10-blockwise-simclr-narrow",), ("cifar10-blockwise-vicreg-narrow",),
        ("cifar10-barlow-narrow",), ("cifar10-barlow-narrow", "rule.name=bp-simclr", "rule.temperature=0.5"), ("cifar10-barlow-narrow", "rule.name=bp-vicreg"),
        ("cifar10-classifier-narrow",), ("mnist-bp",), ("mnist-fa",), ("cifar10-dfa-narrow",), ("cifar10-ff-narrow",), ("mnist-ff-narrow",),
        ("cifar10-ff-narrow", "rule.name=bp-forward-forward"), ("cifar10-phyll-narrow",), ("cifar10-phyll-narrow", "rule.name=bp-phyll"),
        ("cifar10-softhebb-narrow",), ("cifar10-scff-narrow",), ("cifar10-dendritic-narrow",), ("cifar10-burst-narrow",), ("demo",),
        ("cifar10-resnet18-bp-narrow",), ("cifar10-resnet18-dfb-narrow",), ("cifar10-resnet18-both-narrow", "network.stop=branch", "network.norm=inside"),
    )),
]  # fmt: skip
OPTIMISERS = [
    ("cifar10-narrow", "optimiser.name=sgd"), ("mnist-sal", "network.areas=3", "optimiser.name=sgd"),
    ("cifar10-barlow-narrow", "optimiser.name=lars"), ("cifar10-narrow", "rule.negatives=random", "rule.phases=either"),
]  # fmt: skip


def told(case):
    return " ".join(case)


@pytest.mark.parametrize("preset", MOST)
def test_a_step_of_clapp_plus_plus_waits_for_nothing_and_starts_so_many_kernels(done, preset):
    found = done("steps", preset=preset, precision="bf16")
    assert found["waits"] == {}
    assert found["shown"] <= SHOWN
    assert found["launches"] - found["shown"] <= MOST[preset], sorted(found["places"].items())


@pytest.mark.parametrize("case", STEPS, ids=lambda case: told(case))
def test_no_rule_waits_for_the_device(done, case):
    preset, *overrides = case
    assert done("steps", preset=preset, overrides=overrides)["launches"] > 0


@slow
@pytest.mark.parametrize("case", [*((name,) for name in MOST), *OPTIMISERS], ids=told)
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_no_precision_and_no_optimiser_waits_for_the_device(done, case, precision):
    preset, *overrides = case
    assert done("steps", preset=preset, overrides=overrides, precision=precision)["launches"] > 0


@slow
@pytest.mark.parametrize("preset", ["cifar10-bp-narrow", "cifar10-fa-narrow", "cifar10-barlow-narrow"])
def test_the_other_engines_do_not_wait_in_bfloat16(done, preset):
    assert done("steps", preset=preset, precision="bf16")["launches"] > 0


def test_every_rule_is_asked():
    cases = [getattr(case, "values", (case,))[0] for case in STEPS]
    rules = {load(preset, overrides).rule.name for preset, *overrides in cases}
    assert rules | {"clapp++"} == set(RULES)
