"""The loop of a training run."""

import time
from typing import Any

import torch

from ...models import Moment, Recorder
from ...models.engine import BlockEngine, Choice, Engine, Graphed, build_engine, checkpoint
from ...models.ranks.ranks import ALONE, Ranks
from ...plasticity import Blockwise
from ...recordings import Writer
from ...recordings.stores import set_aside
from ...recordings.unwritten import Unwritten
from ..errors import ConfigError, Interrupted
from ..progress import bar as progress_bar
from ..progress import notice, tell
from ..runs.batches import TRAINING, Batches
from ..runs.folder import RunFolder
from ..runs.foreign import keep_sources, sources
from ..runs.metrics import INTERRUPTED, Metrics
from ..runs.network import initial_network
from ..runs.provenance import circumstances, peak_memory, provenance
from ..runs.remembered import told_of
from ..runs.room import bytes_of, check_room, size
from ..runs.setup import presentation_of
from ..runs.unchanged import fingerprints, left_out, same_data, same_settings
from ..settings.load import RunConfig, digest, identity, resolve
from ..settings.places import at
from ..settings.rule import make_rule
from ..stimuli import Stimulus
from ..stimuli.pixels import AHEAD
from .diverging import CHECK_EVERY, DivergedError, Watch, check_finite
from .recording import recorder_of
from .schedule import learning_rate
from .shown import Shown
from .start import begin_from, check_ended
from .stops import StopRequests


class Run:
    """One training run: network, engine, recorder and loop.

    Args:
        config: settings.
        folder: where it lives.
        stimulus: what is seen.
        device: where it computes.
        choice: in which precision and by which kernels; the caller puts the latter in force.
        ranks: processes that train it together. All go through the same steps; the first of them writes.
    """

    def __init__(
        self,
        config: RunConfig,
        folder: RunFolder,
        stimulus: Stimulus,
        device: torch.device,
        choice: Choice,
        ranks: Ranks = ALONE,
    ) -> None:
        t = config.training
        self.choice, self.ranks = choice, ranks
        self.config, self.folder, self.stimulus, self.device = config, folder, stimulus, device
        self.rule = make_rule(config.rule)
        self.sources = sources(config, self.rule.needs)  # of what runs from here on
        self.presentation = presentation_of(self.rule, stimulus)
        self.batches = Batches(stimulus, self.presentation, self.rule, config.seed)
        self.per_epoch = len(stimulus.train) // t.batch * t.repeats
        if self.per_epoch < 1:
            raise ConfigError(
                f"training.batch: expected at most the {len(stimulus.train)} training images, got {t.batch}; lower it"
            )
        self.steps = self.per_epoch * t.epochs
        o = config.optimiser
        network = initial_network(config, stimulus, self.rule, ranks).to(device)
        self.engine: Engine = build_engine(
            network, self.rule, optimiser=o.name, learning_rate=o.learning_rate, factors=o.factors, half=choice.precision == "bf16",
            seed=config.seed, steps=self.steps, recompute=t.recompute, chunk=t.chunk, ranks=ranks, **o.own(),
        )  # fmt: skip
        self.learner = Graphed(self.engine) if t.graph and device.type == "cuda" else self.engine
        explicit = self.rule.needs.engine == "local"
        self.losses = network.names if explicit else [network.names[-1]]
        if isinstance(self.engine, BlockEngine):
            self.losses = self.engine.losses
        self.recorder = recorder_of(config, network, self.rule, self.batches, self.losses, ranks)
        self.step, self.seconds = 0, 0.0
        self.origin: dict[str, Any] = {}
        self.last = torch.full((len(self.losses),), float("nan"))  # losses of the last step
        self.metrics, self.watch = Metrics(folder.metrics), Watch(t.diverged, {})
        self._orders: dict[int, torch.Tensor] = {}  # by epoch: of this one, and near its end of the next

    def begin(self) -> None:
        """Take the weights that the run begins with, where it begins with others than random ones and has no checkpoint yet.

        Raises:
            ConfigError: they do not fit.
        """
        if not checkpoint.found(self.folder.checkpoints):
            self.origin = begin_from(self.config, self.engine)

    def open(self, resume: bool, progress: bool = False) -> None:
        """Restore the newest checkpoint, if any, and open the recording there; the size of a new one is told first.

        Raises:
            ConfigError: it is to be extended before its end.
            ProtocolError: the disk has no room for it.
        """
        if not self.ranks.rank:
            checkpoint.tidy(self.folder.checkpoints)
        self.ranks.barrier()
        stored = checkpoint.found(self.folder.checkpoints)
        cursor, lines = None, -1
        if resume and stored:
            state = checkpoint.read_state(stored[-1])
            same_settings(self.config, state, self.folder.config, [self.folder.settings().stimulus.name])
            same_data(self.config, self.stimulus, state)
            check_ended(self.config, self.folder, state.step, self.per_epoch)
            checkpoint.load(stored[-1], self.engine)
            self.origin = state.origin
            self.step, self.seconds, cursor = state.step, state.seconds, state.cursor
            lines, self.watch = state.lines, Watch(self.config.training.diverged, state.start)
        elif resume:
            check_ended(self.config, self.folder, 0, self.per_epoch)
        if not self.ranks.rank:
            if resume:
                self.metrics.resume(self.step, lines)
            keep_sources(self.folder, self.sources)
        if self.recorder is not None:
            self._open_recording(self.recorder, cursor, progress)
        if self.origin and not stored:  # where a resumed run begins again, whatever became of the other one
            self._checkpoint(time.perf_counter())

    def _open_recording(self, recorder: Recorder, cursor: dict[str, int] | None, progress: bool) -> None:
        if self.ranks.rank:
            recorder.writer = Unwritten(recorder.tables(self.steps))
            return
        if cursor is not None:
            recorder.writer = self._resumed(recorder, cursor, progress)
            return
        if kept := set_aside(self.folder.recording):
            notice(f"{self.folder.path}: no checkpoint to resume from, so it starts again; its recording is now {kept}")
        data = {"name": self.stimulus.name, **fingerprints(self.stimulus), **left_out(self.stimulus)}
        attributes = provenance(self.config, device=str(self.device), stimulus=data, kernels=self.choice.told())
        attributes |= {"start": self.origin} if self.origin else {}
        tables = recorder.tables(self.steps)
        wanted, free = bytes_of(tables), check_room(self.folder.recording, bytes_of(tables))
        tell(progress, f"recording: {size(wanted)} before compression, {size(free)} free")
        recorder.writer = Writer.create(self.folder.recording, tables, attributes=attributes)

    def _resumed(self, recorder: Recorder, cursor: dict[str, int], progress: bool) -> Writer:
        """The recording where the checkpoint left it; of a run that was extended with room for its new part."""
        ends = self.config.training.extended
        part = {"step": self.step, **circumstances(str(self.device))} if self.step < self.steps else {}
        if not ends:
            return Writer.resume(self.folder.recording, cursor, part=part)
        tables = recorder.tables(self.steps)
        wanted = bytes_of(tables) - bytes_of(recorder.tables(ends[-1] * self.per_epoch))
        tell(
            progress,
            f"recording: {size(wanted)} more before compression, {size(check_room(self.folder.recording, wanted))} free",
        )
        config = at(self.config, self.folder.settings().stimulus.name)
        return Writer.resume(
            self.folder.recording, cursor, part=part | ({"epochs": self.config.training.epochs} if part else {}),
            lengths={table.path: table.length for table in tables},
            attributes={"config": resolve(config), "config_sha256": digest(config)},
        )  # fmt: skip

    def train(self, progress: bool, stop: StopRequests, until: int | None = None) -> dict[str, Any]:
        """Run to the end, to the epoch `until`, to `max_seconds`, or to a request to stop; a checkpoint is written in each case.

        Raises:
            DivergedError: losses or weights left their limits; its `result` is that of the run so far.
            KeyboardInterrupt: somebody asked to stop.
        """
        begun, first = time.perf_counter(), self.step
        last = self.steps if until is None else min(self.steps, until * self.per_epoch)
        bar = progress_bar(progress, "step", self.steps, initial=self.step)
        try:
            with bar:
                self._steps(begun, bar, stop, last)
        except DivergedError as error:
            self._end("diverged", stop)
            error.result = self._result("diverged", time.perf_counter() - begun, first)
            raise
        except BaseException as error:
            self._end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", stop)
            raise
        status = "complete" if self.step == self.steps else "interrupted"
        if first == self.steps:
            notice(f"{self.folder.path} is complete: its {self.steps} steps were trained before")
        self._end(status, stop)
        if self.ranks.agreed(bool(stop)):
            finished = f"interrupted, but after the last step: {self.folder.path} is complete"
            raise Interrupted(finished) if status == "complete" else KeyboardInterrupt
        return self._result(status, time.perf_counter() - begun, first)

    def _steps(self, begun: float, bar: Any, stop: StopRequests, last: int) -> None:
        t = self.config.training
        every = t.checkpoint_every or self.per_epoch
        mark = (time.perf_counter(), self.step)
        shown = Shown(bar, t.batch, self.per_epoch, self.step)
        while self.step < last:
            self.last = self._one_step()
            shown.step(self.step, self._values)
            due = self.step % every == 0 or self.step == last
            if self.step == 1 or self.step % CHECK_EVERY == 0:
                self._judge()
            over = t.max_seconds is not None and time.perf_counter() - begun >= t.max_seconds
            ends = self.ranks.agreed(bool(stop) or over)
            if ends or due:
                with stop.whole():
                    mark = self._report(mark, begun, bar, interrupted=not due)
                    self._checkpoint(begun)
                ends = ends or self.ranks.agreed(bool(stop))  # asked while that was written
            if ends:
                break

    def _one_step(self) -> torch.Tensor:
        batch, step = self.config.training.batch, self.step
        shown, index = step // self.config.training.repeats, self._objects(step)
        for later in self._ahead(step):
            self.stimulus.train.expect(self._objects(later))
        own = self.ranks.own(self.presentation.rows * batch) if self.ranks.size > 1 else None
        images, label = self.batches.show(TRAINING, index, shown, own)
        pairing = self.batches.pairing(TRAINING, batch, shown) if self.presentation.paired else None
        rate = self._learning_rate(step)
        self.engine.optimiser.learning_rate = rate
        observer = self.recorder if self.recorder is not None and self.recorder.due(step) else None
        if observer is not None:
            rows = self.presentation.rows
            views = self.batches.views(TRAINING, batch, shown) if observer.views else {}
            moment = Moment(
                step, step / self.per_epoch, (step + 1) * batch, rate, index.repeat(rows), label, pairing, views
            )
            observer.begin(moment)
        losses = self.learner.step(images, pairing, observer, label=label if self.rule.needs.supervised else None)
        if observer is not None:
            observer.end(losses)
        self.step += 1
        return losses

    def _ahead(self, step: int) -> range:
        """Steps whose images are read while this one is computed: the next that show others; none on ranks, which read rows of their own."""
        repeats = self.config.training.repeats
        first = (step // repeats + 1) * repeats
        return range(first, min(first + AHEAD * repeats, self.steps) if self.ranks.size == 1 else first, repeats)

    def _objects(self, step: int) -> torch.Tensor:
        """Training objects of a step, int64 (batch,): a function of seed and step alone."""
        batch, (epoch, position) = self.config.training.batch, divmod(step, self.per_epoch)
        if epoch not in self._orders:
            self._orders = {e: order for e, order in self._orders.items() if e == epoch - 1}
            self._orders[epoch] = self.batches.order(TRAINING, epoch)
        begun = position // self.config.training.repeats * batch
        return self._orders[epoch][begun : begun + batch]

    def _learning_rate(self, step: int) -> float:
        """Of the schedule, which blocks that learn one after the other go through once each."""
        first, last = 0, self.steps
        if isinstance(self.rule, Blockwise):
            _, first, last = self.rule.stretch(step, self.steps, len(self.engine.network.names))
        return learning_rate(self.config.optimiser, step - first, last - first, self.per_epoch)

    def _values(self) -> dict[str, float]:
        """Losses of the last step by name; blocks that rest have none."""
        values = dict(zip(self.losses, self.last.tolist(), strict=True))
        learning = self.engine.learning if isinstance(self.engine, BlockEngine) else self.losses
        return {name: values[name] for name in learning}

    def _judge(self) -> dict[str, float]:
        values = self._values()
        self.watch.check(values, self.step, self.config.optimiser.learning_rate)
        return values

    def _report(self, mark: tuple[float, int], begun: float, bar: Any, *, interrupted: bool) -> tuple[float, int]:
        now = time.perf_counter()
        speed = (self.step - mark[1]) * self.config.training.batch / max(now - mark[0], 1e-9)
        values = self._judge()
        line = {
            "step": self.step, "epoch": self.step / self.per_epoch, "loss": sum(values.values()) / len(values), "losses": values,
            "images_per_second": speed, "seconds": self.seconds + now - begun, "peak_memory_bytes": peak_memory(self.device),
        }  # fmt: skip
        if not self.ranks.rank:
            self.metrics.append(line | ({INTERRUPTED: True} if interrupted else {}))
        bar.set_postfix_str(f"epoch {line['epoch']:.1f}, loss {line['loss']:.3f}, {speed:.0f} images/s")
        return now, self.step

    def _checkpoint(self, begun: float) -> None:
        check_finite(self.engine, self.step, self.config.optimiser.learning_rate)
        # first the recording, then the checkpoint that names its cursor
        cursor = {} if self.recorder is None or self.recorder.writer is None else self.recorder.writer.commit()
        seconds = self.seconds + time.perf_counter() - begun
        state = checkpoint.State(
            self.step, seconds, cursor, digest(self.config), identity(self.config), fingerprints(self.stimulus), self.metrics.count,
            self.watch.start, self.choice.words(), told_of(self.stimulus), self.sources, self.origin,
        )  # fmt: skip
        checkpoint.save(self.folder.checkpoints, self.engine, state, keep=self.config.training.keep_checkpoints)

    def _end(self, status: str, stop: StopRequests) -> None:
        with stop.whole():
            self._close(status)

    def _close(self, status: str) -> None:
        if self.recorder is not None and self.recorder.writer is not None:
            self.recorder.writer.close(status)

    def _result(self, status: str, seconds: float, first: int) -> dict[str, Any]:
        images = (self.step - first) * self.config.training.batch
        now: dict[str, Any] = {
            "images_per_second": images / max(seconds, 1e-9),
            "peak_memory_bytes": peak_memory(self.device),
            "seconds": self.seconds + seconds,
            "losses": self._values(),
        }
        # a run that was complete before is told by the last line of its own
        line = now if images else {**dict.fromkeys(now), **self.metrics.last()}
        losses = line["losses"] or {}
        return (
            {
                "run": str(self.folder.path),
                "status": status,
                "epochs": self.step / self.per_epoch,
                "steps": self.step,
                "images_per_second": line["images_per_second"],
                "peak_memory_bytes": line["peak_memory_bytes"],
                "loss": sum(losses.values()) / len(losses) if losses else None,
                "losses": losses,
                "seconds": line["seconds"],
                "kernels": self.choice.told(),
            }
            | ({"start": self.origin} if self.origin else {})
            | self._told_between()
        )

    def _told_between(self) -> dict[str, Any]:
        """What this rank sent to the others in this part of the run; nothing of one process alone."""
        if self.ranks.size == 1:
            return {}
        return {
            "ranks": {"size": self.ranks.size, "sent_bytes": dict(self.ranks.sent), "calls": dict(self.ranks.calls)}
        }
