"""Networks of a run, from its settings."""

from pathlib import Path

from ..models import BlockNetwork, Network
from ..models.engine import Architecture, build_blocks, build_network, checkpoint
from ..plasticity import Blockwise
from .config import RunConfig
from .errors import ConfigError, ProtocolError
from .presentation import PRESENTATIONS
from .rules import make_rule
from .run import RunFolder
from .stimuli import Stimulus


def newest_checkpoint(folder: RunFolder) -> Path:
    """The newest checkpoint of a run.

    Raises:
        ProtocolError: it has none yet.
    """
    stored = checkpoint.found(folder.checkpoints)
    if not stored:
        raise ProtocolError(
            f"{folder.checkpoints}: expected a checkpoint, got none; train further with --resume --out {folder.path}"
        )
    return stored[-1]


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


def initial_network(config: RunConfig, stimulus: Stimulus) -> Network | BlockNetwork:
    """The network of a run as it was before the first step, of populations or in blocks."""
    rule = make_rule(config.rule)
    if isinstance(rule, Blockwise):
        return build_blocks(architecture(config, stimulus.shape), rule, seed=config.seed)
    return fresh_network(config, stimulus)


def fresh_network(config: RunConfig, stimulus: Stimulus) -> Network:
    """The populations of a run as they were before the first step.

    Raises:
        ConfigError: the network is in blocks and has no populations, or a fully connected one that would be built for a part of the image and read out on the whole.
    """
    if config.network.builder.startswith("resnet"):
        raise ConfigError(
            f"network.builder: expected a network of populations, got {config.network.builder}, whose blocks have no compartments; "
            "use apical probe for such a run"
        )
    rule = make_rule(config.rule)
    shape = PRESENTATIONS[rule.presentation].frame(stimulus.shape)
    if shape != stimulus.shape and config.network.builder == "mlp":
        raise ConfigError(
            f"network.builder: expected vgg6 or vgg11 for {rule.presentation}, got 'mlp', which cannot be read out on whole images"
        )
    return build_network(
        architecture(config, shape),
        rule,
        seed=config.seed,
        classes=len(stimulus.train.classes),
    )
