"""From the folder of a run to a circuit and the glances it sees."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...models import RELU, Network, wire
from ...models.populations.geometry import competes
from ...models.spiking import Circuit, Population, extract, population_of
from ...plasticity import LocalRule, Pairing
from ..errors import ConfigError, nearest
from ..offers import require
from ..runs.batches import Purpose
from ..runs.streams import stream
from ..runs.trained import Trained, describe
from .settings import ReplaySettings


@dataclass(frozen=True, slots=True)
class Shown:
    """What a network is shown.

    Attributes:
        images: (rows, channels, height, width).
        pairing: who follows whom; None where the rule compares no rows.
        label: class of every row, int64 (rows,).
    """

    images: Tensor
    pairing: Pairing | None
    label: Tensor


@dataclass(frozen=True, slots=True)
class Loaded:
    """A trained network and what it is shown.

    Attributes:
        run: the run, on the CPU.
        stored: its newest checkpoint.
        step: of the checkpoint.
        network: of the checkpoint.
    """

    run: Trained[LocalRule]
    stored: Path
    step: int
    network: Network

    def another(self) -> Network:
        """The trained network once more, with weights of its own."""
        return cast(Network, self.run.network(self.stored))

    def glances(self, objects: int, purpose: str = "views", number: int = 0) -> Shown:
        """Objects of the training set as the rule is shown them, and who follows whom; functions of the run's seed.

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
        images, label = batches.show(shown, batches.order(shown, number)[:objects], number)
        paired = self.run.presentation.paired
        return Shown(images, batches.pairing(shown, objects, number) if paired else None, label)

    def objects(self, trials: int) -> int:
        """Objects that give so many trials: each gives a fixation and a saccade, or one of them."""
        one = self.run.rule.needs.phases == "either" or self.run.presentation.rows == 1
        return max(2, trials if one else math.ceil(trials / 2))

    def circuit(self, settings: ReplaySettings, source: str | None = None) -> Circuit:
        """The circuit asked for; of another source where that is given."""
        return self.cut(self.network, self.run.rule, settings, source or settings.source)

    def cut(
        self, network: Network, rule: LocalRule, s: ReplaySettings, source: str | None, purpose: str = "views", number: int = 0,
        *, now: bool = False,
    ) -> Circuit:  # fmt: skip
        """A circuit of a network that sees glances of this run; `now` as in `extract`."""
        shown = self.glances(self.objects(s.trials), purpose, number)
        return extract(
            network, shown.images, shown.pairing, rule, population=s.population or self.population, units=s.units,
            position=s.position, source=source, trials=s.trials, seed=self.run.config.seed, now=now, label=shown.label,
        )  # fmt: skip

    def neurons(
        self, network: Network, s: ReplaySettings, trials: int, purpose: str = "views", *, now: bool = False
    ) -> Population:  # fmt: skip
        """All neurons of the circuit's population; with `views` and the trials of the settings in the trials of the circuit."""
        shown = self.glances(self.objects(trials), purpose)
        return population_of(
            network, shown.images, shown.pairing, self.run.rule, population=s.population or self.population, source=s.source,
            trials=trials, now=now,
        )  # fmt: skip

    def trials(
        self, circuit: Circuit, settings: ReplaySettings
    ) -> dict[str, tuple[tuple[str, ...], NDArray[np.int64], dict[str, str]]]:
        """Stimulus and label of every trial as (dims, values, attributes), for a recording."""
        objects = self.objects(settings.trials)
        shown, batches = Purpose("replay-order-views", "replay-views", "replay-pairing-views"), self.run.batches
        index = batches.order(shown)[:objects]
        label = batches.show(shown, index, 0)[1].cpu().numpy()
        stimulus = np.resize(index.cpu().numpy(), len(label))  # both glances at every object, one after the other

        def said(values: NDArray[np.int64], name: str) -> tuple[tuple[str, ...], NDArray[np.int64], dict[str, str]]:
            return ("trial",), values.astype(np.int64), {"units": "1", "long_name": name}

        return {
            "stimulus_id": said(stimulus[circuit.seen_row], "stimulus of the glance"),
            "context_id": said(stimulus[circuit.context_row], "stimulus of the glance before"),
            "label": said(label[circuit.seen_row], "class label (-1: unlabelled)"),
        }

    def control(self, settings: ReplaySettings, source: str) -> Circuit:
        """The same neurons with the other context source; with a random B where the run has none of that source."""
        if source in self.run.rule.needs.sources:
            return self.circuit(settings, source)
        draws = stream(self.run.config.seed, "replay-control")
        network = wire(replace(self.network, apical={}), [source], generator=draws)
        rule: LocalRule = replace(self.run.rule, context=source)  # type: ignore[type-var]
        return self.cut(network, rule, settings, source)

    @property
    def population(self) -> str:
        """The lowest population above the first with relu and without max-pool: it can spike, and its neurons all learn in every trial."""
        above = self.network.populations[1:] or self.network.populations
        spiking = [cell for cell in above if cell.transfer == RELU] or above
        plain = [cell for cell in spiking if not competes(cell)]
        return (plain or spiking)[0].name


def load_run(
    path: Path,
    population: str | None = None,
    data_dir: Path | None = None,
    data: str | None = None,
    *,
    progress: bool = False,
) -> Loaded:
    """The newest checkpoint of a run; what takes long is said where progress is shown.

    Raises:
        ConfigError: no run, one whose rule has no factors that a synapse could write, settings edited since the training, or an unknown population.
        ProtocolError: no checkpoint, or images are others than in training.
    """
    described = describe(path)
    require("replay", described)
    described.newest()  # refuses a run without checkpoints before images are read
    run = cast(Trained[LocalRule], described.open(device="cpu", data_dir=data_dir, data=data, progress=progress))
    stored = run.newest()
    step, network = run.state(stored).step, cast(Network, run.network(stored))
    if population is not None and population not in network.names:
        raise ConfigError(
            f"replay.population: expected one of {', '.join(network.names)}, got {population!r}{nearest(population, network.names)}"
        )
    return Loaded(run, stored, step, network)
