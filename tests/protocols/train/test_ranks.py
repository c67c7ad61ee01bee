"""A run that several ranks train: weights, recording and checkpoints of one process, whatever their number."""

import json

import numpy as np
import pytest
import torch
import zarr
from apical.models.networks.network import Network
from apical.models.ranks.ranks import ALONE
from apical.protocols.errors import ConfigError
from apical.protocols.runs.folder import RunFolder
from apical.protocols.settings.load import load, resume
from apical.protocols.train.run import _train
from PIL import Image
from rank_threads import together
from safetensors.torch import load_file

CPU = torch.device("cpu")
SMALL = {
    "name": "small",
    "stimulus": {"name": "shapes", "image_size": 8, "n_train": 40, "n_test": 8},
    "network": {"builder": "layers", "layers": [{"conv": 5, "pool": 2, "grid": 2}, {"conv": 6, "grid": 1}, {"dense": 7}]},
    "rule": {"context": "both"},
    "training": {"epochs": 2, "batch": 8, "checkpoint_every": 4, "device": "cpu", "precision": "float32"},
    "recording": {
        "every": 2, "rows": 6, "units": 4, "probe": 5, "reductions": ["mean"],
        "variables": ["basal", "rate", "apical", "score", "neuromodulator", "drive", "gate", "eligibility", "weights"],
    },
    "optimiser": {"learning_rate": 0.01},
}  # fmt: skip
STEPS = 10


@pytest.fixture(autouse=True)
def in_double_precision(monkeypatch):
    """Ranks add in another order than one process: what is compared to 1e-10 is computed in float64."""
    plain = Network.to
    monkeypatch.setattr(Network, "to", lambda network, device: plain(network, device, torch.float64))


def settings(**changes):
    document = json.loads(json.dumps(SMALL))
    for path, value in changes.items():
        group, name = path.split("__")
        document[group][name] = value
    return load(document)


def trained(out, size, config=None, again=False):
    """Results of every rank of a run in `out`."""

    def one(ranks):
        return _train(config, RunFolder(out), None, again, None, False, CPU, ranks)

    return [one(ALONE)] if size == 1 else together(size, one)


def stored(out):
    newest = sorted((out / "checkpoints").glob("step-*"))[-1]
    return load_file(newest / "weights.safetensors") | load_file(newest / "moments.safetensors")


def assert_alike(one, two):
    first, second = stored(one), stored(two)
    assert first.keys() == second.keys()
    for name, weight in first.items():
        torch.testing.assert_close(second[name], weight, rtol=0, atol=1e-10, msg=name)
    left, right = (zarr.open_group(run / "recording.zarr", mode="r") for run in (one, two))
    names = [name for name, array in left.members(max_depth=None) if isinstance(array, zarr.Array)]
    assert len(names) > 50
    for name in names:
        if left[name].dtype.kind == "f":
            np.testing.assert_allclose(right[name][:], left[name][:], rtol=1e-6, atol=1e-9, err_msg=name)
        else:
            np.testing.assert_array_equal(right[name][:], left[name][:], err_msg=name)
    assert left.attrs["committed"] == right.attrs["committed"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A run of one process, by context."""
    runs = {}

    def make(context="both"):
        if context not in runs:
            runs[context] = tmp_path_factory.mktemp(context) / "run"
            trained(runs[context], 1, settings(rule__context=context))
        return runs[context]

    return make


@pytest.mark.parametrize("size", [2, 4])
def test_ranks_leave_what_one_process_leaves(size, alone, tmp_path, capfd):
    results = trained(tmp_path / "run", size, settings())
    assert_alike(alone(), tmp_path / "run")
    assert [result["status"] for result in results] == ["complete"] * size
    assert all(result["losses"] == results[0]["losses"] for result in results)
    assert all(result["ranks"]["size"] == size for result in results)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [4, 8, 10]


def test_recorded_rows_are_of_every_rank(alone, tmp_path):
    trained(tmp_path / "run", 4, settings(recording__rows=8))
    group = zarr.open_group(tmp_path / "run" / "recording.zarr", mode="r")["activity/conv1"]
    assert np.count_nonzero(np.abs(group["basal"][:]).sum(1)) == STEPS // 2 * 16


def test_a_checkpoint_of_two_ranks_goes_on_with_another_number(alone, tmp_path):
    out = tmp_path / "run"
    stopped = trained(out, 2, settings(training__max_seconds=1e-9))
    assert [result["status"] for result in stopped] == ["interrupted"] * 2
    for size, limit in ((4, "1e-9"), (1, "1e-9"), (2, "null")):
        trained(out, size, resume(out, None, [f"training.max_seconds={limit}"]), again=True)
    assert_alike(alone(), out)


def test_ranks_begin_with_the_weights_of_another_run(alone, tmp_path):
    config = settings(training__start=str(alone()), training__start_moments=True)
    trained(tmp_path / "one", 1, config)
    trained(tmp_path / "two", 2, config)
    assert_alike(tmp_path / "one", tmp_path / "two")


def test_a_batch_that_does_not_divide_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"training\.batch: expected a multiple of the 3 ranks, got 8"):
        trained(tmp_path / "run", 3, settings())
    assert not (tmp_path / "run").exists()


def test_a_graph_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"training\.graph: expected false on 2 ranks, .* got true; remove it"):
        trained(tmp_path / "run", 2, settings(training__graph=True))


def test_a_run_of_ranks_refuses_a_folder_that_is_taken(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").touch()
    with pytest.raises(ConfigError, match="expected a new folder"):
        trained(tmp_path / "run", 2, settings())


def test_ranks_stream_images_that_one_process_holds(tmp_path):
    draws = np.random.default_rng(0)
    for part, count in (("train", 20), ("test", 4)):
        for name in ("ant", "bee"):
            (folder := tmp_path / "images" / part / name).mkdir(parents=True)
            for k in range(count):
                Image.fromarray(draws.integers(0, 256, (8, 8, 3), np.uint8)).save(folder / f"{k}.png")
    of = {"stimulus__name": f"folder:{tmp_path / 'images'}", "stimulus__image_size": None, "stimulus__n_train": None, "stimulus__n_test": None}  # fmt: skip
    trained(tmp_path / "one", 1, settings(**of))
    (result, *_) = trained(tmp_path / "two", 2, settings(**of, training__hold=0))
    assert result["steps"] == STEPS
    assert_alike(tmp_path / "one", tmp_path / "two")
