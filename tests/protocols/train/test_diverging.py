"""A run that has diverged is stopped, says so, and keeps its last good checkpoint."""

import pytest
import torch
from apical.models.engine import checkpoint
from apical.protocols.train.diverging import DivergedError, Watch
from apical.recordings import open as open_recording
from small_runs import make_run


@pytest.mark.parametrize(
    ("start", "later"), [(4.0, 4e3 + 1), (-4.0, 5e3), (0.0, 1001.0), (1e-9, 1001.0), (2.0, float("nan"))]
)
def test_a_loss_is_judged_by_its_start_or_by_1(start, later):
    watch = Watch(1e3, {})
    watch.check({"conv1": start}, 1, 0.1)
    watch.check({"conv1": 999 * max(1.0, abs(start))}, 2, 0.1)
    with pytest.raises(DivergedError, match=r"of conv1 at step 3; lower optimiser.learning_rate \(0.1\)"):
        watch.check({"conv1": later}, 3, 0.1)


def test_the_start_goes_through_a_checkpoint():
    first = Watch(10.0, {})
    first.check({"a": 5.0}, 1, 0.1)
    with pytest.raises(DivergedError):
        Watch(10.0, first.start).check({"a": 51.0}, 9, 0.1)


def test_a_large_learning_rate_ends_as_diverged(tmp_path):
    with pytest.raises(DivergedError) as stopped:
        make_run(tmp_path / "run", optimiser__learning_rate=5.0, training__epochs=4)
    assert stopped.value.exit_code == 1
    assert stopped.value.result["status"] == "diverged"
    assert open_recording(tmp_path / "run").attrs["status"] == "diverged"


def test_moments_that_are_no_numbers_are_not_kept(tmp_path, monkeypatch):
    kept = checkpoint.save

    def save(folder, engine, state, *, keep):
        path = kept(folder, engine, state, keep=keep)
        next(iter(engine.optimiser.tensors().values())).fill_(torch.inf)
        return path

    monkeypatch.setattr(checkpoint, "save", save)
    with pytest.raises(
        DivergedError, match=r"train.moments.* at step 6; .*; the checkpoint before is kept|train.weights|train.loss"
    ):
        make_run(tmp_path / "run", training__checkpoint_every=3)
    assert [path.name for path in checkpoint.found(tmp_path / "run" / "checkpoints")] == ["step-0000000003"]
