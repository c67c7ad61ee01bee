"""The data sets, a row each: all that the rest of Apical knows of them; read without torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ....models.imported import Unfit
from ....models.keywords import takes
from ....models.outside import Open
from .row import READS, DataSet, Download, Layout

DECODED = ("image_size", "hold", "unreadable", "progress")  # what loaders of image files take
SMALL_IMAGES = (0.25, 1.0)  # a smaller crop of 32 pixels shows nothing

_CIFAR10_BINARY = Layout(
    folders=("cifar-10-batches-bin",),
    md5={
        "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
        "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
        "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
        "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
        "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
        "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
    },
    size={f"{part}.bin": 30_730_000 for part in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch")},
)
_CIFAR10_PYTHON = Layout(
    folders=("cifar-10-batches-py",),
    md5={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
    size={},
)
_MNIST = Layout(
    folders=("MNIST/raw", "mnist"),
    md5={
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    size={
        "train-images-idx3-ubyte": 47_040_016,
        "train-labels-idx1-ubyte": 60_008,
        "t10k-images-idx3-ubyte": 7_840_016,
        "t10k-labels-idx1-ubyte": 10_008,
    },
    compressed=True,
)
_CIFAR100 = Layout(
    folders=("cifar-100-python",),
    md5={
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
        "meta": "7973b15100ade9c7d40fb424638fde48",
    },
    size={},
)
_STL10 = Layout(
    folders=("stl10_binary",),
    md5={
        "unlabeled_X.bin": "5242ba1fed5e4be9e1e742405eb56ca4",
        "train_X.bin": "918c2871b30a85fa023e0c44e0bee87f",
        "train_y.bin": "5a34089d4802c674881badbb80307741",
        "test_X.bin": "7f263ba9f9e0b06b93213547f721ac82",
        "test_y.bin": "36f9794fa4beb8a2c72628de14fa638e",
    },
    size={
        "unlabeled_X.bin": 100_000 * 27_648,
        "train_X.bin": 5_000 * 27_648,
        "train_y.bin": 5_000,
        "test_X.bin": 8_000 * 27_648,
        "test_y.bin": 8_000,
    },
)
_MNIST_MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"

ROWS: dict[str, DataSet] = {
    "shapes": DataSet(
        description="procedural textured objects, 32 px colour, 10 classes; embedded, nothing to fetch",
        loader="objects.shapes:load_shapes",
        reads=("image_size", "n_train", "n_test", "seed", "device"),
        crops=None,
    ),
    "cifar10": DataSet(
        description="CIFAR-10, 60,000 colour photographs of 32 px, 10 classes",
        loader="datasets.cifar:load_cifar10",
        crops=SMALL_IMAGES,
        mean=(0.4914, 0.4822, 0.4465),
        std=(0.2470, 0.2435, 0.2616),
        layouts=(_CIFAR10_BINARY, _CIFAR10_PYTHON),
        downloads=(
            Download(
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", True
            ),
        ),
    ),
    "cifar100": DataSet(
        description="CIFAR-100, 60,000 colour photographs of 32 px, 100 classes",
        loader="datasets.cifar:load_cifar100",
        crops=SMALL_IMAGES,
        layouts=(_CIFAR100,),
        downloads=(
            Download(
                "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", True
            ),
        ),
    ),
    "mnist": DataSet(
        description="MNIST, 70,000 grey handwritten digits of 28 px, 10 classes",
        loader="datasets.mnist:load_mnist",
        crops=SMALL_IMAGES,
        flip=0.0,  # a mirrored digit is another sign
        mean=(0.1307,),
        std=(0.3081,),
        layouts=(_MNIST,),
        downloads=(
            Download(_MNIST_MIRROR + "train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", False),
            Download(_MNIST_MIRROR + "train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", False),
            Download(_MNIST_MIRROR + "t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", False),
            Download(_MNIST_MIRROR + "t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", False),
        ),
    ),
    "stl10": DataSet(
        description="STL-10, 100,000 unlabelled and 13,000 labelled colour photographs of 96 px, 10 classes",
        loader="datasets.stl10:load_stl10",
        layouts=(_STL10,),
        downloads=(
            Download(
                "https://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz", "91f7769df0f17e558f3565bffb0c7dfb", True
            ),
        ),
    ),
    "tiny-imagenet": DataSet(
        description="Tiny ImageNet, 110,000 colour photographs of 64 px, 200 classes",
        loader="datasets.imagenet:load_tiny_imagenet",
        reads=("data_dir", *DECODED),
        mean=(0.4802, 0.4481, 0.3975),
        std=(0.2302, 0.2265, 0.2262),
        files="datasets.imagenet_files:tiny_imagenet_tree",
        folders=("tiny-imagenet-200", "tiny-imagenet"),
        published={"train": 100_000, "test": 10_000},
        source="cs231n.stanford.edu/tiny-imagenet-200.zip",
    ),
    "imagenet": DataSet(
        description="ImageNet (ILSVRC 2012), 1,331,167 colour photographs, here of 224 px, 1,000 classes",
        loader="datasets.imagenet:load_imagenet",
        reads=("data_dir", *DECODED),
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        files="datasets.imagenet_files:imagenet_tree",
        folders=("imagenet", "ILSVRC2012", "ILSVRC/Data/CLS-LOC"),
        published={"train": 1_281_167, "test": 50_000},
        source="image-net.org, where one registers for them",
    ),
    "folder": DataSet(
        description="image files of your own, a folder per class",
        loader="datasets.folder:load_folder",
        reads=("path", "seed", *DECODED),
        files="datasets.trees:folder_tree",
        own=True,
    ),
    "npz": DataSet(
        description="arrays of your own in one numpy archive",
        loader="datasets.npz:load_npz",
        reads=("path", "seed"),
        own=True,
    ),
}


def _adopted(thing: Any, word: str) -> DataSet:
    """The row of a data set from outside: a row as it is, or a function of keyword arguments that returns train and test.

    Raises:
        Unfit: something else.
    """
    row = thing if isinstance(thing, DataSet) else DataSet(description=f"from {word}", loader=thing)
    if isinstance(row.loader, str) or row.own:
        raise Unfit(
            f"expected a DataSet whose loader is the function itself and that is not own, got {word}; change the row"
        )
    if not callable(row.loader):
        raise Unfit(
            f"expected a data set, a function that returns train and test, got {word}, which is {type(thing).__name__}; see `apical new dataset NAME`"
        )
    told = takes(row.loader)
    return replace(row, reads=tuple(name for name in READS if name in told.names), takes=told)


DATASETS = Open(ROWS, group="apical.datasets", field="stimulus.name", adopt=_adopted)
