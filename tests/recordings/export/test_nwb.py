"""An NWB file is valid, holds what the recording holds, and opens in neo."""

import numpy as np
import pynwb
import pytest
from apical.recordings import RecordingError, Table, Variable, Writer
from apical.recordings import open as open_recording
from apical.recordings.export import export

neo = pytest.importorskip("neo")
nwbinspector = pytest.importorskip("nwbinspector")

# what others' packages say of themselves
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def activity(exported_run, tmp_path_factory):
    return export(exported_run, "nwb", out=tmp_path_factory.mktemp("nwb") / "activity.nwb")["path"]


@pytest.fixture(scope="module")
def replay(exported_run, tmp_path_factory):
    return export(exported_run, "nwb", replay="first", out=tmp_path_factory.mktemp("nwb") / "replay.nwb")["path"]


@pytest.fixture
def read():
    opened = []

    def make(path):
        opened.append(pynwb.NWBHDF5IO(path, "r"))
        return opened[-1].read()

    yield make
    for stream in opened:
        stream.close()


@pytest.mark.parametrize("which", ["activity", "replay"])
def test_the_validator_finds_nothing(which, request):
    assert pynwb.validate(path=request.getfixturevalue(which)) == []


@pytest.mark.parametrize("which", ["activity", "replay"])
def test_the_inspector_finds_no_error(which, request):
    found = list(nwbinspector.inspect_nwbfile(nwbfile_path=request.getfixturevalue(which)))
    suggested = nwbinspector.Importance.BEST_PRACTICE_SUGGESTION
    assert [str(each) for each in found if each.importance != suggested] == []
    assert {each.check_function_name for each in found} == {
        "check_experimenter_exists",
        "check_institution",
        "check_keywords",
    }


def test_signals_are_series_of_the_trials(activity, read, exported_run):
    file, recording = read(activity), open_recording(exported_run)
    for population in ("conv1", "conv2"):
        for name in ("basal", "rate", "apical", "score", "neuromodulator"):
            np.testing.assert_array_equal(
                file.acquisition[f"{population}_{name}"].data[:], recording[f"activity/{population}"][name].values
            )
    series = file.acquisition["conv2_apical"]
    assert (series.rate, series.starting_time, series.conversion) == (1.0, 0.0, 1.0)
    assert "rows 5 to 9" in series.description
    assert file.units is None


def test_neurons_know_their_population_and_place(activity, read):
    table = read(activity).electrodes.to_dataframe()
    assert table["location"].tolist() == ["conv1"] * 5 + ["conv2"] * 5
    assert table["unit_id"].tolist() == [1, 5, 6, 30, 40] * 2
    assert table["channel"].tolist() == [0, 0, 0, 1, 2] * 2


def test_trials_say_what_they_were(activity, read):
    file = read(activity)
    table = file.trials.to_dataframe()
    assert table["phase"].tolist()[:3] == ["fixation", "saccade", "fixation"]
    assert table["stimulus_id"].tolist()[:3] == [0, 1, 2]
    assert (table["stop_time"] - table["start_time"] == 1).all()
    assert "no duration" in file.trials.description


def test_images_are_stimuli(activity, read, exported_run):
    images = open_recording(exported_run)["stimuli"].image.values
    np.testing.assert_array_equal(read(activity).stimulus["stimuli"].data[:], images)


def test_the_subject_is_no_animal(activity, read):
    subject = read(activity).subject
    assert subject.species.endswith("NCBITaxon_32630")
    assert "no animal" in subject.description


def test_spikes_stand_on_one_axis(replay, read):
    file = read(replay)
    assert [file.units["spike_times"][i].tolist() for i in range(3)] == [
        pytest.approx([0.004, 0.009, 0.12]), pytest.approx([0.107, 0.13]), [],
    ]  # fmt: skip
    np.testing.assert_allclose(file.units["obs_intervals"][0], [[0, 0.15]])
    assert file.units.resolution == pytest.approx(1e-4)
    assert file.trials.to_dataframe()["gamma"].tolist() == [0, 1, 2]


def test_potentials_are_in_volts(replay, read, exported_run):
    volts = open_recording(exported_run)["replay/first/trials"].V_soma.values
    series = read(replay).acquisition["V_soma"]
    assert (series.unit, series.conversion, series.rate) == ("volts", 0.001, 1000.0)
    np.testing.assert_array_equal(series.data[:], volts.transpose(0, 2, 1).reshape(150, 3))


def test_neo_reads_spikes_and_signals(activity, replay):
    (block,) = neo.io.NWBIO(replay, "r").read_all_blocks()
    trains = block.segments[0].spiketrains
    assert [train.rescale("s").magnitude.tolist() for train in trains][1] == pytest.approx([0.107, 0.13])
    assert float(trains[0].t_stop.rescale("s")) == pytest.approx(0.15)
    assert any(signal.shape == (150, 3) for signal in block.segments[0].analogsignals)
    (block,) = neo.io.NWBIO(activity, "r").read_all_blocks()
    assert len(block.segments[0].analogsignals) == 11  # five of each population, and the images


def test_a_recording_without_trials_is_refused(tmp_path):
    table = Table(path="metrics", dim="step", length=2, variables=(Variable(name="loss", long_name="loss"),))
    with Writer.create(tmp_path / "recording.zarr", [table], attributes={}) as writer:
        writer.append("metrics", {"loss": np.zeros(2, np.float32)})
    with pytest.raises(RecordingError, match="choose netcdf, csv or npz"):
        export(tmp_path, "nwb")
    assert not list((tmp_path / "exports").iterdir())
