"""Networks of a run, from its settings."""

from ...models import BlockNetwork, Network
from ...models.engine import Architecture, build_blocks, build_network
from ...models.networks.layer import Layer
from ...models.networks.table import BUILDERS, reads_any_size
from ...models.ranks.ranks import ALONE, Ranks
from ...plasticity import Blockwise, Rule
from ..errors import ConfigError
from ..settings.load import RunConfig
from ..stimuli import Stimulus
from ..stimuli.presentations.table import presentation


def architecture(config: RunConfig, shape: tuple[int, int, int]) -> Architecture:
    """What fixes the network of a run."""
    told = config.network.model_dump()
    layers = tuple(Layer(**layer) for layer in told.pop("layers"))
    return Architecture(shape=shape, grids=tuple(config.rule.grids), layers=layers, **told)


def initial_network(config: RunConfig, stimulus: Stimulus, rule: Rule, ranks: Ranks = ALONE) -> Network | BlockNetwork:
    """The network of a run and its rule as it was before the first step, of populations or in blocks."""
    if isinstance(rule, Blockwise):
        return build_blocks(architecture(config, stimulus.shape), rule, seed=config.seed)
    return fresh_network(config, stimulus, rule, ranks)


def fresh_network(config: RunConfig, stimulus: Stimulus, rule: Rule, ranks: Ranks = ALONE) -> Network:
    """The populations of a run as they were before the first step.

    Args:
        config: settings of the run.
        stimulus: says which images it is built for.
        rule: that of the settings.
        ranks: processes that train it together, each of which holds its own rows of every B.

    Raises:
        ConfigError: the network is in blocks and has no populations, or has fully connected ones that would be built for a part of the
            image and read out on the whole.
    """
    row = BUILDERS[config.network.builder].learning(rule.needs.engine == "block")
    if row.blocks:
        raise ConfigError(
            f"network.builder: expected a network of populations, got {config.network.builder}, whose blocks have no compartments; "
            "use apical probe for such a run"
        )
    shape = presentation(rule.needs.presentation).frame(stimulus.shape)
    if shape != stimulus.shape and not reads_any_size(architecture(config, shape)):
        able = ", ".join(
            name for name, other in BUILDERS.items() if other.any_size and not other.learning(False).blocks
        )
        raise ConfigError(
            f"network.builder: expected one of {able} for {rule.needs.presentation}, got {config.network.builder!r}, which cannot be read out on whole images"
        )
    classes = len(stimulus.train.classes)
    return build_network(architecture(config, shape), rule, seed=config.seed, classes=classes, ranks=ranks)
