"""Checkpoints: weights, optimiser, position, recording cursor; nothing executable is ever read.

A checkpoint is a folder `step-0000000123/` with weights.safetensors, moments.safetensors and state.json. It is written under another name
and renamed when complete, so a folder with the right name was whole; checksums in state.json, compared by every load, tell whether it still
is. Of several ranks, which hold a block of rows of every B each, the files are written whole by the first of them and read by any number of
ranks, each its own rows. Random streams are functions of (seed, stream, step): the
step alone restores them.
"""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..errors import CheckpointError
from ..networks.in_blocks import BlockNetwork
from ..networks.network import Network
from ..optimisers.base import Resumable
from ..parted.alike import check_alike
from ..parted.whole_files import fill_rows, shapes, whole_shape, write_whole
from ..populations.apical import ApicalProjection
from .build import Engine
from .stored import broken, check_files, found, put_in_place, read_document, remove, tidy, write_state

__all__ = [
    "State",
    "check_files",
    "check_readable",
    "found",
    "load",
    "load_moments",
    "load_network",
    "load_weights",
    "own_rows",
    "read_state",
    "save",
    "stored_buffers",
    "stored_weights",
    "tidy",
]

BUFFERS = "buffers.safetensors"
WEIGHTS = "weights.safetensors"
MOMENTS = "moments.safetensors"
FIRST = f"step-{0:010d}"


@dataclass(frozen=True, slots=True)
class State:
    """Where a run stands.

    Attributes:
        step: steps done.
        seconds: seconds of training so far.
        cursor: committed rows of the recording, by table.
        config_sha256: digest of the run's settings.
        identity_sha256: digest of those that no part of the run may change; empty in a checkpoint that does not tell.
        data: fingerprint of the images by split; empty in a checkpoint that does not tell.
        lines: lines of the run's metrics.jsonl up to here, without those of interruptions; -1 in a checkpoint that does not tell.
        start: losses of the first step by name, against which later ones are judged.
        kernels: precision and kernels that the run began with, see `Choice.words`; empty in a checkpoint that does not tell.
        input: shape, normalisation and class names of the images of the training; empty in a checkpoint that does not tell.
        sources: what words from outside were made of, by setting; empty where none is, and in a checkpoint that does not tell.
        origin: which run the weights of step 0 are of; empty where they were random.
    """

    step: int
    seconds: float
    cursor: dict[str, int]
    config_sha256: str
    identity_sha256: str = ""
    data: dict[str, str] = field(default_factory=dict)
    lines: int = -1
    start: dict[str, float] = field(default_factory=dict)
    kernels: dict[str, str] = field(default_factory=dict)
    input: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, dict[str, str]] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)


def save(folder: Path, engine: Engine, state: State, *, keep: int) -> Path:
    """Write a checkpoint, called by every rank, and remove all but the newest `keep`; one of step 0 stays: weights that a run began with are drawn from no seed.

    Args:
        folder: the run's folder of checkpoints.
        engine: engine whose weights and moments are kept.
        state: position of the run.
        keep: number of checkpoints that stay.

    Raises:
        CheckpointError: the weights cannot be written; older checkpoints stay as they were.
    """
    final = folder / f"step-{state.step:010d}"
    unfinished = folder / f".{final.name}.partial"
    weights, moments = engine.network.weights(), _resumable(engine).tensors()
    check_alike(engine.ranks, engine.network)
    if engine.ranks.rank:
        for tensors in (weights, moments):
            write_whole(unfinished, tensors, _shared(engine.network), engine.ranks)
        return final
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    _write({name: w.detach() for name, w in weights.items()}, unfinished / WEIGHTS, engine)
    if engine.network.buffers:
        _write(engine.network.buffers, unfinished / BUFFERS)
    _write(moments, unfinished / MOMENTS, engine)
    write_state(unfinished, asdict(state))
    put_in_place(unfinished, final)
    for old in found(folder)[:-keep]:
        if old.name != FIRST:
            remove(old)
    return final


def _write(tensors: Mapping[str, Tensor], path: Path, engine: Engine | None = None) -> None:
    shared = {} if engine is None else _shared(engine.network)
    try:
        if engine is not None and shared:
            write_whole(path, tensors, shared, engine.ranks)
        else:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    except SafetensorError as error:  # the library's form of an OSError
        raise CheckpointError(
            f"{path}: expected a writable disk with free space, got {error}; free some space and continue with --resume"
        ) from error


def read_state(checkpoint: Path) -> State:
    """Position of a checkpoint.

    Raises:
        CheckpointError: state.json is missing or not what `save` writes.
    """
    try:
        document = read_document(checkpoint)
        return State(
            int(document["step"]),
            float(document["seconds"]),
            dict(document["cursor"]),
            str(document["config_sha256"]),
            str(document.get("identity_sha256", "")),
            dict(document.get("data", {})),
            int(document.get("lines", -1)),
            dict(document.get("start", {})),
            dict(document.get("kernels", {})),
            dict(document.get("input", {})),
            dict(document.get("sources", {})),
            dict(document.get("origin", {})),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise broken(checkpoint / "state.json", "the state of a run", error) from error


def stored_weights(checkpoint: Path) -> dict[str, Tensor]:
    """The stored weights by name, without a network to put them into.

    Raises:
        CheckpointError: the file is broken.
    """
    check_files(checkpoint, (WEIGHTS,))
    return _read(checkpoint / WEIGHTS)


def stored_buffers(checkpoint: Path) -> dict[str, Tensor]:
    """The stored buffers by name; empty where the network has none.

    Raises:
        CheckpointError: the file is broken.
    """
    if not (checkpoint / BUFFERS).exists():
        return {}
    check_files(checkpoint, (BUFFERS,))
    return _read(checkpoint / BUFFERS)


def own_rows(stored: Mapping[str, Tensor], network: Network | BlockNetwork) -> dict[str, Tensor]:
    """Stored weights with the own rows of those that this rank shares with others; one of another size is left out."""
    shared = _shared(network)
    found = dict(stored)
    for name, projection in shared.items():
        whole = found.pop(name, None)
        if whole is not None and len(whole) == projection.units:
            found[name] = whole[projection.own]
    return found


def load_moments(checkpoint: Path, optimiser: Resumable, network: Network | BlockNetwork | None = None) -> None:
    """Copy the stored moments into an optimiser; the number of its steps is left to the caller.

    Args:
        checkpoint: its folder.
        optimiser: that remembers them.
        network: whose rows may lie at several ranks.

    Raises:
        CheckpointError: the file is broken or belongs to another optimiser.
    """
    check_files(checkpoint, (MOMENTS,))
    _fill(checkpoint / MOMENTS, optimiser.tensors(), {} if network is None else _shared(network))


def load_weights(checkpoint: Path, weights: Mapping[str, Tensor]) -> None:
    """Copy the stored weights into `weights`.

    Raises:
        CheckpointError: the file is broken, or names or shapes differ.
    """
    check_files(checkpoint, (WEIGHTS,))
    _fill(checkpoint / WEIGHTS, weights)


def load_network(checkpoint: Path, network: Network | BlockNetwork) -> None:
    """Restore weights and buffers of a network.

    Raises:
        CheckpointError: a file is broken or belongs to another network.
    """
    check_files(checkpoint, (WEIGHTS,))
    _fill(checkpoint / WEIGHTS, network.weights(), _shared(network))
    if network.buffers:
        check_files(checkpoint, (BUFFERS,))
        _fill(checkpoint / BUFFERS, network.buffers)


def check_readable(checkpoint: Path) -> None:
    """Read every file of a checkpoint, also one without checksums.

    Raises:
        CheckpointError: a file cannot be read.
    """
    for name in (WEIGHTS, MOMENTS, BUFFERS):
        path = checkpoint / name
        if name == BUFFERS and not path.exists():
            continue
        try:
            load_file(path)
        except (OSError, SafetensorError) as error:
            raise broken(path, "a whole safetensors file", error) from error


def load(checkpoint: Path, engine: Engine) -> State:
    """Restore weights, moments and optimiser step of an engine.

    Raises:
        CheckpointError: a file is broken or belongs to another network.
    """
    state = read_state(checkpoint)
    load_network(checkpoint, engine.network)
    load_moments(checkpoint, _resumable(engine), engine.network)
    # moments of a run that this one began with are of its steps as well
    _resumable(engine).restore(state.step + int(state.origin.get("moments_step", 0)))
    engine.refresh()
    return state


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise broken(path, "a whole safetensors file", error) from error


def _fill(
    path: Path, targets: Mapping[str, Tensor], shared: Mapping[str, ApicalProjection] = MappingProxyType({})
) -> None:
    try:
        stored = shapes(path)
        _compare(path, stored, targets, shared)
        fill_rows(path, targets, shared)
    except (OSError, SafetensorError) as error:
        raise broken(path, "a whole safetensors file", error) from error


def _compare(
    path: Path,
    stored: Mapping[str, tuple[int, ...]],
    targets: Mapping[str, Tensor],
    shared: Mapping[str, ApicalProjection],
) -> None:
    if stored.keys() != targets.keys():
        odd = sorted(stored.keys() ^ targets.keys())
        raise CheckpointError(
            f"{path}: expected the weights of this network, got a difference in {', '.join(odd[:3])}; check the run's settings"
        )
    for name, target in targets.items():
        wanted = whole_shape(name, target, shared)
        if stored[name] != wanted:
            raise CheckpointError(
                f"{path}: expected {name} of shape {wanted}, got {stored[name]}; check the run's settings"
            )


def _shared(network: Network | BlockNetwork) -> Mapping[str, ApicalProjection]:
    return network.shared() if isinstance(network, Network) else {}


def _resumable(engine: Engine) -> Resumable:
    if not isinstance(engine.optimiser, Resumable):
        kind = type(engine.optimiser).__name__
        raise CheckpointError(
            f"engine.optimiser: expected one with a state, got {kind}, which has none; build the engine with AdamW"
        )
    return engine.optimiser
