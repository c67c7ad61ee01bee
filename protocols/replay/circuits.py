"""From the folder of a run to a circuit and the glances it sees."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ...models import ConvPopulation, Network, wire
from ...models.engine import checkpoint
from ...models.spiking import Circuit, extract
from ...plasticity import ClappPP, Pairing, pair
from ..errors import ConfigError, nearest
from ..runs.folder import RunFolder
from ..runs.network import fresh_network
from ..runs.setup import load_stimulus
from ..runs.streams import stream
from ..runs.trained import clapp_rule, newest_checkpoint
from ..settings.load import RunConfig
from ..stimuli import Stimulus
from .settings import ReplaySettings


@dataclass(frozen=True, slots=True)
class Loaded:
    """A trained network and what it is shown.

    Attributes:
        folder, config, rule, stimulus, network: of the run; the network on the CPU.
        stored: the checkpoint.
        step: of the checkpoint.
    """

    folder: RunFolder
    config: RunConfig
    rule: ClappPP
    stimulus: Stimulus
    network: Network
    stored: Path
    step: int

    def another(self) -> Network:
        """The trained network once more, with weights of its own."""
        network = fresh_network(self.config, self.stimulus, self.rule)
        checkpoint.load_network(self.stored, network)
        return network

    def glances(self, objects: int, purpose: str = "views", number: int = 0) -> tuple[Tensor, Pairing]:
        """Both glances at objects of the training set, and who follows whom; functions of the run's seed.

        Raises:
            ConfigError: fewer objects than that.
        """
        if objects > len(self.stimulus.train):
            raise ConfigError(
                f"replay.trials: expected at most those of the {len(self.stimulus.train)} training images, got {objects} objects; "
                "lower --trials"
            )
        seed = self.config.seed
        order = torch.randperm(len(self.stimulus.train), generator=stream(seed, f"replay-order-{purpose}", number))
        images = self.stimulus.glances(order[:objects], stream(seed, f"replay-{purpose}", number))
        draws = stream(seed, f"replay-pairing-{purpose}", number)
        return images, pair(objects, negatives=self.rule.negatives, phases=self.rule.phases, generator=draws)

    def objects(self, trials: int) -> int:
        """Objects that give so many trials: each gives a fixation and a saccade, or one of them."""
        return max(2, trials if self.rule.phases == "either" else math.ceil(trials / 2))

    def circuit(self, settings: ReplaySettings, source: str | None = None) -> Circuit:
        """The circuit asked for; of another source where that is given."""
        return self.cut(self.network, self.rule, settings, source or settings.source)

    def cut(
        self, network: Network, rule: ClappPP, s: ReplaySettings, source: str | None, purpose: str = "views", number: int = 0
    ) -> Circuit:  # fmt: skip
        """A circuit of a network that sees glances of this run."""
        images, pairing = self.glances(self.objects(s.trials), purpose, number)
        return extract(
            network, images, pairing, rule, population=s.population or self.population, units=s.units,
            position=s.position, source=source, trials=s.trials, seed=self.config.seed,
        )  # fmt: skip

    def control(self, settings: ReplaySettings, source: str) -> Circuit:
        """The same neurons with the other context source; with a random B where the run has none of that source."""
        if source in self.rule.sources:
            return self.circuit(settings, source)
        network = wire(replace(self.network, apical={}), [source], generator=stream(self.config.seed, "replay-control"))
        rule = replace(self.rule, context=source)  # type: ignore[arg-type]
        return self.cut(network, rule, settings, source)

    @property
    def population(self) -> str:
        """The lowest population above the first without max-pool; its neurons all learn in every trial."""
        above = self.network.populations[1:] or self.network.populations
        plain = [cell for cell in above if not (isinstance(cell, ConvPopulation) and cell.pool)]
        return (plain or above)[0].name


def load_run(path: Path, population: str | None = None, data_dir: Path | None = None) -> Loaded:
    """The newest checkpoint of a run.

    Raises:
        ConfigError: no run, one whose rule has no apical dendrites, or an unknown population.
        ProtocolError: no checkpoint.
    """
    folder = RunFolder(path)
    config = folder.settings()
    rule = clapp_rule(config.rule, path)
    stored = newest_checkpoint(folder)
    stimulus = load_stimulus(config, data_dir, torch.device("cpu"))
    network = fresh_network(config, stimulus, rule)
    checkpoint.load_network(stored, network)
    if population is not None and population not in network.names:
        raise ConfigError(
            f"replay.population: expected one of {', '.join(network.names)}, got {population!r}{nearest(population, network.names)}"
        )
    return Loaded(folder, config, rule, stimulus, network, stored, checkpoint.read_state(stored).step)
