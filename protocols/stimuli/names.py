"""The words that name stimuli, from the table of data sets: those with a name of their own, and data of the user's."""

from .datasets.row import DataSet
from .datasets.table import DATASETS, ROWS

KNOWN = tuple(f"{name}:PATH" if row.own else name for name, row in DATASETS.items())
WORDS = f"{', '.join(KNOWN[:-1])} or {KNOWN[-1]}"


def row_of(word: str) -> DataSet | None:
    """The data set that a word names, `NAME`, `NAME:PATH` of the user's own images, or one from outside; None where there is none.

    Own words win, with what stands behind their colon: `folder:PATH` is no module.

    >>> row_of("npz:data.npz") is DATASETS["npz"]
    True
    >>> row_of("npz"), row_of("mnist:data")
    (None, None)
    """
    name, colon, path = word.partition(":")
    if name not in ROWS:
        found: DataSet | None = DATASETS.get(word)
        return found
    row = DATASETS[name]
    return row if (bool(path) if row.own else not colon) else None
