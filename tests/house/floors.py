"""The plan of a room, read from its imports: boxes (files and folders), arrows (who imports whom), floors and circles.

`python tests/house/floors.py [protocols models ...]` prints it.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def imported(path: Path, text: str) -> Iterator[str]:
    """Full names of all modules a file imports; relative ones are resolved as if the root were the package `apical`.

    Args:
        path: of the file, from the root.
        text: of the file.
    """
    package = ["apical", *path.parent.parts]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module or "").split(".")] if node.module else base
            # `from .. import models` names a module only in its list
            yield from (".".join([*module, alias.name]) for alias in node.names)


@dataclass(frozen=True)
class Plan:
    """One room.

    Attributes:
        arrows: of each box, which other boxes its files import.
    """

    arrows: dict[str, set[str]]

    @property
    def circle(self) -> list[str]:
        """Boxes that import each other in a round; empty where there is none."""
        try:
            TopologicalSorter(self.arrows).prepare()
        except CycleError as error:
            return list(error.args[1])
        return []

    @property
    def floors(self) -> int:
        """Boxes on the longest walk from the roof to the ground; -1 where walks go round."""
        if self.circle:
            return -1
        height: dict[str, int] = {}
        for box in TopologicalSorter(self.arrows).static_order():
            height[box] = 1 + max((height[below] for below in self.arrows.get(box, ())), default=0)
        return max(height.values(), default=0)


def plan(room: str) -> Plan:
    """The plan of a room on disk; its own `__init__` is no box."""
    boxes: dict[str, set[str]] = {}
    files = [path.relative_to(ROOT) for path in sorted((ROOT / room).rglob("*.py"))]
    known = {box_of(path) for path in files}
    for path in files:
        box = box_of(path)
        if box == "__init__":
            continue
        below = boxes.setdefault(box, set())
        for name in imported(path, (ROOT / path).read_text()):
            parts = name.split(".")
            if parts[:2] == ["apical", room] and len(parts) > 2 and parts[2] in known - {box, "__init__"}:
                below.add(parts[2])
    return Plan(boxes)


def box_of(path: Path) -> str:
    """File or folder directly in its room."""
    return path.parts[1].removesuffix(".py")


def main(rooms: list[str]) -> None:
    """Print boxes, floors, arrows and circles, and who imports whom."""
    for room in rooms:
        found = plan(room)
        count = sum(map(len, found.arrows.values()))
        circle = " > ".join(found.circle) or "no circle"
        sys.stdout.write(f"{room}: {len(found.arrows)} boxes, {found.floors} floors, {count} arrows, {circle}\n")
        for box, below in sorted(found.arrows.items()):
            sys.stdout.write(f"  {box:<16} {' '.join(sorted(below))}\n")


if __name__ == "__main__":
    main(sys.argv[1:] or ["plasticity", "models", "recordings", "protocols"])
