"""What pydantic found wrong, said in one sentence a user can act on."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..errors import ConfigError, nearest

M = TypeVar("M", bound=BaseModel)

TYPES = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "model_type": "a mapping of settings",
    "missing": "a value",
    "invalid_key": "text as the name of a setting",
}
BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
    "too_short": ("min_length", "at least"),
    "too_long": ("max_length", "at most"),
}


class Contradiction(ValueError):
    """A finding of our own validators, already worded; below a field it lacks the field's path."""


def sentence(error: ValidationError, model: type[BaseModel]) -> str:
    """The first finding as `group.setting: expected X, got Y; remedy`, and how many more there are."""
    findings = error.errors(include_url=False)
    more = len(findings) - 1
    tail = f" (and {more} more {'finding' if more == 1 else 'findings'})" if more else ""
    # names are the user's: one that would break the line stands as Python writes it
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in _one(findings[0], model) + tail)


def validated(kind: type[M], values: Mapping[Any, Any], before: str, see: str) -> M:
    """Part of a file of another kind than a run's settings.

    Args:
        kind: what it has to be.
        values: what was read.
        before: where it stands, put before the complaint.
        see: where good ones are found.

    Raises:
        ConfigError: the first finding.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(before + sentence(error, kind).replace("see apical config schema", f"see {see}")) from error


def _one(finding: ErrorDetails, model: type[BaseModel]) -> str:
    path = _path(finding["loc"])
    kind, context = finding["type"], finding.get("ctx", {})
    if kind == "value_error":
        text = str(context["error"])
        return f"{path}: {text}" if path else text
    if kind == "extra_forbidden":
        return _unknown(path, finding["loc"], model)
    got = _brief(finding["input"])
    if kind == "literal_error":
        choices = [choice.strip("'") for choice in context["expected"].replace(" or ", ", ").split(", ")]
        return f"{path}: expected one of {', '.join(choices)}, got {got}{nearest(str(finding['input']), choices)}"
    return f"{path or 'settings'}: expected {_expected(finding)}, got {got}; see apical config schema"


def _expected(finding: ErrorDetails) -> str:
    kind, context = finding["type"], finding.get("ctx", {})
    if kind in TYPES:
        return TYPES[kind]
    if kind in BOUNDS:
        key, words = BOUNDS[kind]
        unit = "" if not kind.startswith("too_") else " entry" if context[key] == 1 else " entries"
        return f"{words} {context[key]}{unit}"
    if kind == "string_pattern_mismatch":
        return "at most 100 letters, digits and any of . _ + -, beginning with a letter or digit"
    return finding["msg"].removeprefix("Input should be ")


def _path(location: tuple[int | str, ...]) -> str:
    """`('rule', 'grids', 0)` as `rule.grids[0]`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _brief(value: Any) -> str:
    if value is None:
        return "null"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _unknown(path: str, location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    known = _fields(model)
    group = _path(tuple("[i]" if isinstance(part, int) else part for part in location[:-1])).replace(".[i]", "[i]")
    inside = [name for name in known if name.rpartition(".")[0] == group]
    names = [other.rpartition(".")[2] for other in inside]
    return (
        f"{path}: expected one of {', '.join(names)}, got an unknown setting{_remedy(str(location[-1]), inside, known)}"
    )


def _remedy(name: str, inside: list[str], known: list[str]) -> str:
    """The path of the setting that was meant: of this very name, else near it in the group, else near it anywhere."""
    meant = [path for path in known if path.rpartition(".")[2] == name]
    for paths, cutoff in ((inside, 0.5), (known, 0.75)):
        # the first of several settings of one name
        names = {path.rpartition(".")[2]: path for path in reversed(paths)}
        meant += [names[match] for match in get_close_matches(name, names, n=1, cutoff=cutoff)]
    return f"; did you mean {meant[0]}?" if meant else ""


def _fields(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Dotted paths of all groups and settings of a model."""
    paths = []
    for name, field in model.model_fields.items():
        paths.append(prefix + name)
        for kind, end in ((field.annotation, ""), *((entry, "[i]") for entry in get_args(field.annotation))):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                paths += _fields(kind, f"{prefix}{name}{end}.")
    return paths
