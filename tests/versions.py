"""Apical with the oldest and with the newest versions that it allows: `make test-versions`, or `--only oldest`.

Each row makes a virtual environment of its own, installs the package as a user would (not editable, with its extras) and runs a
selection of tests against the installed one. The oldest versions are the lower bounds of `pyproject.toml`, every dependency at once;
the newest are what pip finds within the upper ones. PyTorch of the lower bound comes with CUDA from PyPI: several GB.
"""

import argparse
import os
import re
import subprocess
import sys
import time
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from verdicts import exit_code, told

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("view", "export", "spikes")
TOLD = ("torch", "numpy", "xarray", "zarr", "dask", "brian2", "pydantic", "click", "matplotlib")
# a bit of every room: what touches torch, numpy, xarray and zarr most, within minutes
SELECTION = (
    "tests/plasticity/test_rules.py", "tests/plasticity/test_contrast.py", "tests/models/engine/test_exactness.py",
    "tests/models/networks", "tests/models/recorder", "tests/recordings/test_reader.py", "tests/recordings/test_writer.py",
    "tests/recordings/test_checked.py", "tests/recordings/test_plots.py", "tests/recordings/export", "tests/recordings/analysis",
    "tests/protocols/settings", "tests/protocols/train/test_run.py", "tests/protocols/calls", "tests/protocols/record",
)  # fmt: skip
TOOLS = (
    "pytest>=9",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "hypothesis>=6.100",
    "scikit-learn>=1.5",
    "nwbinspector>=0.6",
)


def lowest(project: dict[str, object]) -> list[str]:
    """Every lower bound as a pin.

    >>> lowest({"dependencies": ["torch>=2.6,<2.14"], "optional-dependencies": {"view": ["bokeh>=3.4"]}})
    ['torch==2.6.*', 'bokeh==3.4.*']
    """
    extras = project["optional-dependencies"]
    named = [*project["dependencies"], *(line for extra in EXTRAS for line in extras.get(extra, ()))]  # type: ignore[misc, attr-defined]
    found = [re.match(r"([\w.-]+)(?:\[[\w,]+\])?>=([\d.]+)", line) for line in named]
    return [
        f"{match[1]}=={match[2]}.*" if match[2].count(".") < 2 else f"{match[1]}=={match[2]}"
        for match in found
        if match
    ]


def versions(python: Path) -> str:
    """What is installed, of the packages that matter most."""
    where = next((python.parents[1] / "lib").glob("python*")) / "site-packages"
    found = {each.metadata["Name"].lower(): each.version for each in distributions(path=[str(where)])}
    return ", ".join(f"{name} {found[name]}" for name in TOLD if name in found)


def verdict(name: str, options: argparse.Namespace, more: list[str]) -> bool:
    """Make one environment and run the selection in it; prints what was installed and one line."""
    begun = time.monotonic()
    home = options.folder / name
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pins = lowest(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]) if name == "oldest" else []
    (home / "constraints.txt").write_text("\n".join(pins) + "\n")
    install = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(home / "constraints.txt")]
    upgrade = [] if pins else ["--upgrade"]
    done = subprocess.run([*install, *upgrade, f"{ROOT}[{','.join(EXTRAS)}]", *TOOLS], check=False)
    if done.returncode:
        sys.stdout.write(f"{name}: not installed; pip says why above\n")
        return False
    sys.stdout.write(f"{name}: Python {sys.version.split()[0]}, {versions(python)}\n")
    # what another version warns of is not what is asked here
    done = subprocess.run(
        [str(home / "bin" / "pytest"), "-q", "-n", "2", "-p", "no:cacheprovider", "-W", "default", *more, *SELECTION],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return told(name, done, begun, " with installation")


def main() -> int:
    """Exit code: 0 when both pass, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".venv-versions", help="of the environments, which are kept"
    )
    return exit_code(parser, ("oldest", "newest"), verdict)


if __name__ == "__main__":
    sys.exit(main())
