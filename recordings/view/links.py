"""What the page shows, as an address: opening it shows the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from urllib.parse import urlencode

TABS = ("trials", "training", "results", "replay")
SPANS = (64, 256, 1024, 4096, 16384)  # trials in view


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown; names that are empty mean the first there is.

    Attributes:
        run, beside: names of runs on the left and on the right; no second one where `beside` is empty.
        recording: name of the recording, `training` or one of the run's own.
        population: its name.
        unit: `unit_id`; -1 for the first.
        at: first trial in view.
        span: trials in view.
        trial: the trial whose stimulus is shown; -1 for the first in view.
        tab: one of `TABS`.
        result: name of a result, and of its variable after a `/`.
        replay: name of a replay.
        window: trial of the replay.
        colour: what colours the units on the map: empty, `mean`, or as `result`.
    """

    run: str = ""
    beside: str = ""
    recording: str = "training"
    population: str = ""
    unit: int = -1
    at: int = 0
    span: int = 256
    trial: int = -1
    tab: str = "trials"
    result: str = ""
    replay: str = ""
    window: int = 0
    colour: str = ""

    @property
    def query(self) -> str:
        """The part of the address after `?`; what stands at its default is left out.

        >>> Shown(population="conv3", unit=41).query
        'population=conv3&unit=41'
        """
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return urlencode({name: value for name, value in told.items() if value != getattr(_DEFAULT, name)})


_DEFAULT = Shown()


def read_link(arguments: Mapping[str, Sequence[bytes | str]]) -> tuple[Shown, list[str]]:
    """What an address shows, and a sentence about each of its words that cannot be read.

    Args:
        arguments: of the address, by name; the last of several counts.

    >>> read_link({"unit": [b"41"], "tab": ["replay"], "span": ["some"]})[1]
    ["span: expected a whole number, got 'some'; shown as 256"]
    """
    told: dict[str, str | int] = {}
    notes = []
    known = {field.name: getattr(_DEFAULT, field.name) for field in fields(Shown)}
    for name, values in arguments.items():
        if name.startswith("bokeh-") or not values:
            continue
        text = values[-1].decode("utf-8", "replace") if isinstance(values[-1], bytes) else values[-1]
        if name not in known:
            notes.append(f"{name}: expected one of {', '.join(known)}, got this; left out")
        elif isinstance(known[name], str):
            told[name] = text
        elif text.lstrip("-").isdecimal() and len(text) < 16:
            told[name] = int(text)
        else:
            notes.append(f"{name}: expected a whole number, got {text!r}; shown as {known[name]}")
    if told.get("tab", "trials") not in TABS:
        notes.append(f"tab: expected one of {', '.join(TABS)}, got {told.pop('tab')!r}; shown as trials")
    if told.get("span", 256) not in SPANS:
        notes.append(f"span: expected one of {', '.join(map(str, SPANS))}, got {told.pop('span')!r}; shown as 256")
    return Shown(**told), notes  # type: ignore[arg-type]
