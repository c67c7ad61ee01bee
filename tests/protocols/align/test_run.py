"""From folders of runs to table, figure and recording; and every refusal."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from apical.models.engine import Architecture, build_network, checkpoint
from apical.plasticity import ClappPP
from apical.protocols.align import Plan, align
from apical.protocols.align.measure import measure
from apical.protocols.align.portions import Portions
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError
from apical.protocols.runs.batches import Batches
from apical.protocols.stimuli import load
from apical.protocols.stimuli.presentations.table import PRESENTATIONS
from apical.recordings import open as open_recording
from apical.recordings.seal import unsealed
from apical.recordings.sections import read_sections
from click.testing import CliRunner
from small_runs import trained_on

LAYERS = [f"conv{i}" for i in range(1, 7)]


def copied(trained, name: str, place: Path) -> Path:
    return Path(shutil.copytree(trained[name], place / name))


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are empty files: drawing takes longer than measuring these networks."""

    def save(figure, stem):
        path = stem.with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    monkeypatch.setattr("apical.protocols.align.run.save", save)


def refusal(runs, **plan) -> str:
    with pytest.raises(ConfigError) as caught:
        align(runs, Plan(**plan), progress=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_run_is_measured_at_its_start_and_at_every_checkpoint(trained, tmp_path):
    run = copied(trained, "dfb", tmp_path)
    result = CliRunner().invoke(main, ["align", str(run), "--batches", "3", "--json"])
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    told = json.loads(result.stdout)
    assert told["layers"] == LAYERS
    assert told["steps"] == {"DFB": [0, 4, 8]}
    assert told["runs"] == {"DFB": str(run)}
    assert (told["batches"], told["batch_size"], told["fit_b"]) == (3, {"DFB": 8}, "none")
    for step in ("0", "4", "8"):
        assert told["cosine"]["DFB"][step][-1] == pytest.approx(1, abs=1e-5)
        assert told["norm_ratio"]["DFB"][step][-1] == pytest.approx(1, abs=1e-4)
        assert all(abs(value) < 0.999 for value in told["cosine"]["DFB"][step][:-1])
        assert all(error > 0 for error in told["cosine_se"]["DFB"][step][:-1])
        assert all(error > 0 for error in told["norm_ratio_se"]["DFB"][step][:-1])
    assert told["seconds"] > 0
    (section,) = read_sections(run)
    assert (section.name, section.order, [figure.name for figure in section.figures]) == ("align", 20, ["align"])
    cosines, norms = section.tables
    assert cosines.head == norms.head == ("wiring", *LAYERS)
    assert [row[0] for row in cosines.rows] == ["DFB, step 0", "DFB, step 4", "DFB, step 8"]
    mean, error = told["cosine"]["DFB"]["8"][0], told["cosine_se"]["DFB"]["8"][0]
    assert cosines.rows[-1][1] == f"{mean:.3g} ± {error:.2g}"
    assert Path(told["figure"]).read_bytes().startswith(b"\x89PNG")
    assert unsealed((run / "align.json").read_text()) == told


def test_the_recording_has_it_beside_its_tables(trained, tmp_path, undrawn):
    run = copied(trained, "dfb", tmp_path)
    tables = set(open_recording(run)["metrics"].to_dataset().variables)
    result = align([run], Plan(batches=2), progress=False)
    tree = open_recording(run)
    found = tree["align"].to_dataset().load()
    assert set(tree["metrics"].to_dataset().variables) == tables
    assert dict(found.sizes) == {"fit_b": 1, "step": 3, "population": 6}
    np.testing.assert_array_equal(found.cosine.values[0, 2], result["cosine"]["DFB"]["8"])
    assert found.cosine.attrs["units"] == "1"
    assert found.attrs["batches"] == 2
    with xr.open_zarr(run / "recording.zarr", group="align", consolidated=False) as plain:
        assert plain.population.values.tolist() == LAYERS
    align([run], Plan(batches=2, last=True), progress=False)
    assert open_recording(run)["align"].step.values.tolist() == [0, 8]


def test_what_is_measured_is_the_network_of_the_run(trained, tmp_path, undrawn):
    """Initialisation and newest checkpoint, against networks built here."""
    run = copied(trained, "dfb", tmp_path)
    result = align([run], Plan(batches=2, last=True), progress=False)
    rule, stimulus = ClappPP(context="dfb"), load("shapes", image_size=16, n_train=64, n_test=16, seed=0)
    shown = list(Portions(Batches(stimulus, PRESENTATIONS["glances"], rule, 0), 8, 2).measure())
    network = build_network(Architecture("vgg6", (3, 16, 16), 1 / 32, grids=(4, 2, 2, 2, 1, 1)), rule, seed=0)
    for step in ("0", "8"):
        expected = np.mean(measure(network, rule, shown).cosine, axis=0)
        np.testing.assert_allclose(result["cosine"]["DFB"][step], expected, rtol=1e-4, atol=1e-6)
        checkpoint.load_weights(checkpoint.found(run / "checkpoints")[-1], network.weights())
    assert result["cosine"]["DFB"]["0"] != result["cosine"]["DFB"]["8"]


@pytest.mark.parametrize("fit", ["objective", "backprop"])
def test_a_fitted_b_is_measured_beside_the_own(fit, trained, tmp_path, undrawn):
    run = copied(trained, "dfb", tmp_path)
    before = {path: path.read_bytes() for path in (run / "checkpoints").rglob("*") if path.is_file()}
    plain = align([run], Plan(batches=2, last=True), progress=False)
    result = align([run], Plan(batches=2, last=True, fit_b=fit, fit_batches=4), progress=False)
    own, fitted = "DFB", f"DFB, B fitted to {'its objective' if fit == 'objective' else 'backprop'}"
    assert list(result["cosine"]) == [own, fitted]
    assert result["cosine"][own] == plain["cosine"][own]
    assert result["cosine"][fitted]["8"][:-1] != result["cosine"][own]["8"][:-1]
    assert result["cosine"][fitted]["8"][-1] == pytest.approx(1, abs=1e-5)
    assert open_recording(run)["align"].fit_b.values.tolist() == ["none", fit]
    assert {path: path.read_bytes() for path in before} == before


def test_the_decay_of_a_fit_is_its_own_and_not_the_runs(trained, tmp_path, undrawn, monkeypatch):
    """A run without weight decay is fitted with the stated default, or with what is asked for."""
    found = []
    monkeypatch.setattr(
        "apical.protocols.align.run.fit_to_objective", lambda *_, weight_decay, **__: found.append(weight_decay)
    )
    run = copied(trained, "dfb", tmp_path)
    for plan in ({}, {"fit_decay": 0.5}):
        align([run], Plan(batches=2, last=True, fit_b="objective", fit_batches=2, **plan), progress=False)
    assert found == [0.01, 0.01, 0.5, 0.5]  # at the beginning and at the end


def test_runs_together_and_one_by_one(trained, tmp_path, undrawn):
    """The second has no recording and fills whole maps; the first alone says what it says in company."""
    runs = [copied(trained, name, tmp_path) for name in ("dfb", "flat")]
    alone = align(runs[:1], Plan(batches=2), progress=False)
    result = align(runs, Plan(batches=2), out=tmp_path / "both", progress=False)
    assert list(result["cosine"]) == ["DFB", "no spatial dependency"]
    assert result["cosine"]["DFB"] == alone["cosine"]["DFB"]
    assert list(json.loads((runs[1] / "align.json").read_text())["cosine"]) == ["no spatial dependency"]
    assert list(json.loads((tmp_path / "both" / "align.json").read_text())["cosine"]) == list(result["cosine"])
    assert (tmp_path / "both" / "figures" / "align.png").exists()
    assert open_recording(runs[1])["align"].sizes["step"] == 3


def test_a_run_without_checkpoints_is_measured_at_its_start_alone(trained, tmp_path, undrawn):
    run = copied(trained, "dfb", tmp_path)
    shutil.rmtree(run / "checkpoints")
    result = align([run], Plan(batches=2), progress=False)
    assert result["steps"] == {"DFB": [0]}
    assert result["notes"] == {"DFB": "no checkpoint: only the initialisation was measured"}


def test_a_run_trained_elsewhere_is_measured_here(trained, tmp_path, undrawn, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    run = copied(trained, "flat", tmp_path)
    shutil.rmtree(run / "checkpoints")
    trained_on(run, "cuda")
    assert "expected a CUDA device, got none on this machine; use --device cpu" in refusal([run], batches=2)
    told = CliRunner().invoke(main, ["align", str(run), "--batches", "2", "--device", "cpu", "--quiet"])
    assert told.exit_code == 0, told.stderr


def test_two_batches_of_other_images_than_the_fit():
    rule, stimulus = ClappPP(negatives="random"), load("shapes", image_size=16, n_train=64, n_test=16, seed=0)
    seen: list[torch.Tensor] = []

    class Spy:
        train = stimulus.train

        def glances(self, index, generator):
            seen.append(index)
            return stimulus.glances(index, generator)

    batches = Portions(Batches(Spy(), PRESENTATIONS["glances"], rule, 0), 8, 3, 9)
    first, again = list(batches.measure()), list(batches.measure())
    assert all(torch.equal(a.images, b.images) for a, b in zip(first, again, strict=True))
    assert all(torch.equal(a.pairing.saccade, b.pairing.saccade) for a, b in zip(first, again, strict=True))
    fits = list(batches.fit())
    measured, fitted = set(torch.cat(seen[:3]).tolist()), set(torch.cat(seen[6:]).tolist())
    assert (len(measured), len(fits), len(fitted)) == (24, 9, 40)
    assert not measured & fitted
    assert torch.equal(seen[6], seen[11])  # the sixth shows the same objects as the first, in other views
    assert not torch.equal(fits[0].images, fits[5].images)


def test_refusals(trained, tmp_path):
    run = trained["dfb"]
    assert (
        "got bp-clapp++, which has no local change of a population: it backpropagates the objective of the top (Needs.engine)"
        in refusal([trained["bp"]])
    )
    assert "expected the folder of a run with config.yaml" in refusal([tmp_path])
    assert "each once" in refusal([run, run])
    assert "each once" in refusal([])
    assert "expected at most the 64 training images, got 72" in refusal([run], batches=9)
    assert "got 72" in refusal([run], batches=8, fit_b="backprop")
    assert "align.fit_b: expected one of none, objective, backprop, got 'backprob'; did you mean backprop?" in refusal(
        [run], fit_b="backprob"
    )
    assert "align.batches: expected at least 2, got 1" in refusal([run], batches=1)
    assert "align.fit_batches" in refusal([run], fit_batches=4)
    assert "align.fit_decay: expected none with fit_b=backprop, got 0.1" in refusal(
        [run], fit_b="backprop", fit_decay=0.1
    )
    assert "align.fit_decay: expected a finite number from 0, got -1" in refusal([run], fit_b="objective", fit_decay=-1)
    dense = tmp_path / "dense"
    dense.mkdir()
    text = (
        (run / "config.yaml")
        .read_text()
        .partition("\n")[2]
        .replace("builder: vgg6", "builder: mlp")
        .replace("hidden: []", "hidden: [8]")
    )
    lines = text.replace("width: 0.03125", "width: 1.0").splitlines()
    kept = [line for line in lines if not line.strip().startswith("- ") or "." in line]
    (dense / "config.yaml").write_text("\n".join(kept).replace("grids:", "grids: []"))
    assert "expected runs with the same populations, got mlp with 1 hidden and vgg6; align them apart" in refusal(
        [run, dense]
    )


def test_misuse_of_the_command_is_2(trained):
    told = CliRunner().invoke(main, ["align", str(trained["bp"])])
    assert told.exit_code == 2
    assert told.stderr.startswith("Error: ")
    assert told.stderr.count("\n") == 1
    assert CliRunner().invoke(main, ["align"]).exit_code == 2
    assert CliRunner().invoke(main, ["align", "nowhere"]).exit_code == 2
    assert CliRunner().invoke(main, ["align", str(trained["dfb"]), "--batches", "1"]).exit_code == 2


def test_text_for_the_terminal(trained, tmp_path, undrawn):
    run = copied(trained, "flat", tmp_path)
    told = CliRunner().invoke(main, ["align", str(run), "--batches", "2", "--last", "--quiet"])
    assert told.exit_code == 0, told.stderr
    assert "no spatial dependency" in told.stdout
    assert math.isfinite(float(json.loads((run / "align.json").read_text())["seconds"]))
