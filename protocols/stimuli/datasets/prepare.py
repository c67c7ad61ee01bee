"""Decoding a data set of image files before anybody asks for it, and checking what was decoded."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import StimulusError, misuse
from ..images import ImageSet, fingerprint
from ..names import KNOWN, row_of
from ..pixels import Mapped
from ..prepared.build import prepared
from ..prepared.sets import refuse
from ..prepared.shards import Shards
from ..prepared.store import ABOUT, Store
from ..prepared.tree import Tree
from .table import ROWS


def prepare(
    name: str,
    *,
    data_dir: str | Path | None = None,
    image_size: int | None = None,
    workers: int | None = None,
    unreadable: str = "refuse",
    check: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Decode a data set of image files, unless it was decoded before.

    Arguments
    ---------
    name: ``imagenet``, ``tiny-imagenet`` or ``folder:PATH``
    data_dir: where official files lie, as in ``load``
    image_size: side in pixels; must be that of the runs that will use it, whose default is the same
    workers: processes; default one a processor
    unreadable: ``refuse`` or ``leave-out``, as in a run's settings
    check: read every prepared image once more and compare all with the fingerprint that was taken of them
    progress: whether a bar is shown

    Returns a dictionary: name, path, images by part, shape of one, bytes, unreadable (how many), decoded (whether it was now), and if so
    seconds and images_per_second; with ``check`` also ok. Raises ``StimulusError`` where there is no such data set, files cannot be read or
    images were damaged.
    """
    row = row_of(name)
    if row is None or not row.files:
        able = ", ".join(word for word in KNOWN if ROWS[word.partition(":")[0]].files)
        raise misuse(f"data.prepare: expected one of {able}, got {name!r}; others are read as they are")
    given = {"path": name.partition(":")[2]} if row.own else {"data_dir": data_dir}
    tree = row.tree(**given, image_size=image_size)
    found, begun = Store.found(tree), time.perf_counter()
    store = prepared(tree, workers=workers, progress=progress) if found is None else found
    seconds = time.perf_counter() - begun
    refuse(tree, store.bad, unreadable)
    arrays = {part: Shards(store.images(part)) for part, _ in tree.splits()}
    marks = {part: _mark(tree, part, arrays[part], store, check) for part in arrays}
    told = json.loads((store.path / ABOUT).read_text(encoding="utf-8"))
    result = {
        "name": name, "path": str(store.path), "images": told["images"], "shape": told["shape"],
        "bytes": sum(int(np.prod(array.shape)) for array in arrays.values()), "unreadable": sum(map(len, store.bad.values())),
        "decoded": found is None, "sha256": marks,
    }  # fmt: skip
    if found is None:
        result |= {"seconds": seconds, "images_per_second": len(tree) / max(seconds, 1e-9)}
    return result | ({"ok": True} if check else {})


def _mark(tree: Tree, part: str, array: Shards, store: Store, check: bool) -> str:
    """Fingerprint of the whole of a part, which is worked out now unless it was before.

    Raises:
        StimulusError: it is no longer that of the images.
    """
    import torch

    images, split = Mapped(array, store.kept), dict(tree.splits())[part]
    labels = torch.tensor(split.labels, dtype=torch.int64)
    kept = ImageSet.streamed(f"{tree.name}.{part}", images, labels, tree.classes).fingerprint
    if check:
        anew = fingerprint(Mapped(array, lambda of, make, *, worth: make()), labels, tree.classes)
        if anew != kept:
            raise StimulusError(
                f"{store.path}: expected the {part} images that were decoded, got others: a file was damaged; remove the folder and prepare them again"
            )
    return kept
