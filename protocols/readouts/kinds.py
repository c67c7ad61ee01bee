"""What a file of this folder gives the table: a read-out of rates, or one of networks as a whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from ...models import BlockNetwork, Network
from ...plasticity import Rule
from ..stimuli import ImageSet, Stimulus
from .fitted import ReadOut
from .table import READ_OUTS


@dataclass(frozen=True, slots=True)
class OfRates:
    """A read-out that is fitted on the pooled rates of training images.

    Attributes:
        fit: from features (n, d) and labels (n,) of training and of test images to a `ReadOut`; by keyword it takes `draws`, a generator,
            and the settings that its row names. Weights that it gives belong to standardised features.
        check: what it refuses before anything is fitted, from the number of training images and the number of features by what has them,
            with the same settings by keyword; raises ConfigError. None for nothing.
    """

    fit: Callable[..., ReadOut]
    check: Callable[..., None] | None = None


@dataclass(frozen=True, slots=True)
class OfNetworks:
    """A read-out that asks the network itself and is fitted on nothing.

    Attributes:
        read: from network, rule, stimulus, labelled test images and the populations that are read together to a `ReadOut` of every
            population by name, and of those together under `all`.
        check: of the rule; raises ConfigError if its networks cannot be read out so.
        together: populations that are read together when nobody asks for others, from the names of all.
        by_rule: the same from rule and names, where rules differ; None where they do not.
    """

    read: Callable[[Network | BlockNetwork, Rule, Stimulus, ImageSet, list[str]], Mapping[str, ReadOut]]
    check: Callable[[Rule], object]
    together: Callable[[list[str]], list[str]]
    by_rule: Callable[[Rule, list[str]], list[str]] | None = None


def read_out_of(word: str) -> OfRates | OfNetworks:
    """The read-out that a word of the table names."""
    home = READ_OUTS[word].home
    if not isinstance(home, str):
        whole: OfRates | OfNetworks = home
        return whole
    module, _, name = home.partition(":")
    found: OfRates | OfNetworks = getattr(import_module(f".{module}", __package__), name)
    return found
