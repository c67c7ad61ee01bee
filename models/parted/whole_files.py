"""Whole files of tensors whose rows lie at several ranks: written by one of them, a block of rows in memory at a time.

The layout is that of safetensors: eight bytes with the length of the header, the header in JSON (type, shape and place of every tensor), the
numbers. Tensors lie in the order in which the library writes them, so that a file is the same, byte for byte, whoever wrote it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from ..errors import ModelError
from ..populations.apical import ApicalProjection
from ..ranks.ranks import STORED, Ranks

TYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
ALIGNED = 8  # bytes


def owner(name: str, shared: Mapping[str, ApicalProjection]) -> ApicalProjection | None:
    """The projection whose rows a tensor has: that of its own name, or what an optimiser remembers of it (`<weight>.<word>`)."""
    return shared.get(name) or shared.get(name.rpartition(".")[0])


def whole_shape(name: str, tensor: Tensor, shared: Mapping[str, ApicalProjection]) -> tuple[int, ...]:
    """Shape of a tensor at all ranks together.

    Raises:
        ModelError: an optimiser remembers something of a weight that is not laid out in its rows.
    """
    projection = owner(name, shared)
    if projection is None:
        return tuple(tensor.shape)
    if len(tensor) != len(projection.weight):
        raise ModelError(
            f"{name}: expected one entry per row of the weight, {len(projection.weight)} of them, got {tuple(tensor.shape)}; "
            "train with adamw or sgd, or in one process"
        )
    return (projection.units, *tensor.shape[1:])


def write_whole(
    path: Path, tensors: Mapping[str, Tensor], shared: Mapping[str, ApicalProjection], ranks: Ranks
) -> None:
    """Write tensors as one safetensors file; called by every rank, written by rank 0.

    Args:
        path: of the file.
        tensors: by name; of shared ones the own rows.
        shared: projections whose rows lie at several ranks, by name of their weight.
        ranks: who has them.

    Raises:
        ModelError: see `whole_shape`.
        OSError: the file cannot be written.
    """
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header: dict[str, Any] = {}
    place = 0
    for name in names:
        shape = whole_shape(name, tensors[name], shared)
        size = torch.Size(shape).numel() * tensors[name].element_size()
        header[name] = {
            "dtype": TYPES[tensors[name].dtype],
            "shape": list(shape),
            "data_offsets": [place, place + size],
        }
        place += size
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNED)
    if ranks.rank:
        for name in names:
            if owner(name, shared) is not None:
                for _ in ranks.blocks(_host(tensors[name]), 0, STORED):
                    pass
        return
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in names:
            own, projection = _host(tensors[name]), owner(name, shared)
            for block in [own] if projection is None else ranks.blocks(own, projection.units, STORED):
                file.write(block.reshape(-1).view(torch.uint8).numpy().data)


def fill_rows(path: Path, targets: Mapping[str, Tensor], shared: Mapping[str, ApicalProjection]) -> None:
    """Copy own rows of shared tensors out of a whole file; nothing else of it is read. Names and shapes were compared before.

    Args:
        path: a safetensors file.
        targets: by name.
        shared: as in `write_whole`.
    """
    with safe_open(path, framework="pt") as file:
        for name, target in targets.items():
            projection = owner(name, shared)
            if projection is not None:
                target.copy_(file.get_slice(name)[projection.own])
            else:
                target.copy_(file.get_tensor(name))


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of a file, by name."""
    with safe_open(path, framework="pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def _host(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous()
