"""Networks of a run, from its settings."""

from ...models import BlockNetwork, ConvPopulation, Network
from ...models.engine import Architecture, build_blocks, build_network
from ...plasticity import Blockwise, Rule
from ..errors import ConfigError
from ..settings.load import RunConfig
from ..stimuli import Stimulus
from ..stimuli.presentations.table import presentation


def architecture(config: RunConfig, shape: tuple[int, int, int]) -> Architecture:
    """What fixes the network of a run."""
    n = config.network
    return Architecture(
        n.builder,
        shape,
        n.width,
        tuple(n.hidden),
        tuple(config.rule.grids),
        stem=n.stem,
        zero_init=n.zero_init,
        radius=n.radius,
        areas=n.areas,
        routing=n.routing,
    )


def initial_network(config: RunConfig, stimulus: Stimulus, rule: Rule) -> Network | BlockNetwork:
    """The network of a run as it was before the first step, of populations or in blocks; the rule is that of its settings."""
    if isinstance(rule, Blockwise):
        return build_blocks(architecture(config, stimulus.shape), rule, seed=config.seed)
    return fresh_network(config, stimulus, rule)


def fresh_network(config: RunConfig, stimulus: Stimulus, rule: Rule) -> Network:
    """The populations of a run as they were before the first step.

    Args:
        config: settings of the run.
        stimulus: says which images it is built for.
        rule: that of the settings.

    Raises:
        ConfigError: the network is in blocks and has no populations, or has fully connected ones that would be built for a part of the
            image and read out on the whole.
    """
    if config.network.builder.startswith("resnet"):
        raise ConfigError(
            f"network.builder: expected a network of populations, got {config.network.builder}, whose blocks have no compartments; "
            "use apical probe for such a run"
        )
    shape = presentation(rule.presentation).frame(stimulus.shape)
    network = build_network(architecture(config, shape), rule, seed=config.seed, classes=len(stimulus.train.classes))
    if shape != stimulus.shape and not all(isinstance(cell, ConvPopulation) for cell in network.populations):
        raise ConfigError(
            f"network.builder: expected a network of maps, such as vgg6, for {rule.presentation}, got {config.network.builder!r}, "
            "which cannot be read out on whole images"
        )
    return network
