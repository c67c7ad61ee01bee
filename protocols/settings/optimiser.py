"""Settings of the optimiser."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from .groups import Factor, Settings, list_of

# optimisers that read a setting; all read those that are not listed
READ_BY = {
    "weight_decay": ("adamw", "sgd", "lars"),
    "beta1": ("adamw",),
    "beta2": ("adamw",),
    "eps": ("adamw",),
    "momentum": ("sgd", "lars"),
    "exponent": ("softhebb",),
    "trust": ("lars",),
}


class OptimiserConfig(Settings):
    """How changes become weights."""

    name: Literal["adamw", "sgd", "lars", "softhebb"] = "adamw"
    learning_rate: float = Field(default=2e-4, gt=0, le=10)
    factors: Annotated[tuple[Factor, ...], list_of(0, 1024)] = Field(
        default=(), description="factor on the learning rate per population, or one for all; empty = 1"
    )
    schedule: Literal["constant", "cosine", "cooldown", "exponential"] = Field(
        default="constant", description="of the learning rate; cooldown: linear to 0 over the second half"
    )
    warmup_epochs: int = Field(default=0, ge=0, le=100_000, description="linear rise from 0 at the start")
    decay: float = Field(default=1.0, gt=0, le=1, description="factor per epoch of the exponential schedule")
    weight_decay: float = Field(default=0.01, ge=0, le=10)
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.999, ge=0, lt=1)
    eps: float = Field(default=1e-8, gt=0, le=1)
    momentum: float = Field(default=0.9, ge=0, lt=1, description="of sgd and lars")
    exponent: float = Field(
        default=0.5, ge=0, le=10, description="of softhebb: q, how fast steps shrink as kernels reach unit length"
    )
    trust: float = Field(default=1e-3, ge=0, le=1, description="of lars: size of a step in units of the weight's")


def optimiser_complaints(optimiser: OptimiserConfig) -> Iterator[str]:
    """What is wrong with the settings of the optimiser, one sentence each."""
    unread: dict[str, str] = {
        name: optimiser.name for name, readers in READ_BY.items() if optimiser.name not in readers
    }
    if optimiser.schedule != "exponential":
        unread["decay"] = f"the {optimiser.schedule} schedule"
    for name, reader in unread.items():
        default, value = OptimiserConfig.model_fields[name].default, getattr(optimiser, name)
        if value != default:
            yield f"optimiser.{name}: expected none, since {reader} reads no {name}, got {value}; remove optimiser.{name}"
