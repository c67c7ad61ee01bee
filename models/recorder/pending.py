"""Rows of a recorded step on their way to the host: index tensors go to the device once, and all signals come back in one copy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ...plasticity.queued import queued
from ..populations.conv import Population
from ..populations.geometry import apical_units

MOST = 1 << 28  # bytes of rows that wait on a device
Values = Mapping[str, Tensor | NDArray[Any]]


class Constants:
    """Tensors of a recorder that never change, on the device where they are used; each is made and sent there once."""

    def __init__(self) -> None:
        self._there: dict[tuple[object, torch.device], Tensor] = {}

    def on(self, device: torch.device, key: object, make: Callable[[], Tensor]) -> Tensor:
        """The tensor of this key.

        Args:
            device: where it is wanted.
            key: its name here.
            make: gives it on the CPU, at the first time.
        """
        if (key, device) not in self._there:
            self._there[key, device] = queued(make(), device)
        return self._there[key, device]

    def place(self, device: torch.device, name: object, units: Tensor, shape: Sequence[int]) -> Tensor:
        """Where chosen units are in a map, (axes, units).

        Args:
            device: where it is wanted.
            name: of the population.
            units: flat positions in the shape, int64 (units,).
            shape: of the map.
        """
        shape = tuple(shape)
        return self.on(device, ("place", name, shape), lambda: torch.stack(torch.unravel_index(units, shape)))

    def dendrites(self, device: torch.device, population: Population, units: Tensor, count: int) -> Tensor:
        """Apical rows of chosen units of a population, of so many; see `apical_units`."""
        return self.on(device, ("dendrites", population.name, count), lambda: apical_units(population, units, count))


class Pending:
    """Rows of tables that wait on the device for the end of their step, so that the host waits once and not for every signal."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, Values]] = []

    @property
    def waits(self) -> bool:
        """Whether they are to wait: something of them is not on the host, and it is not too much."""
        away = [v for _, row in self._rows for v in row.values() if isinstance(v, Tensor) and v.device.type != "cpu"]
        return 0 < sum(tensor.numel() * tensor.element_size() for tensor in away) <= MOST

    def add(self, path: str, row: Values) -> None:
        """Note a row of the table at a path."""
        self._rows.append((path, row))

    def drop(self) -> None:
        """Forget them: their step broke off."""
        self._rows = []

    def taken(self) -> Iterator[tuple[str, dict[str, NDArray[Any]]]]:
        """The rows in their order, on the host; none are left."""
        rows, self._rows = self._rows, []
        found = iter(hosted([value for _, row in rows for value in row.values() if isinstance(value, Tensor)]))
        for path, row in rows:
            yield path, {name: next(found) if isinstance(value, Tensor) else value for name, value in row.items()}


def hosted(tensors: Sequence[Tensor]) -> list[NDArray[Any]]:
    """Tensors as numpy arrays; those of a device come by a single copy.

    Args:
        tensors: of any shape, of types that numpy has; those of the CPU are not copied.
    """
    away = iter(packed([tensor for tensor in tensors if tensor.device.type != "cpu"]))
    return [tensor.numpy() if tensor.device.type == "cpu" else next(away) for tensor in tensors]


def packed(tensors: Sequence[Tensor]) -> list[NDArray[Any]]:
    """Tensors of one device as numpy arrays: laid side by side there as bytes, copied as one."""
    if not tensors:
        return []
    # larger numbers first: each then begins at a multiple of its size
    order = sorted(range(len(tensors)), key=lambda i: -tensors[i].element_size())
    whole = torch.cat([_bytes(tensors[i]) for i in order]).cpu()
    found: dict[int, NDArray[Any]] = {}
    start = 0
    for i in order:
        end = start + tensors[i].numel() * tensors[i].element_size()
        found[i] = whole[start:end].view(tensors[i].dtype).view(tensors[i].shape).numpy()
        start = end
    return [found[i] for i in range(len(tensors))]


def _bytes(tensor: Tensor) -> Tensor:
    flat = tensor.flatten()
    if flat.stride(0) != 1:  # a single number may have any stride and is called contiguous all the same
        flat = flat.clone(memory_format=torch.contiguous_format)
    return flat.view(torch.uint8)


def recorded(tensor: Tensor, dtype: str = "float32") -> Tensor:
    """A signal in the type that it is recorded in; bfloat16, which numpy has not, becomes that as well."""
    return tensor.detach().to(getattr(torch, dtype))
