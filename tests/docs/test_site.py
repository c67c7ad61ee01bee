"""The built site, as `make docs` leaves it: every public name is in its index, nothing is fetched from elsewhere, no cell warned."""

import re
from importlib import import_module
from pathlib import Path

import pytest

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
BUILT = pytest.mark.skipif(not (SITE / "objects.inv").is_file(), reason="the site is not built: make docs")
FACES = (
    "apical", "apical.plasticity", "apical.models", "apical.models.engine", "apical.models.spiking.cells", "apical.recordings",
    "apical.recordings.analysis", "apical.testing",
)  # fmt: skip
FETCHED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=\"((?:https?:)?//[^\"]+)\"")
STYLE = re.compile(r"(?:@import|url\()\s*[\"']?((?:https?:)?//[^\"')\s]+)")
OUTPUT = re.compile(r"<div class=\"(?:output stream|cell_output)[^\"]*\">.*?</div>", re.S)

pytestmark = [pytest.mark.slow, BUILT]


@pytest.mark.parametrize("face", FACES)
def test_every_public_name_is_in_the_inventory(face):
    inventory = pytest.importorskip("sphinx.util.inventory").InventoryFile.loads
    found = inventory((SITE / "objects.inv").read_bytes(), uri="").data
    names = {name for domain, held in found.items() if domain.startswith("py:") for name in held}
    assert [name for name in import_module(face).__all__ if f"{face}.{name}" not in names] == []


def test_nothing_is_fetched_from_elsewhere():
    pages = [*SITE.rglob("*.html")]
    assert len(pages) > 50
    assert [(page.name, found) for page in pages for found in FETCHED.findall(page.read_text())] == []
    styles = [*SITE.rglob("*.css")]
    assert [(style.name, found) for style in styles for found in STYLE.findall(style.read_text())] == []


def test_a_foreign_script_is_seen():
    assert FETCHED.findall('<script defer src="https://cdn.example/x.js"></script>') == ["https://cdn.example/x.js"]
    assert STYLE.findall('@import url("https://fonts.example/css")') == ["https://fonts.example/css"]


def test_no_cell_warned():
    outputs = [(page.name, text) for page in SITE.rglob("*.html") for text in OUTPUT.findall(page.read_text())]
    assert len(outputs) > 20
    assert [(name, text) for name, text in outputs if re.search(r"\w+Warning:|Traceback", text)] == []
