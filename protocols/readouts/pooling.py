"""What a read-out sees of each network: to which side maps are pooled, and which populations it reads together."""

import torch.nn.functional as F
from torch import Tensor

from ...models.networks.table import BUILDERS, ReadOut
from ...models.populations.relay import standardise


class Maps(ReadOut):
    """Maps of one network in read-outs: what its builder's row says, and how it is done."""

    __slots__ = ()

    def together(self, names: list[str]) -> list[str]:
        """Populations that are read out together when nobody asks for others."""
        return names[-1:] if self.top else names

    def features(self, rate: Tensor, position: int) -> Tensor:
        """Pooled rate of one population, (rows, features)."""
        if rate.dim() == 2:
            return rate
        side = self.grids[position] if position < len(self.grids) else 2
        pooled = F.adaptive_avg_pool2d(rate, min(side, *rate.shape[-2:]))
        return (standardise(pooled) if self.level else pooled).flatten(1)


def maps_of(builder: str) -> Maps:
    """How networks of that builder are read out: its row says."""
    told = BUILDERS[builder].learning(False).read_out
    return Maps(told.grids, told.top, told.level)


VGG = maps_of("vgg6")
