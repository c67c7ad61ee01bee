"""The groups inside a group of a store that may be written at this moment, or whose writer was killed."""

import warnings

import zarr


def groups(group: zarr.Group) -> dict[str, zarr.Group]:
    """Groups directly inside a group, by name.

    zarr writes metadata as ``NAME.partial`` and renames the file; one that lies there at the time of listing, because a
    writer is at work or was killed, is nobody's concern. Other files that are not zarr's still warn.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Object at \S*\.partial is not recognized")
        return dict(group.groups())
