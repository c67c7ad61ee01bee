"""Image sets of a tree of files: decoded at once where they are few, else out of the prepared folder, held or streamed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import StimulusError, misuse
from ..images import ImageSet
from ..pixels import Mapped
from .build import prepared
from .pictures import GREY_MODES, Unreadable, look, picture
from .shards import Shards
from .store import Store
from .tree import Split, Tree

HOLD = 4096  # MiB of decoded images that are held, unless another limit is set
FEW = 2000  # files that are decoded at every command rather than kept
NAMED = 20  # unreadable files that are named
UNREADABLE = ("refuse", "leave-out")


def image_sets(
    tree: Tree, *, hold: int = HOLD, unreadable: str = "refuse", workers: int | None = None, progress: bool = False
) -> dict[str, ImageSet]:
    """Images of every part of a tree, on the CPU.

    Args:
        tree: what is shown.
        hold: MiB of decoded images, all parts together, up to which they are held in memory; beyond it they are streamed.
        unreadable: `refuse` or `leave-out`: what becomes of files that are no images.
        workers, progress: see `prepared`.

    Raises:
        StimulusError: files that cannot be read, unless they are to be left out: exit code 2, and the first twenty are named; images of several
            sizes and none asked for; no room on the disk; a damaged folder.
    """
    if unreadable not in UNREADABLE:
        raise misuse(f"stimulus.unreadable: expected one of {', '.join(UNREADABLE)}, got {unreadable!r}; correct it")
    store = Store.found(tree)
    if store is None and len(tree) < FEW and hold > 0:
        return _decoded(tree, unreadable)
    if store is None:
        store = prepared(tree, workers=workers, progress=progress)
    refuse(tree, store.bad, unreadable)
    arrays = {part: Shards(store.images(part)) for part, _ in tree.splits()}
    held = sum(len(array) * array.image_bytes for array in arrays.values()) <= hold << 20
    return {part: _set(tree, part, split, store, arrays[part], held) for part, split in tree.splits()}


def _set(tree: Tree, part: str, split: Split, store: Store, array: Shards, held: bool) -> ImageSet:
    bad = store.bad.get(part, {})
    rows = np.array([row for row in range(len(array)) if row not in bad], np.int64) if bad else None
    images = Mapped(array, store.kept, rows)
    labels = torch.tensor(split.labels, dtype=torch.int64)
    labels = labels if rows is None else labels[torch.from_numpy(rows)]
    left_out = tuple(split.files[row] for row in sorted(bad))
    name = f"{tree.name}.{part}"
    found = ImageSet.streamed(name, images, labels, tree.classes, left_out)
    if not held:
        return found
    here = ImageSet.build(name, images[:], labels, tree.classes)
    if here.fingerprint != found.fingerprint:
        raise StimulusError(
            f"{store.path}: expected the images that were decoded, got others: a file was damaged; remove the folder and prepare them again"
        )
    return ImageSet(name, here.images, here.labels, here.classes, here.fingerprint, left_out)


def _decoded(tree: Tree, unreadable: str) -> dict[str, ImageSet]:
    """A small tree, decoded here."""
    bad: dict[str, dict[int, str]] = {part: {} for part, _ in tree.splits()}
    seen = {part: _looked(tree.root, split, bad[part]) for part, split in tree.splits()}
    modes = {mode for found in seen.values() for mode, _ in found}
    mode = tree.mode or ("L" if modes <= GREY_MODES else "RGB")
    pixels: dict[str, list[Tensor]] = {part: [] for part in bad}
    for part, split in tree.splits():
        for row, file in enumerate(split.files):
            if row in bad[part]:
                continue
            try:
                image = picture(tree.root / file, mode, tree.size)
                pixels[part].append(torch.from_numpy(image.copy()))
            except Unreadable as error:
                bad[part][row] = str(error)
    refuse(tree, bad, unreadable)
    sets = {}
    for part, split in tree.splits():
        rows = [row for row in range(len(split.files)) if row not in bad[part]]
        name = f"{tree.name}.{part}"
        _one_size(name, tree.root, [split.files[row] for row in rows], pixels[part])
        labels = torch.tensor([split.labels[row] for row in rows], dtype=torch.int64)
        found = ImageSet.build(name, torch.stack(pixels[part]), labels, tree.classes)
        left_out = tuple(split.files[row] for row in sorted(bad[part]))
        sets[part] = ImageSet(name, found.images, labels, found.classes, found.fingerprint, left_out)
    return sets


def _looked(root: Path, split: Split, bad: dict[int, str]) -> list[tuple[str, tuple[int, int]]]:
    found = []
    for row, file in enumerate(split.files):
        try:
            found.append(look(root / file))
        except Unreadable as error:
            bad[row] = str(error)
    return found


def _one_size(name: str, root: Path, files: list[str], images: list[Tensor]) -> None:
    if not images:
        raise StimulusError(f"{name}: expected images, got none that can be read; add some")
    other = next((i for i, image in enumerate(images) if image.shape != images[0].shape), None)
    if other is not None:
        a, b = ((root / files[i], images[i].shape) for i in (0, other))
        raise StimulusError(
            f"{name}: expected one image size, {a[1][2]} x {a[1][1]} of {a[0]}, got {b[1][2]} x {b[1][1]} of {b[0]}; "
            "set stimulus.image_size to resize them"
        )


def refuse(tree: Tree, bad: Mapping[str, Mapping[int, str]], unreadable: str) -> None:
    """Name the files that cannot be read, unless they are to be left out.

    Args:
        tree: that they are of.
        bad: what is said of each, by part and place.
        unreadable: see `image_sets`.

    Raises:
        StimulusError: there are some.
    """
    lines = [rows[row] for rows in bad.values() for row in sorted(rows)]
    if not lines or unreadable == "leave-out":
        return
    if len(lines) == 1:
        raise misuse(f"{lines[0]}, or leave it out with stimulus.unreadable=leave-out")
    more = f" | and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    raise misuse(
        f"{tree.name}: expected {len(tree)} readable images, got {len(lines)} that are not: {' | '.join(lines[:NAMED])}{more}; "
        "mend them, or leave them out with stimulus.unreadable=leave-out"
    )
