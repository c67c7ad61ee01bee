"""Checks from outside: functions of the bench that return a `Check`, or several, beside those of every replay.

    from apical.protocols.check import Check, at_least

    def fires(bench):
        '''Mean rate of the circuit above 1 Hz.'''
        rates = [float(replay.rate.mean()) for replay in bench.base.values()]
        return Check("own", "mean rate (Hz)", rates, at_least(1.0))

A word names one: `path/to/file.py:Name`, `package.module:Name`, or an entry point of `apical.checks`. The bench has the circuit, and the replays of it
by seed in `bench.base`; `bench.run` makes others. With `--mutants` it is shown wrong replays like any other check.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from ...models.imported import Unfit, asked
from ...models.keywords import takes
from ...models.outside import FORMS, Open, OutsideError
from ...models.sources import source_of
from ..check import Check
from ..errors import ConfigError, nearest
from ..settings.words import here

if TYPE_CHECKING:
    from .workbench import Bench

FIELD = "replay.checks"


def _adopted(thing: Any, word: str) -> "Callable[[Bench], list[Check]]":
    if not callable(thing) or isinstance(thing, type):
        raise Unfit(f"expected a check, a function of the bench, got {word}, which is {type(thing).__name__}; see protocols/replay/foreign.py")  # fmt: skip
    if missing := takes(thing, 1).required:
        raise Unfit(f"expected a check of the bench alone, got {word}, which asks for {missing[0]} too; give a default")

    @wraps(thing)
    def measure(bench: "Bench") -> list[Check]:
        got = asked(word, lambda: thing(bench), "checked", partial(OutsideError, FIELD))
        found = [got] if isinstance(got, Check) else list(got) if isinstance(got, list | tuple) else [got]
        for check in found:
            if not isinstance(check, Check):
                raise OutsideError(FIELD, f"expected a Check, or a list of them, from {word}, got {type(check).__name__}; see apical.protocols.check")  # fmt: skip
        return [_plain(check, word) for check in found]

    measure.__name__ = word  # what is left out, and by which mutant a check is failed, is told by name
    return measure


def _plain(check: Check, word: str) -> Check:
    """The same with plain numbers, as its criterion and a document want them."""
    try:
        return replace(check, values=[float(value) for value in check.values])
    except (TypeError, ValueError) as error:
        raise OutsideError(FIELD, f"expected one number per seed in Check.values of {word}, got {check.values!r}; take a mean") from error  # fmt: skip


CHECKS: "Open[Callable[[Bench], list[Check]]]" = Open({}, group="apical.checks", field=FIELD, adopt=_adopted)


def sources_of(words: Iterable[str]) -> dict[str, dict[str, str]]:
    """What checks from outside were made of: file, hash, distribution and version, by word; none for Apical's own."""
    found = {word: asdict(source_of(word, CHECKS.group)) for word in words}
    return {word: {name: value for name, value in told.items() if value} for word, told in found.items()}


def known(words: Iterable[str]) -> tuple[str, ...]:
    """Words of checks with their paths absolute, imported once so that a broken one is told before anything is replayed.

    Raises:
        ConfigError: an unknown word, or one twice.
        OutsideError: one that cannot be used.
    """
    found = tuple(here(word) for word in words)
    for word in found:
        if word not in CHECKS:
            names = CHECKS.words()
            listed = f"one of {', '.join(names)}, or {FORMS}" if names else FORMS
            raise ConfigError(f"{FIELD}: expected {listed}, got {word!r}{nearest(word, names)}")
        CHECKS[word]
    if len(set(found)) < len(found):
        raise ConfigError(f"{FIELD}: expected each check once, got {', '.join(found)}; leave one out")
    return found
