"""A run keeps the precision and the kernels that it began with, and tells them."""

import json
import shutil

import pytest
import torch
from apical.models.engine import checkpoint
from apical.models.engine.kernels import machine
from apical.models.populations import winograd
from apical.plasticity.products import UNMEASURED
from apical.protocols.errors import ConfigError
from apical.protocols.runs.folder import RunFolder
from apical.protocols.settings.load import identity, load, validate
from apical.protocols.train.run import train
from apical.recordings import open as open_recording
from apical.recordings.seal import unsealed
from safetensors.torch import load_file
from small_runs import SMALL

FLOAT32 = {"precision": "float32", "product": UNMEASURED.product, "convolution": "direct"}


def settings(recorded=True, **training):
    return validate(
        SMALL | {"training": SMALL["training"] | training, "recording": SMALL["recording"] | {"enabled": recorded}}
    )


@pytest.fixture
def figures(measured):
    """Change what the cache tells of this machine."""
    path = measured / "kernels.json"
    before = path.read_text()

    def change(**new):
        kept = json.loads(before)
        kept[machine()] |= {name.replace("_", " "): value for name, value in new.items()}
        path.write_text(json.dumps(kept))

    yield change
    path.write_text(before)


def test_a_run_tells_what_it_computes_by(tmp_path):
    told = train(settings(), tmp_path / "run", progress=False)["kernels"]
    assert told["precision"] == "float32"
    assert told["milliseconds"]["convolution direct"] == 1.0
    attributes = open_recording(tmp_path / "run").attrs
    assert attributes["dtype"] == "float32"
    assert attributes["kernels"] == told
    stored = checkpoint.read_state(checkpoint.found(RunFolder(tmp_path / "run").checkpoints)[-1])
    assert stored.kernels == {name: told[name] for name in ("precision", "product", "convolution")}


def test_auto_takes_what_the_machine_does_faster(tmp_path, figures):
    figures(convolution_bf16=0.5, product_default=0.5)
    told = train(settings(), tmp_path / "half", progress=False)["kernels"]
    assert (told["precision"], told["product"]) == ("bf16", "default")
    assert open_recording(tmp_path / "half").attrs["dtype"] == "bf16"
    asked = train(settings(False, precision="float32"), tmp_path / "single", progress=False)["kernels"]
    assert (asked["precision"], asked["product"]) == ("float32", "default")


def test_a_resumed_run_stays_with_its_kernels(tmp_path, figures, monkeypatch):
    monkeypatch.setattr(winograd, "CHANNELS", 2)
    figures(convolution_winograd=0.5)
    assert train(settings(False), tmp_path / "straight", progress=False)["kernels"]["convolution"] == "winograd"
    train(settings(False, max_seconds=1e-3), tmp_path / "pieces", progress=False)
    figures(convolution_bf16=0.1, product_default=0.1)  # another machine
    told = train(settings(False), tmp_path / "pieces", resume=True, progress=False)["kernels"]
    assert told == {**FLOAT32, "product": "onednn", "convolution": "winograd", "milliseconds": {}}
    ours, theirs = (
        load_file(checkpoint.found(RunFolder(tmp_path / name).checkpoints)[-1] / "weights.safetensors")
        for name in ("straight", "pieces")
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_run_from_before_goes_on_as_it_was(tmp_path, figures):
    config = settings(precision="float32", max_seconds=1e-3)
    train(config, tmp_path / "run", progress=False)
    state = checkpoint.found(RunFolder(tmp_path / "run").checkpoints)[-1] / "state.json"
    document = unsealed(state.read_text())
    del document["kernels"], document["files"]
    state.write_text(json.dumps(document))
    figures(convolution_winograd=0.1, product_default=0.1)
    told = train(settings(precision="float32"), tmp_path / "run", resume=True, progress=False)["kernels"]
    assert told == {**FLOAT32, "milliseconds": {}}


def test_another_precision_than_the_checkpoint_s_is_refused(tmp_path):
    train(settings(max_seconds=1e-3), tmp_path / "run", progress=False)
    shutil.rmtree(tmp_path / "run" / "recording.zarr")
    with pytest.raises(ConfigError, match=r"training.precision: expected float32 as in .*, got bf16; undo"):
        train(settings(precision="bf16"), tmp_path / "run", resume=True, progress=False)


# computed by the version before `auto`, when float32 was the default
BEFORE = [
    ({"training": {"precision": "float32"}}, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
    (
        {"training": {"precision": "float32", "max_seconds": 5}},
        "c58ae1b3bd0d99512709deb55520a34a26b1e51fbd773fcdfe28e8eb066f8e81",
    ),
]


@pytest.mark.parametrize(("document", "mark"), BEFORE)
def test_runs_from_before_keep_their_identity(document, mark):
    assert identity(validate(document)) == mark


def test_precisions_are_identities():
    texts = [f"training.precision={word}" for word in ("auto", "float32", "bf16")]
    assert len({identity(load("demo", [text])) for text in texts}) == 3
    assert identity(load("demo")) == identity(load("demo", texts[:1]))
