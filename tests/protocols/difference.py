"""A rule from outside with apical dendrites, in a file of its own."""

from dataclasses import dataclass, replace

from apical.plasticity import ClappPP


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
