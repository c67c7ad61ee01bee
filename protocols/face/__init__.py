"""Apical: plasticity in networks of two-compartment neurons, at the scale of vision benchmarks.

>>> import apical
>>> run = apical.train("demo", epochs=1)                        # doctest: +SKIP
>>> apical.probe(run).accuracy                                  # doctest: +SKIP
>>> apical.open(run)["activity/conv3"]["apical"]                # doctest: +SKIP
>>> apical.load(run).network.populations[0].weight              # doctest: +SKIP

The experiments are functions of plain arguments that return what their commands print with ``--json``; a run is a folder, a
`Run`, or the result of what made it. Names are imported on first use: neither torch nor brian2 is loaded before it is needed.
"""

if __name__ != "apical":
    raise ImportError("import apical, not its folder: this file is the face of the package apical")

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apical.models import Network
    from apical.models.engine import Architecture, build_engine, build_network
    from apical.plasticity import RULES, Rule, pair
    from apical.protocols.calls.analyses import analyse
    from apical.protocols.calls.functions import (
        align,
        cells,
        demo,
        lesion,
        load,
        open,
        probe,
        replay,
        spike,
        theory,
        train,
        verify,
    )
    from apical.protocols.calls.inspection import inspect
    from apical.protocols.calls.outward import export, view
    from apical.protocols.calls.recording import record
    from apical.protocols.calls.result import Result
    from apical.protocols.calls.run import Run
    from apical.protocols.calls.sweeps import compare, sweep

    __version__: str

__all__ = [
    "RULES",
    "Architecture",
    "Network",
    "Result",
    "Rule",
    "Run",
    "__version__",
    "align",
    "analyse",
    "build_engine",
    "build_network",
    "cells",
    "compare",
    "demo",
    "export",
    "inspect",
    "lesion",
    "load",
    "open",
    "pair",
    "probe",
    "record",
    "replay",
    "spike",
    "sweep",
    "theory",
    "train",
    "verify",
    "view",
]

_HOMES = {
    "Network": "models",
    "Architecture": "models.engine",
    "build_engine": "models.engine",
    "build_network": "models.engine",
    "RULES": "plasticity",
    "Rule": "plasticity",
    "pair": "plasticity",
    "Result": "protocols.calls.result",
    "Run": "protocols.calls.run",
    "record": "protocols.calls.recording",
    "analyse": "protocols.calls.analyses",
    "inspect": "protocols.calls.inspection",
    "compare": "protocols.calls.sweeps",
    "sweep": "protocols.calls.sweeps",
    "export": "protocols.calls.outward",
    "view": "protocols.calls.outward",
} | dict.fromkeys(
    (
        "align",
        "cells",
        "demo",
        "lesion",
        "load",
        "open",
        "probe",
        "replay",
        "spike",
        "theory",
        "train",
        "verify",
    ),
    "protocols.calls.functions",
)
_ROOMS = ("models", "plasticity", "protocols", "recordings")


def __getattr__(name: str) -> Any:
    value: Any
    if name == "__version__":
        from importlib.metadata import version

        value = version("apical")
    elif name in _HOMES:
        value = getattr(import_module(f"apical.{_HOMES[name]}"), name)
    elif name in _ROOMS:
        value = import_module(f"apical.{name}")
    else:
        raise AttributeError(f"module 'apical' has no attribute {name!r}; it has {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
