"""Room `plasticity`: what a synapse does. Rules and their three factors, pure functions of signals.

`RULES` names every rule for config files, the command line and the tests; in Python pass instances.
"""

if __name__ == "plasticity":
    raise ImportError("import apical.plasticity, not plasticity: this folder is a room of the namespace package apical")

from collections.abc import Callable

from .backprop import BPClappPP, BPInfoNCE
from .clapp import ClappPP
from .contrast import CONTRASTS, Contrast, Hinge, Linear, LogisticDifference, Softplus
from .errors import RuleError
from .outer import apical_change, conv_change, dense_change, patch_change
from .pairing import Pairing, pair
from .products import product
from .rule import EndToEndRule, LocalRule, Rule
from .signals import Apical, Factors, Phase, Signals

RULES: dict[str, Callable[..., Rule]] = {
    "clapp++": ClappPP,
    "bp-clapp++": BPClappPP,
    "bp-infonce": BPInfoNCE,
}

__all__ = [
    "CONTRASTS",
    "RULES",
    "Apical",
    "BPClappPP",
    "BPInfoNCE",
    "ClappPP",
    "Contrast",
    "EndToEndRule",
    "Factors",
    "Hinge",
    "Linear",
    "LocalRule",
    "LogisticDifference",
    "Pairing",
    "Phase",
    "Rule",
    "RuleError",
    "Signals",
    "Softplus",
    "apical_change",
    "conv_change",
    "dense_change",
    "pair",
    "patch_change",
    "product",
]
