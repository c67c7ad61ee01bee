"""A rule from outside that is right, and others that have one fault each."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from apical.plasticity import Factors, Needs, Phase, RuleError

DENDRITES = Needs(sources=("lateral",), records=("basal", "rate", "apical", "neuromodulator", "score"))


@dataclass(frozen=True, kw_only=True)
class Right:
    """Softplus of scores with a gain; what CLAPP++ is with the softplus, written anew."""

    gain: float = 1.0

    needs: ClassVar[Needs] = DENDRITES

    def __post_init__(self):
        if not self.gain > 0:
            raise RuleError(
                f"{type(self).__name__}.gain: expected a number above 0, got {self.gain!r}; the default is 1"
            )

    def start(self, shape):
        return {}

    def saccade(self, signals):
        return signals.pairing.saccade

    def prediction(self, signals):
        return signals.apical["lateral"].potential

    def scores(self, signals):
        rate, prediction = signals.rate, self.prediction(signals)
        followed = rate[signals.pairing.fixation], rate[self.saccade(signals)]
        return [torch.linalg.vecdot(seen, prediction) for seen in followed]

    def objective(self, signals):
        stay, jump = self.scores(signals)
        p = signals.pairing
        return self.gain * (F.softplus(-stay) @ p.fixation_weight + F.softplus(jump) @ p.saccade_weight)

    def factors(self, signals):
        rate, prediction, p = signals.rate, self.prediction(signals), signals.pairing
        jumped = self.saccade(signals)
        stay, jump = self.scores(signals)
        phase = Phase(stay, jump, self.gain * torch.sigmoid(-stay), -self.gain * torch.sigmoid(jump))
        up, down = (
            (phase.gamma_fixation * p.fixation_weight)[:, None],
            (phase.gamma_saccade * p.saccade_weight)[:, None],
        )
        drive = (
            torch.zeros_like(rate).index_add_(0, p.fixation, up * prediction).index_add_(0, jumped, down * prediction)
        )
        told = up * rate[p.fixation] + down * rate[jumped]
        return Factors(self.objective(signals), drive, {"lateral": told}, {"lateral": phase})


def reported(factors, **changes):
    """The same factors with another report of the phase."""
    return replace(factors, phases={"lateral": replace(factors.phases["lateral"], **changes)})


class Thawed(Right):
    __setattr__ = object.__setattr__


class Misspelt(Right):
    needs = replace(DENDRITES, sources=("laterl",))


class Gullible(Right):
    def __post_init__(self):
        pass


class Curious(Right):
    """Reads labels that it does not declare."""

    def factors(self, signals):
        return replace(super().factors(signals), loss=self.objective(signals) + 0 * signals.label.sum())


class Greedy(Right):
    """Declares further rows that it is compared with, and never looks."""

    needs = replace(DENDRITES, others=4)


class OneSided(Right):
    """Forgets the saccade in the drive."""

    def factors(self, signals):
        found, p = super().factors(signals), signals.pairing
        up = (found.phases["lateral"].gamma_fixation * p.fixation_weight)[:, None]
        potential = signals.apical["lateral"].potential
        return replace(found, drive=torch.zeros_like(found.drive).index_add_(0, p.fixation, up * potential))


class OwnRate(Right):
    """Tells apical synapses the rate of the row that predicted, not of the one that followed."""

    def factors(self, signals):
        found, p = super().factors(signals), signals.pairing
        phase = found.phases["lateral"]
        gamma = phase.gamma_fixation * p.fixation_weight + phase.gamma_saccade * p.saccade_weight
        return replace(found, prediction={"lateral": gamma[:, None] * signals.rate})


class Saturated(Right):
    """Has a second factor of its own, and declares the apical potential."""

    def prediction(self, signals):
        return torch.tanh(super().prediction(signals))

    def factors(self, signals):
        found = super().factors(signals)
        return replace(found, prediction={"lateral": found.prediction["lateral"] * (1 - self.prediction(signals) ** 2)})


class Neighbour(Right):
    """Takes the row beside it for the one after the saccade."""

    def saccade(self, signals):
        return torch.arange(len(signals.rate), device=signals.rate.device).roll(3)


class Standardised(Right):
    """Reports scores in units of the batch, and claims to need its own pair alone."""

    def factors(self, signals):
        found = super().factors(signals)
        score = found.phases["lateral"].score_fixation
        return reported(found, score_fixation=score - score.mean())


class Noisy(Right):
    """Breaks ties by the global stream."""

    def factors(self, signals):
        found = super().factors(signals)
        score = found.phases["lateral"].score_fixation
        return reported(found, score_fixation=score * (1 + 1e-12 * torch.randn_like(score)))


class Differentiated(Right):
    """Returns a loss with its graph."""

    def factors(self, signals):
        loss = self.objective(replace(signals, rate=signals.rate.detach().requires_grad_()))
        return replace(super().factors(signals), loss=loss)


KEPT = []


class Hoarding(Right):
    """Keeps what it saw."""

    def factors(self, signals):
        KEPT.append(signals.rate)
        return super().factors(signals)


class Overwriting(Right):
    """Spends the pairing."""

    def factors(self, signals):
        found = super().factors(signals)
        signals.pairing.saccade_weight.zero_()
        return found


class Single(Right):
    """Reports in float32 whatever it is told."""

    def factors(self, signals):
        found = super().factors(signals)
        return reported(found, gamma_saccade=found.phases["lateral"].gamma_saccade.float())


class AtHome(Right):
    """Makes its drive on the CPU."""

    def factors(self, signals):
        found = super().factors(signals)
        return replace(found, drive=torch.zeros(found.drive.shape, dtype=found.drive.dtype) + found.drive)


class Cosine(Right):
    """Divides by the length of a rate."""

    def factors(self, signals):
        found = super().factors(signals)
        length = signals.rate[signals.pairing.fixation].norm(dim=1)
        return reported(found, score_fixation=found.phases["lateral"].score_fixation / length)


class Forgetful(Right):
    """Begins a state and never hands it on."""

    def start(self, shape):
        return {"trace": torch.zeros(shape)}

    def objective(self, signals):
        return super().objective(signals) * (1 + signals.state["trace"].sum())

    def factors(self, signals):
        found, scale = super().factors(signals), 1 + signals.state["trace"].sum()
        told = {"lateral": scale * found.prediction["lateral"]}
        return replace(found, drive=scale * found.drive, prediction=told)


CALLS = {}


class Remembering(Right):
    """Anneals by a count that no checkpoint knows."""

    def factors(self, signals):
        found = super().factors(signals)
        CALLS[self] = CALLS.get(self, 0) + 1
        return replace(found, drive=found.drive * (1 + 1e-8 * CALLS[self]))


class Spread(Right):
    """Takes the deviation over units, of which there may be one."""

    def factors(self, signals):
        found = super().factors(signals)
        spread = signals.rate[signals.pairing.fixation].std(1)
        return reported(found, score_fixation=found.phases["lateral"].score_fixation + 0 * spread)


class Column(Right):
    """Reports scores as a column."""

    def factors(self, signals):
        found = super().factors(signals)
        return reported(found, score_saccade=found.phases["lateral"].score_saccade[:, None])


class Silent(Right):
    """Lets one record a neuromodulator that it does not report."""

    def factors(self, signals):
        return replace(super().factors(signals), phases={})
