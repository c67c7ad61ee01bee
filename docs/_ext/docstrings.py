"""Docstrings are written to be read in an editor; here they become reStructuredText that says the same.

What stands in backticks is code, an indented block is an equation or an example as it stands, and no star, bar or underscore of an
equation is markup.
"""

import re
from typing import Any

SECTION = re.compile(r"(Args|Arguments|Attributes|Raises|Returns|Yields|Note|Example|Examples):?$")
UNDERLINE = re.compile(r"-{3,}$")
CODE = re.compile(r"``[^`]+``|:\w+:`[^`]+`|`[^`]+`")
ITEM = re.compile(r"(\d+\.|[-*•]) ")


def inline(text: str) -> str:
    r"""One line, its code in double backticks and all other markup escaped.

    >>> inline("`x` is |dW| * z_i_, of :data:`DTYPES`")
    '``x`` is \\|dW\\| \\* z_i\\_, of ``DTYPES``'
    """
    parts, at = [], 0
    for found in CODE.finditer(text):
        parts.append(_escaped(text[at : found.start()]))
        code = "``" + re.sub(r"^:\w+:", "", found[0]).strip("`") + "``"
        # code that touches a word would not be seen as code
        left = r"\ " if re.match(r"[\w)]", text[max(found.start() - 1, 0) : found.start()]) else ""
        right = r"\ " if re.match(r"[\w(]", text[found.end() : found.end() + 1]) else ""
        parts.append(left + code + right)
        at = found.end()
    return "".join([*parts, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return re.sub(r"(?<=\w)_(?=\W|$)", r"\\_", re.sub(r"([\\*|`])", r"\\\1", text))


def rewritten(lines: list[str]) -> list[str]:
    """The lines of one docstring.

    >>> rewritten(["Oja's rule:", "", "    dW = z x", "", "Args:", "    a: of `b`."])
    ["Oja's rule:", '', '.. code-block:: text', '', '    dW = z x', '', 'Args:', '    a: of ``b``.']
    """
    found: list[str] = []
    section = block = listed = False
    for i, line in enumerate(lines):
        text, indented = line.strip(), line.startswith("  ")
        before = lines[i - 1].strip() if i else ""
        if not text:
            found.append("")
            continue
        if block and (indented or (before and lines[i - 1].lstrip().startswith((">>>", "...")))):
            found.append(line if indented else "    " + line)
            continue
        if not indented and SECTION.match(text):
            section = True
        elif not indented and not before:
            section = False
        block, item = False, ITEM.match(text)
        listed = bool(item) if not indented else listed
        kind = "python" if text.startswith(">>>") else "text"
        if kind == "python" or (indented and not section and not listed):
            found += [*([""] if before else []), f".. code-block:: {kind}", "", line if indented else "    " + line]
            block = True
            continue
        if item and before and not indented and not ITEM.match(before) and not found[-1].startswith(" "):
            found.append("")
        indent = line[: len(line) - len(line.lstrip())]
        marker = item[0] if item else ""
        found.append(line if UNDERLINE.match(text) else indent + marker + inline(text[len(marker) :]))
    return found


def _process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = rewritten(lines)


def setup(app: Any) -> dict[str, bool]:
    """Before Napoleon, which reads the sections."""
    app.connect("autodoc-process-docstring", _process, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
