"""Trained runs small enough to be made in seconds."""

import json

from apical.protocols.runs.folder import RunFolder
from apical.protocols.settings.load import load
from apical.protocols.train.run import train

SMALL = {
    "name": "small",
    "stimulus": {"name": "shapes", "image_size": 16, "n_train": 64, "n_test": 32},
    "network": {"builder": "vgg6", "width": 0.03125},
    "rule": {"context": "dfb", "grids": [4, 2, 2, 2, 1, 1]},
    "training": {"epochs": 1, "batch": 8, "threads": 1, "device": "cpu"},
    "recording": {"every": 4, "rows": 4, "units": 8},
    "optimiser": {"learning_rate": 0.01},
}


def make_run(folder, **changes):
    """Train a small run; changes such as rule__context="both"."""
    document = json.loads(json.dumps(SMALL))
    for path, value in changes.items():
        group, name = path.split("__")
        document[group][name] = value
    file = folder.parent / f"{folder.name}.yaml"
    file.write_text(json.dumps(document))
    train(load(str(file)), folder, progress=False)
    return folder


def trained_on(run, device):
    """Make it a run that was trained on another device."""
    folder = RunFolder(run)
    config = folder.settings()
    folder.keep(config.model_copy(update={"training": config.training.model_copy(update={"device": device})}))
