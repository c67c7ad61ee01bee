"""Lines and commands of the tasks of docs/tasks.md."""

import re

from pages import blocks, commands


def counted(text: str) -> dict[str, tuple[int, int]]:
    """Per task, by its letter, lines of code and settings without blank ones and comments, and commands.

    Args:
        text: of the page.
    """
    found = {}
    for letter, section in re.findall(r"^## \((\w)\)(.*?)(?=^## |\Z)", text, re.S | re.M):
        lines, typed = 0, 0
        for block in blocks(section):
            if block.language == "bash":
                typed += len(commands(block.text))
            elif block.language != "text":
                lines += sum(1 for line in block.text.splitlines() if line.strip() and not line.strip().startswith("#"))
        found[letter] = lines, typed
    return found
