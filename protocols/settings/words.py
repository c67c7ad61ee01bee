"""Settings whose words stand in a table elsewhere: it is read when a word is checked, so that settings are made without torch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ...models.outside import FORMS, REFERENCE, Open, OutsideError, found, placed
from ..errors import nearest
from .wording import Contradiction


@dataclass(frozen=True, slots=True)
class OneOf:
    """One word of a table, for `Annotated[str, OneOf(...)]`.

    Args:
        words: gives Apical's own words.
        table: gives the table, where words from outside are known as well; a relative path in one becomes absolute.
        fits: whether a row of the table may stand here.
    """

    words: Callable[[], Iterable[str]]
    table: Callable[[], Open[Any]] | None = None
    fits: Callable[[Any], bool] = lambda row: True

    def check(self, word: Any) -> Any:
        """The word, or a Contradiction that lists the known ones."""
        if isinstance(word, str) and word in [*self.words()]:  # a table of its own rows would know more
            return word
        if self.table is not None and isinstance(word, str):
            table, there = self.table(), here(word)
            if there in table and (there not in [*table] or self.fits(table[there])):
                check_outside(table, there)
                if self.fits(table[there]):
                    return there
        known = [*self.words(), *(() if self.table is None else self.table().installed())]
        got = "null" if word is None else repr(word)
        raise Contradiction(f"expected one of {', '.join(known)}, got {got}{nearest(str(word), known) or self._forms}")

    @property
    def _forms(self) -> str:
        return "" if self.table is None else f"; of your own: {FORMS}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        if self.table is None:
            return {"type": "string", "enum": list(self.words())}
        return either_way(self.words(), self.table().group)


def either_way(words: Iterable[str], group: str) -> JsonSchemaValue:
    """The schema of a word of Apical's own or of one from outside."""
    entries = sorted({entry.name for entry in found(group)})
    outside = {
        "pattern": f"^{REFERENCE.pattern.replace('?P<place>', '').replace('?P<name>', '')}$",
        "description": FORMS,
    }
    return {"type": "string", "anyOf": [{"enum": list(dict.fromkeys([*words, *entries]))}, outside]}


def check_outside(table: Open[Any], word: str) -> None:
    """Import what a word from outside names.

    Raises:
        Contradiction: it cannot be used.
    """
    try:
        table[word]
    except OutsideError as error:
        raise Contradiction(error.sentence) from error


def here(word: str) -> str:
    """A word whose path, where it has one, is seen from the current folder."""
    return str(placed(word, Path.cwd()))


def foreign_contexts() -> Open[Any]:
    """Context sources from outside; those of Apical's own that a rule may be told are `contexts`."""
    from ...models.networks.contexts import CONTEXTS

    return CONTEXTS.outside("rule.context")


def contexts() -> Iterable[str]:
    """Words for what apical dendrites receive."""
    from ...plasticity.clapp import SOURCES

    return SOURCES
