"""What the eye is shown: batches of glances, and who follows whom in them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...plasticity import Pairing, pair
from ...plasticity.pairing import Negatives
from ..errors import ConfigError
from ..runs.batches import Batches, Purpose
from .drawn import FRAMES, LENGTH, corridor, gabors
from .events import FOLLOWS, Contingency
from .foreign import asked, followers_of, images_of
from .protocol import OBJECT_KINDS, Stimuli, View

OBJECTS = Purpose("lesion-objects", "lesion-objects-views", "lesion-objects-pairing")  # drawn once for all steps
CONTRASTED = Purpose("lesion-contrasted", "lesion-contrasted-views", "lesion-contrasted-pairing")
VIEWS: Mapping[str, View] = {"fovea": View(), "swap": View(size=0.6), "nonswap": View(size=1.6)}


@dataclass(frozen=True, slots=True)
class Glances:
    """One batch.

    Attributes:
        images: first glances, then second ones, (2n, channels, height, width).
        pairing: who follows whom; None for a rule that compares no rows.
        substituted: rows whose fixation was not what the sequence predicts, bool (2n,).
        rewarded: rows that look at the first texture, bool (2n,).
        label: class of every row, int64 (2n,); None where it is not known.
    """

    images: Tensor
    pairing: Pairing | None
    substituted: Tensor
    rewarded: Tensor
    label: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Looking:
    """Glances of one seed, as functions of the step: every condition of a protocol sees the same.

    Attributes:
        batches: what the run is shown, by the seed of the repetition.
        stimuli: what of it is looked at.
        size: objects per step of a stream.
    """

    batches: Batches
    stimuli: Stimuli
    size: int

    def __post_init__(self) -> None:
        needed = {"stream": self.size, "familiar": self.stimuli.count, "pairs": 2 * self.stimuli.count}
        wanted, present = needed.get(self.stimuli.objects, 0), len(self.batches.stimulus.train)
        if wanted > present:
            raise ConfigError(f"stimuli.count: expected at most the {present} training images, got {wanted}; lower it")

    def glances(self, purpose: str, step: int, contingency: Contingency, negatives: str) -> Glances:
        """The batch of one step.

        Args:
            purpose: name of the random streams, e.g. `fixation`.
            step: number of the step.
            contingency: who follows whom.
            negatives: where saccades go, `next` or `random`.
        """
        drawn = Purpose(f"lesion-{purpose}", f"lesion-{purpose}-views", f"lesion-{purpose}-pairing")
        draws = self.batches.draws(drawn, step)
        if self.stimuli.objects == "gabors":
            return self._frames(contingency, draws)
        images, objects, label = self._images(drawn, step)
        none = torch.zeros(len(images), dtype=torch.bool)
        if not self.batches.presentation.paired:
            return Glances(images, None, none, none, label)
        plain = self._pairing(objects, negatives, draws)
        rewarded = torch.arange(2 * objects) % objects % 2 == 0 if self.stimuli.objects == "textures" else none
        return Glances(images, *follow(plain, contingency, self.stimuli, draws), rewarded, label)

    def _pairing(self, objects: int, negatives: str, draws: torch.Generator) -> Pairing:
        """Who follows whom, as the rule says; where saccades go is the condition's to say, but for presentations of two kinds."""
        needs = self.batches.rule.needs
        to: Negatives = "random" if negatives == "random" else "next"
        to = "opposite" if needs.negatives == "opposite" else to
        return pair(objects, negatives=to, phases=needs.phases, others=needs.others, generator=draws)

    def _frames(self, contingency: Contingency, draws: torch.Generator) -> Glances:
        """Sequences A-B-C-D, in a share of which D is U; the frame is another, not its place in the sequence."""
        objects = self.stimuli.count
        violated = torch.rand(2 * objects, generator=draws) < (
            contingency.share if contingency.follows == "sequence" else 0.0
        )
        place = torch.arange(2 * objects) % objects
        last = place % LENGTH == LENGTH - 1
        frame = torch.where(violated & last, FRAMES.index("U"), place % LENGTH)
        images = gabors(self.batches.seed, frame, place // LENGTH, self.batches.stimulus.shape, draws)
        calm = Contingency(follows="sequence", length=LENGTH, share=0.0)
        pairing, _ = follow(pair(objects), calm, self.stimuli, draws)
        substituted = (violated & last)[pairing.fixation]
        return Glances(self.batches.stimulus.still(images), pairing, substituted, torch.zeros_like(substituted))

    def contrasted(self, step: int, count: int) -> tuple[Tensor, Tensor]:
        """Two sets of glances to be told apart, normalised: windows of both textures, or frames D and U of the same sequences."""
        draws = self.batches.draws(CONTRASTED, step)
        shape, seed, which = self.batches.stimulus.shape, self.batches.seed, torch.zeros(count, dtype=torch.int64)
        if self.stimuli.objects == "textures":
            sets = [corridor(seed, which + k, shape, draws) for k in (0, 1)]
        else:
            number = torch.arange(count)
            sets = [gabors(seed, which + FRAMES.index(k), number, shape, draws) for k in "DU"]
        first, second = (self.batches.stimulus.still(images) for images in sets)
        return first, second

    def _images(self, drawn: Purpose, step: int) -> tuple[Tensor, int, Tensor | None]:
        """Images, how many objects they show, and their classes where they have some."""
        if self.stimuli.objects == "pairs":
            first, second = self.pairs()
            return self._pair_images(first, second), 4 * self.stimuli.count, None
        if self.stimuli.objects == "textures":
            count = self.stimuli.count
            which = torch.arange(2 * count) % count % 2
            stimulus, views = self.batches.stimulus, self.batches.draws(drawn, step)
            return stimulus.still(corridor(self.batches.seed, which, stimulus.shape, views)), count, None
        if (show := OBJECT_KINDS[self.stimuli.objects]) is not None:
            return self._shown(show, self.batches.draws(drawn, step)), self.stimuli.count, None
        if self.stimuli.objects == "familiar":
            index = self._order()[: self.stimuli.count]
        else:
            index = self.batches.order(drawn, step)[: self.size]
        images, label = self.batches.show(drawn, index, step)
        return images, len(index), label

    def _shown(self, show: Callable[..., Any], draws: torch.Generator) -> Tensor:
        """Images of objects from outside, normalised."""
        word, count, shape = self.stimuli.objects, self.stimuli.count, self.batches.stimulus.shape
        number = torch.arange(2 * count) % count
        got = asked(word, "stimuli.objects", lambda: show(number, shape=shape, generator=draws), "shown")
        return self.batches.stimulus.still(images_of(word, got, 2 * count, shape))

    def _order(self) -> Tensor:
        return self.batches.order(OBJECTS)

    def familiar(self, place: Tensor) -> Tensor:
        """Training objects at places of the repetition's own order, int64 (objects,)."""
        return self._order()[place]

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Objects P and N of every pair, of different classes where they have some, int64 (pairs,) each."""
        labels, order, count = self.batches.stimulus.train.labels.cpu(), self._order().tolist(), self.stimuli.count
        first, rest = order[:count], order[count:]
        second = []
        for p in first:
            chosen = next((i for i, n in enumerate(rest) if labels[n] < 0 or labels[n] != labels[p]), None)
            if chosen is None:
                raise ConfigError(
                    "stimuli.objects: expected objects of two classes or more for pairs, got one; show others"
                )
            second.append(rest.pop(chosen))
        return torch.tensor(first), torch.tensor(second)

    def seen(self, index: Tensor, view: str) -> Tensor:
        """Stored pictures of objects at a view, normalised, (objects, channels, height, width)."""
        stimulus = self.batches.stimulus
        pictures = stimulus.train.at(index)
        return moved(stimulus.still(pictures), self.stimuli.views.get(view, VIEWS[view]))  # type: ignore[call-overload]

    def _pair_images(self, first: Tensor, second: Tensor) -> Tensor:
        """P and N at the swap view, P and N at the other view, then what the fovea sees of each: rows of one pair never adjoin."""
        both = torch.cat([first, second])
        foveal = self.seen(both, "fovea")
        return torch.cat([self.seen(both, "swap"), self.seen(both, "nonswap"), foveal, foveal])


def moved(images: Tensor, view: View) -> Tensor:
    """Images shifted, scaled and turned about their middle; the rim is continued outwards.

    Args:
        images: (images, channels, height, width).
        view: what is done to them.
    """
    if view == View():
        return images
    angle = math.radians(view.turn)
    cosine, sine = math.cos(angle) / view.size, math.sin(angle) / view.size
    x = -2 * view.shift
    matrix = torch.tensor([[cosine, -sine, x * cosine], [sine, cosine, x * sine]], dtype=images.dtype)
    grid = F.affine_grid(matrix.expand(len(images), 2, 3).to(images.device), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def follow(
    plain: Pairing, contingency: Contingency, stimuli: Stimuli, generator: torch.Generator
) -> tuple[Pairing, Tensor]:
    """The pairing under a contingency, and which rows it substitutes.

    Args:
        plain: rows follow the other glance at the same object.
        contingency: what follows instead.
        stimuli: what is looked at.
        generator: CPU generator of the draws.

    Raises:
        ConfigError: a contingency that these objects do not allow.
    """
    rows = len(plain.fixation)
    none = torch.zeros(rows, dtype=torch.bool)
    if contingency.follows == "same":
        return plain, none
    if contingency.follows == "swapped":
        if stimuli.objects != "pairs":
            raise ConfigError(
                "contingency.follows: expected objects in pairs for swapped, got others; set stimuli.objects: pairs"
            )
        return _with(plain, _swapped(plain.fixation, contingency.view, stimuli.count)), none
    if (say := FOLLOWS[contingency.follows]) is not None:
        objects = rows // 2
        got = asked(contingency.follows, "contingency.follows", lambda: say(objects, generator=generator))
        succeeding = followers_of(contingency.follows, got, objects)
        return _with(plain, torch.cat([objects + succeeding, succeeding])), none
    if contingency.follows == "random":
        return _with(plain, _scrambled(plain.fixation, contingency.share, generator)), none
    if stimuli.objects == "textures":
        raise ConfigError(
            "contingency.follows: expected same or random with textures, got sequence; set stimuli.objects: familiar or gabors"
        )
    return _sequence(plain, contingency, generator)


def _with(plain: Pairing, fixation: Tensor, saccade: Tensor | None = None) -> Pairing:
    jump = plain.saccade if saccade is None else saccade
    return Pairing(fixation, jump, plain.fixation_weight, plain.saccade_weight, plain.others)


def _swapped(fixation: Tensor, view: str, pairs: int) -> Tensor:
    """At one view P is followed by N and N by P, and backwards alike."""
    found, objects = fixation.clone(), 4 * pairs
    start = 0 if view == "swap" else 2 * pairs
    p, n = torch.arange(start, start + pairs), torch.arange(start + pairs, start + 2 * pairs)
    found[p], found[n], found[objects + p], found[objects + n] = objects + n, objects + p, n, p
    return found


def _scrambled(fixation: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """A share of the objects exchange their second glances in a circle."""
    objects = len(fixation) // 2
    chosen = torch.randperm(objects, generator=generator)[: round(share * objects)]
    follower = torch.arange(objects)
    follower[chosen] = chosen.roll(1)
    found = fixation.clone()
    found[:objects] = objects + follower
    found[objects + follower] = torch.arange(objects)
    return found


def _sequence(plain: Pairing, contingency: Contingency, generator: torch.Generator) -> tuple[Pairing, Tensor]:
    """Every object is followed by the next of its sequence, now and then by one of a second; saccades go to a third."""
    rows, length = len(plain.fixation), contingency.length
    objects = rows // 2
    if objects % length or objects < 3 * length:
        raise ConfigError(
            f"contingency.length: expected a divisor of {objects} objects that leaves three sequences, got {length}; "
            "change stimuli.count"
        )
    place = torch.arange(objects)
    succeeding = place // length * length + (place + 1) % length
    elsewhere, third = (place + length) % objects, (place + 2 * length) % objects
    fixation = torch.cat([objects + succeeding, succeeding])
    substituted = torch.rand(rows, generator=generator) < contingency.share
    other = torch.cat([objects + succeeding[elsewhere], succeeding[elsewhere]])
    # of neither: a saccade to where the substitute stands would take back what the substitute teaches
    saccade = torch.cat([objects + third, third])
    return _with(plain, torch.where(substituted, other, fixation), saccade), substituted
