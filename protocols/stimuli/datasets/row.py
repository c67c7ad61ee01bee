"""What a row of the table of data sets says; read without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ....models.keywords import Takes

if TYPE_CHECKING:
    from ..prepared.tree import Tree

# what a loader may take by keyword, beside options of its own
READS = ("data_dir", "image_size", "n_train", "n_test", "seed", "device")


@dataclass(frozen=True)
class Layout:
    """One official arrangement of a data set on disk: folders tried under the data directory, MD5 of each file.

    ``size`` maps files to their size in bytes where it is known; ``compressed`` accepts ``NAME.gz`` in place of NAME,
    the sums being those of the uncompressed content.
    """

    folders: tuple[str, ...]
    md5: Mapping[str, str]
    size: Mapping[str, int]
    compressed: bool = False


@dataclass(frozen=True)
class Download:
    """One official download: its address, the MD5 of what is downloaded, and whether it is an archive."""

    url: str
    md5: str
    archive: bool


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """One data set.

    Attributes
    ----------
    description: what it is, for ``apical data list``
    loader: ``module:function`` below ``stimuli``, imported on use, or the function itself; it returns train and test as two
        ``ImageSet``, or, where ``crops`` is None, a whole ``Stimulus``
    reads: which of ``path``, ``data_dir``, ``image_size``, ``n_train``, ``n_test``, ``seed`` and ``device`` it takes by
        keyword; those given as None are left to its own default. Size and number of two image sets, and their device,
        are changed afterwards, whatever it takes
    own: whether it is the user's, named ``NAME:PATH``: no checksum fixes it, so a run holds on to the images it began with
    crops: default range of the cropped area of a view; None for a stimulus with glances of its own, which crops nothing
    flip: probability that a view is mirrored
    mean, std: of each channel, as published; empty to measure them on the training images
    files: ``module:function`` below ``stimuli`` that lists its image files, of a data set that is decoded once and then held or streamed
    folders: where such files lie under the data directory, tried in turn
    published: how many images each of its parts has
    source: where its files come from, where nothing can be downloaded for the user
    layouts: arrangements of its official files, the first that of ``downloads``; empty where there are none
    downloads: their official addresses
    takes: the loader's keyword arguments, where it is from outside; what is not in ``READS`` is ``stimulus.options``
    """

    description: str
    loader: str | Callable[..., Any]
    reads: tuple[str, ...] = ("data_dir",)
    own: bool = False
    crops: tuple[float, float] | None = (0.08, 1.0)
    flip: float = 0.5
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    files: str = ""
    folders: tuple[str, ...] = ()
    published: Mapping[str, int] = field(default_factory=dict)
    source: str = ""
    layouts: tuple[Layout, ...] = ()
    downloads: tuple[Download, ...] = ()
    takes: Takes | None = None

    def tree(self, **given: Any) -> Tree:
        """List its image files; those of ``path``, ``data_dir`` and ``image_size`` that are None are left to the function's own default."""
        found: Tree = _own(self.files)(**{name: value for name, value in given.items() if value is not None})
        return found

    def load(self, given: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> Any:
        """Call the loader with those of the given arguments that it reads and that are not None, and with its own options."""
        loader: Any = _own(self.loader) if isinstance(self.loader, str) else self.loader
        return loader(**{name: given[name] for name in self.reads if given[name] is not None}, **(options or {}))


def _own(word: str) -> Any:
    """A function below ``stimuli``, imported on use."""
    module, _, function = word.partition(":")
    return getattr(import_module(f"..{module}", __package__), function)
