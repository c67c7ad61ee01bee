"""The image files of a folder with one subfolder per class; read without torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import StimulusError
from ..prepared.pictures import SUFFIXES
from ..prepared.tree import Split, Tree

LAYOUT = "PATH/CLASS/*.png, or PATH/train/CLASS/*.png with PATH/test/CLASS/*.png"


def folder_tree(path: str | Path, *, image_size: int | None = None) -> Tree:
    """Return the files of ``folder:path``; raises ``StimulusError`` on another layout."""
    root = Path(path).expanduser()
    name = f"folder:{root}"
    if not root.is_dir():
        raise StimulusError(f"{name}: expected a folder of images as {LAYOUT}, got none; check the path")
    train_root = root / "train" if (root / "train").is_dir() else root
    test_root = next((root / n for n in ("test", "val") if train_root != root and (root / n).is_dir()), None)
    files = list_images(train_root)
    if len(files) < 2:
        found = f"{len(files)} ({', '.join(files)})" if files else "none"
        raise StimulusError(
            f"folder:{train_root}: expected two or more class folders of images, got {found}; lay them out as {LAYOUT}"
        )
    held_out = list_images(test_root) if test_root else {}
    strange = sorted(set(held_out) - set(files))
    if strange or (test_root and not held_out):
        found = f"{strange[0]!r}" if strange else "no images"
        raise StimulusError(f"folder:{test_root}: expected class folders of train, got {found}; make them agree")
    classes = tuple(files)
    test = split_of(test_root, root, held_out, classes) if test_root else None
    return Tree(name, root, classes, split_of(train_root, root, files, classes), test, size=image_size)


def split_of(below: Path, root: Path, files: dict[str, list[str]], classes: tuple[str, ...]) -> Split:
    """Return the files of all classes, named from ``root``, as rows in the order of the classes' folders, which lie ``below``."""
    number = {name: label for label, name in enumerate(classes)}
    way = "" if below == root else f"{below.relative_to(root).as_posix()}/"
    rows = [(f"{way}{name}/{file}", number[name]) for name, found in files.items() for file in found]
    return Split(tuple(file for file, _ in rows), tuple(label for _, label in rows))


def list_images(root: Path) -> dict[str, list[str]]:
    """Return the image files of each class folder under ``root``, named from that folder, both sorted by name.

    Hidden folders and files of other types are skipped; a class folder without images is an error.
    """
    classes: dict[str, list[str]] = {}
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        # as paths are sorted, folder by folder, without a million of them
        files = sorted(image_files(folder), key=lambda file: file.split("/"))
        if not files:
            raise StimulusError(f"{folder}: expected image files, got none; add some or remove the folder")
        classes[folder.name] = files
    return classes


def image_files(folder: Path) -> Iterator[str]:
    """Yield the image files at or below a folder, named from it, in no order."""
    start = len(str(folder)) + 1
    for place, _, names in os.walk(folder):
        way = f"{place[start:].replace(os.sep, '/')}/" if len(place) > start else ""
        yield from (way + name for name in names if os.path.splitext(name)[1].lower() in SUFFIXES)  # noqa: PTH122
