"""Supervised learning from an output error: feedback alignment, direct feedback alignment, and backpropagation as their reference.

Sources: Lillicrap, Cownden, Tweed and Akerman 2016, Nature Communications 7:13276 (feedback alignment, FA); Nøkland 2016, NeurIPS,
arXiv 1609.01596 (direct feedback alignment, DFA).

    y      = softmax(V z_top)                        V: head (classes, units), z_top: block-pooled rate of the top population
    L      = -mean_i log y_i,label                   cross-entropy
    E      = (y - onehot(label)) / rows              output error dL/d(V z_top), (rows, classes)
    e_l    = B_l E                                   DFA: apical potential, from the output straight to every population
    e_l    = B_{l+1} (rho'(a_{l+1}) e_{l+1})         FA: from the population above; e_top = B_V E
    dW_ji  = -e_j rho'(a_j) z_i
    dV_kj  = -E_k z_j

Every B is drawn once and never changes. FA with B_{l+1} = W_{l+1}^T and B_V = V^T is backpropagation: the drive is then -dL/dz_l.
In a convolution B is a kernel of the shape of W, carried down by the transposed convolution, through the winners of the max-pool. DFA in
a convolution ends at the block-pooled rate, one column of B per unit.

Changes equal those of dfa-torch (github.com/anokland/dfa-torch, commit 17dae73) to rounding, given the same B. What is drawn differs: here B lies
within sqrt(3 / classes) (DFA) and sqrt(6 / outputs) (FA), which keeps the error's size on its way; there within 1 / sqrt(units) (DFA), and FA begins
with a copy of W. There DFA in a convolution ends at every neuron of a map, here at its pooled units.

As three factors: the apical potential e_j is the dendritic term, rho'(a_j) z_i the Hebbian one. There is no separate broadcast
neuromodulator: the error reaches each neuron through its own row of B, a vector and not a scalar.

Not claimed: that an error with a sign is available to dendrites, that it arrives while the rates that caused it still last, or that
FA scales: on deep convolutional networks both are known to fall behind backpropagation.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from .errors import RuleError
from .needs import Needs
from .pairing import Pairing
from .signals import Factors, Signals
from .words import Words

# the error is what their dendrites receive; nothing of it is learnt or modulated
SUPERVISED = Needs(
    engine="feedback", presentation="images", supervised=True, head="classes", sources=("error",),
    records=("basal", "rate", "apical"),
    words=Words(apical="e = B E, the output error E through fixed matrices B"),
)  # fmt: skip


def output_error(rule: str, output: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor]:
    """Cross-entropy L and output error E of the potentials of the head.

    Args:
        rule: name of the rule, for the message.
        output: V z_top, (rows, classes).
        label: class of every row, int64 (rows,).

    Returns:
        L, a scalar, and E = (softmax - onehot) / rows, (rows, classes).

    Raises:
        RuleError: no labels, or not one for each row.
    """
    label = _labels(rule, "error", output, label)
    logarithm = F.log_softmax(output, 1)
    own = label[:, None]
    loss = -logarithm.gather(1, own).mean()
    error = logarithm.exp().scatter_add_(1, own, -torch.ones_like(own, dtype=output.dtype))
    return loss, error / len(output)


def error_factors(rule: str, signals: Signals) -> Factors:
    """drive = -e: the fed-back error itself, to be gated by rho'.

    Raises:
        RuleError: the signals have no apical potential from the source `error`.
    """
    if "error" not in signals.apical:
        raise RuleError(
            f"{rule}.factors: expected an apical potential from the error, got none; train it with build_engine"
        )
    return Factors(signals.rate.new_zeros(()), -signals.apical["error"].potential)


def _labels(rule: str, where: str, output: Tensor, label: Tensor | None) -> Tensor:
    if label is None:
        raise RuleError(f"{rule}.{where}: expected the class of every row, got no labels; show labelled images")
    if label.shape != (len(output),):
        raise RuleError(
            f"{rule}.{where}: expected {len(output)} labels, one per row, got {tuple(label.shape)}; align the two"
        )
    return label


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackAlignment:
    """FA: the error comes down population by population through fixed random matrices instead of transposed weights."""

    needs: ClassVar[Needs] = replace(
        SUPERVISED, path="chain",
        words=Words(apical="e, the error of the population above through fixed matrices B, at the top the output error E"),
    )  # fmt: skip

    def error(self, output: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor]:
        """L and E, see `output_error`."""
        return output_error("FeedbackAlignment", output, label)

    def factors(self, signals: Signals) -> Factors:
        """drive = -e."""
        return error_factors("FeedbackAlignment", signals)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectFeedbackAlignment:
    """DFA: the output error reaches every population directly, through a fixed random matrix of its own."""

    needs: ClassVar[Needs] = SUPERVISED

    def error(self, output: Tensor, label: Tensor | None) -> tuple[Tensor, Tensor]:
        """L and E, see `output_error`."""
        return output_error("DirectFeedbackAlignment", output, label)

    def factors(self, signals: Signals) -> Factors:
        """drive = -B E."""
        return error_factors("DirectFeedbackAlignment", signals)


@dataclass(frozen=True, slots=True, kw_only=True)
class BPClassifier:
    """The same cross-entropy, backpropagated by autograd: what FA, DFA and SAL are measured against."""

    needs: ClassVar[Needs] = Needs(engine="backprop", presentation="images", supervised=True, head="classes")

    def objective(
        self, rate: Tensor, head: Tensor | None, pairing: Pairing | None, label: Tensor | None = None
    ) -> Tensor:
        """L above. Shapes: rate (rows, units), head V (classes, units), label (rows,)."""
        if head is None:
            raise RuleError("BPClassifier.objective: expected a head, got None; see build_network")
        output = rate @ head.T
        return F.cross_entropy(output, _labels("BPClassifier", "objective", output, label))
