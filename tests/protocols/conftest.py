import json
import sys
from functools import lru_cache
from pathlib import Path

import pytest

# small_runs.py and official_files.py are shared by the folders below
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def measured(tmp_path_factory):
    """A cache folder with a measurement in which float32 and the direct kernels win: no test waits for one, or depends on the machine's."""
    from apical.models.engine.kernels import machine

    slower = {"product default": 9.0, "convolution winograd": 9.0, "convolution bf16": 9.0}
    found = {"product onednn": 1.0, "convolution direct": 1.0, **slower}
    cache = tmp_path_factory.mktemp("cache")
    (cache / "apical").mkdir()
    (cache / "apical" / "kernels.json").write_text(json.dumps({machine(): found}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.delenv("APICAL_CACHE", raising=False)
        yield cache / "apical"


@pytest.fixture(scope="session", autouse=True)
def once(measured):
    """What every run asks again. Shapes of every size come out of the cache: `stimuli/objects/test_kept.py` asks that they are the same, and which are kept."""
    from apical.protocols.runs import provenance
    from apical.protocols.stimuli.objects import kept

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "LEAST", 0)
        patch.setattr(provenance, "git_state", lru_cache(provenance.git_state))
        yield
