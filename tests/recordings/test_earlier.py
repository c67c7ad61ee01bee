import numpy as np
import xarray as xr
from apical.recordings.earlier import as_recorded, told_anew
from apical.recordings.schema import Table, Variable

OLD = xr.Dataset(
    {"basal_change": ("step", [1.0]), "apical_change_feedback": ("step", [2.0]), "basal_norm": ("step", [3.0])}
)


def test_drives_of_an_earlier_version_get_their_name():
    found = told_anew(OLD, "updates/conv1", 2)
    assert set(found) == {"basal_drive", "apical_drive_feedback", "basal_norm"}
    assert found["apical_drive_feedback"].attrs["long_name"] == "drive of the apical weights, B"
    assert "recorded as basal_change" in found["basal_drive"].attrs["description"]


def test_others_stay_as_they_are():
    assert told_anew(OLD, "updates/conv1", 3).identical(OLD)
    assert told_anew(OLD, "activity/conv1", 2).identical(OLD)


def table(*names):
    variables = tuple(Variable(name=name, long_name=name) for name in names)
    return Table(path="updates/conv1", dim="step", length=4, variables=variables)


def test_a_recording_goes_on_with_what_its_numbers_were():
    rows = {"step": 0, "basal_drive": np.float32(5), "basal_change": np.float32(0.1), "basal_norm": 2}
    assert as_recorded(rows, table("step", "basal_change", "basal_norm")) == {
        "step": 0,
        "basal_change": 5,
        "basal_norm": 2,
    }
    assert as_recorded(rows, table("step", "basal_drive", "basal_change", "basal_norm")) == rows
