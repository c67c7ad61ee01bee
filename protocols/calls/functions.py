"""The experiments as functions of plain arguments: each does what the command of its name does."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..settings.load import RunConfig, begin, resolve, texts
from .fields import fields_of, numbers
from .result import Result
from .run import Run, folder_of

if TYPE_CHECKING:
    import xarray as xr

    from ...recordings.layout import StoreLike

Where = str | PathLike[str] | Mapping[str, Any]
Folder = str | PathLike[str]


def load(run: Where, *, device: str | None = None, data_dir: Folder | None = None, data: str | None = None) -> Run:
    """A trained run: its settings, rule, stimulus, network and recording.

    Args:
        run: folder of the run, or the result of `train` or `demo`.
        device: auto, cpu or cuda; None for the run's own setting.
        data_dir: folder of the data sets.
        data: `folder:PATH` or `npz:PATH`, where the run's own images are now; None where they have not moved.

    Raises:
        ConfigError: no run there.
        ProtocolError: on first use of the network: no checkpoint; of the stimulus: other images than those of the training.
    """
    return run if isinstance(run, Run) else Run(folder_of(run), device=device, data_dir=data_dir, data=data)


def open(recording: "Where | StoreLike") -> "xr.DataTree | xr.Dataset":
    """Signals of a run, lazily, as an xarray DataTree, see `apical.recordings.open`; results of a sweep as a Dataset over its axes.

    Args:
        recording: folder of a run or a sweep, `Run`, result of what made it; or any store that `apical.recordings.open` takes.

    Raises:
        RecordingError: nothing there, no recording, or a damaged one.
        ConfigError: a damaged sweep.
    """
    from ...recordings import open as call

    if isinstance(recording, Mapping) and "sweep" in recording:
        recording = Path(recording["sweep"])
    if isinstance(recording, (str, PathLike)) and Path(recording).is_dir():
        from ..sweep.results import is_sweep, open_sweep

        if is_sweep(Path(recording)):
            return open_sweep(Path(recording))

    return call(folder_of(recording) if isinstance(recording, (Mapping, PathLike)) else recording)


def train(
    settings: str | PathLike[str] | Mapping[str, Any] | RunConfig | None = None,
    out: Folder | None = None,
    *,
    changes: Mapping[str, Any] | None = None,
    seed: int | None = None,
    epochs: int | None = None,
    device: str | None = None,
    data_dir: Folder | None = None,
    resume: bool = False,
    start: Where | None = None,
    start_moments: bool | None = None,
    progress: bool = True,
) -> Result:
    """Train one network and record it; `apical train`.

    Args:
        settings: name of a preset, path of a YAML file, a nested mapping of settings, or a `RunConfig`; None to resume `out`.
        out: folder of the run; None for runs/NAME-seedS.
        changes: dotted path to value, such as `{"optimiser.learning_rate": 1e-3}`.
        seed, epochs, device: the same for seed, training.epochs and training.device.
        data_dir: folder of the data sets.
        resume: continue the run in `out`; with more `epochs` also after its end.
        start: run whose weights it begins with, by population and shape, as in `probe`.
        start_moments: begin with the moments of its optimiser as well.
        progress: show a bar where a terminal or notebook has one.

    Raises:
        ConfigError: settings that do not exist, contradict each other or do not fit the run; a folder that exists.
        ProtocolError: data that changed, or losses that diverge.
    """
    from ..train.run import train as run

    if settings is None and not (resume and out is not None):
        raise ConfigError(
            "train.settings: expected a preset, a file or a mapping, got None; or continue with out=RUN, resume=True"
        )
    source = settings if settings is None or isinstance(settings, Mapping) else str(settings)
    if isinstance(settings, RunConfig):
        source = resolve(settings)
    options = {
        "seed": seed,
        "training.epochs": epochs,
        "training.device": device,
        "training.start_moments": start_moments,
    }
    options["training.start"] = None if start is None else str(folder_of(start))
    config, folder = begin(source, _path(out), resume, texts(changes or {}), options)
    return Result("train", run(config, folder, data_dir=_path(data_dir), resume=resume, progress=progress))


def probe(
    run: Where,
    *,
    read_out: str | None = None,
    layers: Sequence[str] | None = None,
    corruptions: int | None = None,
    changes: Mapping[str, Any] | None = None,
    device: str | None = None,
    data_dir: Folder | None = None,
    data: str | None = None,
    other: bool = False,
    normalisation: str | None = None,
    resize: bool = False,
    progress: bool = True,
) -> Result:
    """Read out the frozen rates of a run, beside a random network and the pixels; `apical probe`.

    Args:
        run: folder, `Run`, or result of `train`.
        read_out: `linear`, `knn`, `goodness`; None for the run's own.
        layers: populations; None for all.
        corruptions: test images to read out under every corruption; None for none.
        changes: of `probe` settings, such as `{"probe.solver": "logistic"}`.
        device, data_dir, progress: as in `train`.
        data: other data to read out on, such as `cifar100` or `folder:PATH`; of the run's own kind as in `load`.
        other: whether `data` of the run's own kind are other images.
        normalisation: of other data: `run`, as the run's own images, or `data`; None for the first.
        resize: bring other data to the size that the network sees.
    """
    from ..probe.run import probe as call

    found = call(
        folder_of(run), read_out=read_out, layers=None if layers is None else list(layers), corruptions=corruptions,
        overrides=texts(changes or {}), device=device, data_dir=_path(data_dir), data=data, other=other,
        normalisation=normalisation, resize=resize, progress=progress,
    )  # fmt: skip
    return Result("probe", found)


def align(
    *runs: Where,
    batches: int = 8,
    batch_size: int | None = None,
    fit_b: str = "none",
    fit_batches: int | None = None,
    fit_decay: float | None = None,
    last: bool = False,
    out: Folder | None = None,
    device: str | None = None,
    data_dir: Folder | None = None,
    data: str | None = None,
    progress: bool = True,
) -> Result:
    """Cosine and norm ratio of local changes and backprop gradients, layer by layer; `apical align`.

    Args:
        runs: one or several, each as in `probe`.
        batches, batch_size, fit_b, fit_batches, fit_decay, last: see `apical.protocols.align.Plan`.
        out: folder of the common table and figure; None for that of the first run.
        device, data_dir, progress: as in `train`.
        data: as in `load`.
    """
    from ..align import Plan
    from ..align import align as call

    plan = Plan(
        batches=batches, batch_size=batch_size, fit_b=fit_b, fit_batches=fit_batches, fit_decay=fit_decay, last=last
    )
    folders = [folder_of(run) for run in runs]
    if not folders:
        raise ConfigError(
            "align.runs: expected at least one run, got none; for example apical.align('runs/demo-seed0')"
        )
    return Result(
        "align",
        call(folders, plan, data_dir=_path(data_dir), data=data, out=_path(out), device=device, progress=progress),
    )


def lesion(
    run: Where,
    protocol: str,
    *,
    seeds: Sequence[int] | int = (0, 1, 2),
    steps: int | None = None,
    device: str | None = None,
    data_dir: Folder | None = None,
    data: str | None = None,
    progress: bool = True,
) -> Result:
    """Block, cut, scale or retime signals of a run, beside controls; `apical lesion`.

    Args:
        run: as in `probe`.
        protocol: name, or path of a YAML file.
        seeds: one repetition each.
        steps: plasticity steps of a condition; None for the protocol's.
        device, data_dir, progress: as in `train`.
        data: as in `load`.
    """
    from ..lesion.run import lesion as call

    found = call(
        folder_of(run), protocol, seeds=numbers(seeds), steps=steps, data_dir=_path(data_dir), data=data, device=device, progress=progress
    )  # fmt: skip
    return Result("lesion", found)


def replay(
    run: Where,
    *,
    data_dir: Folder | None = None,
    data: str | None = None,
    report: bool = True,
    progress: bool = True,
    **settings: Any,
) -> Result:
    """Replay a circuit of a run with spiking two-compartment neurons; `apical replay`.

    Args:
        run: as in `probe`.
        data_dir, progress: as in `train`.
        data: as in `load`.
        report: also write the run's report anew.
        settings: fields of `apical.protocols.replay.ReplaySettings`, such as `quick=True` or `population="conv3"`.
    """
    from ..replay import ReplaySettings, replay_run

    settings = fields_of("replay", ReplaySettings, settings)
    chosen = ReplaySettings(**settings)
    return Result(
        "replay",
        replay_run(folder_of(run), chosen, data_dir=_path(data_dir), data=data, report=report, progress=progress),
    )


def spike(
    out: Folder | None = None, *, data_dir: Folder | None = None, progress: bool = True, loop: Mapping[str, Any] | None = None, **settings: Any
) -> Result:  # fmt: skip
    """Let a small network of spiking neurons look about and learn by itself, against its rate twin; `apical spike`.

    Args:
        out: folder, where finished conditions and seeds are kept; None for runs/spike-DATA.
        data_dir, progress: as in `train`.
        loop: fields of `apical.models.spiking.loop.Loop`, such as `{"memory": "slow", "tau_memory": 300.0}`.
        settings: fields of `apical.protocols.spike.SpikeSettings`, such as `glances=60` or `conditions=("intact", "no-memory")`.
    """
    from ..spike import SpikeSettings
    from ..spike import spike as call
    from ..spike.settings import crop_of, loop_from

    settings = fields_of("spike", SpikeSettings, settings)
    data = settings.get("data", "mnist")
    settings.setdefault("crop", crop_of(data))
    chosen = SpikeSettings(loop=loop_from(loop or {}), **settings)
    folder = Path(out) if out is not None else Path("runs") / f"spike-{data.partition(':')[0]}"
    return Result("spike", call(chosen, folder, data_dir=_path(data_dir), progress=progress))


def verify(run: Where, *, repair: bool = False) -> Result:
    """What of a run is whole and what is lost, file by file; `apical verify`, but what is damaged raises nothing here.

    Args:
        run: as in `probe`.
        repair: give back what other parts hold, and set aside what is damaged.
    """
    from ..verify.run import verify as call

    return Result("verify", call(folder_of(run), repair=repair))


def demo(out: Folder | None = None, seed: int = 0, *, progress: bool = True) -> Result:
    """Train, record, probe, replay and draw on the embedded objects; `apical demo`."""
    from ..demo import demo as call

    return Result("demo", call(_path(out), seed, progress))


def theory(out: Folder | None = None, *, seed: int = 0, cases: int = 240, progress: bool = True) -> Result:
    """Check where local learning equals backprop; `apical theory`, but what does not hold raises nothing here."""
    from ..theory import check_theory

    folder = Path(out) if out is not None else Path("runs") / f"theory-seed{seed}"
    return Result("theory", check_theory(folder, seed, cases, progress=progress))


def cells(
    *parts: str,
    out: Folder | None = None,
    run: Folder | None = None,
    seeds: Sequence[int] | int = (0,),
    progress: bool = True,
) -> Result:
    """Run neurons and synapses of the literature beside their sources; `apical cells`, but what does not hold raises nothing here."""
    from ..cells import check_cells

    folder = _path(out) or Path("runs") / "cells"
    return Result("cells", check_cells(folder, parts, run=_path(run), seeds=numbers(seeds), progress=progress))


def _path(folder: Folder | None) -> Path | None:
    return None if folder is None else Path(folder)
