"""Small trained runs of any rule, for experiments that ask what a rule declares."""

import json
from dataclasses import dataclass, replace

from apical.plasticity import ClappPP
from apical.protocols.settings.load import load
from apical.protocols.train.run import train
from small_runs import SMALL


def rule_run(folder, name, network=None, stimulus=None, **rule):
    """Train a small run of a rule, by the word that settings know it by."""
    document = json.loads(json.dumps(SMALL)) | {"rule": {"name": name, "grids": [4, 2, 2, 2, 1, 1], **rule}}
    document["network"] |= network or {}
    document["stimulus"] |= stimulus or {}
    file = folder.parent / f"{folder.name}.yaml"
    file.write_text(json.dumps(document))
    train(load(str(file)), folder, progress=False)
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(ClappPP):
    """A rule from outside with apical dendrites: the second factor is the difference of tuft and rate."""

    context: str = "lateral"

    @property
    def needs(self):
        """That it is its own."""
        return replace(ClappPP.needs.fget(self), second="own")

    def factors(self, signals):
        """CLAPP++'s less the rate, at the rows that are met."""
        found, pairing = ClappPP.factors(self, signals), signals.pairing
        drive = found.drive.clone()
        for phase in found.phases.values():
            for rows, gamma, weight in (
                (pairing.fixation, phase.gamma_fixation, pairing.fixation_weight),
                (pairing.saccade, phase.gamma_saccade, pairing.saccade_weight),
            ):
                drive.index_add_(0, rows, -(gamma * weight)[:, None] * signals.rate[rows])
        return replace(found, drive=drive)
