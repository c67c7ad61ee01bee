"""What the signals of a recording are called: words that its rule gave, or plain ones where none were recorded."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

WORDS = "words"  # attribute of a table
# of a recording without words; a rule may leave any of its own empty
PLAIN: Mapping[str, str] = {
    "first": "fixation",
    "second": "saccade",
    "loss": "",
    "basal": "a = W ∗ z_pre + b",
    "rate": "z = ρ(a)",
    "apical": "",
    "score": "",
    "modulator": "",
    "gate": "",
}


def words_of(*tables: xr.Dataset) -> dict[str, str]:
    """The words of the first table that has some.

    Args:
        tables: of a recording.
    """
    given: Mapping[str, Any] = next((table.attrs[WORDS] for table in tables if table.attrs.get(WORDS)), {})
    return {**PLAIN, **{str(name): str(word) for name, word in given.items()}}


def flags(words: Mapping[str, str]) -> dict[str, Any]:
    """Attributes of a `phase`: what 0 and 1 mean, as the CF conventions write it."""
    told = {**PLAIN, **words}
    meanings = [short(told[name]).replace(" ", "_") for name in ("first", "second") if told[name]]
    return {"flag_values": list(range(len(meanings))), "flag_meanings": " ".join(meanings)}


def symbol(words: Mapping[str, str]) -> str:
    """Symbol of the score: what its equation begins with."""
    return words.get("score", "").partition(" ")[0].rstrip(",") or "u"


def short(word: str) -> str:
    """A word for a legend: the part before the first comma."""
    return word.split(",")[0]
