"""A trained run, opened in one place: with the images and the settings of its training, or not at all.

`describe` reads what the files of a run say without its images; `open_run` loads these as well. Weights are handed out only after the
settings and the images were compared with those that the checkpoint was trained with.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, cast, overload

import torch

from ...models import BlockNetwork, Network
from ...models.engine import Engine, checkpoint
from ...models.engine.checkpoint import State
from ...plasticity import ClappPP, Rule
from ..errors import ConfigError, ProtocolError
from ..settings.load import RunConfig, validate
from ..settings.places import check_there, moved_to
from ..settings.rule import make_rule
from ..settings.yaml import merge
from ..stimuli import Stimulus
from ..stimuli.presentations.table import Presentation, presentation
from .batches import Batches
from .folder import RunFolder
from .network import initial_network
from .remembered import Remembered
from .setup import load_stimulus, pick_device
from .unchanged import same_data, same_settings

R = TypeVar("R", bound=Rule)


@dataclass(frozen=True, slots=True)
class Described(Generic[R]):
    """A run without its images.

    Attributes:
        folder: where it lies.
        config: its settings.
        rule: how its synapses change.
    """

    folder: RunFolder
    config: RunConfig
    rule: R

    @property
    def checkpoints(self) -> list[Path]:
        """Complete checkpoints, oldest first; a run in training removes old ones."""
        return checkpoint.found(self.folder.checkpoints)

    def newest(self) -> Path:
        """The newest checkpoint.

        Raises:
            ProtocolError: there is none yet.
        """
        if stored := self.checkpoints:
            return stored[-1]
        raise ProtocolError(
            f"{self.folder.checkpoints}: expected a checkpoint, got none; train further with --resume --out {self.folder.path}"
        )

    def open(
        self,
        *,
        device: str | None = None,
        data_dir: Path | None = None,
        data: str | None = None,
        progress: bool = False,
    ) -> "Trained[R]":
        """The run with its images.

        Args:
            device: auto, cpu or cuda; None for the run's own setting.
            data_dir: folder of the data sets.
            data: `folder:PATH` or `npz:PATH`, where the run's own images are now; None where they were.
            progress: say on stderr what takes long.

        Raises:
            ConfigError: there is no such device, or `data` is of another kind than the run's.
            ProtocolError: images are gone, or others than in training.
        """
        place = pick_device(device or self.config.training.device)
        seen = moved_to(self.config, data)
        check_there(seen)
        stimulus = load_stimulus(seen, data_dir, place, progress=progress)
        run = Trained(self.folder, self.config, self.rule, presentation(self.rule.needs.presentation), stimulus, place)
        if run.checkpoints:
            same_data(seen, stimulus, checkpoint.read_state(run.newest()))
        return run

    def without_images(self, *, device: str | None = None) -> "Trained[R] | None":
        """The run without its images, for what shows its network others; None where its newest checkpoint does not tell how they are normalised.

        Args:
            device: as in `open`.

        Raises:
            ConfigError: there is no such device.
            ProtocolError: there is no checkpoint.
        """
        state = checkpoint.read_state(self.newest())
        if not state.input:
            return None
        place = pick_device(device or self.config.training.device)
        stimulus = Remembered.of(self.config.stimulus.name, state.input, state.data, place)
        return Trained(self.folder, self.config, self.rule, presentation(self.rule.needs.presentation), stimulus, place)


@dataclass(frozen=True, slots=True)
class Trained(Described[R]):
    """A run with its images.

    Attributes:
        folder, config, rule: see `Described`.
        presentation: how the rule is shown them.
        stimulus: the images.
        device: where images and networks are.
    """

    presentation: Presentation
    stimulus: Stimulus
    device: torch.device

    @property
    def batches(self) -> Batches:
        """What the run is shown, as functions of its seed."""
        return Batches(self.stimulus, self.presentation, self.rule, self.config.seed)

    def state(self, stored: Path) -> State:
        """Where a checkpoint stands.

        Raises:
            ConfigError: it was trained with other settings.
            ProtocolError: it was trained with other images.
        """
        state = checkpoint.read_state(stored)
        same_settings(self.config, state, self.folder.config)
        same_data(self.config, self.stimulus, state, tell=False)
        return state

    @overload
    def initial(self: "Trained[ClappPP]") -> Network: ...
    @overload
    def initial(self) -> Network | BlockNetwork: ...
    def initial(self) -> Any:
        """The network at its random initialisation: populations, or blocks for a rule in blocks."""
        return initial_network(self.config, self.stimulus, self.rule).to(self.device)

    def beginning(self) -> Network | BlockNetwork:
        """The network before the first step: `initial`, or of a warm start the weights that it began with."""
        first = [path for path in self.checkpoints if path.name == checkpoint.FIRST]
        return self.network(first[0]) if first else self.initial()

    @overload
    def network(self: "Trained[ClappPP]", stored: Path | None = None) -> Network: ...
    @overload
    def network(self, stored: Path | None = None) -> Network | BlockNetwork: ...
    def network(self, stored: Path | None = None) -> Any:
        """The network of a checkpoint, with weights of its own at every call.

        Args:
            stored: the checkpoint; None for the newest.

        Raises:
            ProtocolError: there is no checkpoint, or it was trained with other images.
        """
        network: Network | BlockNetwork = self.initial()
        stored = stored or self.newest()
        self.state(stored)
        checkpoint.load_network(stored, network)
        return network

    def restore(self, engine: Engine, stored: Path) -> None:
        """Give an engine weights and moments of a checkpoint.

        Raises:
            ConfigError: it was trained with other settings.
            ProtocolError: it was trained with other images.
        """
        self.state(stored)
        checkpoint.load(stored, engine)

    def rewired(self, context: str) -> "Trained[R]":
        """The same run, of a rule with a context, with another one: an initial network, and no checkpoint that would fit it."""
        if context == self.config.rule.context:
            return self
        config = validate(merge(self.config.model_dump(mode="json"), {"rule": {"context": context}}))
        return replace(self, config=config, rule=cast(R, make_rule(config.rule)))


@overload
def describe(path: Path) -> Described[Rule]: ...
@overload
def describe(path: Path, *, rule: type[ClappPP]) -> Described[ClappPP]: ...
def describe(path: Path, *, rule: type[ClappPP] | None = None) -> Any:
    """What the files of a run say without its images.

    Args:
        path: folder of the run.
        rule: `ClappPP` for what takes its factors apart; None for every rule.

    Raises:
        ConfigError: no run there, settings that cannot be read or were edited since the training, or a run of another rule.
    """
    folder = RunFolder(path)
    config = folder.settings()
    found = Described(folder, config, make_rule(config.rule) if rule is None else clapp_rule(config, path))
    if found.checkpoints:
        same_settings(config, checkpoint.read_state(found.newest()), folder.config)
    return found


@overload
def open_run(
    path: Path, *, device: str | None = None, data_dir: Path | None = None, data: str | None = None
) -> Trained[Rule]: ...
@overload
def open_run(
    path: Path,
    *,
    rule: type[ClappPP],
    device: str | None = None,
    data_dir: Path | None = None,
    data: str | None = None,
) -> Trained[ClappPP]: ...
def open_run(
    path: Path,
    *,
    rule: type[ClappPP] | None = None,
    device: str | None = None,
    data_dir: Path | None = None,
    data: str | None = None,
) -> Any:
    """Open a trained run.

    Args:
        path: folder of the run.
        rule: see `describe`.
        device, data_dir, data: see `Described.open`.

    Raises:
        ConfigError: no run there, a run of another rule, settings that were edited since the training, or no such device.
        ProtocolError: images are others than in training.
    """
    found: Described[Any] = describe(path) if rule is None else describe(path, rule=rule)
    return found.open(device=device, data_dir=data_dir, data=data)


def clapp_rule(config: RunConfig, run: Path) -> ClappPP:
    """CLAPP++ as a run's settings describe it, for commands that take its factors apart.

    Raises:
        ConfigError: a run of another rule.
    """
    rule = make_rule(config.rule)
    if not isinstance(rule, ClappPP):
        lacks = "neither apical dendrites nor a local change" if rule.needs.engine != "local" else "factors of its own"
        raise ConfigError(
            f"{run}: expected a run of clapp++, got {config.rule.name}, which has {lacks}; give a run of that rule"
        )
    return rule
