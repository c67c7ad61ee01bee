"""Which units of a population are recorded, by a word.

all          every unit
64           as many, drawn by a seed; all, where there are fewer
selective:32 as many, of those whose rates tell classes apart best, see `class_selectivity`
3,17,99      these, as flat positions in C order of (channel, row, column); one alone is written `3,`
"""

import re
from collections.abc import Callable, Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor

from ..errors import ModelError

ALL = "all"
COLUMNS = 8192  # units whose selectivity is measured at a time
_COUNT, _LIST = re.compile(r"\d{1,12}"), re.compile(r"\d{1,12}(,\d{1,12})*,?")


def drawn(total: int, count: int, seed: int) -> Tensor:
    """Flat positions of so many of `total` units, drawn by a seed, sorted; all where there are fewer."""
    chosen = np.random.default_rng(seed).choice(total, size=min(count, total), replace=False)
    return torch.from_numpy(np.sort(chosen))


def chosen(
    name: str, shape: Sequence[int], word: str, seed: int, selectivity: Callable[[str], Tensor] | None = None
) -> Tensor:
    """Flat positions of units, sorted, int64 (units,).

    Args:
        name: of the population, for errors.
        shape: of its rates.
        word: see above.
        seed: of a draw.
        selectivity: of all units of a population, by its name, (units,); None where none was measured.

    Raises:
        ModelError: no such word, or units that the population has not.
    """
    total, word = prod(shape), word.replace(" ", "")
    if word == ALL:
        return torch.arange(total)
    if _COUNT.fullmatch(word) and int(word) > 0:
        return drawn(total, int(word), seed)
    kind, _, count = word.partition(":")
    if kind == "selective" and _COUNT.fullmatch(count) and int(count) > 0:
        if selectivity is None:
            raise ModelError(
                f"{name}.units: expected all, a number, or positions, got {word!r}; nothing measures selectivity here"
            )
        return selectivity(name).nan_to_num(-1).cpu().argsort(descending=True, stable=True)[: int(count)].sort().values
    if _COUNT.fullmatch(word) or not _LIST.fullmatch(word):
        raise ModelError(
            f"{name}.units: expected all, a number above 0, selective:N, or positions between commas, got {word!r}; for example 3,17,99"
        )
    units = sorted({int(part) for part in word.split(",") if part})
    if units[-1] >= total:
        raise ModelError(
            f"{name}.units: expected positions from 0 to {total - 1}, got {units[-1]}; its shape is {tuple(shape)}"
        )
    return torch.tensor(units)


def count_of(word: str) -> int | None:
    """How many units a word asks for; None where it names them, or all.

    >>> count_of("64"), count_of("selective:32"), count_of("all"), count_of("3,")
    (64, 32, None, None)
    """
    _, _, count = word.replace(" ", "").rpartition("selective:")
    return int(count) if _COUNT.fullmatch(count) else None


def words(units: str | Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """The word of every population that is recorded.

    >>> words(["64", "conv2=all"], ["conv1", "conv2"])
    {'conv1': '64', 'conv2': 'all'}
    >>> words("conv2=all", ["conv1", "conv2"])
    {'conv2': 'all'}

    Args:
        units: words, each for one population as NAME=WORD or for all of them; where every word names one, these alone are recorded.
        names: populations.

    Raises:
        ModelError: an unknown population, or two words for one.
    """
    found: dict[str, str] = {}
    general: list[str] = []
    for text in [units] if isinstance(units, str) else units:
        name, sign, word = (part.strip() for part in text.partition("="))
        if not sign:
            general.append(name)
        elif name not in names:
            raise ModelError(f"units: expected names among {', '.join(names)}, got {name!r}; correct the name")
        elif name in found:
            raise ModelError(f"units: expected one word for {name}, got two; leave one out")
        else:
            found[name] = word
    if len(general) > 1:
        raise ModelError(
            f"units: expected one word for all populations, got {' and '.join(general)}; name populations, as in conv1=all"
        )
    if general:
        found = {name: found.get(name, general[0]) for name in names}
    return {name: found[name] for name in names if name in found}


def class_selectivity(rate: Tensor, label: Tensor) -> Tensor:
    """Share of the variance of each unit's rate that lies between classes, (units,); not a number of a unit whose rate never changes.

    Args:
        rate: (rows, units).
        label: class of every row, int64 (rows,); rows without one (-1) are left out.
    """
    known = label >= 0
    return torch.cat([_between(part[known].double(), label[known]) for part in rate.split(COLUMNS, 1)])


def _between(rate: Tensor, label: Tensor) -> Tensor:
    deviation, between = rate - rate.mean(0), torch.zeros_like(rate[0])
    for each in label.unique():
        members = deviation[label == each]
        between += len(members) * members.mean(0).square()
    return between / deviation.square().sum(0)
