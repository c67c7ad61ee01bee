"""Small trained runs of any rule, for experiments that ask what a rule declares."""

import json

from apical.protocols.settings.load import load
from apical.protocols.train.run import train
from difference import Difference as Difference
from small_runs import SMALL


def rule_run(folder, name, network=None, stimulus=None, optimiser=None, **rule):
    """Train a small run of a rule, by the word that settings know it by."""
    document = json.loads(json.dumps(SMALL)) | {"rule": {"name": name, "grids": [4, 2, 2, 2, 1, 1], **rule}}
    document["network"] |= network or {}
    document["stimulus"] |= stimulus or {}
    document["optimiser"] = optimiser or document["optimiser"]
    file = folder.parent / f"{folder.name}.yaml"
    file.write_text(json.dumps(document))
    train(load(str(file)), folder, progress=False)
    return folder
