"""Fully connected populations."""

from torch import Tensor

from ...plasticity import dense_change, product
from .activity import Activity
from .relay import Relay
from .transfer import RELU, Transfer


class DensePopulation:
    """Fully connected population. `grid` does not apply: every neuron is its own unit.

    Args:
        name: name in recordings and checkpoints.
        inputs: number of pre-synaptic neurons, or the shape of a map that is flattened channel-major.
        channels: number of neurons.
        weight, bias: W (channels, inputs), b (channels,).
        transfer: rho.

    `biased` says whether b learns; a builder turns it off where there is to be none.
    """

    def __init__(self, name: str, channels: int, *, weight: Tensor, bias: Tensor, transfer: Transfer = RELU) -> None:
        self.name, self.transfer = name, transfer
        self.weight, self.bias = weight, bias
        self.shape: tuple[int, ...] = (channels,)
        self.neurons: tuple[int, ...] = (channels,)
        self.units = channels
        self.biased = True
        self.relay: Relay | None = None
        self.routing: dict[str, Tensor] = {}

    def forward(
        self,
        pre: Tensor,
        weight: Tensor,
        bias: Tensor,
        *,
        keep_basal: bool = False,
        plastic: bool = False,
        keep_potential: bool = False,
    ) -> Activity:
        """Basal potential and rate, given the weights in the dtype of `pre`; there are no patches to keep."""
        pre = pre.flatten(1)
        basal = product(pre, weight, bias)
        kept = basal if keep_basal or keep_potential else None
        slope = basal if self.transfer.by_potential else None
        return Activity(pre, self.transfer.rate(basal), None, kept, potential=kept, slope=slope)

    def pooled(self, rate: Tensor) -> Tensor:
        """The rate itself, (rows, units)."""
        return rate

    def factor(self, drive: Tensor, activity: Activity) -> Tensor:
        """drive_j rho'(a_j), (rows, units)."""
        return self.gated(drive.to(activity.rate.dtype), activity)

    def gated(self, field: Tensor, activity: Activity) -> Tensor:
        """field_j rho'(a_j), (rows, units)."""
        return self.transfer.gate(field, activity.rate if activity.slope is None else activity.slope)

    def change(self, factor: Tensor, activity: Activity) -> tuple[Tensor, Tensor]:
        """dW and db from the factor of every neuron and the pre-synaptic rates."""
        return dense_change(factor, activity.pre)

    def carried(self, factor: Tensor, matrix: Tensor) -> Tensor:
        """The factor of every neuron carried to the population below by a matrix of W's shape, (rows, inputs)."""
        return factor @ matrix
