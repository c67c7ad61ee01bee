"""Run the tests of learning and exactness as other processors would; one line each. `make test-processors`, or `--only NAME`.

Each row names what it makes this machine do otherwise. Tried and found to change no bit: `ATEN_CPU_CAPABILITY=avx2`,
`MKL_ENABLE_INSTRUCTIONS` and `MKL_DEBUG_CPU_TYPE`.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from verdicts import exit_code, told

TESTS = Path(__file__).parent
# where numbers are learnt or compared; everything else gives the same verdict on every processor
FOLDERS = (
    "plasticity", "models", "protocols/theory", "protocols/align", "protocols/readouts", "protocols/train", "house/test_tolerances.py",
)  # fmt: skip
# killed and interrupted processes and clocks: what is asked there does not depend on rounding, and signals do not reach through a dispatch mode
WITHOUT = "kill or interrupt or locks or lock_that or disk or another_process"
MACHINES = {
    # products by MKL and OpenBLAS in single and double, convolutions by oneDNN, sums, functions and normal draws by PyTorch
    "oldest": {
        "ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "OPENBLAS_CORETYPE": "Prescott",
    },
    # gradients of convolutions are summed in two halves, by other kernels
    "threads": {"OMP_NUM_THREADS": "2", "APICAL_TEST_MKLDNN": "off"},
    # every product and sum, as tests/jitter.py says
    "moved": {"APICAL_TEST_JITTER": "1"},
}  # fmt: skip

# replays are computed by Brian2 and NumPy, which jitter.py does not reach; ranks are compared with one process of the same rounding, and AdamW makes a
# whole step of a change that is nothing but rounding
UNMOVED = {"moved": ("models/spiking", "models/ranks", "protocols/train/test_ranks.py")}


def verdict(name: str, options: argparse.Namespace, more: list[str]) -> bool:
    """Run the tests as one machine; prints one line, and what failed."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-k", f"not ({WITHOUT})", *more,
         *(str(TESTS / folder) for folder in FOLDERS), *(f"--ignore={TESTS / folder}" for folder in UNMOVED.get(name, ()))],
        env=os.environ | MACHINES[name], cwd=TESTS.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return told(name, done, begun)


if __name__ == "__main__":
    sys.exit(exit_code(argparse.ArgumentParser(description=__doc__), MACHINES, verdict))
