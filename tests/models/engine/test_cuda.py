"""The same step on a GPU. Run with `pytest -m gpu`."""

import pytest
import torch
from apical.models.engine import Architecture, build_engine, build_network
from apical.plasticity import BPClappPP, BPInfoNCE, ClappPP, Softplus, pair

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")]

SMALL = Architecture("vgg6", (3, 32, 32), 1 / 16, grids=(8, 4, 4, 4, 2, 2))
RULES = [*(ClappPP(context=c, contrast=Softplus()) for c in ("lateral", "dfb", "both")), BPClappPP(), BPInfoNCE()]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_step_on_the_gpu_equals_one_on_the_cpu(rule):
    images = torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    changed, losses = [], []
    for device in ("cpu", "cuda"):
        network = build_network(SMALL, rule, seed=0).to(torch.device(device), torch.float64)
        engine = build_engine(network, rule, learning_rate=1e-3)
        losses.append(engine.step(images.to(device), pair(8)).cpu())
        changed.append({name: weight.cpu() for name, weight in network.weights().items()})
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-9, atol=1e-12)
    for name, weight in changed[0].items():
        torch.testing.assert_close(changed[1][name], weight, rtol=1e-6, atol=1e-9, msg=name)


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
def test_bfloat16_trains_on_the_gpu(context):
    rule = ClappPP(context=context)
    engine = build_engine(
        build_network(SMALL, rule, seed=0).to(torch.device("cuda")), rule, learning_rate=1e-3, half=True
    )
    images = torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to("cuda")
    losses = [engine.step(images, pair(32)).mean().item() for _ in range(30)]
    assert losses[-1] < losses[0]
