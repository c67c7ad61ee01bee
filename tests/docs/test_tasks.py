"""The numbers of lines and commands in docs/tasks.md are those of its blocks."""

import re

from counted import counted
from pages import ROOT

TEXT = (ROOT / "docs" / "tasks.md").read_text()
ROW = re.compile(r"^\| \((\w)\) .*\| (\d+), (\d+) \|$", re.M)


def test_the_table_tells_what_the_blocks_hold():
    told = {letter: (int(lines), int(typed)) for letter, lines, typed in ROW.findall(TEXT)}
    assert told == counted(TEXT)


def test_lines_and_commands_are_counted():
    page = "## (a) One\n\n```python\nx = 1\n\n# why\ny = 2\n```\n\n```bash\napical demo\n```\n\n## (b) Two\n\n```bash\napical theory\n```\n"
    assert counted(page) == {"a": (2, 1), "b": (0, 1)}
