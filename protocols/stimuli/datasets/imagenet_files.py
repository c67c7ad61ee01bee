"""The files of ImageNet and Tiny ImageNet as their authors publish them; read without torch. See ``imagenet``."""

from __future__ import annotations

from pathlib import Path

from ..errors import StimulusError
from ..prepared.tree import Split, Tree
from .files import data_directory
from .table import DATASETS
from .trees import image_files, list_images, split_of

ANNOTATIONS = "val_annotations.txt"
SIDE, TINY_SIDE = 224, 64


def imagenet_tree(data_dir: str | Path | None = None, *, image_size: int | None = None) -> Tree:
    """Return the files of ImageNet; raises ``StimulusError`` where they are not there or not laid out so."""
    return _tree("imagenet", data_dir, image_size or SIDE)


def tiny_imagenet_tree(data_dir: str | Path | None = None, *, image_size: int | None = None) -> Tree:
    """Return the files of Tiny ImageNet; raises ``StimulusError`` where they are not there or not laid out so."""
    return _tree("tiny-imagenet", data_dir, image_size or TINY_SIDE)


def _tree(name: str, data_dir: str | Path | None, size: int) -> Tree:
    root = where(name, data_dir)
    files = list_images(root / "train")
    if len(files) < 2:
        raise StimulusError(
            f"{root / 'train'}: expected a folder for each class, got {len(files)}; unpack the training images there"
        )
    classes = tuple(files)
    train = split_of(root / "train", root, files, classes)
    return Tree(name, root, classes, train, _validation(root, classes), "RGB", size)


def where(name: str, data_dir: str | Path | None) -> Path:
    """Return the folder of a data set of image folders that has ``train`` and ``val``.

    Raises ``StimulusError`` where there is none.
    """
    base = data_directory(data_dir)
    places = [base / folder for folder in DATASETS[name].folders]
    for place in places:
        if (place / "train").is_dir() and (place / "val").is_dir():
            return place
    there = next((place for place in places if place.is_dir()), None)
    got = f"{there} without both" if there else "no such folder"
    remedy = (
        f"unpack the official files there ({DATASETS[name].source}), or set APICAL_DATA to the folder that holds it"
    )
    raise StimulusError(f"{name}: expected train and val in {' or '.join(map(str, places))}, got {got}; {remedy}")


def _validation(root: Path, classes: tuple[str, ...]) -> Split:
    """Files of val, in a folder a class or as the annotations say."""
    val = root / "val"
    if (val / ANNOTATIONS).is_file():
        return _annotated(root, val, classes)
    folders = sorted(p.name for p in val.iterdir() if p.is_dir())
    flat = sum(1 for _ in image_files(val)) if not set(folders) & set(classes) else 0
    if flat:
        raise StimulusError(
            f"{val}: expected a folder for each class, val/{classes[0]}/*.JPEG, got {flat} images without classes; move each into the folder of "
            f"its class, or write {val / ANNOTATIONS} with a line for each: its name, a tabulator, its class"
        )
    files = list_images(val)
    if strange := sorted(set(files) - set(classes)):
        raise StimulusError(f"{val}: expected class folders of train, got {strange[0]!r}; make them agree")
    if not files:
        raise StimulusError(f"{val}: expected validation images, got none; unpack them there")
    return split_of(val, root, files, classes)


def _annotated(root: Path, val: Path, classes: tuple[str, ...]) -> Split:
    """Files with their classes by the annotations: a line each, name and class first, parted by tabulators; in val/images or val."""
    number = {name: label for label, name in enumerate(classes)}
    way = "val/images" if (val / "images").is_dir() else "val"
    files, labels = [], []
    for count, line in enumerate((val / ANNOTATIONS).read_text(encoding="utf-8").splitlines(), start=1):
        name, *rest = line.split("\t")
        label = number.get(rest[0].strip()) if rest else None
        if label is None:
            raise StimulusError(
                f"{val / ANNOTATIONS}, line {count}: expected a file name, a tabulator and a class of train, got {line[:80]!r}; restore the file"
            )
        files.append(f"{way}/{name}")
        labels.append(label)
    missing = sorted(set(files) - {f"val/{file}" for file in image_files(val)})
    if missing or not files:
        got = f"none at {root / missing[0]}" if missing else "no line"
        raise StimulusError(
            f"{val / ANNOTATIONS}: expected a line for an image each, got {got}; unpack the validation images again"
        )
    return Split(tuple(files), tuple(labels))
