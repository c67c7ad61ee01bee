"""The same step on a GPU. Run with `pytest -m gpu`; `apical bench device` asks the same."""

import pytest
import torch
from apical.protocols.bench.checks import CHECKS

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")]


@pytest.mark.parametrize("name", CHECKS)
def test_the_engine_on_the_gpu(name):
    failed = [row for row in CHECKS[name](torch.device("cuda")) if not row["holds"]]
    assert failed == []
