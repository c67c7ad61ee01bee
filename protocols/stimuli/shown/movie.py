"""Movies as folders of frames: consecutive frames follow each other, so that the glance before a frame is the frame before it.

`movie:PATH` is one movie whose frames lie in PATH, or a folder of such folders, one movie each; frames are shown in the order of the numbers
in their names. They are read when they are shown: the shorter side is brought to the network's and the centre cut out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..datasets.folder import read_picture
from ..errors import misuse
from ..prepared.pictures import SUFFIXES
from .sequence import Eye, Parameter, Shown, each, missing, rows, unlabelled, whole

LAYOUT = "PATH/0001.png, ... or PATH/MOVIE/0001.png, ..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Movie:
    """Settings of movies.

    Args:
        path: folder of the frames, or of folders of frames.
        every: every so many frames one is shown.
    """

    path: str
    every: int = 1

    def show(self, eye: Eye) -> Shown:
        """The stimuli.

        Raises:
            StimulusError: no frames there, or a setting outside its range.
        """
        root, every = Path(self.path).expanduser(), whole("movie.every", self.every, 1, 10**6)
        channels, height, width = eye.shape
        if height != width:
            raise misuse(f"movie: expected a network that sees squares, got {width} x {height}; use array:PATH")
        if not root.is_dir():
            raise missing("movie.path", root, f"a folder of frames, {LAYOUT},")
        movies = {folder: frames(folder)[::every] for folder in [root, *sorted(filter(Path.is_dir, root.iterdir()))]}
        movies = {folder: files for folder, files in movies.items() if files}
        if not movies:
            raise missing("movie.path", root, f"frames ({', '.join(sorted(SUFFIXES))}), {LAYOUT},")
        files = [file for each_ in movies.values() for file in each_]
        number = np.repeat(np.arange(len(movies)), [len(each_) for each_ in movies.values()])
        within = np.concatenate([np.arange(len(each_)) * every for each_ in movies.values()])

        def draw(index: Tensor) -> Tensor:
            mode = "L" if channels == 1 else "RGB"
            return eye.still(torch.stack([read_picture(files[i], mode, height) for i in rows(index)]))

        parameters = {
            "movie": Parameter(number.astype(np.int64), "number of the movie"),
            "frame": Parameter(within.astype(np.int64), "number of the frame in its movie"),
            "image_id": Parameter(each(len(files)), "number of the image"),
        }
        about = {"kind": "movie", "path": str(root), "every": every, "movies": [folder.name for folder in movies]}
        return Shown(draw, unlabelled(len(files)), number.astype(np.int64), parameters, about)


def frames(folder: Path) -> list[Path]:
    """Image files of a folder in the order of the numbers in their names."""
    found = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
    return sorted(found, key=lambda file: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", file.name)])
