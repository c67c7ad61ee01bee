"""SoftHebb and SCFF from preset to read-out, on a handful of procedural objects."""

import pytest
import torch
from apical.protocols.errors import ConfigError
from apical.protocols.probe.run import probe
from apical.protocols.readouts.pooling import VGG, maps_of
from apical.protocols.settings.load import load
from apical.protocols.stimuli import load as load_stimulus
from apical.protocols.stimuli.presentations.table import PRESENTATIONS
from apical.protocols.stimuli.stimulus import ViewedImages
from apical.protocols.stimuli.views.views import ViewSettings
from apical.protocols.train.run import train
from apical.recordings import open as open_recording
from apical.recordings.seal import unsealed

SMALL = (
    "stimulus.name=shapes", "stimulus.image_size=32", "stimulus.n_train=30", "stimulus.n_test=20", "training.epochs=1", "training.batch=10",
    "recording.every=2", "recording.rows=4", "recording.units=8", "training.threads=1", "probe.solver=ridge", "training.device=cpu",
)  # fmt: skip
PRESETS = {
    "cifar10-softhebb": 1 / 24,
    "cifar10-softhebb-vgg6-narrow": 1 / 32,
    "cifar10-scff": 1 / 24,
    "cifar10-scff-vgg6-narrow": 1 / 32,
}


@pytest.mark.parametrize(
    "preset",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in ("cifar10-softhebb-vgg6-narrow", "cifar10-scff") else name
        for name in PRESETS
    ],
)
def test_a_preset_trains_and_is_read_out(preset, tmp_path):
    config = load(preset, [*SMALL, f"network.width={PRESETS[preset]}"])
    result = train(config, tmp_path / "run", progress=False)
    assert result["status"] == "complete"
    tree = open_recording(tmp_path / "run")
    assert tree["metrics"].sizes["step"] == 2
    assert ("neuromodulator" in tree["activity/conv1"]) == ("scff" in preset)
    found = probe(tmp_path / "run", progress=False)
    assert found["together"] == (["conv3"] if preset == "cifar10-softhebb" else sorted(found["layers"]))
    assert set(found["layers"]) == {f"conv{i + 1}" for i in range(6 if "vgg6" in preset else 3)}
    if preset == "cifar10-softhebb":
        assert found["accuracy"] == found["layers"]["conv3"]["accuracy"]
    assert unsealed((tmp_path / "run" / "probe.json").read_text()) == found


@pytest.mark.parametrize("preset", ["cifar10-softhebb-narrow", "cifar10-scff-narrow"])
def test_narrow_presets_are_quarters_of_the_whole(preset):
    narrow, whole = load(preset), load(preset.removesuffix("-narrow"))
    assert (narrow.network.width, whole.network.width) == (0.25, 1.0)
    assert narrow.rule == whole.rule
    assert narrow.optimiser == whole.optimiser


def test_layers_that_are_asked_for_are_read_together(tmp_path):
    config = load("cifar10-softhebb", [*SMALL, f"network.width={1 / 24}", "recording.enabled=false"])
    train(config, tmp_path / "run", progress=False)
    found = probe(tmp_path / "run", layers=["conv1", "conv2"], progress=False)
    assert found["together"] == list(found["layers"]) == ["conv1", "conv2"]


def test_read_outs_see_the_published_features():
    sizes = {"softhebb": ((96, 16), (384, 8), (1536, 4)), "scff": ((96, 16), (384, 8), (1536, 4))}
    found = {
        builder: [
            maps_of(builder).features(torch.rand(2, channels, side, side), i).shape[1]
            for i, (channels, side) in enumerate(maps)
        ]
        for builder, maps in sizes.items()
    }
    assert found == {"softhebb": [6144, 6144, 24576], "scff": [6144, 6144, 6144]}
    assert maps_of("vgg6") == maps_of("vgg11") == VGG
    assert VGG.features(torch.rand(2, 7), 0).shape == (2, 7)
    level = maps_of("scff").features(torch.rand(2, 4, 8, 8), 0)
    torch.testing.assert_close(level.mean(1), torch.zeros(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(level.std(1), torch.ones(2))


def viewed(flip: float) -> ViewedImages:
    shapes = load_stimulus("shapes", n_train=60, n_test=10, image_size=16, seed=0)
    return ViewedImages("viewed", shapes.train, shapes.test, shapes.normalisation, ViewSettings(flip=flip))


@pytest.mark.parametrize(("flip", "least", "most"), [(0.0, 0, 0), (0.5, 15, 45), (1.0, 60, 60), (None, 0, 0)])
def test_pairs_are_shown_twice_and_mirrored_by_chance(flip, least, most):
    """As often as views are; objects that are rendered have no views."""
    rendered = load_stimulus("shapes", n_train=60, n_test=10, image_size=16, seed=0)
    stimulus = rendered if flip is None else viewed(flip)
    shown, label = PRESENTATIONS["twice"].show(stimulus, torch.arange(60), torch.Generator().manual_seed(0))
    first, second = shown.chunk(2)
    assert torch.equal(first, second)
    assert torch.equal(label, stimulus.train.labels.repeat(2))
    still = stimulus.still(stimulus.train.images)
    straight = [torch.equal(a, b) for a, b in zip(first, still, strict=True)]
    mirrored = [torch.equal(a, b.flip(2)) for a, b in zip(first, still, strict=True)]
    assert [a != b for a, b in zip(straight, mirrored, strict=True)] == [True] * 60
    assert least <= sum(mirrored) <= most


@pytest.mark.parametrize(("change", "message"), [
    ("rule.grids=[8,4,4,4,2,2]", r"rule.grids: expected 3 entries for softhebb, one per population, got 6; for example \[8, 4, 2\]"),
    ("network.builder=scff", None),
    ("rule.options.inverse_temperature=0", r"rule.options: SoftHebb.inverse_temperature: expected finite numbers above 0"),
    ("optimiser.exponent=-1", r"optimiser.exponent"),
])  # fmt: skip
def test_settings_that_do_not_fit_are_refused(change, message):
    if message is None:
        assert load("cifar10-softhebb", [change]).network.builder == "scff"
        return
    with pytest.raises(ConfigError, match=message):
        load("cifar10-softhebb", [change])


def test_a_radius_belongs_to_a_normal_start():
    with pytest.raises(ConfigError, match=r"network.radius: expected none beside network.start=uniform, got 10.0"):
        load("cifar10-dfb", ["network.radius=10.0"])
