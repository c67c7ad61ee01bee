"""What is done in one place: a trained run is opened, and what it is shown is drawn, by `protocols/runs` alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from floors import ROOT, imported

OPENING = {
    "apical.models.engine.checkpoint": {"load", "load_network", "load_weights"},
    "apical.protocols.runs.network": {"initial_network", "fresh_network"},
    "apical.protocols.runs.setup": {"load_stimulus"},
    "apical.protocols.runs.unchanged": {"same_data", "same_settings"},
}
# a run that is trained is made, not opened; a battery opens the few steps that it has just made
MAY_OPEN = ("protocols/runs/", "protocols/train/", "protocols/testing/")
# presentations are made of glances, and a closed loop, which is no run, of single ones in a row
MAY_DRAW = ("protocols/runs/batches.py", "protocols/stimuli/", "protocols/spike/glances.py")


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every file of the protocols, by its path from the root."""
    for path in sorted((ROOT / "protocols").rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Last name of the owner, empty for a plain function, and name of everything that is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value).rpartition(".")[2], node.func.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield "", node.func.id


def opens(tree: ast.Module, modules: set[str]) -> bool:
    """Whether a file calls what makes a trained network, or imports it by name."""
    named = {f"{module}.{name}" for module, names in OPENING.items() for name in names}
    through = {("checkpoint", name) for name in OPENING["apical.models.engine.checkpoint"]}
    return bool(named & modules or through & set(calls(tree)))


def draws(tree: ast.Module) -> bool:
    """Whether a file asks a stimulus or a presentation for what a network sees."""
    return bool({("stimulus", "glances"), ("presentation", "show")} & set(calls(tree)))


def test_a_trained_run_is_opened_in_one_place():
    found = [name for name, tree in sources() if opens(tree, set(imported(Path(name), ast.unparse(tree))))]
    assert {"protocols/runs/trained.py", "protocols/train/loop.py"} <= set(found)
    assert [name for name in found if not name.startswith(MAY_OPEN)] == []


def test_what_a_run_is_shown_is_drawn_in_one_place():
    found = [name for name, tree in sources() if draws(tree)]
    assert "protocols/runs/batches.py" in found
    assert [name for name in found if not name.startswith(MAY_DRAW)] == []


@pytest.mark.parametrize(
    "text",
    [
        "from ...models.engine import checkpoint\ncheckpoint.load_network(path, network)",
        "from ..runs.network import initial_network",
        "from ..runs.setup import load_stimulus as images",
    ],
)
def test_an_opening_elsewhere_would_be_found(text):
    assert opens(ast.parse(text), set(imported(Path("protocols/probe/run.py"), text)))


def test_a_drawing_elsewhere_would_be_found():
    assert draws(ast.parse("run.stimulus.glances(index, draws)"))
    assert draws(ast.parse("presentation.show(stimulus, index, draws)"))
    assert not draws(ast.parse("batches.show(TRAINING, index, 0)"))
