"""Slices of a recording are those of the recording, and nothing else is read."""

import shutil
from itertools import pairwise

import numpy as np
import pytest
from apical.recordings import RecordingError
from apical.recordings.view.catalogue import Catalogue
from apical.recordings.view.overview import MOST, ROWS, halving, stretches, walk
from apical.recordings.view.raster import potentials, readings, trial
from apical.recordings.view.source import borders, nearest, pixel_columns, rgba
from apical.recordings.view.tuning import of_units, piece, variables
from apical.recordings.view.unit_map import mosaic


def test_a_window_is_the_recording(source):
    np.testing.assert_array_equal(
        source.read("conv1", "apical", 2, 100, 300),
        source.tree["activity/conv1"].apical[100:300, 2].values.astype(float),
    )
    assert source.read("conv1", "score", 2, 100, 300).shape == (200,)


def test_a_window_reads_its_own_chunks_alone(looked_at, tmp_path):
    shutil.copytree(looked_at, tmp_path / "run")
    chunks = sorted(
        (tmp_path / "run/recording.zarr/activity/conv1/apical/c").iterdir(), key=lambda path: int(path.name)
    )
    assert len(chunks) > 2
    for path in chunks[1:]:
        shutil.rmtree(path)
    damaged = Catalogue([tmp_path / "run"]).open("run", "training")
    assert damaged.read("conv1", "apical", 0, 0, 10)[0] == -1
    with pytest.raises(RecordingError, match="apical"):
        damaged.read("conv1", "apical", 0, 0, 1200)


def test_signals_are_named_by_their_attributes(source):
    labels = {signal.name: (signal.label, signal.per_unit) for signal in source.signals("conv1")}
    assert labels["apical"] == ("apical potential e", True)
    assert labels["score"] == ("score u", False)


def test_flags_are_read_by_their_meanings(source):
    assert source.coordinates("conv1", 0, 3)["phase"].tolist() == ["fixation", "saccade", "fixation"]


def test_units_know_their_place(source):
    units = source.units("conv1")
    assert units.shape == (4, 4, 4)
    assert units.index(30) == 3
    assert units.index(31) is None
    assert units.name(3) == "unit 30 [1, 3, 2]"


def test_no_two_units_share_a_place_on_the_map(source):
    x, y = mosaic(source.units("conv1"))
    assert len(set(zip(x.tolist(), y.tolist(), strict=True))) == 5


def test_an_unknown_population_lists_the_known_ones(source):
    with pytest.raises(RecordingError, match=r"expected one of conv1, conv2, got 'conv9'"):
        source.activity("conv9")


def test_columns_keep_every_extreme():
    values = np.random.default_rng(0).normal(size=1003)
    values[17] = np.nan
    found = pixel_columns(5, values, 100)
    edges = np.linspace(0, 1003, 101).astype(int)
    parts = [values[a:b] for a, b in pairwise(edges)]
    np.testing.assert_array_equal(found["low"], [np.nanmin(part) for part in parts])
    np.testing.assert_array_equal(found["high"], [np.nanmax(part) for part in parts])
    np.testing.assert_allclose(found["mean"], [np.nanmean(part) for part in parts])


def test_columns_of_nothing_are_none():
    assert pixel_columns(0, np.zeros(0))["x"].size == 0


def test_steps_end_where_the_batch_does():
    assert borders([3, 3, 3, 5, 5, 9]).tolist() == [3, 5]
    assert nearest(np.array([0, 10, 20]), 19) == 1


def test_the_overview_covers_the_whole_from_its_first_turns():
    whole = stretches(10_000_000)
    assert len(whole) == MOST
    assert max(stop for _, stop in whole) == 10_000_000
    early = np.sort([start for start, _ in whole[:16]])
    assert np.diff(early).max() < 2 * 10_000_000 / 14
    short = stretches(1000)
    assert sorted(k for start, stop in short for k in range(start, stop)) == list(range(1000))
    assert sorted(halving(77)) == list(range(77))
    assert ROWS * MOST < 10_000_000


def test_the_overview_is_of_the_unit(source):
    found = sorted(walk(source, "conv1", "basal", 1), key=lambda each: each.start)
    values = source.read("conv1", "basal", 1, 0, 1200)
    assert [each.high for each in found] == pytest.approx([values[each.start : each.stop].max() for each in found])


def test_a_result_is_of_the_unit_and_its_population(source):
    assert "analysis-tuning/curve" in variables(source)
    curve = piece(source, "analysis-tuning/curve", "conv2", 9)
    np.testing.assert_allclose(curve.values, 9 + np.arange(0, 180, 45) / 1000)
    assert (curve.label, curve.axes[0][0]) == ("mean rate z (Hz)", "orientation (deg)")
    assert piece(source, "analysis-tuning/field", "conv1", 30).values.shape == (3, 4)
    assert "not measured" in piece(source, "analysis-tuning/curve", "conv2", 30).note
    np.testing.assert_array_equal(of_units(source, "analysis-tuning/selectivity", "conv2"), [0.0, 0.03, 0.09])
    assert of_units(source, "analysis-tuning/curve", "conv1") is None


def test_a_trial_of_a_replay_has_its_own_spikes(source):
    assert trial(source, "first", 0).time.tolist() == [0, 1]
    assert trial(source, "first", 1).time.tolist() == []
    third = trial(source, "first", 2)
    assert third.time.tolist() == [2, 3, 4]
    assert third.unit_id[third.row].tolist() == [7, 6, 5]
    time, values, signals = potentials(source, "first", 2, 1)
    np.testing.assert_array_equal(values["V_soma"], np.arange(350, 400))
    assert (len(time), signals[0].units) == (50, "mV")
    assert ("rate of the rate network", 7.0, "1") in readings(source, "first", 2, 1)


def test_the_shown_image_is_that_of_the_stimulus(source):
    image = source.image(3)
    assert image.shape == (4, 5, 4)
    assert image[0, 0].tolist() == [60, 60, 60, 255]
    assert source.image(99) is None


def test_images_of_numbers_are_stretched_and_bytes_are_not():
    assert rgba(np.array([[0.0, 2.0]]))[0].tolist() == [[0, 0, 0, 255], [255, 255, 255, 255]]
    assert rgba(np.array([[[7]]], np.uint8))[0, 0].tolist() == [7, 7, 7, 255]
    with pytest.raises(RecordingError, match=r"expected \(channel, y, x\)"):
        rgba(np.zeros((2, 2, 2, 2)))


def test_runs_of_one_name_are_told_apart(looked_at, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b/first").symlink_to(looked_at)
    shutil.copytree(looked_at, tmp_path / "a/first")
    assert Catalogue([looked_at, tmp_path / "a/first"]).runs == [f"{looked_at.parent.name}/first", "a/first"]


@pytest.mark.parametrize(("runs", "said"), [([], "at least one run"), (["x"], "without"), (["r", "r"], "twice")])
def test_what_is_no_run_is_refused(runs, said, tmp_path):
    with pytest.raises(RecordingError, match=said):
        Catalogue([tmp_path / name for name in runs])
