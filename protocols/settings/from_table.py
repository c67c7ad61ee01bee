"""Settings out of the tables of the models: their names, types, defaults and bounds stand there alone."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from ...models.setting import Setting
from .groups import Settings, list_of


def group(name: str, base: type[Settings], settings: Mapping[str, Setting], said: Mapping[str, str]) -> Any:
    """A group of settings: those of `base`, then those of a table.

    Args:
        name: of the class.
        base: settings that stand in no table.
        settings: the table's.
        said: one line on each for the reader, empty for none.
    """
    fields: dict[str, Any] = {
        word: (_kind(told), Field(default=told.default, description=said[word] or None))
        for word, told in settings.items()
    }
    return create_model(name, __base__=base, __doc__=base.__doc__, __module__=base.__module__, **fields)


def _kind(told: Setting) -> Any:
    """Type and bounds of a setting."""
    if told.words:
        return Literal[told.words]
    kind: Any = int if isinstance(told.default, tuple) else type(told.default)
    if kind is bool:
        return bool
    bounded = Annotated[kind, Field(ge=told.at_least, gt=told.above, le=told.at_most, lt=told.below)]
    return Annotated[tuple[bounded, ...], list_of(0, told.entries)] if told.entries else bounded
