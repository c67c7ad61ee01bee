"""Patches: two places of one image, and networks built for a patch."""

import numpy as np
import pytest
import torch
from apical.protocols.errors import ConfigError
from apical.protocols.probe.run import probe
from apical.protocols.settings.load import load
from apical.protocols.stimuli.images import ImageSet, Normalisation
from apical.protocols.stimuli.presentations.patch_pairs import frame, patches
from apical.protocols.stimuli.stimulus import ViewedImages
from apical.protocols.stimuli.views.views import ViewSettings
from apical.protocols.train.run import train
from apical.recordings import open as open_recording

QUICK = [
    "rule.name=clapp", "rule.options.presentation=patches", "rule.grids=[1,1,1,1,1,1]", "rule.context=lateral", "network.width=0.03125",
    "stimulus.n_train=64", "stimulus.n_test=40", "training.batch=16", "training.epochs=1", "recording.rows=4", "recording.every=1",
    "training.device=cpu",
]  # fmt: skip


def places(height=48, width=40, count=5):
    """A stimulus whose pixels tell where they are: row in the first channel, column in the second."""
    rows, columns = torch.arange(height)[:, None].expand(height, width), torch.arange(width).expand(height, width)
    image = torch.stack([rows, columns, rows * 0]).to(torch.uint8).expand(count, 3, height, width).clone()
    images = ImageSet.build("places", image, torch.arange(count), [str(k) for k in range(count)])
    return ViewedImages("places", images, images, Normalisation((0.0,) * 3, (1 / 255,) * 3), ViewSettings())


def test_the_second_glance_is_the_patch_two_rows_below_in_the_same_column():
    stimulus, tops, flips, lefts = places(), set(), set(), set()
    for seed in range(60):
        found, label = patches(stimulus, torch.tensor([4, 1, 2]), torch.Generator().manual_seed(seed))
        found = found.round()
        assert found.shape == (6, 3, 16, 16)
        assert label.tolist() == [4, 1, 2, 4, 1, 2]
        first, second = found.chunk(2)
        # no row of pixels is seen by both
        assert torch.equal(second[:, 0], first[:, 0] + 16)
        assert torch.equal(second[:, 1], first[:, 1])
        # the same place for all objects of a step, each flipped or not
        tops |= set(first[:, 0, 0, 0].tolist())
        corner = torch.minimum(first[:, 1, 0, 0], first[:, 1, 0, -1])
        flips |= set((first[:, 1, 0, 0] > first[:, 1, 0, -1]).tolist())
        for row, flipped in zip(corner.tolist(), (first[:, 1, 0, 0] > first[:, 1, 0, -1]).tolist(), strict=True):
            lefts.add((row, flipped))
        assert len(set(first[:, 0, 0, 0].tolist())) == 1
    assert tops == {0, 8, 16}
    assert flips == {True, False}
    assert lefts == {(c, f) for c in (0, 8, 16, 24) for f in (False, True)}


def test_images_need_room_for_two_patches():
    assert frame((3, 32, 32)) == (3, 16, 16)
    for shape in ((3, 28, 28), (1, 48, 12)):
        with pytest.raises(ConfigError, match=r"stimulus.image_size: expected at least 32 for patches, got"):
            frame(shape)


def test_a_network_is_trained_on_patches_and_read_out_on_images(tmp_path):
    config = load("demo", [*QUICK, "probe.n_train=60"])
    found = train(config, tmp_path / "run", progress=False)
    assert found["steps"] == 4
    tree = open_recording(tmp_path / "run" / "recording.zarr")
    assert np.isfinite(tree["metrics"].to_dataset().loss.values).all()
    # conv6 of a patch is one place: four max-pools from 16 pixels; an image leaves it four
    assert set(tree["activity/conv6"].to_dataset().row.values.tolist()) == {0}
    assert probe(tmp_path / "run", progress=False)["layers"].keys() == {f"conv{i}" for i in range(1, 7)}


def test_fully_connected_networks_do_not_fit(tmp_path):
    words = ["network.builder=mlp", "network.hidden=[8]", "network.width=1.0", "rule.grids=[]"]
    config = load("demo", [*[w for w in QUICK if "grids" not in w and "width" not in w], *words])
    with pytest.raises(
        ConfigError,
        match=r"network.builder: expected one of vgg6, vgg8, vgg11, .* for patches, got 'mlp'",
    ):
        train(config, tmp_path / "run", progress=False)
