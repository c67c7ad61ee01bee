"""Measures of spike trains: closed forms, and elephant's own."""

import numpy as np
import pytest
import xarray as xr
from apical.recordings import RecordingError
from apical.recordings.analysis import spike_measures, trains
from apical.recordings.analysis.spikes import correlogram, engine


def poisson(units=5, trials=20, rate=40.0, window=1000.0, seed=0):
    random = np.random.default_rng(seed)
    return [
        [np.sort(random.uniform(0, window, random.poisson(rate * window / 1000))) for _ in range(trials)]
        for _ in range(units)
    ]


def test_own_measures_are_those_of_elephant():
    pytest.importorskip("elephant")
    found = poisson()
    found[3] = [np.empty(0)] * 20
    found[4] = [train[: k % 4] for k, train in enumerate(found[4])]
    own, other = (spike_measures(found, 1000.0, wanted=wanted) for wanted in ("own", "elephant"))
    assert (own.attrs["engine"], other.attrs["engine"]) == ("own", "elephant")
    for name in ("cv", "cv2", "lv", "fano"):
        assert own[name].values == pytest.approx(other[name].values, rel=1e-9, nan_ok=True)
        assert np.isfinite(own[name].values[:3]).all()


def test_cross_correlogram_is_that_of_elephant():
    pytest.importorskip("elephant")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import neo
        import quantities as pq
        from elephant.conversion import BinnedSpikeTrain
        from elephant.spike_train_correlation import cross_correlation_histogram

        # whole milliseconds, so that both see the same bins
        a, b = (np.unique(np.round(train)) + 0.5 for train in (poisson(1, 1)[0][0], poisson(1, 1, seed=1)[0][0]))
        binned = [BinnedSpikeTrain(neo.SpikeTrain(t * pq.ms, t_stop=1002 * pq.ms), bin_size=1 * pq.ms) for t in (a, b)]
        expected = cross_correlation_histogram(*binned, window=[-10, 10])[0].magnitude.ravel()
    assert correlogram([a], [b], np.arange(-10.5, 11.5)).tolist() == expected.tolist()


def test_a_poisson_process_has_1_throughout():
    found = spike_measures(poisson(3, 400), 1000.0, wanted="own")
    for name in ("cv", "cv2", "lv", "fano"):
        assert found[name].values == pytest.approx(np.ones(3), abs=0.15)
    assert found["firing_rate"].values == pytest.approx(np.full(3, 40.0), rel=0.03)
    # coincidences per spike and second are the rate, where there is nothing else
    assert found["crosscorrelogram"].values.mean() == pytest.approx(40 * 0.975, rel=0.05)
    assert found["shuffled"].values.mean() == pytest.approx(found["crosscorrelogram"].values.mean(), rel=0.03)


def test_a_clock_has_0_and_a_train_and_its_copy_coincide():
    clock = [np.arange(10.0, 1000, 20)] * 4
    found = spike_measures([clock, clock], 1000.0, wanted="own")
    assert [found[name].values[0] for name in ("cv", "cv2", "lv", "fano")] == pytest.approx([0, 0, 0, 0], abs=1e-12)
    at = found["lag"].values
    assert at[found["crosscorrelogram"].values > 0].tolist() == [-40, -20, 0, 20, 40]
    assert at[found["autocorrelogram"].values > 0].tolist() == [-40, -20, 20, 40]


def test_trains_of_a_replay_by_unit_and_trial():
    trials = xr.Dataset(
        {"spike_offset": ("trial", [0, 3]), "spike_count": ("trial", [3, 1])}, {"unit_id": ("unit", [7, 9])}
    )
    spikes = xr.Dataset({"spike_time": ("spike", [5.0, 2.0, 4.0, 1.0]), "spike_unit": ("spike", [0, 1, 0, 1])})
    found = trains(xr.DataTree.from_dict({"trials": trials, "spikes": spikes}))
    assert [[train.tolist() for train in unit] for unit in found] == [[[4, 5], []], [[2], [1]]]


def test_an_engine_that_is_not_installed_names_the_extra(monkeypatch):
    monkeypatch.setattr("apical.recordings.analysis.spikes.find_spec", lambda name: None)
    assert engine() == "own"
    with pytest.raises(RecordingError, match=r"pip install 'apical\[spikes\]'"):
        engine("elephant")
    with pytest.raises(RecordingError, match="expected one of own, elephant, got 'neo'"):
        engine("neo")
