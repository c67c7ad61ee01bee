"""The four rooms: imports run one way, and a room answers to its full name only."""

import subprocess
import sys
from pathlib import Path

import pytest
from floors import ROOT, imported

MAY_IMPORT = {
    "plasticity": set(),
    "recordings": set(),
    "models": {"plasticity", "recordings"},
    "protocols": {"plasticity", "recordings", "models"},
}
FILES = [path.relative_to(ROOT) for room in MAY_IMPORT for path in sorted((ROOT / room).rglob("*.py"))]


def wrong_arrows(path: Path, text: str) -> list[str]:
    """Imports of a file that run against the order of the rooms."""
    room, wrong = path.parts[0], []
    for name in imported(path, text):
        parts = name.split(".")
        if parts[0] in MAY_IMPORT:
            wrong.append(f"{name}, by its bare name")
        if parts[0] == "apical" and len(parts) > 1 and parts[1] not in MAY_IMPORT[room] | {room}:
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("path", FILES, ids=str)
def test_arrows_run_one_way(path):
    assert wrong_arrows(path, (ROOT / path).read_text()) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("plasticity/a.py", "from ..models import x"),
        ("plasticity/deep/a.py", "from ...recordings.writer import Writer"),
        ("models/a.py", "from .. import protocols"),
        ("recordings/a.py", "import apical.plasticity.clapp"),
        ("models/a.py", "def f():\n    from apical.protocols import cli"),
        ("protocols/a.py", "from models import vgg6"),
    ],
)
def test_wrong_arrow_is_seen(path, text):
    assert wrong_arrows(Path(path), text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("models/a.py", "from ..plasticity import x\nfrom .population import y\nimport torch"),
        ("models/engine/a.py", "from ...plasticity.signals import x\nfrom ..population import y\nfrom . import z"),
        ("protocols/a.py", "from .. import models, recordings"),
    ],
)
def test_right_arrow_passes(path, text):
    assert wrong_arrows(Path(path), text) == []


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_bare_name_is_refused(room):
    """Imported by its folder's name, a module would exist twice, and its classes would differ from themselves."""
    tried = run(f"import {room}")
    assert tried.returncode == 1
    assert f"ImportError: import apical.{room}, not {room}" in tried.stderr


@pytest.mark.parametrize(
    ("room", "foreign"),
    [("recordings", {"torch", "brian2"}), ("plasticity", {"brian2", "zarr", "xarray"}), ("protocols", {"torch"})],
)
def test_room_imports_without(room, foreign):
    tried = run(f"import sys, apical.{room}; print(*sorted({foreign!r} & set(sys.modules)))")
    assert tried.returncode == 0, tried.stderr
    assert tried.stdout.split() == []
