"""Pages of the site as a reader follows them: their cells and blocks, run in order in this process."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apical.protocols.command.main import main
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(?:\{code-(?:cell|block)\} )?([^\n]*)\n(.*?)^```$", re.S | re.M)
OPTIONS = re.compile(r"\A(?::[\w-]+:.*\n)+")
CAPTION = re.compile(r"^:caption: (\S+)$", re.M)


@dataclass(frozen=True)
class Block:
    """One cell or block: `language` is bash, python, text, or the name of a file that it writes."""

    language: str
    text: str


def blocks(text: str) -> Iterator[Block]:
    """The cells and blocks of a page that can be run, in order."""
    for language, whole in FENCE.findall(text):
        body = OPTIONS.sub("", whole)
        first, _, rest = body.partition("\n")
        caption = CAPTION.search(whole[: len(whole) - len(body)])
        if caption:
            yield Block(caption[1], body)
        elif first == "%%bash":
            yield Block("bash", rest)
        elif first.startswith("%%writefile "):
            yield Block(first.removeprefix("%%writefile "), rest)
        elif language in ("ipython3", "python"):
            yield Block("python", body)
        elif language in ("bash", "", "text"):
            yield Block(language or "text", body)


def commands(text: str) -> list[list[str]]:
    """Arguments of every `apical` command of a block; comments and other commands are left out."""
    lines = text.replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("apical ")]


def follow(path: Path, names: dict[str, Any]) -> int:
    """Do what a page says, in the current folder; returns how many commands and cells were run.

    Args:
        path: of the page.
        names: what its Python shares.
    """
    count = 0
    for block in blocks(path.read_text()):
        if block.language == "bash":
            for arguments in commands(block.text):
                done = CliRunner().invoke(main, arguments, catch_exceptions=False)
                assert done.exit_code == 0, f"apical {shlex.join(arguments)}: {done.output}"
                count += 1
        elif block.language == "text":
            continue
        elif block.language == "python":
            exec(compile(block.text, str(path), "exec"), names)
            count += 1
        else:
            target = Path(block.language)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)
    return count
