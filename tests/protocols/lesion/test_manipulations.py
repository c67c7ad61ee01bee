"""The rule under manipulation, and held step sizes."""

import pytest
import torch
from apical.models import AdamW, Collector
from apical.models.engine import Architecture, LocalEngine, build_network
from apical.models.optimisers.frozen_steps import Held
from apical.plasticity import ClappPP, pair
from apical.protocols.lesion.manipulations import Modulated, manipulate

ARCHITECTURE = Architecture("vgg6", (3, 16, 16), 1 / 64, grids=(4, 2, 2, 2, 1, 1))


def changes(rule, contrast=None, apical=None):
    network = build_network(ARCHITECTURE, rule, seed=0).to(torch.device("cpu"), torch.float64)
    for weights in network.apical.values():  # strong enough that no hinge is met by chance
        for projection in weights:
            projection.weight *= 0.1
    collector = Collector()
    images = torch.randn(12, 3, 16, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    LocalEngine(network, manipulate(rule, contrast, apical or {}), collector).step(images, pair(6))
    return collector.changes


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
def test_a_scaled_apical_input_scales_what_is_learnt_with_open_gates(context):
    rule = ClappPP(context=context)
    whole = changes(rule)
    half = changes(rule, apical=dict.fromkeys(rule.needs.sources, (0.5,) * 6))
    none = changes(rule, apical=dict.fromkeys(rule.needs.sources, (0.0,) * 6))
    assert any(value.norm() > 0 for value in whole.values())
    for name, value in whole.items():
        torch.testing.assert_close(half[name], 0.5 * value)
        assert not none[name].any()


def test_an_input_that_is_scaled_is_an_input_that_was_smaller():
    rule = ClappPP(context="lateral")
    only = {"lateral": (1.0, 0.0, 1.0, 1.0, 1.0, 1.0)}
    whole, cut = changes(rule), changes(rule, apical=only)
    for name, value in whole.items():
        assert cut[name].any() == (value.any() and not name.startswith("conv2"))
        if not name.startswith("conv2"):
            assert torch.equal(cut[name], value)


def test_modulators():
    rule = ClappPP()
    stay, jump = torch.tensor([0.5, 1.5]), torch.tensor([0.5, -1.5])

    def of(**how):
        return [m.tolist() for m in Modulated(contrast=rule.contrast, **how).modulators(stay, jump)]

    assert of() == [[1, 0], [-1, 0]]
    assert of(scale=2.0) == [[2, 0], [-2, 0]]
    assert of(clamp=0.0) == [[0, 0], [0, 0]]
    assert of(clamp=1.0) == [[1, 1], [-1, -1]]
    assert of(positive=True) == [[1, 0], [1, 0]]
    assert of(surprise=True) == [[0.5, 0], [-1.5, 0]]
    assert of(signs=torch.tensor([-1, 1])) == [[-1, 0], [1, 0]]
    assert of(scale=3.0, clamp=1.0, rows=torch.tensor([False, True])) == [[1, 3], [-1, -3]]
    assert of(fixation=True) == [[1, 0], [0, 0]]
    assert of(scale=3.0, rows=torch.tensor([False, True]), silent=True) == [[0, 0], [0, 0]]
    assert of(scale=3.0, rows=torch.tensor([True, False]), silent=True) == [[3, 0], [-3, 0]]
    # the loss stays what it is
    assert torch.equal(
        Modulated(contrast=rule.contrast, clamp=0.0).losses(stay, jump)[0], rule.contrast.losses(stay, jump)[0]
    )


def test_a_silent_modulator_changes_nothing():
    rule = ClappPP(context="both")
    for value in changes(rule, Modulated(contrast=rule.contrast, clamp=0.0)).values():
        assert not value.any()


def test_held_steps_are_linear_and_remember_nothing():
    weight = torch.zeros(4, 3)
    held = Held(AdamW(learning_rate=0.1, weight_decay=0.0))
    held.register("w", weight)
    for _ in range(3):
        held.advance()
        held.apply("w", weight, torch.full((4, 3), 2.0))
    held.adaptive = False
    before = weight.clone()
    held.advance()
    held.apply("w", weight, torch.zeros(4, 3))
    assert torch.equal(weight, before)  # momentum would go on
    held.apply("w", weight, torch.ones(2, 3), slice(0, 2))
    torch.testing.assert_close(weight[:2] - before[:2], torch.full((2, 3), 0.1 * 1 / 2))
    assert torch.equal(weight[2:], before[2:])
    held.apply("w", weight, torch.full((4, 3), 4.0))
    torch.testing.assert_close(weight[2:] - before[2:], torch.full((2, 3), 0.1 * 4 / 2))
