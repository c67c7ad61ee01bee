"""ImageNet and Tiny ImageNet, from folders of JPEG files as their authors publish them.

    imagenet/train/n01440764/*.JPEG            tiny-imagenet-200/train/n01443537/images/*.JPEG
    imagenet/val/n01440764/*.JPEG              tiny-imagenet-200/val/images/*.JPEG
    or imagenet/val/*.JPEG beside a            tiny-imagenet-200/val/val_annotations.txt
       val/val_annotations.txt

A class is a WordNet number, its name; classes are numbered in alphabetical order. The validation images, whose labels are published, are
what is tested on.

Citations: Deng et al. (2009), ImageNet: a large-scale hierarchical image database, CVPR; Russakovsky et al. (2015), IJCV 115:211-252;
Le & Yang (2015), Tiny ImageNet visual recognition challenge, Stanford CS 231N.
"""

from __future__ import annotations

from pathlib import Path

from ..images import ImageSet
from ..prepared.sets import HOLD, image_sets
from .imagenet_files import imagenet_tree, tiny_imagenet_tree


def load_imagenet(
    data_dir: str | Path | None = None,
    *,
    image_size: int | None = None,
    hold: int = HOLD,
    unreadable: str = "refuse",
    progress: bool = False,
) -> tuple[ImageSet, ImageSet]:
    """Return train and validation images of ImageNet, uint8 (N, 3, 224, 224) or of ``image_size``, streamed or held as ``image_sets`` says.

    The shorter side of a photograph is brought to the size and the centre square cut out, once for all. Raises ``StimulusError`` on missing
    folders and annotations, and as ``image_sets``.
    """
    found = image_sets(
        imagenet_tree(data_dir, image_size=image_size), hold=hold, unreadable=unreadable, progress=progress
    )
    return found["train"], found["test"]


def load_tiny_imagenet(
    data_dir: str | Path | None = None,
    *,
    image_size: int | None = None,
    hold: int = HOLD,
    unreadable: str = "refuse",
    progress: bool = False,
) -> tuple[ImageSet, ImageSet]:
    """Return train (100,000) and validation (10,000) images of Tiny ImageNet, uint8 (N, 3, 64, 64) or of ``image_size``.

    As ``load_imagenet``.
    """
    tree = tiny_imagenet_tree(data_dir, image_size=image_size)
    found = image_sets(tree, hold=hold, unreadable=unreadable, progress=progress)
    return found["train"], found["test"]
