"""What a test may ask of numbers, in three kinds; every processor must pass, whatever the order in which its libraries sum.

exact     the same operations on the same numbers in the same kind of process: equal, bit for bit (a resumed run, a permuted table).
rounding  two ways to one number: they differ by eps times the sizes of the terms that were summed. Never by a share of the sum itself:
          where the terms cancel, what is left is rounding, and no share of it is small enough.
chaotic   what many steps of training end with: one last bit becomes another trajectory. Means over seeds are compared, by a margin that is
          stated; a single run is not.

`make test-processors` runs the tests of learning and exactness as other machines would; tests/jitter.py moves last bits.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

import torch
from torch import Tensor

# roundings of one chain of sums: rows, places, units and populations, for networks as small as those of tests
ROUNDINGS = 2**16


def assert_exact(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Exact: the same names, types and bits."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype, name
        assert torch.equal(found[name], value), name


def assert_rounding(found: Tensor, expected: Tensor, *, terms: Tensor | float, what: str = "") -> None:
    """Rounding: no further apart than eps * ROUNDINGS * terms.

    Args:
        found, expected: one number or many, of the same shape and type.
        terms: sum of the absolute values that were added up to `expected`, or a bound of it; a number, or one for each of `expected`.
        what: named in the message.
    """
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype), what
    allowed = torch.finfo(expected.dtype).eps * ROUNDINGS * torch.as_tensor(terms, dtype=expected.dtype)
    error = (found - expected).abs()
    assert torch.all(error <= allowed), f"{what}: {error.max():.1e} apart, {allowed.max():.1e} allowed"


def assert_changes(changes: Mapping[str, Tensor], gradients: Mapping[str, Tensor], times: float = 1.0) -> None:
    """Rounding: the changes of all weights are minus the gradients.

    Weight and bias of a population sum the same terms, the bias without the pre-synaptic rate: their gradients are measured together. A rule
    may leave a bias without any gradient (a shift of all rows at once leaves LPL as it is), and then there is nothing but rounding in it.
    `times` as many roundings are allowed, where a network is deep.
    """
    assert changes.keys() == gradients.keys()
    for name, gradient in gradients.items():
        population = name.removesuffix(".bias").removesuffix(".weight")
        parts = (name, f"{population}.weight", f"{population}.bias")
        size = norm(gradients[part] for part in {*parts} & gradients.keys())
        assert size > 0, f"{name}: an empty gradient tests nothing"
        error = norm([changes[name] + gradient]) / size
        assert error <= torch.finfo(gradient.dtype).eps * ROUNDINGS * times, f"{name}: {error:.1e} of {size:.1e}"


def norm(parts: Iterable[Tensor]) -> float:
    """Euclidean norm of several tensors together."""
    return sum(float(part.double().square().sum()) for part in parts) ** 0.5


def assert_falls(before: Sequence[float], after: Sequence[float], *, to: float) -> None:
    """Chaotic: the mean over the seeds falls to at most `to` times what it was.

    Args:
        before, after: one positive number for each seed, of at least three.
        to: share that may be left, chosen half way between what was seen and no fall at all, or lower.
    """
    assert len(before) == len(after) >= 3, "chaotic: expected at least three seeds"
    assert min(before) > 0, "chaotic: a share of a negative number says nothing"
    assert fmean(after) <= to * fmean(before), f"from {before} to {after}"
