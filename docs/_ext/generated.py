"""Pages that are written from the tables, settings, commands and faces of Apical itself, before Sphinx looks for pages.

They lie in `docs/generated/`, which git ignores; a page is written only where its text changed, so that a second build is short.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import faces
import vocabulary

PAGES: dict[str, Callable[[], str]] = {
    "commands": vocabulary.commands,
    "settings": vocabulary.settings,
    "words": vocabulary.words,
    "presets": vocabulary.presets,
    "lesions": vocabulary.lesions,
    "rules": faces.rules,
    **{f"api-{name}": page for name, page in faces.PAGES.items()},
}


def write(folder: Path) -> None:
    """Write every page."""
    folder.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        path, text = folder / f"{name}.md", page()
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    for stale in set(folder.glob("*.md")) - {folder / f"{name}.md" for name in PAGES}:
        stale.unlink()


def setup(app: Any) -> dict[str, bool]:
    """When everything is set up, and nothing read."""
    app.connect("config-inited", lambda app, config: write(Path(app.srcdir) / "generated"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
