"""What the recorder records is what drove plasticity."""

import numpy as np
import pytest
import torch
from apical.models import ModelError, Moment, Recorder, RecorderSpec
from apical.models.engine import Architecture, build_engine, build_network
from apical.plasticity import BPClappPP, Clapp, ClappPP, ClappS, GreedyInfoMax, pair
from apical.recordings import Writer
from apical.recordings import open as open_recording

SMALL = Architecture("vgg6", (3, 16, 16), 1 / 32, grids=(4, 2, 2, 2, 1, 1))
OBJECTS = 4


def pairing_of(rule, step=0):
    draws, others = torch.Generator().manual_seed(step), rule.needs.others
    return pair(OBJECTS, negatives=rule.needs.negatives, phases=rule.needs.phases, others=others, generator=draws)


def record(rule, path, spec=None, steps=3, half=False):
    spec = spec or RecorderSpec(every=1, rows=4, units=9)
    network = build_network(SMALL, rule, seed=0)
    engine = build_engine(network, rule, learning_rate=1e-3, half=half)
    sources = rule.needs.sources
    losses = network.names if sources else network.names[-1:]
    recorder = Recorder(network, spec, sources=sources, losses=losses, batch_rows=2 * OBJECTS)
    with Writer.create(path, recorder.tables(steps), attributes={}) as writer:
        recorder.writer = writer
        for step in range(steps):
            images = torch.randn(2 * OBJECTS, 3, 16, 16, generator=torch.Generator().manual_seed(step))
            pairing = pairing_of(rule, step)
            ids = torch.arange(OBJECTS).repeat(2) + 100 * step
            observer = recorder if recorder.due(step) else None
            if observer:
                recorder.begin(Moment(step, step / 2, (step + 1) * OBJECTS, 1e-3, ids, ids % 3, pairing))
            loss = engine.step(images, pairing, observer)
            if observer:
                recorder.end(loss)
    return open_recording(path), network


@pytest.mark.parametrize("context", ["lateral", "dfb", "both"])
def test_recorded_signals_obey_the_rule(context, tmp_path):
    rule = ClappPP(context=context)
    tree, network = record(rule, tmp_path / "r.zarr", RecorderSpec(every=1, rows=8, units=10_000), steps=1)
    suffixes = ["", "_feedback"] if context == "both" else [""]
    for population in network.populations:
        found = tree[f"activity/{population.name}"].to_dataset().load()
        rate = found.rate.values
        np.testing.assert_array_equal(rate, np.maximum(found.basal.values, 0))
        for suffix in suffixes:
            # every neuron is recorded, so the score follows from rate and apical potential of the trial itself
            score = (rate * found[f"apical{suffix}"].values).sum(1)
            block = np.prod(population.block)
            np.testing.assert_allclose(score / block, found[f"score{suffix}"].values, rtol=2e-4, atol=2e-5)
            u = found[f"score{suffix}"].values
            gate = np.where(found.phase.values == 0, u < 1, -1 * (u > -1))
            np.testing.assert_array_equal(found[f"neuromodulator{suffix}"].values, gate)


@pytest.mark.parametrize("rule", [ClappS(others=3), GreedyInfoMax(others=3)], ids=["clapp-s", "gim"])
def test_of_several_negatives_the_first_is_recorded_whole(rule, tmp_path):
    """Rate, score and neuromodulator of a saccade are those of one row, which the rule used."""
    tree, network = record(rule, tmp_path / "r.zarr", RecorderSpec(every=1, rows=8, units=10_000), steps=1)
    others = pairing_of(rule).others
    for population in network.populations:
        found = tree[f"activity/{population.name}"].to_dataset().load()
        score = (found.rate.values * found.apical.values).sum(1) / np.prod(population.block)
        np.testing.assert_allclose(score, found.score.values, rtol=2e-4, atol=2e-5)
        jump = found.phase.values == 1
        np.testing.assert_array_equal(found.stimulus_id.values[jump], others[:, 0] % OBJECTS)
        gamma = found.neuromodulator.values
        if isinstance(rule, ClappS):
            np.testing.assert_array_equal(gamma, np.where(jump, -1 * (score > -1), score < 1))
        else:
            # q_1 over q_0 is the exponential of the difference of their scores
            np.testing.assert_allclose(
                -gamma[jump], (1 - gamma[~jump]) * np.exp(score[jump] - score[~jump]), rtol=1e-3, atol=1e-6
            )


def test_fixations_stay_with_the_stimulus_and_saccades_leave_it(tmp_path):
    tree, _ = record(ClappPP(), tmp_path / "r.zarr")
    found = tree["activity/conv1"].to_dataset().load()
    assert found.phase.values.tolist() == [0, 1] * 12
    same = found.stimulus_id.values == found.context_id.values
    assert (same == (found.phase.values == 0)).all()
    np.testing.assert_array_equal(found.label, found.stimulus_id % 3)


def test_either_silences_the_phase_that_was_not_made(tmp_path):
    tree, _ = record(ClappPP(phases="either"), tmp_path / "r.zarr")
    gamma = tree["activity/conv3"].to_dataset().neuromodulator.values.reshape(-1, 2)
    assert ((gamma != 0).sum(1) <= 1).all()
    assert (gamma != 0).any()


def test_recording_does_not_change_what_is_learned(tmp_path):
    rule = ClappPP(context="dfb")
    _, watched = record(rule, tmp_path / "a.zarr")
    _, unwatched = record(rule, tmp_path / "b.zarr", RecorderSpec(every=100, rows=1, units=1))
    for one, two in zip(watched.weights().values(), unwatched.weights().values(), strict=True):
        assert torch.equal(one, two)


def test_updates_and_metrics(tmp_path):
    tree, network = record(ClappPP(), tmp_path / "r.zarr", RecorderSpec(every=2, rows=2, units=4), steps=5)
    metrics = tree["metrics"].to_dataset().load()
    assert metrics.step.values.tolist() == [0, 2, 4]
    assert metrics.population.values.tolist() == network.names
    update = tree["updates/conv6"].to_dataset().load()
    assert update.score_fixation.shape == (3, 2 * OBJECTS)
    open_gates = (update.score_fixation < 1).mean("row")
    np.testing.assert_allclose(update.gate_fixation, open_gates)
    assert (update.basal_change > 0).all()
    assert (update.apical_change > 0).all()


def test_backprop_records_rates_without_apical_signals(tmp_path):
    tree, _ = record(BPClappPP(), tmp_path / "r.zarr")
    found = tree["activity/conv2"].to_dataset().load()
    assert "apical" not in found
    np.testing.assert_array_equal(found.rate, np.maximum(found.basal, 0))
    assert (tree["updates/conv2"].to_dataset().basal_change > 0).all()


def test_bfloat16_signals_are_stored_as_asked(tmp_path):
    tree, _ = record(
        ClappPP(context="both"), tmp_path / "r.zarr", RecorderSpec(every=1, rows=2, units=3, dtype="float16"), half=True
    )
    found = tree["activity/conv1"].to_dataset().load()
    assert found.rate.dtype == found.apical_feedback.dtype == np.float16
    assert np.isfinite(found.basal).all()


def test_only_the_asked_populations_are_recorded(tmp_path):
    tree, _ = record(ClappPP(), tmp_path / "r.zarr", RecorderSpec(every=1, rows=2, units=3, populations=("conv4",)))
    assert list(tree["activity"].children) == ["conv4"]


@pytest.mark.parametrize(("spec", "message"), [
    (RecorderSpec(populations=("conv9",)), "recording.populations: expected names among conv1"),
    (RecorderSpec(rows=99), "recording.rows: expected at most the batch's 8 rows, got 99"),
])  # fmt: skip
def test_misuse_is_refused(spec, message, tmp_path):
    with pytest.raises(ModelError, match=message):
        record(ClappPP(), tmp_path / "r.zarr", spec)


def test_the_backwards_dendrite_is_left_out(tmp_path):
    rule = Clapp()
    network = build_network(SMALL, rule, seed=0)
    recorder = Recorder(
        network, RecorderSpec(every=1, rows=4, units=9), sources=rule.needs.sources, losses=network.names, batch_rows=8
    )
    with Writer.create(tmp_path / "r.zarr", recorder.tables(1), attributes={}) as writer:
        recorder.writer = writer
        pairing = pair(OBJECTS, negatives="random", phases="either", generator=torch.Generator().manual_seed(0))
        recorder.begin(
            Moment(0, 0.0, OBJECTS, 1e-3, torch.arange(4).repeat(2), torch.zeros(8, dtype=torch.long), pairing)
        )
        engine = build_engine(network, rule, learning_rate=1e-3)
        recorder.end(
            engine.step(torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0)), pairing, recorder)
        )
    found = open_recording(tmp_path / "r.zarr")["activity/conv1"].to_dataset().load()
    assert {"apical", "neuromodulator", "score"} <= set(found)
    assert not [name for name in found if "feedback" in name or "retro" in name]
    # a row makes a fixation or a saccade: the other trial of the pair has no modulator
    assert ((found.neuromodulator.values.reshape(-1, 2) != 0).sum(1) <= 1).all()
