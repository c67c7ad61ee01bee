"""Analyses of what was recorded, as a function of plain arguments."""

from collections.abc import Sequence
from typing import Any

from .fields import fields_of
from .functions import Where
from .result import Result
from .run import folder_of


def analyse(
    run: Where,
    what: str | None = None,
    *,
    recording: str = "training",
    replay: str = "",
    populations: Sequence[str] = (),
    other: Where | None = None,
    other_recording: str = "",
    **options: Any,
) -> Result:
    """Tuning, receptive fields, selectivity, similarity and more of what a run has recorded; `apical analyse`.

    Args:
        run: as in `probe`.
        what: name of an analysis; None for a list of all, and what the recording lacks for them.
        recording: `training`, or the name of an own recording.
        replay: name of a replay in it, for spikes.
        populations: names; none for all.
        other: a second run, for `cka` and `rsa`.
        other_recording: its recording; empty for that of the same name.
        options: fields of `apical.protocols.analyse.Options`, such as `by="label"` or `value="apical"`.
    """
    from ..analyse import Options, listed
    from ..analyse import analyse as call

    chosen = Options(**fields_of("analyse", Options, options))
    if what is None:
        return Result("analyse", listed(folder_of(run), recording, populations, chosen))
    second = None if other is None else folder_of(other)
    found = call(
        folder_of(run), what, chosen, recording=recording, replay=replay, populations=populations, other=second,
        other_recording=other_recording,
    )  # fmt: skip
    return Result("analyse", found)
