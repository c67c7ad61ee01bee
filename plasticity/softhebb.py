"""SoftHebb: Hebbian learning under a soft winner-take-all, without labels, errors or feedback.

Sources: Moraitis, Toichkin, Journé, Chua and Guo 2022, Neuromorphic Computing and Engineering 2:044017; Journé, Garcia Rodriguez, Guo and
Moraitis 2023, ICLR, arXiv 2209.11883 (multilayer, with anti-Hebbian losers).

    u_k    = W_k . x                                  potential at one place, no bias
    p      = softmax_k(t u)                           t: inverse temperature; over the channels of a place
    y_k    = +p_k for the winner argmax_k u, -p_k for all others
    dW_k  ~= sum y_k x  -  (sum y_k u_k) W_k          sums over rows and places

The change is Oja-like: weights shrink or grow until every kernel has unit length. Its size is given by the optimiser `softhebb`, which divides
by the largest entry and learns faster the further a kernel is from unit length (`models/optimisers/unit_kernels.py`). A network of another kind may
have a bias; it enters u as it is and does not learn there.

In the authors' networks kernels begin at length 25 and neurons have no bias and tell only what exceeds the mean of their place (`triangle`). Both
matter: on a VGG-6 that begins at length 0.6, with biases and ReLU, the populations end far below random ones. Builder `softhebb` has all three;
`vgg6` has them with `start: normal`, `bias: false`, `transfer: triangle`. The change equals that of github.com/NeuromorphicComputing/SoftHebb (commit f425230) to
rounding. All populations learn at once, as in its demo.

The soft rule without losers (`anti` false, y = p) is expectation-maximisation of a mixture whose components are the rows of W.

Three-factor reading: there is none. Two factors, the soft winner's activity and the pre-synaptic residual x - u W; the first needs
lateral inhibition within a place. A neuromodulator could scale the step.

`loss` is -log p of the winner, averaged over rows and places: how undecided the competition is. It is recorded, not descended.

Not claimed: that the anti-Hebbian form descends an objective, nor that a brain divides by the largest change of a population.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, softmax

from .errors import RuleError
from .needs import Needs
from .per_population import at, check_numbers, freeze
from .signals import Factors, Signals
from .words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftHebb:
    """The SoftHebb rule from explicit factors.

    Args:
        inverse_temperature: t, above 0, one number or one per population; the higher, the fewer neurons share a place.
        anti: losers learn anti-Hebbian; false for the plain soft rule.

    Raises:
        RuleError: numbers outside their range.
    """

    inverse_temperature: float | tuple[float, ...] = 1.0
    anti: bool = True

    needs: ClassVar[Needs] = Needs(
        presentation="images",
        relay="batchnorm",
        site="neuron",
        per_population=("inverse_temperature",),
        forgets=True,
        words=Words(
            rate="z = ρ(a), for which neurons of a place may compete",
            loss="−log p of the winner, how undecided the competition is; recorded, not descended",
        ),
    )

    def __post_init__(self) -> None:
        freeze(self)
        check_numbers("SoftHebb.inverse_temperature", self.inverse_temperature, 0, above=True)
        if not isinstance(self.anti, bool):
            raise RuleError(f"SoftHebb.anti: expected true or false, got {self.anti!r}")

    def start(self, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """SoftHebb keeps nothing from step to step."""
        return {}

    def factors(self, signals: Signals) -> Factors:
        """Soft winners y as drive, and how much each kernel forgets; computed without autograd."""
        if signals.basal is None:
            raise RuleError(
                "SoftHebb.factors: expected signals with a basal potential, got none; pass that of every neuron"
            )
        # channels last: the competitors of a place lie side by side
        potential = signals.basal.detach().movedim(1, -1)
        shared = softmax(at(self.inverse_temperature, signals.position) * potential, -1)
        winner = potential.argmax(-1, keepdim=True)
        won = shared.gather(-1, winner)
        activity = shared.neg().scatter_(-1, winner, won) if self.anti else shared
        decay = (activity * potential).flatten(0, -2).sum(0)
        return Factors(-won.log().mean(), activity.movedim(-1, 1), decay=decay)
