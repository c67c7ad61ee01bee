"""The recorder: from the signals of a step to rows of a recording.

The tensors that drove plasticity are the ones recorded; nothing is computed a second time. A trial is one glance: row i of the batch gave
the context, and with it the apical potential; basal potential, rate, score and neuromodulator belong to the row that followed it,
once as a fixation and once as a saccade. Of a rule with several negatives the saccade is the first of them. A rule that knows no saccades
(LPL) is recorded with both trials all the same: the second shows a glance at another object, and no plasticity followed from the pair.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...plasticity import Factors, Signals
from ...recordings import PLAIN, Table, Variable, Writer, activity_table, as_recorded, metrics_table, updates_table
from ..errors import ModelError
from ..networks.contexts import suffixes
from ..networks.in_blocks import BlockNetwork
from ..networks.network import Network
from ..optimisers.measured import Move
from ..outside import short
from ..parted.seen import seen
from ..populations.conv import Activity, Population
from ..populations.geometry import map_of
from ..populations.residual import basal_norm
from ..ranks.ranks import ALONE, Ranks
from .extras import Extras, check_wanted
from .moment import Moment, modulation
from .pending import Constants, Pending, Values, recorded
from .probe_batch import ProbeBatch
from .spec import FACTORS, RecorderSpec
from .units import chosen, words
from .weights import ChosenWeights


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
        engine: of the rule.
        views: parameters of a view by name, each with long name and units; empty where nothing is augmented.
        selectivity: of all units of a population, by its name; None where no unit is chosen by it.
        ranks: processes that train together; each has the rates of its own rows, and all watch what one of them writes.

    Raises:
        ModelError: an unknown population, more rows than a batch has, or units and variables that there are not.
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
        engine: str = "local",
        views: Mapping[str, tuple[str, str]] = MappingProxyType({}),
        selectivity: Callable[[str], Tensor] | None = None,
        ranks: Ranks = ALONE,
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
        self.network, self.ranks = network, ranks
        chosen = [p for p in network.populations if spec.populations is None or p.name in spec.populations]
        check_wanted(spec.kept, factors=engine in ("local", "feedback"), views=bool(views), engine=engine)
        self.units = units_of({p.name: p.shape for p in chosen}, spec, selectivity)
        self.populations = {p.name: p for p in chosen if p.name in self.units}
        wanted = tuple(name for name in FACTORS if name in spec.kept)
        self.extras = {
            name: Extras(p, self.units[name], wanted, spec.reductions, spec.synapses, spec.seed)
            for name, p in self.populations.items()
        }
        self.views = views if "views" in spec.kept else {}
        self.weights = None
        if "weights" in spec.kept and isinstance(network, Network):
            self.weights = ChosenWeights(network, self.populations, self.units, self.learnt)
        self.probe: ProbeBatch | None = None
        self.probe_every = 1
        self.blocks = [name for name in network.names if spec.populations is None or name in spec.populations]
        self.blocks = self.blocks if isinstance(network, BlockNetwork) else []
        self.writer: Writer | None = None
        self._moment: Moment | None = None
        self._rows, self._constants, self._there = Pending(), Constants(), Constants()

    def tables(self, steps: int) -> list[Table]:
        """Tables of a run of that many steps, in full length."""
        recorded = (steps + self.spec.every - 1) // self.spec.every
        tables = [metrics_table(self.losses, recorded, self.words)]
        apical, learnt = bool(self.suffix), bool(self.learnt)
        further = [suffix[1:] for suffix in self.suffix.values() if suffix]
        modulated, trials = bool(self.modulators), self.spec.rows * (2 if self.paired else 1)
        for name, population in self.populations.items():
            table = activity_table(
                name, recorded * trials, self.units[name].numpy(), map_of(population.shape),
                dtype=self.spec.dtype, apical=apical, further=further, modulated=modulated, words=self.words,
            )  # fmt: skip
            tables.append(self._with_extras(table))
            table = updates_table(
                name, recorded, self.batch_rows, apical=learnt, further=further, modulated=modulated, words=self.words
            )
            tables.append(table)
        if self.weights is not None:
            activity = {table.path.partition("/")[2]: table for table in tables if table.path.startswith("activity/")}
            tables += self.weights.tables(activity, recorded)
        if self.probe is not None:
            tables += self.probe.tables((steps + self.probe_every - 1) // self.probe_every, self.words)
        return tables + [
            updates_table(name, recorded, self.batch_rows, apical=False, words=self.words, compartments=False)
            for name in self.blocks
        ]

    def _with_extras(self, table: Table) -> Table:
        """A table of activity without the variables that are not wanted, and with those that are wanted beside the usual ones."""
        extras = self.extras[table.path.partition("/")[2]]
        kept = [v for v in table.variables if v.coordinate or v.name.partition("_")[0] in self.spec.kept]
        views = [
            Variable(name=name, dtype="float32", long_name=said, units=units, coordinate=True)
            for name, (said, units) in self.views.items()
        ]
        coords = {**table.coords, **extras.coordinates()}
        return replace(table, variables=(*kept, *views, *extras.variables(self.spec.dtype)), coords=coords)

    def due(self, step: int) -> bool:
        """Whether this step is recorded."""
        return self.writer is not None and step % self.spec.every == 0

    def begin(self, moment: Moment) -> None:
        """Announce a recorded step before it runs."""
        self._moment = moment
        if self.weights is not None:
            self.weights.begin()
        self._rows.drop()
        if self.probe is not None and self.writer is not None and moment.step % self.probe_every == 0:
            for name, row in self.probe.show(moment.step).items():
                self._rows.add(f"probe/{name}", row)
            self._write()
        rows = torch.arange(self.spec.rows)
        pairing = moment.pairing
        self._context, self._seen = torch.full_like(rows, -1), rows
        if pairing is not None:
            # fixation and saccade of a row stand side by side, in the order in which they would be lived
            self._context = rows.repeat_interleave(2)
            self._seen = torch.stack([pairing.fixation[rows], pairing.shown[rows]], 1).flatten()
        self._there = Constants()  # of this step

    def end(self, losses: Tensor) -> None:
        """Append the row of `metrics`, and what the step left on its device."""
        _, moment = self._writing()
        self._rows.add(
            "metrics",
            {
                "step": np.array([moment.step]),
                "epoch": np.array([moment.epoch]),
                "samples": np.array([moment.samples]),
                "learning_rate": np.array([moment.learning_rate]),
                "loss": recorded(losses)[None],
            },
        )
        self._write()
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
        trials = self._trials(population, activity, factors)
        update = self._update(population, moves)
        for source, suffix in self.suffix.items():
            apical = signals.apical[source]
            rows = self._on(apical.potential.device, "context" if self.paired else "seen")[:, None]
            chosen, count = self.units[population.name], apical.potential.shape[1]
            units = self._constants.dendrites(rows.device, population, chosen, count)
            trials[f"apical{suffix}"] = recorded(apical.potential[rows, units], self.spec.dtype)
            if source not in self.learnt:
                continue
            projection = next(p for p in self.network.apical[source] if p.name == f"{population.name}.{short(source)}")
            update |= {
                f"apical_drive{suffix}": recorded(moves[source].drive[None]),
                f"apical_change{suffix}": recorded(moves[source].change[None]),
                f"apical_norm{suffix}": recorded(projection.norm()[None]),
            }
        for source, suffix in self.modulators.items():
            gamma, score = modulation(factors.phases[source], signals.pairing)
            if self.paired:
                rows = self._on(gamma.device, "context")[::2]
                lived = gamma[rows].flatten(), score[rows].flatten()
            else:
                rows = self._on(gamma.device, "seen")
                lived = gamma[rows, 0], score[rows, 0]
            trials[f"neuromodulator{suffix}"], trials[f"score{suffix}"] = map(recorded, lived)
            opened = (gamma != 0).float().mean(0)
            update |= {
                f"gate_fixation{suffix}": recorded(opened[:1]),
                f"gate_saccade{suffix}": recorded(opened[1:]),
                f"score_fixation{suffix}": recorded(score[:, 0][None]),
                f"score_saccade{suffix}": recorded(score[:, 1][None]),
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
            update: dict[str, Any] = {key: recorded(value[None]) for key, value in found.items()}
            self._append_update(name, {"step": np.array([moment.step])} | update)
            self._write(away=False)

    def _append(self, population: Population, trials: Values, update: Values) -> None:
        writer, moment = self._writing()
        path = f"activity/{population.name}"
        self._rows.add(path, {variable.name: trials[variable.name] for variable in writer.tables[path].variables})
        self._append_update(population.name, update)
        if self.weights is not None:
            row: dict[str, Any] = {"step": np.array([moment.step]), **self.weights.row(population.name)}
            self._rows.add(f"weights/{population.name}", row)
        self._write(away=False)

    def _append_update(self, name: str, update: Values) -> None:
        writer, _ = self._writing()
        path = f"updates/{name}"
        self._rows.add(path, as_recorded(update, writer.tables[path]))

    def _write(self, *, away: bool = True) -> None:
        """Append the rows that are there; with `away` also those that wait on a device, for which the host then waits."""
        writer, _ = self._writing()
        if away or not self._rows.waits:
            for path, row in self._rows.taken():
                writer.append(path, row)

    def _on(self, device: torch.device, name: str) -> Tensor:
        """Rows of this step, `context` or `seen`, on a device."""
        return self._there.on(device, name, lambda: self._context if name == "context" else self._seen)

    def _trials(self, population: Population, activity: Activity, factors: Factors | None = None) -> dict[str, Any]:
        _, moment = self._writing()
        count, device = len(self._seen), activity.rate.device
        synapses = bool(self.extras[population.name].wanted)
        rows = self._on(device, "seen")
        if self.ranks.size > 1:
            activity, factors = seen(self.ranks, activity, factors, self._seen, self.batch_rows, synapses=synapses)
            rows = torch.arange(count, device=device)
        assert activity.basal is not None
        place = self._constants.place(device, population.name, self.units[population.name], population.shape)
        where = (rows[:, None], *place)
        more = self.extras[population.name].values(activity, rows, factors)
        views = {name: moment.views[name][self._seen].float().numpy() for name in self.views}
        kinds = {name: self.spec.dtype if name in FACTORS else "float32" for name in more if "histogram" not in name}
        return {
            **views,
            **{name: recorded(values, kinds.get(name, "int32")) for name, values in more.items()},
            "stimulus_id": moment.stimulus_id[self._seen].numpy(),
            "context_id": torch.where(self._context < 0, -1, moment.stimulus_id[self._context]).numpy(),
            "label": moment.label[self._on(moment.label.device, "seen")],
            "epoch": np.full(count, moment.epoch),
            "step": np.full(count, moment.step),
            "phase": np.tile(np.array([0, 1], dtype=np.int8), count // 2) if self.paired else np.zeros(count, np.int8),
            "basal": recorded(activity.basal[where], self.spec.dtype),
            "rate": recorded(activity.rate[where], self.spec.dtype),
        }

    def _update(self, population: Population, moves: Mapping[str, Move]) -> dict[str, Any]:
        _, moment = self._writing()
        return {
            "step": np.array([moment.step]),
            "basal_drive": recorded(moves["basal"].drive[None]),
            "basal_change": recorded(moves["basal"].change[None]),
            "basal_norm": recorded(basal_norm(population)),
        }

    def _writing(self) -> tuple[Writer, Moment]:
        if self.writer is None or self._moment is None:
            raise ModelError(
                "recorder.writer: expected an open recording and a begun step, got none; call begin() first"
            )
        return self.writer, self._moment


def units_of(
    shapes: Mapping[str, tuple[int, ...]], spec: RecorderSpec, selectivity: Callable[[str], Tensor] | None
) -> dict[str, Tensor]:
    """Flat positions of the recorded neurons by population, sorted, channel-major; arguments as of `Recorder`, with the shape of every rate."""
    told = words(spec.chosen or str(spec.units), list(shapes))
    return {name: chosen(name, shapes[name], word, spec.seed, selectivity) for name, word in told.items()}
