"""`apical record` as a function of plain arguments."""

from collections.abc import Mapping
from typing import Any

from .fields import fields_of
from .functions import Folder, Where, _path
from .result import Result
from .run import Units, folder_of, names_of, unit_words


def record(
    run: Where,
    stimulus: str = "own",
    *,
    replace: bool = False,
    units: Units = None,
    device: str | None = None,
    data_dir: Folder | None = None,
    data: str | None = None,
    progress: bool = True,
    settings: Mapping[str, Any] | None = None,
    **given: Any,
) -> Result:
    """Show the frozen network of a run stimuli and keep what every compartment answers; `apical record`.

    Args:
        run: as in `probe`.
        stimulus: `own`, a data set, `gratings`, `sparse-noise`, `white-noise`, `movie:PATH`, `array:PATH`, ...
        replace: whether a recording of this name gives way.
        units: as in `Run.present`.
        device, data_dir, progress: as in `train`.
        data: as in `load`.
        settings: of the stimulus, such as `{"orientations": 8}`.
        given: fields of `apical.protocols.record.RecordSettings`, such as `name="tuning"`, `context="none"` or `repeats=2`.
    """
    from ..record import RecordSettings
    from ..record import record as call

    fields = fields_of("record", RecordSettings, given)
    fields |= {
        name: names_of(name, fields[name]) for name in ("populations", "variables", "reductions") if name in fields
    }
    fields |= {"stimulus": stimulus, "stimulus_settings": settings or {}, "units": unit_words(units)}
    found = call(
        folder_of(run), RecordSettings(**fields), replace=replace, device=device, data_dir=_path(data_dir), data=data,
        progress=progress,
    )  # fmt: skip
    return Result("record", found)
