"""The settings of a run as a whole, and which of them contradict each other."""

from collections.abc import Iterator
from itertools import chain
from typing import Any, Self

from pydantic import Field, model_validator

from ..stimuli.datasets.row import READS
from ..stimuli.names import row_of
from . import rule as rules
from .groups import ProbeConfig, RecordingConfig, Settings, StimulusConfig, TrainingConfig
from .laid import completed
from .network import NetworkConfig, network_complaints
from .optimiser import OptimiserConfig, optimiser_complaints
from .options import option_complaints
from .rule import RuleConfig
from .wording import Contradiction


class RunConfig(Settings):
    """Everything that decides what a run computes."""

    name: str = Field(
        default="run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$", description="first part of the run folder"
    )
    seed: int = Field(default=0, ge=0, lt=2**32)
    stimulus: StimulusConfig = StimulusConfig()
    network: NetworkConfig = NetworkConfig()
    rule: RuleConfig = RuleConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    training: TrainingConfig = TrainingConfig()
    recording: RecordingConfig = RecordingConfig()
    probe: ProbeConfig = ProbeConfig()

    @model_validator(mode="before")
    @classmethod
    def _wired(cls, settings: Any) -> Any:
        return completed(settings)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        complaints = chain(
            _stimulus_complaints(self.stimulus),
            network_complaints(self),
            rules.complaints(self.rule),
            optimiser_complaints(self.optimiser),
            _size_complaints(self),
            _memory_complaints(self),
        )
        if complaint := next(complaints, None):
            raise Contradiction(complaint)
        return self


def _stimulus_complaints(stimulus: StimulusConfig) -> Iterator[str]:
    row = row_of(stimulus.name)
    settings = dict.fromkeys(READS, "a setting of stimulus") | {
        "seed": "seed",
        "device": "training.device",
        "data_dir": "--data-dir",
    }
    if row is not None and stimulus.unreadable != "refuse" and "unreadable" not in row.reads:
        yield f"stimulus.unreadable: expected refuse, since {stimulus.name} is not read from image files, got {stimulus.unreadable}; remove it"
    if row is not None:
        yield from option_complaints("stimulus.options", stimulus.name, row.takes, stimulus.options, settings)


def _size_complaints(config: RunConfig) -> Iterator[str]:
    batch, n_train, rows = config.training.batch, config.stimulus.n_train, config.recording.rows
    if n_train is not None and batch > n_train:
        yield f"training.batch: expected at most stimulus.n_train = {n_train}, got {batch}; lower it"
    if config.recording.enabled and rows > batch:
        yield f"recording.rows: expected at most training.batch = {batch}, got {rows}; lower it"
    every, shown = config.recording.every, config.recording.probe_every
    if shown is not None and shown % every:
        yield f"recording.probe_every: expected a multiple of recording.every = {every}, got {shown}; change one of them"


def _memory_complaints(config: RunConfig) -> Iterator[str]:
    needs = rules.needs_of(config.rule)
    if needs is None or (needs.engine == "local" and needs.site == "unit"):
        return
    why = "needs the potentials of all rows at once" if needs.engine == "local" else "takes a batch as a whole"
    if config.training.recompute:
        yield f"training.recompute: expected false, since {config.rule.name} {why}, got true; remove it"
    if config.training.chunk:
        yield f"training.chunk: expected null, since {config.rule.name} {why}, got {config.training.chunk}; remove it"
