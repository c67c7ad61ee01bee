"""The YAML that settings are written in: safe, and small whatever its text says."""

import re
from typing import Any, NoReturn

import yaml

# far above any file of settings: a comparison of twenty rules has a few hundred values in four thousand bytes
MOST_BYTES = 1 << 16
MOST_VALUES = 10_000
MOST_LEVELS = 32
MOST_DIGITS = 100


class Loader(yaml.SafeLoader):
    """Safe YAML that reads `1e-4` as a number, and refuses a key given twice instead of keeping the last.

    Values are counted as often as aliases and merge keys repeat them, before anything is made of them: ten lines can stand for
    millions. More than 10 000 of them, more than 32 levels, or a value that holds itself are refused.
    """

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._count = self._depth = 0
        self._sizes: dict[int, int] = {}  # by identity of a node that is whole

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """A node of the text, once it is known to be small."""
        event, before = self.peek_event(), self._count  # type: ignore[no-untyped-call]
        self._depth += 1
        if self._depth > MOST_LEVELS:
            self._refuse(f"more than {MOST_LEVELS} levels", event)
        self._count += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(event, yaml.AliasEvent):
            if id(node) not in self._sizes:
                self._refuse(f"{event.anchor}, which holds itself", event)
            self._count = before + self._sizes[id(node)]
        if self._count > MOST_VALUES:
            self._refuse(f"more than {MOST_VALUES} values, each counted as often as it is repeated", event)
        self._sizes[id(node)] = self._count - before
        return node

    def _refuse(self, problem: str, event: yaml.Event) -> NoReturn:
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]


# YAML 1.1 wants a dot in 1.0e-4; nobody writes learning rates that way
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _mapping(loader: Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key in (key for key, _ in node.value if isinstance(key.value, str)):
        if key.value in seen:
            raise yaml.MarkedYAMLError(problem=f"the key {key.value} twice", problem_mark=key.start_mark)
        seen.add(key.value)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def _integer(loader: Loader, node: yaml.ScalarNode) -> int:
    if len(node.value) > MOST_DIGITS:
        raise yaml.MarkedYAMLError(problem=f"a number of {len(node.value)} digits", problem_mark=node.start_mark)
    return int(loader.construct_yaml_int(node))


Loader.add_constructor("tag:yaml.org,2002:int", _integer)
