"""Settings whose words stand in a table elsewhere: it is read when a word is checked, so that settings are made without torch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ..errors import nearest
from .wording import Contradiction


@dataclass(frozen=True, slots=True)
class OneOf:
    """One word of a table, for `Annotated[str, OneOf(...)]`.

    Args:
        words: gives the known words.
    """

    words: Callable[[], Iterable[str]]

    def check(self, word: Any) -> Any:
        """The word, or a Contradiction that lists the known ones."""
        known = list(self.words())
        if isinstance(word, str) and word in known:
            return word
        got = "null" if word is None else repr(word)
        raise Contradiction(f"expected one of {', '.join(known)}, got {got}{nearest(str(word), known)}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "enum": list(self.words())}


def contexts() -> Iterable[str]:
    """Words for what apical dendrites receive."""
    from ...plasticity.clapp import SOURCES

    return SOURCES
