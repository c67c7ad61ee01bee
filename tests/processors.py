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

# replays are computed by Brian2 and NumPy, which jitter.py does not reach
UNMOVED = {"moved": ("models/spiking",)}


def verdict(name: str, more: list[str]) -> bool:
    """Run the tests as one machine; prints one line, and what failed."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", "-k", f"not ({WITHOUT})", *more,
         *(str(TESTS / folder) for folder in FOLDERS), *(f"--ignore={TESTS / folder}" for folder in UNMOVED.get(name, ()))],
        env=os.environ | MACHINES[name], cwd=TESTS.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    passed = done.returncode == 0
    last = (done.stdout.strip().splitlines() or ["no output"])[-1].strip("= ")
    sys.stdout.write(f"{name}: {last} ({time.monotonic() - begun:.0f} s)\n")
    if not passed:
        sys.stdout.write(done.stdout[-20_000:] + done.stderr[-2_000:])
    sys.stdout.flush()
    return passed


def main() -> int:
    """Exit code: 0 when every machine passes, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=MACHINES, action="append", help="one of the machines; may be repeated")
    options, more = parser.parse_known_args()
    failed = [name for name in options.only or MACHINES if not verdict(name, more)]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
