"""metrics.jsonl: progress with wall-clock times, one JSON object a line, each with a checksum of itself and of all lines before it.

The last entry of a line is `"crc32"`: CRC-32 of its text without that entry, begun from that of the line before. So a line that was changed, or one
that is missing, is found by its number. What stands after the lines that a checkpoint counts may be cut short by a kill, and is dropped
on resume; so is the line of an interruption, which a run that was never interrupted does not have. Files of earlier versions have no
checksums.
"""

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...recordings.atomic import write_text
from ..errors import ProtocolError

# any last entry of this length is taken for the checksum, so that a bit flipped in its name does not make a line an earlier one
_LAST = re.compile(r', "([^"]{4,6})": "([^"]{8})"\}\Z')
_HEX = re.compile(r"[0-9a-f]{8}")
INTERRUPTED = "interrupted"
RESTORED = "restored"
CUT_SHORT = "a line cut short"


@dataclass(frozen=True, slots=True)
class Lines:
    """What could be read of a metrics.jsonl.

    Attributes:
        lines: the whole lines, in order, without checksums; also those after a damaged one.
        damaged: number of the first line that is not whole, counted from 1, and the reason; None where all are.
        sealed: whether the lines carry checksums.
    """

    lines: list[dict[str, Any]]
    damaged: tuple[int, str] | None
    sealed: bool


def read(path: Path) -> Lines:
    """Read the lines, each against the checksum that stands in the line before.

    Raises:
        OSError: the file cannot be read.
    """
    texts = path.read_bytes().split(b"\n")
    unfinished = texts.pop()
    sealed = any(_LAST.search(text.decode(errors="replace")) for text in texts)
    lines: list[dict[str, Any]] = []
    before, damaged = 0, (len(texts) + 1, CUT_SHORT) if unfinished else None
    for number, raw in enumerate(texts, 1):
        try:
            lines.append(_line(raw.decode(), before, sealed))
        except ValueError as error:  # no UTF-8 is one too
            damaged = damaged if damaged and damaged[0] < number else (number, str(error))
        stored = _LAST.search(raw.decode(errors="replace"))
        before = int(stored[2], 16) if stored and _HEX.fullmatch(stored[2]) else 0
    return Lines(lines, damaged, sealed)


def check(path: Path, found: Lines, step: int, expected: int) -> list[dict[str, Any]]:
    """The lines up to a checkpoint, without those of interruptions.

    Args:
        path: the file.
        found: what was read of it.
        step: of the checkpoint.
        expected: lines that it counts; -1 for one of an earlier version.

    Raises:
        ProtocolError: a line is damaged or missing.
    """
    kept = [line for line in found.lines if line["step"] <= step and not line.get(INTERRUPTED)]
    restored = any(line.get(RESTORED) for line in kept)
    short = len(kept) != expected or (expected > 0 and not found.sealed)
    if restored:  # lines that nobody kept are not there, and are not missed
        short = found.damaged is not None and found.damaged[1] != CUT_SHORT
    if expected >= 0 and short:
        number, reason = found.damaged or (len(found.lines) + 1, "the end of the file")
        raise ProtocolError(
            f"{path}, line {number}: expected {expected} whole lines up to step {step}, got {len(kept)} and then {reason}; "
            f"apical verify {path.parent} --repair restores what the recording holds"
        )
    return kept


class Metrics:
    """The file while a run is trained.

    Args:
        path: metrics.jsonl of the run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count, self._last = 0, 0

    def resume(self, step: int, expected: int) -> None:
        """Keep the lines up to a checkpoint, and drop what a resumed run will write again.

        Raises:
            ProtocolError: a line up to the checkpoint is damaged or missing; nothing is changed.
        """
        found = read(self.path) if self.path.exists() else Lines([], None, False)
        self.rewrite(check(self.path, found, step, expected) if step else [])

    def last(self) -> dict[str, Any]:
        """The last line; empty where there is none."""
        lines = read(self.path).lines if self.path.is_file() else []
        return lines[-1] if lines else {}

    def rewrite(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Write the file anew."""
        self.count, self._last = 0, 0
        text = "".join(self._sealed(line) for line in lines)
        if text or self.path.exists():
            write_text(self.path, text)

    def append(self, line: Mapping[str, Any]) -> None:
        """Add a line."""
        text = self._sealed(line).encode()
        with self.path.open("ab", buffering=0) as file:
            if file.write(text) != len(text):
                raise OSError(f"{self.path}: a line was written in part")

    def _sealed(self, line: Mapping[str, Any]) -> str:
        body = json.dumps(dict(line)).removesuffix("}")
        self._last = zlib.crc32(body.encode(), self._last)
        self.count += not line.get(INTERRUPTED)
        return f'{body}, "crc32": "{self._last:08x}"}}\n'


def _line(text: str, before: int, sealed: bool) -> dict[str, Any]:
    found = _LAST.search(text)
    if sealed:
        if found is None:
            raise ValueError("a line without its checksum")
        own = zlib.crc32(text[: found.start()].encode(), before)
        if found.groups() != ("crc32", f"{own:08x}"):
            raise ValueError("another checksum: this line was changed, or one before it is missing")
    line = json.loads(text)
    if not isinstance(line, dict) or not isinstance(line.get("step"), int):
        raise ValueError("no JSON object with a step")
    line.pop("crc32", None)
    return line
