"""HTML pages from the templates of this room: one file each that needs no other file, no network and no JavaScript."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from .atomic import write_text
from .errors import RecordingError


def write_html(path: Path, template: str, content: Mapping[str, Any]) -> Path:
    """Write a page; a reader sees the old one or the new one.

    Args:
        path: where to.
        template: file name among the templates.
        content: what it shows; a name that is missing is an error.

    Raises:
        RecordingError: the page cannot be written.
    """
    loader = PackageLoader("apical.recordings", "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    html = environment.get_template(template).render(content)
    try:
        write_text(path, html)
    except OSError as error:
        raise RecordingError(f"report.path: expected to write {path}, got {error}; check the disk") from error
    return path
