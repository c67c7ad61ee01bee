"""`apical record` by the real command: every kind of stimulus, every family of rules, and what is refused."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr
from apical import load, recordings
from apical.models.engine import rates
from apical.protocols.command.main import main
from apical.protocols.runs import room
from click.testing import CliRunner
from PIL import Image


def command(*arguments):
    result = CliRunner().invoke(main, ["record", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


def made(run, *arguments):
    told = json.loads(command(run, *arguments, "--json", "--quiet").stdout.splitlines()[-1])
    recording = recordings.open(told["recording"])
    assert recording.attrs["status"] == "complete"
    assert recordings.recordings_of(run)[told["name"]].samefile(told["recording"])
    for table in recording["activity"].children.values():
        assert table.sizes["trial"] == told["trials"]
        for variable in [*table.data_vars.values(), *table.coords.values()]:
            assert variable.attrs["units"] and variable.attrs["long_name"]
    return recording


@pytest.fixture
def kinds(tmp_path):
    """A word and settings for every kind of stimulus, and the coordinates that it brings."""
    for k in range(3):
        (tmp_path / "clip").mkdir(exist_ok=True)
        Image.new("RGB", (20, 16), (80 * k, 0, 0)).save(tmp_path / "clip" / f"{k}.png")
    for name in ("train/a", "train/b", "test/a"):
        (tmp_path / "folder" / name).mkdir(parents=True)
        Image.new("RGB", (16, 16), (9, 0, 0)).save(tmp_path / "folder" / name / "0.png")
    np.save(tmp_path / "own.npy", np.zeros((4, 3, 16, 16), np.uint8))
    np.savez(tmp_path / "own.npz", images=np.zeros((20, 3, 16, 16), np.uint8), labels=np.arange(20) % 2)
    return {
        "own": (["own", "--set", "count=10"], 10, ["image_id"]),
        "views": (["own", "--set", "part=train", "--set", "views=true"], 128, ["image_id", "glance"]),
        "shapes": (["shapes", "--set", "part=train"], 64, ["image_id"]),
        "folder": ([f"folder:{tmp_path / 'folder'}"], 1, ["image_id"]),
        "npz": ([f"npz:{tmp_path / 'own.npz'}"], 4, ["image_id"]),
        "gratings": (["gratings", "--set", "orientations=2", "--set", "phases=2"], 12, ["orientation", "spatial_frequency", "spatial_phase", "contrast", "diameter"]),
        "sparse-noise": (["sparse-noise", "--set", "side=8"], 8, ["square_row", "square_col", "polarity", "contrast"]),
        "white-noise": (["white-noise", "--set", "frames=9"], 9, ["frame"]),
        "movie": ([f"movie:{tmp_path / 'clip'}"], 3, ["movie", "frame", "image_id"]),
        "array": ([f"array:{tmp_path / 'own.npy'}"], 4, ["image_id"]),
    }  # fmt: skip


@pytest.mark.parametrize(
    "kind",
    ["own", "views", "shapes", "folder", "npz", "gratings", "sparse-noise", "white-noise", "movie", "array"],
)
def test_every_kind_of_stimulus_is_recorded(run, kinds, kind):
    words, count, parameters = kinds[kind]
    recording = made(run, *words, "--name", kind, "--images", "--populations", "conv1,conv6")
    table = recording["activity/conv1"]
    assert table.sizes == {"trial": count, "unit": 8}
    fixed = {"stimulus_id", "context_id", "label", "phase", "repeat", "unit_id", "channel", "row", "col"}
    assert set(table.coords) == fixed | set(parameters)
    names = [
        "basal",
        "rate",
        "apical",
        "apical_feedback",
        "neuromodulator",
        "neuromodulator_feedback",
        "score",
        "score_feedback",
    ]
    assert sorted(table.data_vars) == sorted(names)
    assert table.stimulus_id.values.tolist() == list(range(count))
    assert recording["stimuli"].image.shape == (count, 3, 16, 16)
    assert set(recording["stimuli"].coords) == {"stimulus_id", "label", *parameters}
    assert np.isfinite(table.rate.values).all()
    assert recording.attrs["shown"]["kind"] in ("images", kind)


def test_rates_are_those_of_the_network_and_training_units_are_taken(run):
    recording = made(run, "own", "--images")
    opened = load(run)
    shown = opened.stimulus.still(opened.stimulus.test.images)
    np.testing.assert_array_equal(recording["stimuli"].image, shown)
    expected = dict(zip(opened.network.names, rates(opened.network, shown), strict=True))
    for name, rate in expected.items():
        table = recording[f"activity/{name}"]
        assert table.unit_id.values.tolist() == recordings.open(run)[f"activity/{name}"].unit_id.values.tolist()
        np.testing.assert_allclose(table.rate, rate.flatten(1)[:, table.unit_id.values], rtol=1e-5, atol=1e-6)
    assert recording["activity/conv1"].label.values.tolist() == opened.stimulus.test.labels.tolist()
    assert recording.attrs["checkpoint"]
    assert recording.attrs["config"] == recordings.open(run).attrs["config"]


def test_phases_and_contexts_of_consecutive_glances(run):
    table = made(run, "own", "--set", "part=train", "--set", "views=true", "--set", "count=5")["activity/conv2"]
    assert table.phase.values.tolist() == [1, 0] * 5
    assert table.context_id.values.tolist() == [-1, *range(9)]
    assert table.apical[0].isnull().all()
    assert np.isfinite(table.apical[1:]).all()
    assert set(table.phase.attrs["flag_meanings"].split()) == {"fixation", "saccade"}


def test_repeats_in_random_orders_keep_objects_together(run):
    table = made(
        run, "own", "--set", "part=train", "--set", "views=true", "--set", "count=6", "--repeats", 3, "--shuffle"
    )
    table = table["activity/conv1"]
    order = table.stimulus_id.values.reshape(3, 12)
    assert (np.sort(order, 1) == np.arange(12)).all()
    assert (order[:, ::2] + 1 == order[:, 1::2]).all()
    assert not (order[0] == order[1]).all()
    assert table["repeat"].values.tolist() == np.repeat(range(3), 12).tolist()
    assert (table.context_id.values[1:] == table.stimulus_id.values[:-1]).all()
    same = table.rate.values[np.argsort(order[0])]
    np.testing.assert_allclose(table.rate.values[12:24][np.argsort(order[1])], same, atol=1e-6)


@pytest.mark.parametrize("context", ["same", "3", "none"])
def test_a_context_can_be_chosen(run, context):
    table = made(run, "own", "--context", context, "--units", "conv1=all")["activity/conv1"]
    if context == "none":
        assert not any(name.startswith(("apical", "score", "neuromodulator")) for name in table.data_vars)
        assert (table.context_id == -1).all()
        return
    before = made(run, "own", "--context", "before", "--units", "conv1=all", "--name", "before")["activity/conv1"]
    assert np.isfinite(table.apical).all()
    if context == "same":
        np.testing.assert_allclose(table.apical[:-1], before.apical[1:], rtol=1e-4, atol=1e-6)
    else:
        assert (table.context_id == 3).all()
        np.testing.assert_allclose(table.apical, np.tile(before.apical[4], (32, 1)), rtol=1e-4, atol=1e-6)


def test_units_variables_and_populations_are_chosen(run):
    recording = made(
        run, "own", "--units", "conv2=3,1,", "--units", "conv3=all", "--variables", "rate,score", "--dtype", "float16"
    )
    assert list(recording["activity"].children) == ["conv2", "conv3"]
    table = recording["activity/conv2"]
    assert table.unit_id.values.tolist() == [1, 3]
    assert sorted(table.data_vars) == ["rate", "score", "score_feedback"]
    assert table.rate.dtype == np.float16
    assert table.score.dtype == np.float32
    assert recording["activity/conv3"].sizes["unit"] == np.prod(recording["activity/conv3"].attrs["population_shape"])
    assert list(made(run, "own", "--populations", "conv5", "--name", "five")["activity"].children) == ["conv5"]


def test_batches_change_nothing(run):
    one, many = (made(run, "own", "--batch", b, "--name", f"b{b}", "--units", "all")["activity/conv3"] for b in (1, 13))
    for name in one.data_vars:
        np.testing.assert_allclose(one[name], many[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_present_gives_the_tree_that_record_writes(run):
    told = made(run, "gratings", "--set", "orientations=3", "--set", "phases=2", "--images")
    tree = load(run).present("gratings", orientations=3, phases=2, images=True)
    for path in ("stimuli", "activity/conv1", "activity/conv6"):
        xr.testing.assert_identical(tree[path].to_dataset(), told[path].to_dataset().load())
    own = load(run).present(torch.rand(4, 3, 16, 16), units={"conv2": [5, 7]})
    assert own["activity/conv2"].unit_id.values.tolist() == [5, 7]
    assert list(own["activity"].children) == ["conv2"]


def test_the_network_before_its_first_step(run):
    before = load(run).present("own", checkpoint="initial", variables=["rate"])["activity/conv6"].rate
    after = load(run).present("own", variables=["rate"])["activity/conv6"].rate
    assert not np.allclose(before, after)


def test_size_is_told_first_and_too_much_of_it_refused(run, monkeypatch):
    text = command(run, "own", "--json").stderr
    assert text.splitlines()[0].startswith("own: 32 glances, 48 units of conv1, conv2, conv3, conv4, conv5, conv6: ")
    assert "before compression" in text and "free" in text
    monkeypatch.setattr(room.shutil, "disk_usage", lambda place: SimpleNamespace(free=5000))
    refused = CliRunner().invoke(main, ["record", str(run), "own", "--name", "more"])
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: recording.bytes: expected at most the 4.8 kB")
    assert not (run / "recordings" / "more.zarr").exists()


def test_a_name_that_is_taken_is_kept_unless_it_gives_way(run):
    made(run, "own")
    refused = CliRunner().invoke(main, ["record", str(run), "own"])
    assert refused.exit_code == 2
    assert "--replace" in refused.stderr
    assert made(run, "own", "--replace", "--repeats", 2)["activity/conv1"].sizes["trial"] == 64


@pytest.mark.parametrize("word", ["99999999", "selective:99999999"])
def test_more_units_than_there_are_is_said(run, word):
    table = recordings.open(run)["activity/conv1"]
    total = np.prod(table.attrs["population_shape"])
    said = command(run, "own", "--units", f"conv1={word}", "--units", "conv2=3", "--quiet").stderr
    assert said == f"Note: conv1 has {total:,} units; all are recorded\n"
    assert recordings.open(run / "recordings" / "own.zarr")["activity/conv1"].sizes["unit"] == total


@pytest.mark.parametrize(("arguments", "words"), [
    (["gratngs"], ["record.stimulus", "did you mean 'gratings'?"]),
    (["gratings", "--set", "angles=3"], ["gratings.setting", "orientations"]),
    (["gratings", "--set", "orientations"], ["--set", "NAME=VALUE"]),
    (["--units", "conv9=all"], ["units", "conv1", "'conv9'"]),
    (["--units", "some"], ["conv1.units", "'some'"]),
    (["--units", "conv1=99999,"], ["conv1.units", "99999"]),
    (["--populations", "conv9"], ["record.populations", "conv1", "'conv9'"]),
    (["--populations", "conv1,"], ["--populations", "names between commas"]),
    (["--variables", "rates"], ["record.variables", "did you mean rate?"]),
    (["--variables", "apical", "--context", "none"], ["record.variables", "without a context"]),
    (["--context", "befor"], ["record.context", "did you mean before?"]),
    (["--context", "99"], ["record.context", "0 to 31"]),
    (["--name", "a/b"], ["recording.name"]),
    (["--name", "training"], ["recording.name", "training"]),
    (["--dtype", "int8"], ["record.dtype", "float16"]),
    (["--checkpoint", "step9"], ["record.checkpoint", "initial"]),
    (["gratings", "--repeats", "100000000"], ["record.repeats", "16,777,216 glances", "28,800,000,000", "TB"]),
    (["white-noise", "--set", "frames=1000000000"], ["white-noise.frames", "16777216"]),
    (["own", "--set", "views=true"], ["images.views", "rendered"]),
    (["cifar11"], ["record.stimulus", "cifar10"]),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")  # fmt: skip
def test_misuse_is_one_line(run, arguments, words):
    result = CliRunner().invoke(main, ["record", str(run), *arguments, "--quiet"])
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words), result.stderr
    assert not (run / "recordings").exists()


def test_a_folder_without_a_run_is_refused(tmp_path):
    result = CliRunner().invoke(main, ["record", str(tmp_path)])
    assert result.exit_code == 2
    assert "config.yaml" in result.stderr
    assert "--list" in CliRunner().invoke(main, ["record"]).stderr


def test_the_list_tells_every_kind(run):
    told = json.loads(command("--list", "--json").stdout)
    assert told["stimuli"]["gratings"]["orientations"] == 12
    assert "movie:PATH" in told["stimuli"]
