"""Rendered images that are kept from one command to the next, as long as nothing that they follow from has changed.

A file in the cache folder bears the hash of the settings, of the renderer's own text, and of what may move its last bits: torch and the
processor's instructions. It is written whole or not at all, carries the hash of its pixels, and is rendered anew where that is not theirs.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ....recordings.atomic import replacing
from ..cache import cache_directory

FOLDER = "rendered"
LIMIT = 1 << 30  # bytes of all files; beyond it, those that were read longest ago go
LEAST = 4000 * 32 * 32  # pixels of a set that is kept: a smaller one is rendered in a second or two
SOURCES = ("render.py", "outlines.py", "shapes.py")
Images = dict[str, Tensor]


def kept(settings: Mapping[str, int], pixels: int, render: Callable[[], Images]) -> Images:
    """The images of these settings: out of the cache, or rendered and kept there.

    A cache that cannot be read or written is none.

    Args:
        settings: all that the images follow from, beside the renderer.
        pixels: of all images, by which small sets are left out.
        render: makes them.
    """
    if pixels < LEAST:
        return render()
    path = place(settings)
    found = _read(path)
    if found is None:
        found = render()
        with suppress(OSError):
            _keep(path, found)
    return found


def place(settings: Mapping[str, int]) -> Path:
    """Where the images of these settings are kept."""
    own = [(Path(__file__).parent / name).read_bytes() for name in SOURCES]
    told = json.dumps([dict(settings), torch.__version__, torch.backends.cpu.get_cpu_capability()], sort_keys=True)
    digest = hashlib.sha256(b"\0".join([told.encode(), *own])).hexdigest()
    return cache_directory() / FOLDER / f"shapes-{digest[:32]}.safetensors"


def _read(path: Path) -> Images | None:
    """What a file holds; None where there is none, or one that is damaged."""
    try:
        with safe_open(path, "pt") as file:
            stored = (file.metadata() or {}).get("sha256")
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError):
        return None
    if stored != _digest(found):
        return None
    with suppress(OSError):
        os.utime(path)  # was read: the last to go
    return found


def _keep(path: Path, images: Images) -> None:
    size = sum(image.numel() * image.element_size() for image in images.values())
    if size > LIMIT:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _make_room(path.parent, LIMIT - size)
    with replacing(path) as partial:
        save_file({name: image.contiguous() for name, image in images.items()}, partial, {"sha256": _digest(images)})


def _make_room(folder: Path, room: int) -> None:
    """Remove what was read longest ago, and what killed writers left, until the rest fits."""
    for left_over in folder.glob(".*.partial"):
        left_over.unlink(missing_ok=True)
    files = sorted(folder.glob("*.safetensors"), key=lambda file: file.stat().st_mtime)
    total = sum(file.stat().st_size for file in files)
    for file in files:
        if total <= room:
            return
        total -= file.stat().st_size
        file.unlink(missing_ok=True)


def _digest(images: Images) -> str:
    digest = hashlib.sha256()
    for name in sorted(images):
        image = images[name].contiguous()
        digest.update(repr((name, image.dtype, tuple(image.shape))).encode())
        digest.update(image.numpy().reshape(-1).data)
    return digest.hexdigest()
