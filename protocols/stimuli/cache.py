"""The folder of what takes time to make and can be made again: rendered images, measurements of the machine."""

import os
from pathlib import Path

import pooch  # type: ignore[import-untyped]


def cache_directory() -> Path:
    """`$APICAL_CACHE`, else the user's cache directory."""
    return Path(os.environ.get("APICAL_CACHE") or pooch.os_cache("apical")).expanduser()
