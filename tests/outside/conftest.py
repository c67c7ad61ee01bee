import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "protocols"))


@pytest.fixture
def mine():
    """The file of tests/outside as the beginning of a reference."""
    return f"{HERE / 'mine.py'}:"
