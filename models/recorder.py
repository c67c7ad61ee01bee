"""The recorder: from the signals of a step to rows of a recording.

The tensors that drove plasticity are the ones recorded; nothing is computed a second time. A trial is one glance: row i of the batch gave
the context, and with it the apical potential; basal potential, rate, score and neuromodulator belong to the row that followed it,
once as a fixation and once as a saccade. Of a rule with several negatives the saccade is the first of them. A rule that knows no saccades
(LPL) is recorded with both trials all the same: the second shows a glance at another object, and no plasticity followed from the pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..plasticity import Factors, Pairing, Phase, Signals
from ..recordings import PLAIN, Table, Writer, activity_table, as_recorded, metrics_table, updates_table
from .errors import ModelError
from .networks.contexts import suffixes
from .networks.in_blocks import BlockNetwork
from .networks.network import Network
from .optimisers.measured import Move
from .populations.conv import Activity, Population
from .populations.geometry import apical_units, map_of


@dataclass(frozen=True, slots=True)
class RecorderSpec:
    """What is recorded.

    Attributes:
        every: steps between recorded steps.
        rows: rows of the batch followed at such a step; each gives two trials.
        units: neurons per population, drawn with `seed` (all, where a population has fewer).
        seed: seed of the draw.
        populations: names, or None for all.
        dtype: `float32` or `float16`, of potentials and rates.
    """

    every: int = 100
    rows: int = 16
    units: int = 64
    seed: int = 0
    populations: tuple[str, ...] | None = None
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class Moment:
    """When and what: everything about a step that the signals themselves do not say.

    Attributes:
        step, epoch: position in training.
        samples: objects seen, this step included.
        learning_rate: of the optimiser.
        stimulus_id, label: of every row, int64 (rows,), on the CPU.
        pairing: who follows whom, on the CPU; None where no rows are compared.
    """

    step: int
    epoch: float
    samples: int
    learning_rate: float
    stimulus_id: Tensor
    label: Tensor
    pairing: Pairing | None


class Recorder:
    """Observer of an engine that appends to a recording.

    Args:
        network: the network watched; of one in blocks, which have no compartments, losses and updates alone are recorded.
        spec: what is recorded.
        sources: context sources of the rule, `("error",)` for an error through fixed matrices; empty for an end-to-end rule.
        losses: names of the losses that a step returns.
        batch_rows: rows of a batch.
        modulated: whether a rule without context sources has a neuromodulator.
        paired: whether rows follow each other; a row is then followed by two trials, else it is one.
        words: what the rule calls its signals, see `Needs.told`.

    Raises:
        ModelError: an unknown population, or more rows than a batch has.
    """

    def __init__(
        self,
        network: Network | BlockNetwork,
        spec: RecorderSpec,
        *,
        sources: Sequence[str],
        losses: Sequence[str],
        batch_rows: int,
        modulated: bool = False,
        paired: bool = True,
        words: Mapping[str, str] = PLAIN,
    ) -> None:
        unknown = [name for name in spec.populations or () if name not in network.names]
        if unknown:
            known = ", ".join(network.names)
            raise ModelError(
                f"recording.populations: expected names among {known}, got {unknown[0]!r}; correct the name"
            )
        if spec.rows > batch_rows:
            raise ModelError(
                f"recording.rows: expected at most the batch's {batch_rows} rows, got {spec.rows}; lower it"
            )
        self.spec, self.losses, self.batch_rows = spec, list(losses), batch_rows
        self.paired, self.words = paired, words if paired else {**words, "first": "image", "second": ""}
        # an error through fixed matrices is a dendrite's input, but nothing of it is learnt or modulated
        told = suffixes([source for source in sources if source != "error"])
        self.learnt = {source: f"_{suffix}" if suffix else "" for source, suffix in told.items()}
        self.suffix = self.learnt | ({"error": ""} if "error" in sources else {})
        self.modulators = dict(self.learnt) or ({"basal": ""} if modulated else {})
        self.network = network
        chosen = [p for p in network.populations if spec.populations is None or p.name in spec.populations]
        self.units = {p.name: _draw_units(p, spec) for p in chosen}
        self.populations = {p.name: p for p in chosen}
        self.blocks = [name for name in network.names if spec.populations is None or name in spec.populations]
        self.blocks = self.blocks if isinstance(network, BlockNetwork) else []
        self.writer: Writer | None = None
        self._moment: Moment | None = None

    def tables(self, steps: int) -> list[Table]:
        """Tables of a run of that many steps, in full length."""
        recorded = (steps + self.spec.every - 1) // self.spec.every
        tables = [metrics_table(self.losses, recorded, self.words)]
        apical, learnt = bool(self.suffix), bool(self.learnt)
        further = [suffix[1:] for suffix in self.suffix.values() if suffix]
        modulated, trials = bool(self.modulators), self.spec.rows * (2 if self.paired else 1)
        for name, population in self.populations.items():
            tables.append(
                activity_table(
                    name, recorded * trials, self.units[name].numpy(), map_of(population.shape),
                    dtype=self.spec.dtype, apical=apical, further=further, modulated=modulated, words=self.words,
                )
            )  # fmt: skip
            tables.append(
                updates_table(
                    name,
                    recorded,
                    self.batch_rows,
                    apical=learnt,
                    further=further,
                    modulated=modulated,
                    words=self.words,
                )
            )
        return tables + [
            updates_table(name, recorded, self.batch_rows, apical=False, words=self.words, compartments=False)
            for name in self.blocks
        ]

    def due(self, step: int) -> bool:
        """Whether this step is recorded."""
        return self.writer is not None and step % self.spec.every == 0

    def begin(self, moment: Moment) -> None:
        """Announce a recorded step before it runs."""
        self._moment = moment
        rows = torch.arange(self.spec.rows)
        pairing = moment.pairing
        self._context, self._seen = torch.full_like(rows, -1), rows
        if pairing is None:
            return
        # fixation and saccade of a row stand side by side, in the order in which they would be lived
        self._context = rows.repeat_interleave(2)
        self._seen = torch.stack([pairing.fixation[rows], pairing.shown[rows]], 1).flatten()

    def end(self, losses: Tensor) -> None:
        """Append the row of `metrics`."""
        writer, moment = self._writing()
        writer.append(
            "metrics",
            {
                "step": np.array([moment.step]),
                "epoch": np.array([moment.epoch]),
                "samples": np.array([moment.samples]),
                "learning_rate": np.array([moment.learning_rate]),
                "loss": losses.float().cpu().numpy()[None],
            },
        )
        self._moment = None

    def local(
        self,
        population: Population,
        activity: Activity,
        signals: Signals,
        factors: Factors,
        moves: Mapping[str, Move],
    ) -> None:
        """Append the trials and the update of one population."""
        if population.name not in self.populations:
            return
        trials = self._trials(population, activity)
        update = self._update(population, moves)
        for source, suffix in self.suffix.items():
            apical = signals.apical[source]
            rows = (self._context if self.paired else self._seen).to(apical.potential.device)[:, None]
            units = apical_units(population, self.units[population.name], apical.potential.shape[1])
            trials[f"apical{suffix}"] = _host(apical.potential[rows, units.to(rows.device)], self.spec.dtype)
            if source not in self.learnt:
                continue
            projection = next(p for p in self.network.apical[source] if p.name == f"{population.name}.{source}")
            update |= {
                f"apical_drive{suffix}": _host(moves[source].drive[None]),
                f"apical_change{suffix}": _host(moves[source].change[None]),
                f"apical_norm{suffix}": _host(torch.linalg.vector_norm(projection.weight)[None]),
            }
        for source, suffix in self.modulators.items():
            gamma, score = _modulation(factors.phases[source], signals.pairing)
            if self.paired:
                rows = self._context[::2].to(gamma.device)
                lived = gamma[rows].flatten(), score[rows].flatten()
            else:
                rows = self._seen.to(gamma.device)
                lived = gamma[rows, 0], score[rows, 0]
            trials[f"neuromodulator{suffix}"], trials[f"score{suffix}"] = map(_host, lived)
            opened = (gamma != 0).float().mean(0)
            update |= {
                f"gate_fixation{suffix}": _host(opened[:1]),
                f"gate_saccade{suffix}": _host(opened[1:]),
                f"score_fixation{suffix}": _host(score[:, 0][None]),
                f"score_saccade{suffix}": _host(score[:, 1][None]),
            }
        self._append(population, trials, update)

    def backprop(self, population: Population, activity: Activity, moves: Mapping[str, Move]) -> None:
        """Append the trials and the update of one population of an end-to-end network."""
        if population.name in self.populations:
            self._append(population, self._trials(population, activity), self._update(population, moves))

    def block(self, name: str, move: Move, norm: Tensor) -> None:
        """Append the update of one block."""
        _, moment = self._writing()
        if name in self.blocks:
            found = {"basal_drive": move.drive, "basal_change": move.change, "basal_norm": norm}
            norms = {key: _host(value[None]) for key, value in found.items()}
            self._append_update(name, {"step": np.array([moment.step])} | norms)

    def _append(self, population: Population, trials: dict[str, NDArray[Any]], update: dict[str, NDArray[Any]]) -> None:
        writer, _ = self._writing()
        writer.append(f"activity/{population.name}", trials)
        self._append_update(population.name, update)

    def _append_update(self, name: str, update: Mapping[str, NDArray[Any]]) -> None:
        writer, _ = self._writing()
        path = f"updates/{name}"
        writer.append(path, as_recorded(update, writer.tables[path]))

    def _trials(self, population: Population, activity: Activity) -> dict[str, NDArray[Any]]:
        _, moment = self._writing()
        count = len(self._seen)
        assert activity.basal is not None
        where = self._seen.to(activity.rate.device)[:, None]
        place = tuple(
            i.to(activity.rate.device) for i in torch.unravel_index(self.units[population.name], population.shape)
        )
        return {
            "stimulus_id": moment.stimulus_id[self._seen].numpy(),
            "context_id": torch.where(self._context < 0, -1, moment.stimulus_id[self._context]).numpy(),
            "label": moment.label[self._seen].numpy(),
            "epoch": np.full(count, moment.epoch),
            "step": np.full(count, moment.step),
            "phase": np.tile(np.array([0, 1], dtype=np.int8), count // 2) if self.paired else np.zeros(count, np.int8),
            "basal": _host(activity.basal[(where, *place)], self.spec.dtype),
            "rate": _host(activity.rate[(where, *place)], self.spec.dtype),
        }

    def _update(self, population: Population, moves: Mapping[str, Move]) -> dict[str, NDArray[Any]]:
        _, moment = self._writing()
        return {
            "step": np.array([moment.step]),
            "basal_drive": _host(moves["basal"].drive[None]),
            "basal_change": _host(moves["basal"].change[None]),
            "basal_norm": _host(torch.linalg.vector_norm(population.weight)[None]),
        }

    def _writing(self) -> tuple[Writer, Moment]:
        if self.writer is None or self._moment is None:
            raise ModelError(
                "recorder.writer: expected an open recording and a begun step, got none; call begin() first"
            )
        return self.writer, self._moment


def _modulation(phase: Phase, pairing: Pairing | None) -> tuple[Tensor, Tensor]:
    """Neuromodulator and score of every row, (rows, 2): at its fixation and at its saccade."""
    gamma = torch.stack([phase.gamma_fixation, phase.gamma_saccade], 1)
    if pairing is not None:
        gamma = gamma * torch.stack([pairing.fixation_weight > 0, pairing.saccade_weight > 0], 1)
    return gamma, torch.stack([phase.score_fixation, phase.score_saccade], 1)


def _host(tensor: Tensor, dtype: str = "float32") -> NDArray[Any]:
    """To numpy; bfloat16 has no numpy type and goes through the recorded one."""
    array: NDArray[Any] = tensor.detach().to(getattr(torch, dtype)).cpu().numpy()
    return array


def _draw_units(population: Population, spec: RecorderSpec) -> Tensor:
    """Flat positions of the recorded neurons, sorted, channel-major."""
    total = int(np.prod(population.shape))
    drawn = np.random.default_rng(spec.seed).choice(total, size=min(spec.units, total), replace=False)
    return torch.from_numpy(np.sort(drawn))
