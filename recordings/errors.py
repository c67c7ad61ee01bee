"""The one error class of the room, and the sentence it speaks."""

import difflib
from collections.abc import Iterable


class RecordingError(ValueError):
    """A recording cannot be written, read or drawn as asked.

    The message is one sentence: ``object.field: expected X, got Y; remedy``.
    """


def unknown_name(field: str, name: object, known: Iterable[str]) -> RecordingError:
    """Error for a name that is not among the known ones: lists them and points at the nearest.

    Args:
        field: what was being named, e.g. ``"recording.table"``.
        name: the name that was given.
        known: the names that exist.
    """
    names = sorted(known)
    nearest = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    remedy = f"did you mean {nearest[0]!r}?" if nearest else "use one of the known names"
    return RecordingError(f"{field}: expected one of {', '.join(names) or '(none)'}, got {name!r}; {remedy}")
