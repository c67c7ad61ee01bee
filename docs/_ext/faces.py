"""Reference pages of the public faces: every name of `__all__`, and the rules with their modules' docstrings."""

import inspect
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

FACES = {
    "apical": "Experiments, runs and recordings: what `import apical` offers.",
    "apical.plasticity": "What a synapse does: rules and their factors, contrasts, pairing.",
    "apical.models": "What is wired and run: populations, apical projections, networks, optimisers.",
    "apical.models.engine": "What moves the weights: engines, how they are built, checkpoints.",
    "apical.models.spiking.cells": "Neurons and plastic synapses by Brian2 equations, checked and measured.",
    "apical.recordings": "What is kept: tables, writer, reader, figures, report; read without torch.",
    "apical.recordings.analysis": "Analyses of recordings, as functions of xarray.",
    "apical.testing": "The battery that a rule or a store of one's own is put through.",
}
NO_MEMBERS = {"Result"}


def _kind(value: object) -> str:
    if inspect.isclass(value):
        return "exception" if issubclass(value, BaseException) else "class"
    return "function" if inspect.isroutine(value) else "data"


def _elsewhere(module: ModuleType, name: str) -> str:
    """The face that a name of `apical` comes from; empty where it is its own."""
    others = (face for face in FACES if face != "apical" and find_spec(face) is not None)
    return next(
        (
            face
            for face in others
            if name in getattr(import_module(face), "__all__", ())
            and getattr(import_module(face), name) is getattr(module, name)
        ),
        "",
    )


def _entry(module: ModuleType, name: str) -> list[str]:
    value, full = getattr(module, name), f"{module.__name__}.{name}"
    kind = _kind(value)
    if module.__name__ == "apical" and (home := _elsewhere(module, name)):
        # described where it is at home: one object, two names
        return [f".. py:{kind}:: {full}", "", f"   See :py:obj:`{home}.{name}`.", ""]
    if kind == "data":
        said = f"Mapping of words: {', '.join(f'``{word}``' for word in value)}." if hasattr(value, "keys") else ""
        said = said or (
            f"``{value!r}``"
            if isinstance(value, (str, int, float, tuple))
            else (inspect.getdoc(type(value)) or "").split("\n")[0]
        )
        return [f".. py:data:: {full}", "", f"   {said}", ""]
    if kind == "function":
        return [f".. autofunction:: {full}", ""]
    members = [] if name in NO_MEMBERS else ["   :members:"]
    return [f".. auto{kind}:: {full}", *members, ""]


def page(face: str) -> str:
    """One face."""
    module = import_module(face)
    lines = [f"# `{face}`", "", FACES[face], ""]
    found = {
        kind: [n for n in module.__all__ if n != "__version__" and _kind(getattr(module, n)) in kinds]
        for kind, kinds in TITLES.items()
    }
    for title, names in found.items():
        if names:
            lines += [f"## {title}", "", "```{eval-rst}"]
            lines += [line for name in sorted(names, key=str.lower) for line in _entry(module, name)]
            lines += ["```", ""]
    if "__version__" in module.__all__:
        lines += [
            "## Version",
            "",
            "```{eval-rst}",
            f".. py:data:: {face}.__version__",
            "",
            "   The version that is installed.",
            "```",
            "",
        ]
    return "\n".join(lines)


TITLES = {"Functions": ("function",), "Classes": ("class",), "Errors": ("exception",), "Words and constants": ("data",)}


def _page_of(face: str) -> Callable[[], str]:
    return lambda: page(face)


PAGES = {
    face: _page_of(face) for face in FACES if find_spec(face) is not None and hasattr(import_module(face), "__all__")
}


def rules() -> str:
    """Every rule by the file that states it: source, equations, three-factor reading, what is not claimed."""
    from apical.plasticity import RULES

    modules: dict[str, list[str]] = {}
    for word, made in RULES.items():
        home = inspect.getmodule(made if inspect.isroutine(made) or inspect.isclass(made) else type(made))
        rule = getattr(made, "rule", None) or getattr(made, "local", None)
        home = inspect.getmodule(rule) if inspect.isclass(rule) else home
        assert home is not None
        modules.setdefault(home.__name__, []).append(word)
    lines = [
        "# The rules",
        "",
        "Each rule's file says its source, its equations, how it reads as a three-factor rule, and what it does not claim.",
        "",
    ]
    for home, words in modules.items():
        lines += [
            f"## {', '.join(f'`{word}`' for word in words)}",
            "",
            "```{eval-rst}",
            f".. automodule:: {home}",
            "   :no-index:",
            "```",
            "",
        ]
    return "\n".join(lines)
