"""A process that decodes: `python -m apical.protocols.stimuli.prepared.worker`.

A line of JSON comes in for every piece of work, and one goes out when it is done. It ends with its input, so that nothing is left where
the process that feeds it is killed.
"""

import json
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import StimulusError
from .pictures import Unreadable, look, picture

Work = dict[str, Any]


def done(work: Work) -> Work:
    """Do a piece of work.

    Args:
        work: `files`, paths; and for decoding `array`, the path of a zarr array, `start`, the row of the first of them, `mode`, and `size`, None or a side.

    Returns:
        `bad`: place in `files` and what is wrong with it; of files that were looked at also `modes` and `sizes`, the first place of each. Or `stopped`
        alone, why the work was not done.
    """
    try:
        return _decoded(work) if "array" in work else _looked(work["files"])
    except StimulusError as error:
        return {"stopped": str(error)}


def _looked(files: list[str]) -> Work:
    modes, sizes, bad = set[str](), dict[tuple[int, int], int](), []
    for i, file in enumerate(files):
        try:
            mode, size = look(Path(file))
        except Unreadable as error:
            bad.append([i, str(error)])
            continue
        modes.add(mode)
        sizes.setdefault(size, i)
    return {"modes": sorted(modes), "sizes": [[*size, i] for size, i in sizes.items()], "bad": bad}


def _decoded(work: Work) -> Work:
    import zarr

    zarr.config.set({"array.write_empty_chunks": True})  # else a black chunk would have no place in its shard
    array = zarr.open_array(work["array"], mode="r+")
    files, start = work["files"], work["start"]
    block, bad = np.zeros((len(files), *array.shape[1:]), np.uint8), []
    for i, file in enumerate(files):
        try:
            pixels = picture(Path(file), work["mode"], work["size"])
        except Unreadable as error:
            bad.append([i, str(error)])
            continue
        if pixels.shape != block.shape[1:]:
            found = f"{pixels.shape[2]} x {pixels.shape[1]}"
            bad.append(
                [
                    i,
                    f"{file}: expected the {block.shape[3]} x {block.shape[2]} pixels of its first bytes, got {found}; replace it",
                ]
            )
            continue
        block[i] = pixels
    array[start : start + len(files)] = block
    return {"bad": bad}


def main() -> None:
    """Answer until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever feeds it
    warnings.simplefilter("ignore")  # of decoders, about single files
    try:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(done(json.loads(line))) + "\n")
            sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()


if __name__ == "__main__":
    main()
