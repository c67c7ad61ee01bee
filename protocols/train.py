"""`apical train`: one network, one rule, one stimulus; recorded while it runs, resumable at every checkpoint."""

import json
import math
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from tqdm import tqdm

from ..models import Moment, Tap, TapSpec
from ..models.engine import BlockEngine, Choice, Engine, build_engine, checkpoint, keep_freed_memory
from ..plasticity import Blockwise, pair, using
from ..recordings import Writer
from ..recordings.stores import set_aside
from .config import RunConfig, digest, identity
from .errors import ConfigError, ProtocolError
from .identity import fingerprints, same_data, same_settings
from .kernels import kernels_of
from .networks import initial_network
from .presentation import presentation_of
from .rules import make_rule
from .run import RunFolder, circumstances, provenance
from .schedule import learning_rate
from .stimuli import Stimulus, load
from .streams import epoch_order, stream
from .terminal import notice


def train(
    config: RunConfig, out: Path, *, data_dir: Path | None = None, resume: bool = False, progress: bool = True
) -> dict[str, Any]:
    """Train one network and record it.

    Args:
        config: settings of the run.
        out: folder of the run; new, or that of an interrupted run with `resume`.
        data_dir: folder of the data sets.
        resume: continue from the newest checkpoint; without one from the first step, beside what was recorded before.
        progress: show a bar on stderr, when that is a terminal.

    Returns:
        JSON-ready dict: run, status, epochs, images_per_second, peak_memory_bytes, loss, ...

    Raises:
        ConfigError: the folder exists and `resume` is false, another process trains it, or settings do not fit the data or the checkpoint.
        ProtocolError: the data are no longer those of the checkpoint, or a loss is not finite.
        KeyboardInterrupt: SIGINT or SIGTERM; the run was checkpointed first.
    """
    folder = RunFolder(out)
    if resume:
        folder.settings()
    elif folder.path.exists() and any(folder.path.iterdir()):
        folder.claim(config)  # refuses before any data is read
    device = pick_device(config.training.device)
    keep_freed_memory()
    if config.training.threads:
        torch.set_num_threads(config.training.threads)
    stimulus = load_stimulus(config, data_dir, device)
    choice = kernels_of(config, folder, device, resume=resume)
    run = Run(config, folder, stimulus, device, choice)
    if not resume:
        folder.claim(config)
    with folder.alone(), using(choice.kernels):
        run.open(resume)
        if resume:
            folder.keep(config)
        return run.train(progress)


def pick_device(word: str) -> torch.device:
    """The device of a setting: `auto` takes CUDA where there is one.

    Raises:
        ConfigError: CUDA was asked for and is not there.
    """
    if word == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if word == "cuda" and not torch.cuda.is_available():
        raise ConfigError("training.device: expected a CUDA device, got none on this machine; use --device cpu")
    return torch.device(word)


def load_stimulus(config: RunConfig, data_dir: Path | None, device: torch.device) -> Stimulus:
    """The stimulus of a run, on its device."""
    s = config.stimulus
    return load(
        s.name, data_dir=data_dir, image_size=s.image_size, n_train=s.n_train, n_test=s.n_test,
        seed=config.seed, crop_scale=s.crop_scale, device=str(device),
    )  # fmt: skip


class Run:
    """One training run: network, engine, tap and loop.

    Args:
        config: settings.
        folder: where it lives.
        stimulus: what is seen.
        device: where it computes.
        choice: in which precision and by which kernels; the caller puts the latter in force.
    """

    def __init__(
        self, config: RunConfig, folder: RunFolder, stimulus: Stimulus, device: torch.device, choice: Choice
    ) -> None:
        t, r = config.training, config.recording
        self.choice = choice
        self.config, self.folder, self.stimulus, self.device = config, folder, stimulus, device
        self.rule = make_rule(config.rule)
        self.presentation = presentation_of(self.rule, stimulus)
        self.per_epoch = len(stimulus.train) // t.batch
        if self.per_epoch < 1:
            raise ConfigError(
                f"training.batch: expected at most the {len(stimulus.train)} training images, got {t.batch}; lower it"
            )
        self.steps = self.per_epoch * t.epochs
        o = config.optimiser
        network = initial_network(config, stimulus).to(device)
        self.engine: Engine = build_engine(
            network, self.rule, optimiser=o.name, learning_rate=o.learning_rate, betas=(o.beta1, o.beta2),
            weight_decay=o.weight_decay, eps=o.eps, momentum=o.momentum, trust=o.trust, exponent=o.exponent, factors=o.factors, half=choice.precision == "bf16",
            seed=config.seed, steps=self.steps,
        )  # fmt: skip
        explicit = self.rule.engine == "local"
        self.losses = network.names if explicit else [network.names[-1]]
        if isinstance(self.engine, BlockEngine):
            self.losses = self.engine.losses
        spec = TapSpec(r.every, r.rows, r.units, r.unit_seed, r.populations, r.dtype)
        self.tap = None
        if r.enabled:
            self.tap = Tap(
                network, spec, sources=getattr(self.rule, "sources", ()), losses=self.losses,
                batch_rows=self.presentation.rows * t.batch, paired=self.presentation.paired,
                modulated="neuromodulator" in self.rule.records,
            )  # fmt: skip
        self.step, self.seconds = 0, 0.0
        self._order, self._order_epoch = torch.empty(0), -1

    def open(self, resume: bool) -> None:
        """Restore the newest checkpoint, if any, and open the recording there."""
        stored = checkpoint.found(self.folder.checkpoints)
        cursor = None
        if resume and stored:
            state = checkpoint.read_state(stored[-1])
            same_settings(self.config, state, self.folder.config)
            same_data(self.config, self.stimulus, state)
            checkpoint.load(stored[-1], self.engine)
            self.step, self.seconds, cursor = state.step, state.seconds, state.cursor
        if resume:
            self.folder.keep_metrics_until(self.step)
        if self.tap is None:
            return
        if cursor is not None:
            part = {"step": self.step, **circumstances(str(self.device))}
            self.tap.writer = Writer.resume(self.folder.recording, cursor, part=part)
            return
        if kept := set_aside(self.folder.recording):
            notice(f"{self.folder.path}: no checkpoint to resume from, so it starts again; its recording is now {kept}")
        data = {"name": self.stimulus.name, **fingerprints(self.stimulus)}
        attributes = provenance(self.config, device=str(self.device), stimulus=data, kernels=self.choice.told())
        self.tap.writer = Writer.create(self.folder.recording, self.tap.tables(self.steps), attributes=attributes)

    def train(self, progress: bool) -> dict[str, Any]:
        """Run to the end, to `max_seconds`, or to an interruption; a checkpoint is written in each case."""
        t = self.config.training
        every = t.checkpoint_every or self.per_epoch
        begun, first, last_loss = time.perf_counter(), self.step, torch.full((len(self.losses),), float("nan"))
        status, mark = "complete", (time.perf_counter(), self.step)
        bar = tqdm(
            total=self.steps, initial=self.step, unit="step", file=sys.stderr, disable=None if progress else True
        )
        try:
            with bar, stop_requests() as stop:
                while self.step < self.steps:
                    last_loss = self._one_step()
                    bar.update()
                    if self.step % every == 0 or self.step == self.steps:
                        mark = self._report(last_loss, mark, begun, first, bar)
                        self._checkpoint(begun)
                    spent = time.perf_counter() - begun
                    if stop or (t.max_seconds is not None and spent >= t.max_seconds and self.step < self.steps):
                        status = "interrupted"
                        if self.step % every:
                            mark = self._report(last_loss, mark, begun, first, bar)
                            self._checkpoint(begun)
                        break
                interrupted = bool(stop)
        except BaseException:
            self._close("failed")
            raise
        self._close(status)
        if interrupted:
            raise KeyboardInterrupt
        return self._result(status, last_loss, time.perf_counter() - begun, first)

    def _one_step(self) -> torch.Tensor:
        seed, batch, step = self.config.seed, self.config.training.batch, self.step
        epoch, position = divmod(step, self.per_epoch)
        if self._order_epoch != epoch:
            self._order, self._order_epoch = epoch_order(seed, epoch, len(self.stimulus.train)), epoch
        index = self._order[position * batch : (position + 1) * batch]
        images, label = self.presentation.show(self.stimulus, index, stream(seed, "views", step))
        pairing = None
        if self.presentation.paired:
            draws = stream(seed, "pairing", step)
            pairing = pair(
                batch, negatives=self.rule.negatives, phases=self.rule.phases, others=getattr(self.rule, "others", 0), generator=draws
            )  # fmt: skip
        rate = self._learning_rate(step)
        self.engine.optimiser.learning_rate = rate
        observer = self.tap if self.tap is not None and self.tap.due(step) else None
        if observer is not None:
            rows = self.presentation.rows
            moment = Moment(
                step, step / self.per_epoch, (step + 1) * batch, rate, index.repeat(rows), label.cpu(), pairing
            )
            observer.begin(moment)
        losses = self.engine.step(images, pairing, observer, label=label if self.rule.supervised else None)
        if observer is not None:
            observer.end(losses)
        self.step += 1
        return losses

    def _learning_rate(self, step: int) -> float:
        """Of the schedule, which blocks that learn one after the other go through once each."""
        first, last = 0, self.steps
        if isinstance(self.rule, Blockwise):
            _, first, last = self.rule.stretch(step, self.steps, len(self.engine.network.names))
        return learning_rate(self.config.optimiser, step - first, last - first, self.per_epoch)

    def _values(self, losses: torch.Tensor) -> dict[str, float]:
        """Losses by name; blocks that rest have none."""
        values = dict(zip(self.losses, losses.tolist(), strict=True))
        learning = self.engine.learning if isinstance(self.engine, BlockEngine) else self.losses
        return {name: values[name] for name in learning}

    def _report(
        self, losses: torch.Tensor, mark: tuple[float, int], begun: float, first: int, bar: Any
    ) -> tuple[float, int]:
        now = time.perf_counter()
        speed = (self.step - mark[1]) * self.config.training.batch / max(now - mark[0], 1e-9)
        values = self._values(losses)
        if not all(math.isfinite(value) for value in values.values()):
            raise ProtocolError(
                f"train.loss: expected finite losses, got {values} at step {self.step}; lower optimiser.learning_rate"
            )
        line = {
            "step": self.step, "epoch": self.step / self.per_epoch, "loss": sum(values.values()) / len(values), "losses": values,
            "images_per_second": speed, "seconds": self.seconds + now - begun, "peak_memory_bytes": peak_memory(self.device),
        }  # fmt: skip
        with self.folder.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        bar.set_postfix_str(f"epoch {line['epoch']:.1f}, loss {line['loss']:.3f}, {speed:.0f} images/s")
        return now, self.step

    def _checkpoint(self, begun: float) -> None:
        # first the recording, then the checkpoint that names its cursor
        cursor = {} if self.tap is None or self.tap.writer is None else self.tap.writer.commit()
        seconds = self.seconds + time.perf_counter() - begun
        state = checkpoint.State(
            self.step, seconds, cursor, digest(self.config), identity(self.config), fingerprints(self.stimulus),
            self.choice.words(),
        )  # fmt: skip
        checkpoint.save(self.folder.checkpoints, self.engine, state, keep=self.config.training.keep_checkpoints)

    def _close(self, status: str) -> None:
        if self.tap is not None and self.tap.writer is not None:
            self.tap.writer.close(status)

    def _result(self, status: str, losses: torch.Tensor, seconds: float, first: int) -> dict[str, Any]:
        values = self._values(losses)
        images = (self.step - first) * self.config.training.batch
        return {
            "run": str(self.folder.path),
            "status": status,
            "epochs": self.step / self.per_epoch,
            "steps": self.step,
            "images_per_second": images / seconds if images else None,
            "peak_memory_bytes": peak_memory(self.device),
            "loss": sum(values.values()) / len(values),
            "losses": values,
            "seconds": self.seconds + seconds,
            "kernels": self.choice.told(),
        }


def peak_memory(device: torch.device) -> int | None:
    """Peak memory in bytes: of the process on the CPU, of PyTorch's allocator on CUDA; None on Windows, which is not asked."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """SIGINT and SIGTERM fill the list instead of breaking a step in the middle; a second SIGINT breaks."""
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked.append(number)

    try:
        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # signals belong to the main thread; elsewhere the caller handles them
        yield asked
        return
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
