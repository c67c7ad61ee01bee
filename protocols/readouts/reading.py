"""Reading a network out: the one way from a frozen network to accuracies, whoever asks."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...models import BlockNetwork, Network
from ...models.outside import short
from ...plasticity import Rule
from ..stimuli import ImageSet, Stimulus
from ..stimuli.presentations.table import Presentation
from .corrupted import corrupted_read_out
from .features import Features, features, pixel_features
from .fitted import TOGETHER, ReadOut
from .kinds import OfNetworks, OfRates, read_out_of
from .pooling import Maps
from .table import READ_OUTS


@dataclass(frozen=True, slots=True)
class Reading:
    """How the networks of one run are read out: the trained one, its initialisation and every copy alike.

    Attributes:
        kind: a word of the table of read-outs.
        options: settings of the probe by name; the read-out is handed those that its row names.
        rule: of the run.
        presentation: how a network of this rule is shown images.
        maps: how its maps are pooled.
        stimulus: normalises the images.
        train: labelled images that are fitted on.
        test: labelled images that are tested with.
        draws: generator of whatever is drawn in one fit; a new one, of the same seed, at every call.
    """

    kind: str
    options: Mapping[str, Any]
    rule: Rule
    presentation: Presentation
    maps: Maps
    stimulus: Stimulus
    train: ImageSet
    test: ImageSet
    draws: Callable[[], torch.Generator]

    @property
    def fitted(self) -> bool:
        """Whether anything is fitted on the training images."""
        return READ_OUTS[self.kind].fitted

    @property
    def title(self) -> str:
        """Name of the read-out, with the way it is fitted where there are several."""
        variant = READ_OUTS[self.kind].variant
        name = short(self.kind)
        return f"{name} ({self.options[variant]})" if variant else name

    @property
    def chosen(self) -> dict[str, Any]:
        """The settings that the read-out reads."""
        return {name: self.options[name] for name in READ_OUTS[self.kind].settings}

    def together(self, names: list[str]) -> list[str]:
        """Populations that are read out together when nobody asks for others, of the names of all."""
        found = read_out_of(self.kind)
        if not isinstance(found, OfNetworks):
            return self.maps.together(names)
        return found.together(names) if found.by_rule is None else found.by_rule(self.rule, names)

    def seen(self, network: Network | BlockNetwork, images: ImageSet, wanted: Collection[str]) -> Features:
        """Pooled rates of the wanted populations."""
        still = self.presentation.still
        return features(network, self.stimulus, images, network.device, still, self.maps, list(wanted))

    def fit(self, x: Tensor, labels: Tensor, x_test: Tensor, labels_test: Tensor) -> ReadOut:
        """One fit on features (n, d) and labels (n,) of training images, tested on those of others."""
        found = read_out_of(self.kind)
        assert isinstance(found, OfRates)  # callers ask for `fitted` first
        return found.fit(x, labels.cpu(), x_test, labels_test.cpu(), draws=self.draws(), **self.chosen)


def check(network: Network | BlockNetwork, reading: Reading, wanted: list[str], together: list[str]) -> None:
    """Refuse what the read-out cannot do before anything is fitted.

    Raises:
        ConfigError: the rule's networks have no such read-out, or there are too many features for it.
    """
    found = read_out_of(reading.kind)
    if isinstance(found, OfNetworks):
        found.check(reading.rule)
    elif found.check is not None:
        one = reading.test.take(torch.zeros(1, dtype=torch.int64))
        seen = reading.seen(network, one, {*wanted, *together})
        sizes = {name: seen[name].shape[1] for name in wanted}
        sizes |= {"the populations together": seen.together(together).shape[1], "the pixels": math.prod(one.shape)}
        found.check(len(reading.train), sizes, **reading.chosen)


def read_out(
    network: Network | BlockNetwork,
    reading: Reading,
    wanted: list[str],
    together: Sequence[str] = (),
    tell: Callable[[str], None] = lambda name: None,
) -> Mapping[str, ReadOut]:
    """Every wanted population for itself, and several together.

    Args:
        network: the network, frozen.
        reading: how.
        wanted: names of populations, bottom first.
        together: populations that are read out as one, under `all`; none for no such read-out.
        tell: called with every name when it is done.

    Raises:
        ConfigError: the rule's networks have no such read-out.
        ReadOutError: features or labels on which it has no meaning; NotFiniteError where the network has diverged.
    """
    found, names = read_out_of(reading.kind), list(together)
    if isinstance(found, OfNetworks):
        whole = found.read(network, reading.rule, reading.stimulus, reading.test, names or wanted)
        results = {name: whole[name] for name in (*wanted, *([TOGETHER] if names else []))}
        for name in results:
            tell(name)
        return results
    train, test = reading.train, reading.test
    kept = [name for name in network.names if name in wanted or name in names]
    seen, unseen = (reading.seen(network, images, kept) for images in (train, test))
    results = {}
    for name in wanted:
        results[name] = reading.fit(seen[name], train.labels, unseen[name], test.labels)
        tell(name)
    if names:
        if len(names) == 1 and names[0] in results:
            results[TOGETHER] = results[names[0]]
        else:
            results[TOGETHER] = reading.fit(seen.together(names), train.labels, unseen.together(names), test.labels)
        tell(TOGETHER)
    return results


def read_out_pixels(reading: Reading) -> ReadOut:
    """The same read-out of the pixels themselves."""
    x, y = (pixel_features(reading.stimulus, images) for images in (reading.train, reading.test))
    return reading.fit(x, reading.train.labels, y, reading.test.labels)


def read_out_corrupted(
    network: Network | BlockNetwork,
    reading: Reading,
    together: list[str],
    test: ImageSet,
    *,
    seed: int,
    tell: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """Accuracies of populations together under every corruption and severity; `test` and `seed` are those of the corruptions."""

    def read(images: ImageSet) -> Tensor:
        return reading.seen(network, images, together).together(together)

    return corrupted_read_out(read, reading.fit, reading.train, test, seed=seed, advance=tell)
