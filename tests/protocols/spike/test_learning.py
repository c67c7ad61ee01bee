"""Spikes alone learn what rates learn, and controls do not: one seed of docs/results/spike.md."""

import os
from pathlib import Path

import pytest
from apical.protocols.spike import SpikeSettings, spike
from apical.protocols.spike.checks import fall

pytest.importorskip("brian2", reason="the bridge needs brian2")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_spikes_learn_and_controls_do_not(tmp_path):
    folder = os.environ.get("APICAL_DATA")
    if not folder or not (Path(folder) / "MNIST").is_dir():
        pytest.skip("APICAL_DATA names no folder with MNIST")
    settings = SpikeSettings(conditions=("intact", "no-memory", "shuffled-gamma", "silent-soma", "tuft-blocked"))
    result = spike(settings, tmp_path / "out", data_dir=Path(folder), progress=False)
    falls = {cell["condition"]: fall(cell) for cell in result["cells"]}
    assert falls.pop("intact") > 0.6
    assert len(falls) == 4
    assert max(falls.values()) < 0.3
