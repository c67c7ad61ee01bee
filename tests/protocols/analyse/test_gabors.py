"""The whole way, on a network whose kernels are Gabors made by hand: shown gratings and noise, recorded, analysed.

A population of one unit per Gabor looks at the whole image. What is found of each is compared with what it was made of.
"""

import apical
import numpy as np
import pytest
from apical import recordings
from apical.models.engine.stored import STATE, read_document, write_state
from safetensors.numpy import load_file, save_file

from ..small_runs import make_run

SIDE, UNITS, FREQUENCY = 16, 24, 0.16


@pytest.fixture(scope="module")
def gabors():
    """Orientation (degree), centre and kernel of every unit; theta is the direction in which a Gabor varies."""
    random = np.random.default_rng(0)
    theta = np.linspace(0, 180, UNITS, endpoint=False) + random.uniform(-3, 3, UNITS)
    centre = random.uniform(5.5, 9.5, (UNITS, 2))
    y, x = np.indices((SIDE, SIDE))
    kernels = []
    for angle, (row, column), phase in zip(np.deg2rad(theta), centre, random.uniform(0, 2 * np.pi, UNITS), strict=True):
        along = (x - column) * np.cos(angle) + (y - row) * np.sin(angle)
        kernels.append(
            np.exp(-((x - column) ** 2 + (y - row) ** 2) / 8) * np.cos(2 * np.pi * FREQUENCY * along + phase)
        )
    return np.mod(theta, 180), centre, np.stack(kernels)


@pytest.fixture(scope="module")
def run(tmp_path_factory, gabors):
    """A trained run of one dense population, whose weights are then the Gabors."""
    folder = make_run(
        tmp_path_factory.mktemp("gabors") / "run", network__builder="mlp", network__hidden=[UNITS], network__width=1.0,
        rule__grids=[], recording__units=UNITS,
    )  # fmt: skip
    (checkpoint,) = sorted((folder / "checkpoints").iterdir())[-1:]
    weights = load_file(checkpoint / "weights.safetensors")
    (name,) = [key for key, value in weights.items() if value.shape == (UNITS, 3 * SIDE * SIDE)]
    kernels = gabors[2].astype(np.float32).reshape(UNITS, 1, -1).repeat(3, axis=1).reshape(UNITS, -1)
    bias = [key for key, value in weights.items() if value.shape == (UNITS,) and "bias" in key]
    weights |= {name: kernels} | {key: np.zeros(UNITS, np.float32) for key in bias}
    save_file(weights, checkpoint / "weights.safetensors")
    document = read_document(checkpoint)
    (checkpoint / STATE).unlink()
    write_state(checkpoint, {key: value for key, value in document.items() if key != "files"})
    return folder


def apart(a, b):
    return np.abs((np.asarray(a) - b + 90) % 180 - 90)


def test_orientation_and_frequency_of_gabors_are_recovered(run, gabors):
    settings = {"orientations": 12, "frequencies": (0.08, 0.11, 0.16, 0.22, 0.31), "phases": 8}
    apical.record(run, "gratings", units="all", progress=False, settings=settings)
    found = apical.analyse(run, "tuning", recording="gratings")
    dataset = recordings.open(run / "recordings" / "gratings.zarr")[found.group].to_dataset()
    dataset = dataset.isel(unit=np.argsort(dataset["unit_id"].values)).load()
    assert apart(dataset["preferred_orientation"], gabors[0]).max() < 5
    assert apart(dataset["vector_orientation"], gabors[0]).max() < 5
    assert dataset["preferred_frequency"].values == pytest.approx(FREQUENCY, rel=0.25)
    assert dataset["fit_r2"].values.min() > 0.95
    assert dataset["phase_modulation"].values.min() > 1  # a rectified linear unit is simple


@pytest.mark.parametrize("noise", ["sparse-noise", "white-noise"])
def test_receptive_fields_of_gabors_are_recovered(run, gabors, noise):
    settings = {"side": 1} if noise == "sparse-noise" else {"frames": 4000, "side": 1}
    apical.record(run, noise, units="all", images=True, progress=False, settings=settings)
    found = apical.analyse(run, "receptive-fields", recording=noise)
    dataset = recordings.open(run / "recordings" / f"{noise}.zarr")[found.group].to_dataset()
    dataset = dataset.isel(unit=np.argsort(dataset["unit_id"].values)).load()
    for i, kernel in enumerate(gabors[2]):
        field = dataset["kernel"].values[i]
        cosine = (field * kernel).sum() / np.linalg.norm(field) / np.linalg.norm(kernel)
        assert cosine > (0.99 if noise == "sparse-noise" else 0.9)
    assert dataset["centre_y"].values == pytest.approx(gabors[1][:, 0], abs=1.5)
    assert dataset["centre_x"].values == pytest.approx(gabors[1][:, 1], abs=1.5)
    if noise == "white-noise":
        assert (dataset["p"].values < 1e-6).all()
