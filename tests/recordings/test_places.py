"""Where the recordings of a run lie."""

import pytest
from apical import recordings
from apical.recordings.places import new_place, recording_of


def _store(path):
    recordings.Writer.create(path, [recordings.metrics_table(["conv1"], 4)], attributes={}).close()


def test_the_recording_of_training_comes_first_then_own_ones_by_name(tmp_path):
    (tmp_path / "recordings").mkdir()
    for name in ("white", "gratings"):
        _store(new_place(tmp_path, name))
    _store(tmp_path / "recording.zarr")

    found = recordings.recordings_of(tmp_path)

    assert list(found) == ["training", "gratings", "white"]
    assert found["training"] == tmp_path / "recording.zarr"
    assert found["white"] == tmp_path / "recordings" / "white.zarr"
    assert all(recordings.open(path).attrs["status"] == "complete" for path in found.values())


def test_what_a_kill_left_and_other_files_are_no_recordings(tmp_path):
    folder = tmp_path / "recordings"
    for left in ("made.zarr", ".hidden.zarr"):
        (folder / left).mkdir(parents=True)
    (folder / ".hidden.zarr" / "zarr.json").write_text("{}")
    (folder / "notes.txt").write_text("")

    assert recordings.recordings_of(tmp_path) == {}
    assert recordings.recordings_of(tmp_path / "nowhere") == {}


def test_an_unknown_name_lists_those_there_are(tmp_path):
    _store(tmp_path / "recording.zarr")
    with pytest.raises(recordings.RecordingError, match="expected one of training, got 'trainning'; did you mean"):
        recording_of(tmp_path, "trainning")


@pytest.mark.parametrize("name", ["", "training", "a/b", "../up", ".hidden", "x.zarr", "x.zip", "a b"])
def test_a_name_that_no_recording_can_have_is_refused(tmp_path, name):
    with pytest.raises(recordings.RecordingError, match=r"recording\.name: expected"):
        new_place(tmp_path, name)
