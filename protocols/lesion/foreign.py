"""Measures, events, objects and contingencies from outside: what a plain function or class has to be, and how it is asked.

A measure is a function of the subject, `find(subject) -> float`, or `-> dict[str, float]` with a number for every population, and says which by its
annotation; at another stage than `network` it is a `Measure` with `find`, a function of the curve that was found. An event is a function
`act(subject, *, ...)` whose keyword arguments are its settings, or a subclass of `Act`. Objects are a function
`show(number, *, shape, generator)` from the number of the object in every row, int64 (rows,), to images (rows, channels, height, width), uint8 or
from 0 to 1. A contingency is a function `follow(objects, *, generator)` that gives, for every object, the number of the one that follows it.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, get_origin

from pydantic import create_model

from ...models.imported import Unfit
from ...models.imported import asked as asked_of
from ...models.keywords import takes
from ...models.outside import REFERENCE, OutsideError
from ...models.sources import source_of
from .quantities import Measure

if TYPE_CHECKING:
    import torch

    from .events import Act

SEE = "see docs/protocols.md"


def named(word: str) -> str:
    """How results and statements call a measure: the last part of a reference, an entry point with _ for what a statement cannot read.

    >>> named("measures/mine.py:sparseness"), named("sparse-ness"), named("rate")
    ('sparseness', 'sparse_ness', 'rate')
    """
    match = REFERENCE.fullmatch(word)
    return match["name"].rpartition(".")[2] if match else word.replace("-", "_").replace(".", "_")


def measure(thing: Any, word: str) -> Measure:
    """The row of a measure.

    Raises:
        Unfit: it is none.
    """
    if isinstance(thing, Measure):
        if thing.find is None:
            raise Unfit(f"expected a Measure with `find`, got {word} without; give the function that measures")
        return thing
    if not callable(thing) or isinstance(thing, type):
        raise Unfit(
            f"expected a measure, a function of the subject, got {word}, which is {type(thing).__name__}; {SEE}"
        )
    if missing := takes(thing, 1).required:
        raise Unfit(
            f"expected a measure of the subject alone, got {word}, which asks for {missing[0]} too; give a default"
        )
    given = inspect.signature(thing, eval_str=True).return_annotation
    if given not in (float, int) and get_origin(given) is not dict:
        raise Unfit(f"expected a measure that says `-> float` or `-> dict[str, float]`, one number a population, got {word}, which does not; annotate it")  # fmt: skip
    said = (inspect.getdoc(thing) or named(word).replace("_", " ")).splitlines()[0].rstrip(".")
    return Measure(said[:1].lower() + said[1:], per_population=get_origin(given) is dict, find=thing)


def event(thing: Any, word: str) -> "type[Act]":
    """The class of an event.

    Raises:
        Unfit: it is none.
    """
    from .events import Act

    if isinstance(thing, type):
        if not issubclass(thing, Act):
            raise Unfit(
                f"expected an event, a function of the subject or a subclass of Act, got the class {word}; {SEE}"
            )
        if thing.act is Act.act:
            raise Unfit(f"expected an event with a method `act`, got {word} without; write what happens to the subject")
        return thing
    if not callable(thing):
        raise Unfit(f"expected an event, a function of the subject, got {word}, which is {type(thing).__name__}; {SEE}")
    takes(thing, 1)
    told = list(inspect.signature(thing, eval_str=True).parameters.values())[1:]
    fields: dict[str, Any] = {}
    for p in told:
        if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL, p.POSITIONAL_ONLY):
            raise Unfit(f"expected an event of named settings, got {word} with {p}; name them")
        fields[p.name] = (Any if p.annotation is p.empty else p.annotation, ... if p.default is p.empty else p.default)

    def act(self: Any, subject: Any) -> None:
        thing(subject, **{name: getattr(self, name) for name in fields})

    made = create_model(named(word), __base__=Act, **fields)
    made.act = act  # type: ignore[method-assign]
    if len(fields) == 1:
        made.plain = next(iter(fields))
    return made


def function(kind: str, positional: int, *keywords: str) -> Callable[[Any, str], Callable[..., Any]]:
    """What takes a function of so many arguments, and of keyword arguments, as it is."""

    def adopt(thing: Any, word: str) -> Callable[..., Any]:
        wanted = f"expected {kind}, a function of {positional} argument and {', '.join(keywords)}"
        if not callable(thing):
            raise Unfit(f"{wanted}, got {word}, which is {type(thing).__name__}; {SEE}")
        told = takes(thing, positional)
        if missing := [name for name in keywords if name not in told.names and not told.any]:
            raise Unfit(f"{wanted}, got {word} without {missing[0]}; {SEE}")
        if extra := [name for name in told.required if name not in keywords]:
            raise Unfit(f"{wanted}, got {word}, which asks for {extra[0]} too; give it a default")
        made: Callable[..., Any] = thing
        return made

    return adopt


def asked(word: str, field: str, call: Callable[[], Any], what: str = "asked") -> Any:
    """What foreign code gives; what it raises is told in one sentence.

    Raises:
        OutsideError: it raised.
    """
    return asked_of(word, call, what, partial(OutsideError, field))


def sources(words: Iterable[tuple[str, str]]) -> dict[str, dict[str, str]]:
    """What words from outside were made of when a protocol ran: file, hash, distribution and version, by word.

    Args:
        words: each with the group of its entry points.

    Raises:
        OutsideError: one names nothing any more.
    """
    found = {}
    for word, group in words:
        try:
            found[word] = {name: value for name, value in asdict(source_of(word, group)).items() if value}
        except Unfit as error:
            raise OutsideError(group, str(error)) from error
    return found


def value_of(name: str, row: Measure, thing: Any, populations: list[str]) -> float | dict[str, float]:
    """The value of a measure from outside.

    Args:
        name: of the measure.
        row: of the measure.
        thing: what it is asked of: the subject, or a curve.
        populations: of the network; empty where there are none.

    Raises:
        OutsideError: it raised, or gave something else than it says.
    """
    assert row.find is not None
    find = row.find
    got = asked(name, "measures", lambda: find(thing), "measured")
    if row.per_population:
        if not isinstance(got, Mapping) or list(got) != populations:
            said = ", ".join(map(str, got)) if isinstance(got, Mapping) else repr(got)
            raise OutsideError("measures", f"expected a number for each of {', '.join(populations)} from {name}, got {said}; give them in that order")  # fmt: skip
        return {each: _number(name, value) for each, value in got.items()}
    return _number(name, got)


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise OutsideError("measures", f"expected a number from {name}, got {value!r}; return a float") from error


def images_of(word: str, got: Any, rows: int, shape: tuple[int, int, int]) -> "torch.Tensor":
    """Images that foreign objects gave, uint8.

    Raises:
        OutsideError: they are of another shape or range.
    """
    import torch

    images = torch.as_tensor(got)
    if tuple(images.shape) != (rows, *shape):
        raise OutsideError("stimuli.objects", f"expected images of shape {(rows, *shape)} from {word}, got {tuple(images.shape)}; show one for every row")  # fmt: skip
    if images.dtype == torch.uint8:
        return images
    if not images.is_floating_point() or not bool(((images >= 0) & (images <= 1)).all()):
        raise OutsideError("stimuli.objects", f"expected uint8 images, or numbers from 0 to 1, from {word}, got others; scale them")  # fmt: skip
    return images.mul(255).round().to(torch.uint8)


def followers_of(word: str, got: Any, objects: int) -> "torch.Tensor":
    """Numbers of the objects that follow, int64 (objects,), each once.

    Raises:
        OutsideError: they are something else.
    """
    import torch

    found = torch.as_tensor(got)
    if found.is_floating_point() or sorted(found.flatten().tolist()) != list(range(objects)):
        raise OutsideError("contingency.follows", f"expected every object from 0 to {objects - 1} once from {word}, got others; say which one follows each")  # fmt: skip
    return found.to(torch.int64)
