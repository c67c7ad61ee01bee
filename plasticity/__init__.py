"""Room `plasticity`: what a synapse does. Rules and their three factors, pure functions of signals.

`RULES` names every rule for config files, the command line and the tests; in Python pass instances.
"""

if __name__ == "plasticity":
    raise ImportError("import apical.plasticity, not plasticity: this folder is a room of the namespace package apical")

from collections.abc import Callable

from .backprop import BPClappPP, BPInfoNCE
from .blockwise import Blockwise, Variant
from .burst_dependent import BurstDependent
from .clapp import ClappPP
from .clapp2021 import Clapp, ClappS
from .contrast import CONTRASTS, Contrast, Hinge, Linear, LogisticDifference, Softplus
from .dendritic_prediction import DendriticPrediction
from .errors import RuleError
from .feedback import BPClassifier, DirectFeedbackAlignment, FeedbackAlignment
from .forward_forward import BPForwardForward, ForwardForward
from .infomax import GreedyInfoMax
from .lpl import LPL
from .needs import ENGINES, Needs
from .objectives import BarlowTwins, Objective, SimCLR, VICReg
from .outer import apical_change, conv_change, dense_change, patch_change
from .pairing import Pairing, pair
from .per_population import at, check_lengths
from .phyll import BPPhyLL, PhyLL
from .products import Kernels, product, using
from .rule import EndToEndRule, FeedbackRule, LocalRule, PlacedRule, RoutedRule, Rule, hyperparameters
from .sal import SAL, nearest, routing_point
from .scff import SCFF
from .signals import Apical, Factors, Phase, Signals
from .softhebb import SoftHebb
from .twin import Backprop, TwinOf
from .wrapped import Wrapped, underneath

RULES: dict[str, Callable[..., Rule]] = {
    "clapp++": ClappPP,
    "bp-clapp++": BPClappPP,
    "bp-infonce": BPInfoNCE,
    "clapp": Clapp,
    "clapp-s": ClappS,
    "hinge-cpc": TwinOf(Clapp),
    "gim": GreedyInfoMax,
    "bp-gim": TwinOf(GreedyInfoMax),
    "lpl": LPL,
    "bp-lpl": TwinOf(LPL),
    "blockwise-barlow": Variant(BarlowTwins),
    "blockwise-simclr": Variant(SimCLR),
    "blockwise-vicreg": Variant(VICReg),
    "bp-barlow": Variant(BarlowTwins, end_to_end=True),
    "bp-simclr": Variant(SimCLR, end_to_end=True),
    "bp-vicreg": Variant(VICReg, end_to_end=True),
    "bp-classifier": BPClassifier,
    "dfa": DirectFeedbackAlignment,
    "fa": FeedbackAlignment,
    "sal": SAL,
    "forward-forward": ForwardForward,
    "bp-forward-forward": BPForwardForward,
    "phyll": PhyLL,
    "bp-phyll": BPPhyLL,
    "softhebb": SoftHebb,
    "scff": SCFF,
    "dendritic-prediction": DendriticPrediction,
    "burst-dependent": BurstDependent,
}

__all__ = [
    "CONTRASTS",
    "ENGINES",
    "LPL",
    "RULES",
    "SAL",
    "SCFF",
    "Apical",
    "BPClappPP",
    "BPClassifier",
    "BPForwardForward",
    "BPInfoNCE",
    "BPPhyLL",
    "Backprop",
    "BarlowTwins",
    "Blockwise",
    "BurstDependent",
    "Clapp",
    "ClappPP",
    "ClappS",
    "Contrast",
    "DendriticPrediction",
    "DirectFeedbackAlignment",
    "EndToEndRule",
    "Factors",
    "FeedbackAlignment",
    "FeedbackRule",
    "ForwardForward",
    "GreedyInfoMax",
    "Hinge",
    "Kernels",
    "Linear",
    "LocalRule",
    "LogisticDifference",
    "Needs",
    "Objective",
    "Pairing",
    "Phase",
    "PhyLL",
    "PlacedRule",
    "RoutedRule",
    "Rule",
    "RuleError",
    "Signals",
    "SimCLR",
    "SoftHebb",
    "Softplus",
    "TwinOf",
    "VICReg",
    "Variant",
    "Wrapped",
    "apical_change",
    "at",
    "check_lengths",
    "conv_change",
    "dense_change",
    "hyperparameters",
    "nearest",
    "pair",
    "patch_change",
    "product",
    "routing_point",
    "underneath",
    "using",
]
