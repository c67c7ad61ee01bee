"""From the folder of a run to a circuit and the glances it sees."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

from ...models import RELU, Network, wire
from ...models.populations.geometry import competes
from ...models.spiking import Circuit, extract
from ...plasticity import ClappPP
from ..errors import ConfigError, nearest
from ..runs.batches import Batch, Purpose
from ..runs.streams import stream
from ..runs.trained import Trained, describe
from .settings import ReplaySettings


@dataclass(frozen=True, slots=True)
class Loaded:
    """A trained network and what it is shown.

    Attributes:
        run: the run, on the CPU.
        stored: its newest checkpoint.
        step: of the checkpoint.
        network: of the checkpoint.
    """

    run: Trained[ClappPP]
    stored: Path
    step: int
    network: Network

    def another(self) -> Network:
        """The trained network once more, with weights of its own."""
        return self.run.network(self.stored)

    def glances(self, objects: int, purpose: str = "views", number: int = 0) -> Batch:
        """Both glances at objects of the training set, and who follows whom; functions of the run's seed.

        Raises:
            ConfigError: fewer objects than that.
        """
        present = len(self.run.stimulus.train)
        if objects > present:
            raise ConfigError(
                f"replay.trials: expected at most those of the {present} training images, got {objects} objects; lower --trials"
            )
        shown = Purpose(f"replay-order-{purpose}", f"replay-{purpose}", f"replay-pairing-{purpose}")
        batches = self.run.batches
        return batches.batch(shown, batches.order(shown, number)[:objects], number)

    def objects(self, trials: int) -> int:
        """Objects that give so many trials: each gives a fixation and a saccade, or one of them."""
        return max(2, trials if self.run.rule.needs.phases == "either" else math.ceil(trials / 2))

    def circuit(self, settings: ReplaySettings, source: str | None = None) -> Circuit:
        """The circuit asked for; of another source where that is given."""
        return self.cut(self.network, self.run.rule, settings, source or settings.source)

    def cut(
        self, network: Network, rule: ClappPP, s: ReplaySettings, source: str | None, purpose: str = "views", number: int = 0
    ) -> Circuit:  # fmt: skip
        """A circuit of a network that sees glances of this run."""
        shown = self.glances(self.objects(s.trials), purpose, number)
        return extract(
            network, shown.images, shown.pairing, rule, population=s.population or self.population, units=s.units,
            position=s.position, source=source, trials=s.trials, seed=self.run.config.seed,
        )  # fmt: skip

    def control(self, settings: ReplaySettings, source: str) -> Circuit:
        """The same neurons with the other context source; with a random B where the run has none of that source."""
        if source in self.run.rule.needs.sources:
            return self.circuit(settings, source)
        draws = stream(self.run.config.seed, "replay-control")
        network = wire(replace(self.network, apical={}), [source], generator=draws)
        rule = replace(self.run.rule, context=source)
        return self.cut(network, rule, settings, source)

    @property
    def population(self) -> str:
        """The lowest population above the first with relu and without max-pool: it can spike, and its neurons all learn in every trial."""
        above = self.network.populations[1:] or self.network.populations
        spiking = [cell for cell in above if cell.transfer == RELU] or above
        plain = [cell for cell in spiking if not competes(cell)]
        return (plain or spiking)[0].name


def load_run(
    path: Path, population: str | None = None, data_dir: Path | None = None, data: str | None = None
) -> Loaded:
    """The newest checkpoint of a run.

    Raises:
        ConfigError: no run, one whose rule has no apical dendrites, settings edited since the training, or an unknown population.
        ProtocolError: no checkpoint, or images are others than in training.
    """
    described = describe(path, rule=ClappPP)
    described.newest()  # refuses a run without checkpoints before images are read
    run = described.open(device="cpu", data_dir=data_dir, data=data)
    stored = run.newest()
    step, network = run.state(stored).step, run.network(stored)
    if population is not None and population not in network.names:
        raise ConfigError(
            f"replay.population: expected one of {', '.join(network.names)}, got {population!r}{nearest(population, network.names)}"
        )
    return Loaded(run, stored, step, network)
