"""Results of experiments: what `--json` prints, as an object."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..layout import html
from ..runs.files import plain
from ..views import shown

SHOWN = 60  # lines of a result that a prompt shows


class Result(Mapping[str, Any]):
    """What an experiment found: a read-only mapping of JSON's types whose keys are attributes as well.

    Args:
        kind: name of the experiment.
        document: what its command prints with `--json`; tensors and paths become lists and texts, NaN becomes None.

    >>> found = Result("probe", {"accuracy": 79.1, "layers": {"conv1": {"accuracy": 60.0}}})
    >>> found.accuracy, found["layers"]["conv1"]["accuracy"], found.layers.conv1.accuracy
    (79.1, 60.0, 60.0)
    """

    __slots__ = ("_document", "_kind")

    def __init__(self, kind: str, document: Mapping[str, Any]) -> None:
        self._kind, self._document = kind, plain(document)

    def __getitem__(self, key: str) -> Any:
        return self._document[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._document)

    def __len__(self) -> int:
        return len(self._document)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._document:
            raise AttributeError(f"{self._kind}.{name}: expected one of {', '.join(map(str, self))}, got {name!r}")
        value = self._document[name]
        return Result(f"{self._kind}.{name}", value) if isinstance(value, Mapping) else value

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(key for key in self._document if key.isidentifier())]

    def __repr__(self) -> str:
        """As the terminal shows it, cut to one screen."""
        found = shown(self._kind, self._document)
        rest = [f"... {len(found) - SHOWN} more lines; all of it is in the mapping"] if len(found) > SHOWN else []
        return "\n".join([f"<{self._kind}>", *found[:SHOWN], *rest])

    def _repr_html_(self) -> str:
        return f"<b>{self._kind}</b>{html(self._document)}"

    def to_dict(self) -> dict[str, Any]:
        """A copy as plain dicts and lists, ready for `json.dumps`."""
        return dict(plain(self._document))
