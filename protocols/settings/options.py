"""Keyword arguments of something from outside that no setting has: its `options`."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from ...models.keywords import Takes
from ..errors import nearest


def option_complaints(
    where: str, owner: str, takes: Takes | None, options: Mapping[str, Any], settings: Mapping[str, str]
) -> Iterator[str]:
    """What is wrong with options, one sentence each.

    Args:
        where: they stand, such as `network.options`.
        owner: the word whose they are.
        takes: its keyword arguments; None for one of Apical's own, which has no options.
        options: what is given.
        settings: arguments that are settings, with the setting.
    """
    if takes is None:
        if options:
            yield f"{where}: expected none, since {owner} has settings alone, got {', '.join(options)}; remove them"
        return
    own = [name for name in takes.names if name not in settings]
    for name in options:
        if name in settings:
            yield f"{where}.{name}: expected {settings[name]} instead, got an option; move it"
        elif name not in own and not takes.any:
            yield f"{where}.{name}: expected one of {', '.join(own) or 'none'}, got an option unknown to {owner}{nearest(name, own)}"
    yield from missing(where, owner, takes, options, settings)


def missing(
    where: str, owner: str, takes: Takes, options: Mapping[str, Any], settings: Container[str]
) -> Iterator[str]:
    """Options that are not given and have no default, one sentence each; arguments as of `option_complaints`."""
    for name in takes.required:
        if name not in settings and name not in options:
            yield f"{where}.{name}: expected a value, which {owner} cannot do without, got none; for example --set {where}.{name}=1"


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as keyword arguments: a list of YAML is a tuple."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
