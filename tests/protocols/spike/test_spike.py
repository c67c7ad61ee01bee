"""`apical spike` end to end on a few glances, and what it refuses."""

import json
import re

import numpy as np
import pytest
import xarray as xr
from apical.models import ModelError
from apical.models.spiking.loop import DALE, GATES, MEMORIES, MODULATORS, Loop
from apical.protocols.command.main import main
from apical.protocols.command.spike import LOOP
from apical.protocols.errors import ConfigError, Interrupted
from apical.protocols.runs.files import plain, write_json
from apical.protocols.spike import SpikeSettings, run, spike
from apical.protocols.spike.checks import checks, fall, rejections
from apical.protocols.spike.measure import irregularity
from apical.protocols.spike.section import section
from apical.protocols.spike.settings import CONTROLS, loop_from
from apical.recordings import open as open_recording
from apical.recordings.seal import unsealed

pytest.importorskip("brian2", reason="the bridge needs brian2")

QUICK = {
    "data": "shapes", "crop": None, "image_size": 8, "objects": 3, "layers": ("6", "4"), "copies": 2, "glances": 6,
    "test_glances": 12, "chosen": 2,
}  # fmt: skip
SHORT = {"fixation": 60.0, "saccade": 20.0}


def settings(**words) -> SpikeSettings:
    return SpikeSettings(**(QUICK | {"loop": loop_from(SHORT), "conditions": ("intact", "zero")} | words))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("spike") / "first"
    return out, spike(settings(), out, progress=False)


def test_the_result_says_what_was_reached(made):
    out, result = made
    assert unsealed((out / "spike.json").read_text())["checks"] == json.loads(json.dumps(result["checks"]))
    assert {check["name"] for check in result["checks"]} == {"fall", "fall by spikes", "cosine", "gate"}
    assert result["passed"] + result["failed"] == len(result["checks"])
    assert result["controls"]["zero"]["fall"] == [0.0]
    assert result["controls"]["zero"]["rejected_by"] == ["fall", "fall by spikes", "cosine", "gate"]
    assert result["synapses"] > 0
    assert set(result["irregularity"]) == {"0"}


def test_a_section_tells_checks_and_controls(made):
    out, result = made
    assert not (out / "sections").exists()  # no folder of a run
    found = section(plain(result))
    assert (found.name, found.order) == ("spike", 70)
    assert [figure.name for figure in found.figures] == ["spike_raster", "spike_learning"]
    checks, controls = found.tables
    assert [row[0] for row in checks.rows] == [check["name"] for check in result["checks"]]
    assert controls.rows == (("zero", "0", *controls.rows[0][2:-1], "fall, fall by spikes, cosine, gate"),)


def test_a_loop_whose_change_has_no_direction_fails_its_checks_and_no_more(made):
    """Where nothing changed in the first fifth, no cosine is there to judge."""
    _, result = made
    cells = [cell | {"cosines": dict.fromkeys(cell["cosines"])} for cell in result["cells"]]
    found = {check.name: check for check in checks(cells)}
    assert np.isnan(found["cosine"].values[0])
    assert not found["cosine"].passed and not found["gate"].passed


def test_figures_and_recording_are_there(made):
    out, result = made
    assert (out / "figures" / "spike_learning.png").is_file()
    (recording,) = result["recordings"]
    tree = open_recording(recording)
    glances = tree["glances"].to_dataset()
    assert glances.sizes["glance"] == 6
    assert glances.V_apical.sizes["time"] == 80
    spikes = tree["spikes"].to_dataset()
    assert spikes.sizes["spike"] == int(glances.spike_count.sum()) > 0
    assert xr.open_zarr(recording, group="spikes", consolidated=False).sizes["spike"] == spikes.sizes["spike"]
    for step in range(1, 6):
        # the first copy's share of the step, both copies move by the mean
        assert not np.array_equal(glances.W0[step], glances.W0[step - 1])


def test_finished_cells_are_not_run_again(made, monkeypatch):
    out, result = made

    def never(*_, **__):
        raise AssertionError("a finished cell was run again")

    monkeypatch.setattr(run, "run_cell", never)
    again = spike(settings(), out, progress=False)
    assert again["checks"] == result["checks"]


def test_an_interruption_says_how_to_go_on(tmp_path, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run_cell", stopped)
    with pytest.raises(Interrupted, match="0 of 2 conditions are kept"):
        spike(settings(), tmp_path, progress=False)


def test_cells_of_other_settings_are_refused(made):
    out, _ = made
    with pytest.raises(ConfigError, match="expected a cell of these settings, got another glances"):
        spike(settings(glances=7), out, progress=False)


def test_cells_of_another_command_are_refused(tmp_path):
    (tmp_path / "cells").mkdir()
    write_json(tmp_path / "cells" / "lpl-seed0.json", {"rule": "lpl", "config": "seed: 0"})
    with pytest.raises(ConfigError, match="expected a mapping with condition, settings, got another"):
        spike(settings(), tmp_path, progress=False)


def test_a_control_starts_where_the_intact_network_does(made):
    _, result = made
    intact, zero = result["cells"]
    assert zero["spikes"]["start"] == intact["spikes"]["start"]
    again, _ = run.run_cell(settings(), "zero", 0, data_dir=None, recording=None)
    assert again["spikes"]["start"] == zero["spikes"]["start"]


@pytest.mark.slow
def test_a_control_that_destroys_its_weights_is_a_result(tmp_path):
    steep = loop_from(SHORT | {"eta_basal": 1e9})
    found, _ = run.run_cell(settings(loop=steep), "random", 0, data_dir=None, recording=None)
    assert found["diverged"] >= 1
    with pytest.raises(ModelError, match="expected steps that keep weights below"):
        run.run_cell(settings(loop=steep), "intact", 0, data_dir=None, recording=None)


def test_a_damaged_cell_is_told(made, tmp_path):
    out, _ = made
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "intact-seed0.json").write_text((out / "cells" / "intact-seed0.json").read_text()[:-40])
    with pytest.raises(ConfigError, match="expected JSON, got another text"):
        spike(settings(), tmp_path, progress=False)


def cell(
    condition: str, spikes: float, *, seed: int = 0, cosine: float = 0.9, free: float = 0.5, gain: float = 10.0
) -> dict:
    return {
        "condition": condition, "seed": seed, "cosines": {"rule": cosine, "without gate": free}, "irregularity": 1.0,
        "rates": {who: {"objective": [value]} for who, value in (("start", 1.0), ("twin", 0.5), ("spikes", spikes))},
        "spikes": {"start": {"objective": [1.0], "accuracy": [50.0]}, "end": {"objective": [0.55], "accuracy": [50.0 + gain]}},
    }  # fmt: skip


def test_the_fall_is_relative_to_the_twins():
    assert fall(cell("intact", 0.6)) == pytest.approx(0.8)
    assert fall(cell("intact", 1.0)) == 0.0


def test_a_twin_that_did_not_learn_is_no_measure():
    found = cell("intact", 1.1)
    found["rates"]["twin"]["objective"] = [1.2]
    assert np.isnan(fall(found))
    assert not {row.name: row for row in checks([found])}["fall"].passed


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ({"spikes": 0.7}, "fall"),
        ({"spikes": 0.5, "cosine": 0.5, "free": 0.1}, "cosine"),
        ({"spikes": 0.5, "free": 0.95}, "gate"),
    ],
)
def test_every_check_can_fail(words, name):
    rows = {row.name: row for row in checks([cell("intact", **words)])}
    assert not rows[name].passed
    assert all(row.passed for other, row in rows.items() if other != name)


def test_a_read_out_must_gain_more_than_its_spread():
    gains = [cell("intact", 0.5, seed=k, gain=g) for k, g in enumerate((12.0, 10.0, 11.0))]
    assert {row.name: row for row in checks(gains)}["read-out"].passed
    lucky = [cell("intact", 0.5, seed=k, gain=g) for k, g in enumerate((30.0, -2.0, -1.0))]
    assert not {row.name: row for row in checks(lucky)}["read-out"].passed


def test_a_control_is_rejected_where_it_fails_with_every_seed():
    mixed = [cell("random", 1.0, seed=0, cosine=0.0, free=0.0), cell("random", 0.5, seed=1, cosine=0.0, free=0.0)]
    assert "fall" not in rejections(mixed)["random"]["rejected_by"]
    assert {"cosine", "gate"} <= set(rejections(mixed)["random"]["rejected_by"])


def test_irregularity_of_clocks_and_of_poisson():
    assert irregularity([np.arange(50.0)]) == 0
    poisson = np.cumsum(np.random.default_rng(0).exponential(10, 5000))
    assert irregularity([poisson]) == pytest.approx(1, abs=0.05)
    assert np.isnan(irregularity([]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "memory=forever"], "loop.memory: expected one of persistent, slow, none"),
        (["--set", "tau_memory=inf"], "a memory that never forgets"),
        (["--set", "tau=3"], "spike.loop: expected one of"),
        (["--set", "dt=small"], "expected a number for dt"),
        (["--set", "dt"], "--set: expected NAME=VALUE"),
        (["--condition", "silent"], "spike.conditions: expected intact"),
        (["--start", "rates:x"], "spike.start"),
        (["--layers", "64,,32"], "loop.layers"),
        (["--glances", "1"], "spike.glances: expected at least 2"),
        (["--data", "shaps"], "did you mean 'shapes'"),
        (["--copies", "100000"], "loop.memory: expected at most"),
        (["--objects", "5000"], "spike.objects"),
    ],
)
def test_misuse_is_one_line_and_code_2(tmp_path, capsys, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    command = ["spike", "--data", "shapes", "--image-size", "8", "--out", str(tmp_path / "out"), *arguments]
    with pytest.raises(SystemExit) as ended:
        main(command)
    told = capsys.readouterr().err
    assert ended.value.code == 2, told
    assert words in told
    assert len(told.strip().splitlines()) == 1


def test_help_names_every_field_and_word():
    fields = [name for name in Loop.__slots__ if name not in ("neuron", "cut")]
    assert all(re.search(rf"\b{name}\b", LOOP) for name in fields)
    for field, words in (("memory", MEMORIES), ("gate", GATES), ("modulators", MODULATORS), ("dale", DALE)):
        assert f"{field}={'|'.join(words)}" in LOOP
    assert all(word in LOOP for word in CONTROLS)
