"""How the site is built: `make docs`, warnings are errors.

Sphinx with MyST-NB and Furo, rather than mkdocs-material: tutorials are notebooks in Markdown that the build itself executes (MyST-NB,
a cell that fails fails the build); the reference is taken from docstrings and leaves `objects.inv`, which a test compares with
`__all__`; every reference between pages is checked. Furo needs no fonts, scripts or style sheets from elsewhere, and no page holds
mathematics that would need MathJax: the site is read offline, and a test looks for foreign addresses in it.

Results of notebooks are kept between builds under a digest of their text and of Apical's own sources (`_build/executed/DIGEST`): what
did not change is not computed again, what did is.
"""

import hashlib
import os
import sys
from importlib.metadata import version as installed
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "_ext"))

# commands in notebooks are those of this environment, and as wide as a page
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
os.environ |= {"COLUMNS": "92", "NO_COLOR": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
os.environ.setdefault("OMP_NUM_THREADS", "1")
# the commands of notebooks, as docs/_ext/shell.py runs them
startup = HERE / "_build" / "ipython" / "profile_default" / "startup"
startup.mkdir(parents=True, exist_ok=True)
(startup / "shell.py").write_text((HERE / "_ext" / "shell.py").read_text())
os.environ["IPYTHONDIR"] = str(HERE / "_build" / "ipython")


def _digest_of_sources() -> str:
    """What decides the numbers of a notebook besides its own text: Apical's sources, presets and templates, and its version."""
    told = hashlib.sha256(installed("apical").encode() + (HERE / "_ext" / "shell.py").read_bytes())
    for room in ("plasticity", "models", "protocols", "recordings"):
        for path in sorted((ROOT / room).rglob("*")):
            if path.is_file() and path.suffix in (".py", ".yaml", ".html"):
                told.update(path.read_bytes())
    return told.hexdigest()[:16]


project = "Apical"
author = "The Apical developers"
project_copyright = "The Apical developers"
version = release = installed("apical")
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docstrings",
    "generated",
    "cells",
]
exclude_patterns = ["_build", "_ext", "Thumbs.db", ".DS_Store"]
templates_path: list[str] = []
language = "en"

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "executed" / _digest_of_sources())
nb_execution_in_temp = True
nb_execution_timeout = 900  # of a cell, on a machine that does other things too
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_render_markdown_format = "myst"
smartquotes = False  # -- is an option, not a dash

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_use_rtype = False
napoleon_preprocess_types = False

html_theme = "furo"
html_title = f"Apical {release}"
html_static_path = ["_static"]
html_css_files = ["apical.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
copybutton_exclude = ".linenos, .gp, .go"
