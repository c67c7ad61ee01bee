"""Weights that every rank has must be the same at all of them."""

import torch

from ..errors import ModelError
from ..networks.in_blocks import BlockNetwork
from ..networks.network import Network
from ..ranks.ranks import STORED, Ranks

TOLERANCE = 1e-5  # of a norm: processors of several kinds may differ in last bits


def check_alike(ranks: Ranks, network: Network | BlockNetwork) -> None:
    """Compare the norms of the weights that all ranks have.

    Raises:
        ModelError: a rank went another way than the first; what is stored stays as it was.
    """
    if ranks.size == 1 or isinstance(network, BlockNetwork):
        return
    shared = network.shared()
    weights = {name: weight for name, weight in network.weights().items() if name not in shared}
    own = torch.stack(
        [torch.linalg.vector_norm(weight.detach(), dtype=torch.float64).cpu() for weight in weights.values()]
    )
    norms = ranks.whole(own[None], ranks.size, STORED)
    apart = (norms - norms[0]).abs() > TOLERANCE * norms[0]
    for rank, name in apart.nonzero().tolist():
        raise ModelError(
            f"{list(weights)[name]}: expected the same at all {ranks.size} ranks, got a norm of {float(norms[rank, name]):.9g} at rank {rank} and "
            f"{float(norms[0, name]):.9g} at rank 0; use machines of one kind and one version of torch, and continue with --resume"
        )
