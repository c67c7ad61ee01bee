"""Settings of the optimiser: the schedule's, and what the optimisers of the models' table read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ...models.optimisers.table import OPTIMISERS, SETTINGS
from .from_table import group
from .groups import Factor, Option, Settings, list_of
from .options import given, option_complaints
from .words import OneOf

NOTHING = {"weight_decay": 0.0}  # what asks for nothing, also of an optimiser that has none of it
# optimisers that read a setting of the table
READ_BY = {word: [name for name, row in OPTIMISERS.items() if word in row.reads] for word in SETTINGS}


class Shared(Settings):
    """How changes become weights."""

    name: Annotated[str, OneOf(lambda: OPTIMISERS, lambda: OPTIMISERS)] = "adamw"
    options: dict[str, Option | list[Option]] = Field(
        default={}, description="of an optimiser of your own: its other arguments"
    )
    learning_rate: float = Field(default=2e-4, gt=0, le=10)
    factors: Annotated[tuple[Factor, ...], list_of(0, 1024)] = Field(
        default=(), description="factor on the learning rate per population, or one for all; empty = 1"
    )
    schedule: Literal["constant", "cosine", "cooldown", "exponential"] = Field(
        default="constant", description="of the learning rate; cooldown: linear to 0 over the second half"
    )
    warmup_epochs: int = Field(default=0, ge=0, le=100_000, description="linear rise from 0 at the start")
    decay: float = Field(default=1.0, gt=0, le=1, description="factor per epoch of the exponential schedule")

    if TYPE_CHECKING:  # the table's settings

        def __getattr__(self, word: str) -> Any: ...

    def own(self) -> dict[str, Any]:
        """What the optimiser of that name reads, by name."""
        return {word: getattr(self, word) for word in OPTIMISERS[self.name].reads} | given(self.options)


def _said(word: str) -> str:
    *others, last = READ_BY[word]
    readers, told = f"{', '.join(others)} and {last}" if others else last, SETTINGS[word].said
    return f"of {readers}{f': {told}' if told else ''}"


if TYPE_CHECKING:

    class OptimiserConfig(Shared):
        """How changes become weights."""
else:
    OptimiserConfig = group("OptimiserConfig", Shared, SETTINGS, {word: _said(word) for word in SETTINGS})


def optimiser_complaints(optimiser: OptimiserConfig) -> Iterator[str]:
    """What is wrong with the settings of the optimiser, one sentence each."""
    row = OPTIMISERS[optimiser.name]
    read, settings = row.reads, {word: f"optimiser.{word}" for word in ("learning_rate", "factors", *SETTINGS)}
    yield from option_complaints("optimiser.options", optimiser.name, row.takes, optimiser.options, settings)
    unread = {word: optimiser.name for word in SETTINGS if word not in read}
    if optimiser.schedule != "exponential":
        unread["decay"] = f"the {optimiser.schedule} schedule"
    for name, reader in unread.items():
        default, value = type(optimiser).model_fields[name].default, getattr(optimiser, name)
        if value not in (default, NOTHING.get(name, default)):
            yield f"optimiser.{name}: expected none, since {reader} reads no {name}, got {value}; remove optimiser.{name}"
