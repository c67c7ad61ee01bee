import apical.recordings
import pytest
from apical.recordings import RecordingError
from apical.recordings.errors import unknown_name


def test_a_recording_error_is_a_value_error():
    with pytest.raises(ValueError, match="expected"):
        raise RecordingError("recording.x: expected 1, got 2; give 1")


def test_an_unknown_name_is_answered_with_the_known_ones_and_the_nearest():
    message = str(unknown_name("recording.table", "metric", ["updates/conv1", "metrics"]))
    assert message == ("recording.table: expected one of metrics, updates/conv1, got 'metric'; did you mean 'metrics'?")


def test_a_far_name_gets_no_guess():
    assert str(unknown_name("x", "zzzz", ["metrics"])).endswith("; use one of the known names")


def test_every_public_name_is_there():
    for name in apical.recordings.__all__:
        assert getattr(apical.recordings, name) is not None
        assert name in dir(apical.recordings)


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="opne"):
        apical.recordings.opne  # noqa: B018
