import numpy as np
import pytest
from apical.recordings import RecordingError, activity_table, metrics_table, updates_table

TABLES = [
    metrics_table(["conv1", "conv2"], 10),
    activity_table("conv1", 10, [0, 5], (2, 2, 2)),
    activity_table("conv1", 10, [0, 5], (2, 2, 2), further=["feedback"]),
    activity_table("conv1", 10, [0, 5], (2, 2, 2), apical=False, dtype="float16"),
    updates_table("conv1", 10, 8),
    updates_table("conv1", 10, 8, further=["feedback"]),
    updates_table("conv1", 10, 8, apical=False),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.path)
def test_everything_has_units_and_a_long_name(table):
    assert all(variable.units and variable.long_name for variable in table.variables)
    assert all(attributes["units"] and attributes["long_name"] for _, _, attributes in table.coords.values())


def names(table):
    return {variable.name for variable in table.variables}


def test_a_feedback_dendrite_adds_its_own_variables():
    one, two, none = TABLES[1], TABLES[2], TABLES[3]
    assert names(two) - names(one) == {"apical_feedback", "neuromodulator_feedback", "score_feedback"}
    assert names(one) - names(none) == {"apical", "neuromodulator", "score"}
    assert {"apical_change_feedback", "gate_saccade_feedback"} <= names(TABLES[5]) - names(TABLES[4])
    assert names(TABLES[6]) == {"step", "basal_drive", "basal_change", "basal_norm"}


def test_feedback_without_an_apical_dendrite_is_refused():
    with pytest.raises(RecordingError, match="expected an apical dendrite"):
        activity_table("conv1", 10, [0], (1, 1, 1), apical=False, further=["feedback"])


def test_units_know_their_place():
    table = activity_table("conv2", 10, [0, 7, 23], (2, 3, 4))
    channel, row, col = (table.coords[name][1] for name in ("channel", "row", "col"))
    np.testing.assert_array_equal(np.ravel_multi_index((channel, row, col), (2, 3, 4)), [0, 7, 23])


@pytest.mark.parametrize("unit_id", [[8], [-1], [], [[0, 1]]])
def test_units_outside_the_population_are_refused(unit_id):
    with pytest.raises(RecordingError, match=r"unit_id: expected indices from 0 to 7"):
        activity_table("conv1", 10, unit_id, (2, 2, 2))


def test_activity_is_recorded_in_the_data_type_asked_for():
    assert TABLES[3].variable("rate").dtype == "float16"
    assert TABLES[3].variable("label").dtype == "int64"
    assert TABLES[1].variable("phase").attributes == {"flag_values": [0, 1], "flag_meanings": "fixation saccade"}
