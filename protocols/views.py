"""How the result of each command is shown: by the section of its experiment, which report, terminal and prompt share."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..recordings.sections import Section
from .layout import ANY, Screen, lines, told


@dataclass(frozen=True, slots=True)
class View:
    """Who lays out a result.

    Attributes:
        home: module and function that makes a section of it.
        needs: entries that it must have; a result without them, such as a list of what there is, is shown entry by entry.
        below: entries that stand below the tables.
    """

    home: str
    needs: tuple[str, ...]
    below: tuple[str, ...] = ()

    def section(self, result: Mapping[str, Any]) -> Section:
        """The section of a result."""
        module, _, function = self.home.partition(":")
        made = getattr(import_module(f".{module}", __package__), function or "section")(result)
        assert isinstance(made, Section)
        return made


VIEWS: Mapping[str, View] = {
    "probe": View("probe.section", ("layers", "together"), ("run",)),
    "align": View("align.section", ("cosine", "layers"), ("figure", "seconds")),
    "lesion": View("lesion.section", ("conditions", "expectations"), ("diverged", "figure", "seconds")),
    "replay": View("replay.section", ("run", "settings", "seconds"), ("replays", "report", "seconds")),
    "spike": View("spike.section", ("checks", "cells"), ("recordings", "out", "seconds")),
    "theory": View("theory.section", ("theorem_3_1",), ("run", "seconds")),
    "cells": View("cells.section", ("rows", "figures"), ("run", "seconds")),
    "compare": View("compare.section", ("summary",), ("files",)),
    "sweep": View("sweep.section", ("summary", "rows"), ("files",)),
    "sweep dry": View("sweep.section:dry", ("cost",), ("sweep",)),
    "sweep status": View("sweep.section:status", ("left_seconds",), ("sweep",)),
    "demo": View("demo", ("accuracy_random", "replay"), ("run", "report", "seconds")),
    "bench device": View("bench.section:device", ("checks", "missing"), ("missing",)),
    "bench engine": View("bench.section:engine", ("rows", "limit")),
    "bench memory": View("bench.section:memory", ("rows", "check")),
    "bench recording": View("bench.section:recording", ("throughput", "memory")),
    "bench spikes": View("bench.section:spikes", ("predicted_bytes",)),
}


def shown(kind: str, result: Mapping[str, Any], screen: Screen = ANY, *, verbose: bool = False) -> list[str]:
    """A result as lines of text.

    Args:
        kind: the command that gave it.
        result: JSON's types alone, as `plain` makes them.
        screen: where it is shown.
        verbose: also what a report folds.
    """
    view = VIEWS.get(kind)
    if view is None or not set(view.needs) <= result.keys():
        return lines(result, screen)
    found = told(view.section(result), screen, verbose=verbose)
    below = {name: result[name] for name in view.below if result.get(name) not in (None, [], {})}
    return [*found, "", *lines(below, screen)] if below else found
