"""The words that name stimuli, from the table of data sets: those with a name of their own, and data of the user's."""

from .datasets.row import DataSet
from .datasets.table import DATASETS

KNOWN = tuple(f"{name}:PATH" if row.own else name for name, row in DATASETS.items())
WORDS = f"{', '.join(KNOWN[:-1])} or {KNOWN[-1]}"


def row_of(word: str) -> DataSet | None:
    """The data set that a word names, `NAME` or, of the user's own data, `NAME:PATH`; None where there is none.

    >>> row_of("npz:data.npz") is DATASETS["npz"]
    True
    >>> row_of("npz"), row_of("mnist:data")
    (None, None)
    """
    name, colon, path = word.partition(":")
    row = DATASETS.get(name)
    fits = row is not None and (bool(path) if row.own else not colon)
    return row if fits else None
