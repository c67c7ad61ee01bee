import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """A folder of 60 JPEG files to learn from and 20 to test with, in two classes."""
    from trees import write_images

    root = tmp_path_factory.mktemp("photographs")
    for seed, (part, name, count) in enumerate(
        [("train", "ant", 24), ("train", "bee", 36), ("test", "ant", 8), ("test", "bee", 12)]
    ):
        write_images(root / part / name, count, seed=seed)
    return root


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of its own, into which is decoded without processes."""
    from apical.protocols.stimuli.prepared import build
    from trees import Here

    monkeypatch.setenv("APICAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(build, "Workers", Here())
    return tmp_path / "cache"
