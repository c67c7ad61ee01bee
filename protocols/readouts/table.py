"""The read-outs, a row each; read without torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One read-out.

    Attributes:
        home: `module:NAME` in this folder, imported on use: an `OfRates` if it is fitted, an `OfNetworks` if not.
        fitted: whether it is fitted on rates of training images: then every network has it, and pixels and corrupted images have it
            too. What is not fitted belongs to some rules, and to no settings of a run: it is asked for.
        settings: those of `probe` that it reads, handed to it by keyword.
        variant: the one of them that says in which of several ways it is fitted, told beside its name; empty for one way.
    """

    home: str
    fitted: bool = True
    settings: tuple[str, ...] = ()
    variant: str = ""


READ_OUTS: dict[str, Row] = {
    "linear": Row(
        home="linear:LINEAR", settings=("solver", "penalties", "epochs", "batch", "learning_rate"), variant="solver"
    ),
    "knn": Row(home="neighbours:NEIGHBOURS", settings=("neighbours", "temperature")),
    "goodness": Row(home="goodness:GOODNESS", fitted=False),
}
FITTED = tuple(name for name, row in READ_OUTS.items() if row.fitted)
EITHER = " or ".join(FITTED)
