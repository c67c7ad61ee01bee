"""Sweeps whose cells take a moment."""

BASE = {
    "name": "tiny",
    "stimulus": {"name": "shapes", "image_size": 8, "n_train": 64, "n_test": 32},
    "network": {"builder": "mlp", "hidden": [6, 4]},
    "rule": {"name": "clapp++", "context": "lateral", "grids": []},
    "optimiser": {"learning_rate": 0.01},
    "training": {"epochs": 1, "batch": 16, "precision": "float32", "device": "cpu"},
    "recording": {"enabled": False},
}
RATES = {"optimiser.learning_rate": [0.001, 0.01]}


def spec(axes=None, **more):
    """A sweep as a mapping."""
    return {"name": "tiny", "base": BASE, "axes": RATES if axes is None else axes, **more}
