import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# before torch is imported: `make test` runs tests side by side, and threads that wait for a core make small operations ten times as slow
os.environ.setdefault("OMP_NUM_THREADS", "1")

# a shared machine may stall any single example; time belongs to benchmarks
settings.register_profile("apical", deadline=None)
settings.load_profile("apical")

# recordings are thousands of small files, which cost more on a disk than all that the tests compute; a killed test leaves them the same here
MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 * 2**30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# nohup hands an ignored SIGHUP on to what it starts, a shell's background job an ignored SIGINT, and commands under test would keep to them
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# tolerances.py and jitter.py are shared by all folders
sys.path.insert(0, str(Path(__file__).parent))


def pytest_configure() -> None:
    if os.environ.get("APICAL_TEST_MKLDNN") == "off":
        import torch

        torch.backends.mkldnn.enabled = False


@pytest.fixture(scope="session", autouse=True)
def quick_figures() -> Iterator[None]:
    """Figures in PDF with fonts as shapes: to cut a font out of its file takes longer than to draw. `tests/recordings/test_plot_style.py` asks for text."""
    from apical.recordings import plot_style

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(plot_style.STYLE, "pdf.fonttype", 3)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """With APICAL_TEST_JITTER=1, 2, ... every test and its fixtures run as on another machine; `make test-processors` does so."""
    if not os.environ.get("APICAL_TEST_JITTER"):
        return (yield)
    from jitter import LastBit

    with LastBit(int(os.environ["APICAL_TEST_JITTER"])):
        return (yield)
