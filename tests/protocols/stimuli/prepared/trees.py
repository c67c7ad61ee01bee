"""Image files for the tests of this folder, and their decoding without processes."""

import json

import numpy as np
from apical.protocols.stimuli.prepared import worker
from PIL import Image


def write_images(folder, count, *, side=24, seed=0, suffix="jpg"):
    folder.mkdir(parents=True, exist_ok=True)
    draws = np.random.default_rng(seed)
    for k in range(count):
        coarse = draws.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(folder / f"{k:03}.{suffix}")


class Here:
    """Stands where processes stand: does the work at once, through JSON as they do. It stops after `most` pieces, as a kill does."""

    def __init__(self, most=None):
        self.most, self.pieces = most, []

    def __call__(self, count):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def results(self, work):
        for mark, piece in work:
            if self.most is not None and len(self.pieces) >= self.most:
                raise KeyboardInterrupt
            self.pieces.append(mark)
            yield mark, json.loads(json.dumps(worker.done(json.loads(json.dumps(piece)))))
