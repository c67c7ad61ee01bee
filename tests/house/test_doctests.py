"""Examples in docstrings are run, module by module and by imported name; paths and --doctest-modules cannot."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("plasticity", "models", "protocols", "recordings")


def module_names() -> list[str]:
    names = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            names.append(".".join(("apical", *(parts[:-1] if parts[-1] == "__init__" else parts))))
    # the face of `import apical` answers to that name alone
    return [name.replace("apical.protocols.face", "apical") for name in names]


@pytest.mark.parametrize("name", module_names())
def test_module_imports_and_its_examples_hold(name):
    module = importlib.import_module(name)
    assert Path(module.__file__).is_relative_to(ROOT) or "site-packages" in module.__file__
    assert doctest.testmod(module).failed == 0


def test_an_example_was_run():
    """Against a walk that finds nothing."""
    assert doctest.testmod(importlib.import_module("apical.protocols.settings.yaml")).attempted >= 2
