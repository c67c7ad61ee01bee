"""What several ranks can train together, and why they cannot train the rest."""

from ...plasticity import Rule, underneath
from ..errors import ModelError
from ..networks.in_blocks import BlockNetwork
from ..networks.network import Network
from ..populations.relay import UnitLength
from ..populations.residual import ResidualBlock
from ..ranks.ranks import Ranks

REMEDY = "train it in one process"


def check_ranks(ranks: Ranks, rule: Rule, network: Network | BlockNetwork) -> None:
    """Refuse what several ranks would train otherwise than one process does.

    Args:
        ranks: who trains together.
        rule: of the run.
        network: that learns.

    Raises:
        ModelError: a rule or a relay that sees the whole batch in a way that ranks do not gather.
    """
    if ranks.size == 1:
        return
    kind, engine = type(underneath(rule)).__name__, rule.needs.engine
    reason = None
    if engine == "block" or isinstance(network, BlockNetwork):
        reason = "whose normalisation and objective inside a block see the whole batch"
    elif engine == "feedback":
        reason = "whose error comes down through fixed matrices of whole populations"
    elif engine == "local" and rule.needs.site == "neuron":
        reason = "whose factors are of single neurons in the whole batch and would have to be gathered as maps"
    if reason is not None:
        raise ModelError(
            f"rule.name: expected a rule of block-pooled rates or an end-to-end one on {ranks.size} ranks, got {kind}, {reason}; {REMEDY}"
        )
    if isinstance(network, BlockNetwork):
        return
    for population in network.populations:
        if isinstance(population, ResidualBlock) and population.norms:
            raise ModelError(
                f"{population.name}.norm: expected none on {ranks.size} ranks, got {population.norm}, which sees the whole batch; {REMEDY}"
            )
        relay = population.relay
        if relay is not None and not isinstance(relay, UnitLength):
            raise ModelError(
                f"{population.name}.relay: expected none or unit length on {ranks.size} ranks, got {type(relay).__name__}, which sees the whole batch; {REMEDY}"
            )
