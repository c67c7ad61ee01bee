"""Populations divided into areas: mutually exclusive sets of basal weights, of which a row uses the one that its routing chooses.

See the rule `SAL` for the equations. Dense populations only: a map would need an area for every place.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from ...plasticity import dense_change, nearest, product, routing_point
from ..errors import ModelError
from .conv import Activity, DensePopulation
from .transfer import RELU, Transfer


class AreaPopulation(DensePopulation):
    """Fully connected population with one set of basal weights per area.

    Args:
        name: name in recordings and checkpoints.
        channels: neurons of each area; a row sees those of one area.
        weight, bias: W (areas, channels, inputs), b (areas, channels).
        projection: P, initial, (dimensions, inputs).
        prototypes: p, fixed, of unit length, (areas, dimensions).
        transfer: rho.

    Attributes:
        routing: `projection`, `prototypes` and running `mean` of what enters, by name; parts of the network's buffers.
    """

    def __init__(
        self,
        name: str,
        channels: int,
        *,
        weight: Tensor,
        bias: Tensor,
        projection: Tensor,
        prototypes: Tensor,
        transfer: Transfer = RELU,
    ) -> None:
        super().__init__(name, channels, weight=weight, bias=bias, transfer=transfer)
        self.areas = len(weight)
        self.routing = {"projection": projection, "prototypes": prototypes, "mean": weight.new_zeros(weight.shape[2])}

    def choose(self, pre: Tensor) -> Tensor:
        """Area of every row, int64 (rows,), from what enters, (rows, inputs)."""
        routing = self.routing
        pre = pre.to(routing["mean"].dtype)
        return nearest(routing_point(pre, routing["mean"], routing["projection"]), routing["prototypes"])

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
        """Basal potential and rate of every row in its area; on a CPU no other area is computed."""
        pre = pre.flatten(1)
        area = self.choose(pre)
        if pre.device.type == "cpu":
            basal = pre.new_empty(len(pre), self.units)
            for index, rows in self._members(area):
                basal[rows] = product(pre[rows], weight[index], bias[index])
        else:
            basal = self.in_all(pre, weight, bias, area)
        kept = basal if keep_basal or keep_potential else None
        slope = basal if self.transfer.by_potential else None
        return Activity(pre, self.transfer.rate(basal), None, kept, potential=kept, slope=slope, area=area)

    def in_all(self, pre: Tensor, weight: Tensor, bias: Tensor, area: Tensor) -> Tensor:
        """Basal potential of every row in its area, out of those in all areas: nobody waits for a GPU to say which are in use."""
        found = product(pre, weight.flatten(0, 1), bias.flatten()).view(len(pre), self.areas, self.units)
        return torch.take_along_dim(found, area[:, None, None], 1)[:, 0]

    def change_of_all(self, factor: Tensor, activity: Activity) -> tuple[Tensor, Tensor, Tensor]:
        """dW (areas, channels, inputs), db (areas, channels), and which areas rest, float32 (areas,): 1 where no row was, else 0.

        The same as `area_changes` gives, without the host asking which areas are in use.
        """
        area = self._chosen(activity)
        resting = torch.ones(self.areas, device=factor.device).index_fill_(0, area, 0)
        spread = factor.new_zeros(len(factor), self.areas, self.units)
        spread.scatter_(1, area[:, None, None].expand(-1, 1, self.units), factor[:, None])
        weight, bias = dense_change(spread.flatten(1), activity.pre)
        return weight.view(self.areas, self.units, -1), bias.view(self.areas, self.units), resting

    def change(self, factor: Tensor, activity: Activity) -> tuple[Tensor, Tensor]:
        """dW and db of all areas, zero where no row was; `area_changes` gives those of the others alone."""
        weight, bias = torch.zeros_like(self.weight), torch.zeros_like(self.bias)
        for block, change, bias_change in self.area_changes(factor, activity):
            weight[block], bias[block] = change.to(weight.dtype), bias_change.to(bias.dtype)
        return weight, bias

    def area_changes(self, factor: Tensor, activity: Activity) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """For every area that a row used: its place, dW (1, channels, inputs) and db (1, channels)."""
        for index, rows in self._members(self._chosen(activity)):
            change, bias = dense_change(factor[rows].contiguous(), activity.pre[rows].contiguous())
            yield slice(index, index + 1), change[None], bias[None]

    def _chosen(self, activity: Activity) -> Tensor:
        if activity.area is None:
            raise ModelError(f"{self.name}.area: expected the areas of a sweep, got None; use forward()")
        return activity.area

    def _members(self, area: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Areas in use with their rows, in order."""
        counts = torch.bincount(area, minlength=self.areas).tolist()
        for index, rows in enumerate(area.argsort(stable=True).split(counts)):
            if len(rows):
                yield index, rows
