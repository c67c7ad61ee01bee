"""The network as the engine that backpropagates sees it, for the objective at its top.

That objective is `Backprop(rule)`: the top population's own local objective. Its apical matrices all receive its own rate: the lateral one by
definition, the feedback one because the top feeds back to itself. With context `both` there are two of them, and the objective is the sum of
two terms, each with its own B, scores and gates; one term with the sum B_dfb + B_lateral as head would be another objective, with one gate
for both. So at the top the local change equals the gradient by construction, whatever the context.
"""

import torch

from ...models import Network
from ...plasticity import ClappPP


def top_network(network: Network, rule: ClappPP) -> Network:
    """The same populations, not copies, with every B of the top population as the head, in the order of the rule's sources."""
    heads = [network.apical[source][-1].weight for source in rule.needs.sources]
    return Network(network.shape, network.populations, head=heads[0] if len(heads) == 1 else torch.cat(heads))
