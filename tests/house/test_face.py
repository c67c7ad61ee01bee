"""`import apical`: one face, nothing heavy before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import apical
import pytest

FACE = Path(__file__).resolve().parents[2] / "protocols" / "face" / "__init__.py"


def run(code: str, cwd: Path) -> str:
    tried = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=cwd)
    assert tried.returncode == 0, tried.stderr
    return tried.stdout.strip()


def test_importing_it_loads_nothing_heavy(tmp_path):
    heavy = "{'torch', 'brian2', 'zarr', 'xarray', 'matplotlib', 'pydantic', 'numpy'}"
    code = f"import sys, apical; apical.__version__, dir(apical); print(sorted({heavy} & set(sys.modules)))"
    assert run(code, tmp_path) == "[]"


def test_experiments_are_named_without_torch_or_brian2(tmp_path):
    code = """
import sys, apical
for name in ("open", "load", "train", "probe", "align", "lesion", "replay", "inspect", "compare", "demo", "theory", "Result", "Run"):
    assert callable(getattr(apical, name))
print(sorted({"torch", "brian2"} & set(sys.modules)))
"""
    assert run(code, tmp_path) == "[]"


@pytest.mark.parametrize("name", apical.__all__)
def test_every_name_is_there(name):
    assert getattr(apical, name) is not None
    assert name in dir(apical)


def test_checkers_see_the_names_that_are_resolved():
    """What stands under TYPE_CHECKING is what is looked up at run time."""
    tree = ast.parse(FACE.read_text())
    (typed,) = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    seen = {
        alias.name: node.module.removeprefix("apical.")
        for node in ast.walk(typed) if isinstance(node, ast.ImportFrom) and node.module for alias in node.names
    }  # fmt: skip
    assert seen == apical._HOMES
    assert set(apical.__all__) == {*seen, "__version__"}


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match=r"no attribute 'trian'; it has .*train"):
        apical.trian  # noqa: B018


def test_it_answers_to_its_full_name_only(tmp_path):
    code = f"import sys; sys.path.insert(0, {str(FACE.parents[1])!r}); import face"
    tried = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "ImportError: import apical, not its folder" in tried.stderr


def test_there_is_one_version():
    assert apical.__version__ == __import__("importlib.metadata").metadata.version("apical")
