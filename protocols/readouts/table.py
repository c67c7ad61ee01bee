"""The read-outs, a row each; read without torch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ...models.imported import Unfit
from ...models.keywords import Takes, takes
from ...models.outside import Open


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One read-out.

    Attributes:
        home: `module:NAME` in this folder, imported on use, or the thing itself: an `OfRates` if it is fitted, an `OfNetworks` if not.
        fitted: whether it is fitted on rates of training images: then every network has it, and pixels and corrupted images have it
            too. What is not fitted belongs to some rules, and to no settings of a run: it is asked for.
        settings: those of `probe` that it reads, handed to it by keyword.
        variant: the one of them that says in which of several ways it is fitted, told beside its name; empty for one way.
    """

    home: str | Any
    fitted: bool = True
    settings: tuple[str, ...] = ()
    variant: str = ""


ROWS: dict[str, Row] = {
    "linear": Row(
        home="linear:LINEAR", settings=("solver", "penalties", "epochs", "batch", "learning_rate"), variant="solver"
    ),
    "knn": Row(home="neighbours:NEIGHBOURS", settings=("neighbours", "temperature")),
    "goodness": Row(home="goodness:GOODNESS", fitted=False),
}
SETTINGS = {name for row in ROWS.values() for name in row.settings}


def _adopted(thing: Any, word: str) -> Row:
    """The row of a read-out from outside: a row, an `OfRates` or an `OfNetworks`, or the `fit` of an `OfRates` as a function.

    Raises:
        Unfit: something else, or a function that asks for what no setting of `probe` is.
    """
    from .kinds import OfNetworks, OfRates

    row = thing if isinstance(thing, Row) else Row(home=thing)
    if isinstance(row.home, OfNetworks):
        return replace(row, fitted=False)
    fit = row.home.fit if isinstance(row.home, OfRates) else row.home
    if isinstance(fit, str | type) or not callable(fit):
        raise Unfit(
            f"expected a read-out, a function of (features, labels, test features, test labels), got {word}, which is {type(thing).__name__}"
        )
    told = takes(fit, 4)
    if strange := [name for name in told.required if name not in {"draws", *SETTINGS}]:
        raise Unfit(
            f"expected a read-out of the settings {', '.join(sorted(SETTINGS))}, got {word}, which asks for {strange[0]}; give it a default"
        )
    home = row.home if isinstance(row.home, OfRates) else OfRates(_counted(fit, told, word))
    return replace(row, home=home, settings=row.settings or tuple(name for name in told.names if name in SETTINGS))


def _counted(fit: Callable[..., Any], told: Takes, word: str) -> Callable[..., Any]:
    """A function that tells the classes of test images, as one that tells how many are right; `draws` is handed over where it is asked for."""

    def counted(*arrays: Any, draws: Any, **given: Any) -> Any:
        import torch

        from ..errors import ReadOutError
        from .fitted import ReadOut

        found = fit(*arrays, **given, **({"draws": draws} if told.any or "draws" in told.names else {}))
        if isinstance(found, ReadOut):
            return found
        classes, labels = torch.as_tensor(found), arrays[3]
        if classes.shape != labels.shape:
            raise ReadOutError(
                f"probe.read_out: expected a class for each of {len(labels)} test images from {word}, got {tuple(classes.shape)}; return (n,)"
            )
        return ReadOut(100 * float((classes.to(labels) == labels).double().mean()), None, {})

    return counted


READ_OUTS = Open(ROWS, group="apical.read_outs", field="probe.read_out", adopt=_adopted)
FITTED = tuple(name for name, row in READ_OUTS.items() if row.fitted)
EITHER = " or ".join(FITTED)
