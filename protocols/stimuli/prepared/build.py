"""Decoding a tree of image files into its prepared folder: in pieces, by several processes, resumable after a kill at any moment."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from ...locks import Taken, held
from ...progress import bar, notice
from ..errors import StimulusError
from .journal import Journal
from .pictures import GREY_MODES
from .shards import sizes
from .store import IMAGES, Store, describe, place
from .tree import Split, Tree
from .workers import Workers, processors

LOOKED = 2000  # files of a piece of looking
WAIT = 0.5  # seconds between two looks at the lock of another process


def prepared(tree: Tree, *, workers: int | None = None, progress: bool = False) -> Store:
    """The prepared folder of a tree, decoded now unless it was before.

    Every shard is written whole by one process and then noted; a build that is killed loses the shards that were being written and goes on
    after the noted ones. Of several processes that want it, one builds and the others wait.

    Args:
        tree: what is decoded.
        workers: processes that decode; None for one a processor.
        progress: show a bar on stderr.

    Raises:
        StimulusError: images of several sizes and none asked for, no room on the disk, a damaged folder.
    """
    path = place(tree)
    if (found := Store.found(tree)) is not None:
        return found
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, told = path.with_name(f".{path.name}.lock"), False
    while True:
        try:
            with held(lock):
                return Store.found(tree) or _built(tree, path, workers or processors(), progress)
        except Taken:
            if not told:
                notice(f"{path}: another process prepares these images; waiting for it")
            told = True
            time.sleep(WAIT)


def _built(tree: Tree, path: Path, workers: int, progress: bool) -> Store:
    partial = path.with_name(f"{path.name}.partial")
    partial.mkdir(exist_ok=True)
    journal = Journal(partial / "journal.jsonl")
    if journal.done:
        notice(f"{path}: goes on after {sum(mark.startswith('decode') for mark in journal.done)} decoded shards")
    try:
        with Workers(workers) as pool:
            mode, shape = _looked(tree, journal, pool, progress)
            _check_room(tree, partial, shape, journal)
            _decoded(tree, partial, mode, shape, journal, pool, progress)
    except OSError as error:
        raise StimulusError(
            f"{partial}: expected a folder that can be written to, got {error}; make room, or set APICAL_CACHE"
        ) from error
    finally:
        journal.close()
    describe(partial, _about(tree, journal, shape))
    partial.rename(path)
    (path / "journal.jsonl").unlink()  # last: without it a part counts as not begun
    made = Store.found(tree)
    assert made is not None
    return made


def _looked(tree: Tree, journal: Journal, pool: Workers, progress: bool) -> tuple[str, tuple[int, int, int]]:
    """Mode of all images, and shape of one; files are only looked at where these are not known beforehand."""
    if tree.mode is None or tree.size is None:
        pieces = {
            f"look {part} {start}": (part, start, split.files[start : start + LOOKED])
            for part, split in tree.splits()
            for start in range(0, len(split.files), LOOKED)
        }
        work = (
            (mark, {"files": [str(tree.root / file) for file in files]})
            for mark, (_, _, files) in pieces.items()
            if mark not in journal.done
        )
        with bar(progress, "image", len(tree), title="looking at files", leave=False) as shown:
            shown.update(sum(len(files) for mark, (_, _, files) in pieces.items() if mark in journal.done))
            for mark, result in pool.results(work):
                journal.write(mark, result)
                shown.update(len(pieces[mark][2]))
        found = {mark: journal.done[mark] for mark in pieces}
        modes = {mode for result in found.values() for mode in result["modes"]}
        mode = tree.mode or ("L" if modes <= GREY_MODES else "RGB")
        side = (tree.size, tree.size) if tree.size is not None else _one_size(tree, pieces, found)
    else:
        mode, side = tree.mode, (tree.size, tree.size)
    return mode, (1 if mode == "L" else 3, side[1], side[0])


def _one_size(tree: Tree, pieces: dict[str, Any], found: dict[str, Any]) -> tuple[int, int]:
    """Width and height of all images.

    Raises:
        StimulusError: they differ, or there is none that can be read.
    """
    first: dict[tuple[int, int], str] = {}
    for mark, (_, _, files) in pieces.items():
        for width, height, i in found[mark]["sizes"]:
            first.setdefault((width, height), files[i])
    if not first:
        raise StimulusError(
            f"{tree.name}: expected images, got {len(tree)} files of which none can be read; the first is {tree.root / tree.train.files[0]}"
        )
    if len(first) > 1:
        (a, file), (b, other) = list(first.items())[:2]
        raise StimulusError(
            f"{tree.name}: expected one image size, {a[0]} x {a[1]} of {tree.root / file}, got {b[0]} x {b[1]} of {tree.root / other}; "
            "set stimulus.image_size (--image-size) to resize them"
        )
    return next(iter(first))


def _check_room(tree: Tree, partial: Path, shape: tuple[int, int, int], journal: Journal) -> None:
    wanted, free = len(tree) * int(np.prod(shape)), shutil.disk_usage(partial).free
    done = sum(mark.startswith("decode") for mark in journal.done)
    if not done and wanted > free:
        raise StimulusError(
            f"{partial}: expected room for {wanted / 2**30:.1f} GiB of decoded images, got {free / 2**30:.1f} GiB free; "
            "set APICAL_CACHE to a folder on a larger disk, or a smaller image size"
        )


def _decoded(
    tree: Tree, partial: Path, mode: str, shape: tuple[int, int, int], journal: Journal, pool: Workers, progress: bool
) -> None:
    pieces = {f"decode {part} {start}": (part, start, files) for part, start, files in _shards(tree, shape)}
    if not any(mark in journal.done for mark in pieces):
        _create(tree, partial, shape)
    work = (
        (
            mark,
            {
                "array": str(partial / IMAGES / part), "start": start, "mode": mode, "size": tree.size,
                "files": [str(tree.root / file) for file in files],
            },
        )
        for mark, (part, start, files) in pieces.items()
        if mark not in journal.done
    )  # fmt: skip
    ready = sum(len(files) for mark, (_, _, files) in pieces.items() if mark in journal.done)
    with bar(progress, "image", len(tree), title="decoding", initial=ready) as shown:
        for mark, result in pool.results(work):
            journal.write(mark, result)
            shown.update(len(pieces[mark][2]))


def _shards(tree: Tree, shape: tuple[int, int, int]) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    for part, split in tree.splits():
        per_shard = sizes(len(split.files), int(np.prod(shape)))[1]
        for start in range(0, len(split.files), per_shard):
            yield part, start, split.files[start : start + per_shard]


def _create(tree: Tree, partial: Path, shape: tuple[int, int, int]) -> None:
    import zarr

    group = zarr.open_group(partial / IMAGES, mode="w", zarr_format=3)
    for part, split in tree.splits():
        chunk, shard = sizes(len(split.files), int(np.prod(shape)))
        group.create_array(
            part, shape=(len(split.files), *shape), dtype="uint8", chunks=(chunk, *shape), shards=(shard, *shape), compressors=None,
            dimension_names=("image", "channel", "row", "column"),
        )  # fmt: skip
        group.create_array(f"{part}_labels", data=np.array(split.labels, np.int64), dimension_names=("image",))


def _about(tree: Tree, journal: Journal, shape: tuple[int, int, int]) -> dict[str, Any]:
    bad: dict[str, dict[int, str]] = {part: {} for part, _ in tree.splits()}
    for mark, result in journal.done.items():
        what, part, start = mark.split(" ")
        if what == "decode":
            bad[part] |= {int(start) + i: text for i, text in result["bad"]}
    parts: dict[str, Split] = dict(tree.splits())
    return {
        "name": tree.name, "key": tree.key, "shape": list(shape), "pillow": PIL.__version__, "classes": list(tree.classes),
        "images": {part: len(split.files) for part, split in parts.items()},
        "bad": {part: {str(row): rows[row] for row in sorted(rows)} for part, rows in bad.items()},
    }  # fmt: skip
