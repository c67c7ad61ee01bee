"""What is done on the device that computes nothing: a process of its own, one scenario a line of JSON, `python scenarios.py LIBRARY`."""

import json
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    from fake_device import load as load_device

    if sys.argv[1:]:
        load_device(sys.argv[1])

import torch
from apical.models.engine import Choice, rates, settle
from apical.protocols.readouts.features import features
from apical.protocols.runs.batches import TRAINING
from apical.protocols.runs.folder import RunFolder
from apical.protocols.settings.load import RunConfig, load
from apical.protocols.stimuli.images import ImageSet, Normalisation
from apical.protocols.stimuli.objects.shapes import Shapes
from apical.protocols.stimuli.presentations.table import PRESENTATIONS
from apical.protocols.stimuli.stimulus import Stimulus, ViewedImages
from apical.protocols.stimuli.views.views import ViewSettings
from apical.protocols.train.loop import Run
from watched import Watched

CUDA = torch.device("cuda")
HELD = 64  # images of the data set that stands for all
SHAPES = {"mnist": (1, 28, 28), "stl10": (3, 96, 96)}
PLAIN = "recording.enabled=false"
RECORDED = ("recording.every=1", "recording.rows=8", "recording.units=8")


def pixels(shape: tuple[int, int, int], name: str) -> ImageSet:
    """Images on the device: what they show is nobody's business there."""
    held, labels = torch.zeros(HELD, *shape, dtype=torch.uint8, device=CUDA), torch.zeros(HELD, dtype=torch.int64)
    return ImageSet(name, held, labels.to(CUDA), tuple(map(str, range(10))), "")


def stimulus_of(name: str) -> Stimulus:
    """The data set of a preset, on the device."""
    shape = SHAPES.get(name, (3, 32, 32))
    train, test, plain = (
        pixels(shape, "train"),
        pixels(shape, "test"),
        Normalisation((0.5,) * shape[0], (0.25,) * shape[0]),
    )
    if name == "shapes":
        return Shapes("shapes", train, test, torch.zeros_like(train.images), plain)
    return ViewedImages(name, train, test, plain, ViewSettings())


def run_of(watched: Watched, config: RunConfig, precision: str, folder: Path) -> Run:
    """A training run on the device, before its first step."""
    with watched.counted(strict=False):
        stimulus = stimulus_of(config.stimulus.name)
        return Run(config, RunFolder(folder), stimulus, CUDA, Choice(precision))


def steps(
    watched: Watched,
    preset: str,
    overrides: tuple[str, ...] = (),
    precision: str = "float32",
    recorded: bool = False,
    strict: bool = True,
    warm: int = 1,
) -> dict[str, Any]:
    """What a step of training asks of the device, once the first ones have laid out what stays."""
    told = (*overrides, *RECORDED) if recorded else (*overrides, PLAIN)
    config = load(preset, ["training.batch=8", "training.device=cpu", *told])
    with tempfile.TemporaryDirectory() as folder:
        run = run_of(watched, config, precision, Path(folder) / "run")
        if recorded:
            with watched.counted(strict=False):
                run.open(resume=False)
        for _ in range(warm):
            with watched.counted(strict=False):
                run._one_step()
        with watched.counted(strict=strict and not recorded) as report:
            run._one_step()
        if recorded:
            run._close("complete")
        return report.told() | {"shown": _shown(watched, run)}


def _shown(watched: Watched, run: Run) -> int:
    """Kernels that show the images of a step alone."""
    with watched.counted(strict=False) as report:
        run.batches.show(TRAINING, torch.arange(8), 9)
    return report.launches.total()


def shown(watched: Watched, presentation: str, stimulus: str = "cifar10") -> dict[str, Any]:
    """What it takes to show images."""
    with watched.counted(strict=False):
        seen = stimulus_of(stimulus)
        PRESENTATIONS[presentation].show(seen, torch.arange(8), torch.Generator().manual_seed(0))
    with watched.counted() as report:
        images, _ = PRESENTATIONS[presentation].show(seen, torch.arange(8), torch.Generator().manual_seed(1))
    return report.told() | {"device": images.device.type}


def read(watched: Watched, preset: str) -> dict[str, Any]:
    """Features of images for a read-out, and the statistics of relays set before it."""
    config = load(preset, ["training.batch=8", "training.device=cpu", PLAIN])
    with tempfile.TemporaryDirectory() as folder:
        run = run_of(watched, config, "float32", Path(folder) / "run")
        seen, network = run.stimulus, run.engine.network
        with watched.counted(strict=False):  # constants of the images are moved once
            seen.still(seen.test.images)
        with watched.counted() as report:
            settle(network, seen.still(seen.train.images), 32)
            found = rates(network, seen.still(seen.test.images))
        with watched.counted(strict=False) as out:
            matrix = features(network, seen, seen.test, CUDA, run.presentation.still).matrix
    return report.told() | {
        "device": found[-1].device.type,
        "features": matrix.device.type,
        "features_waits": out.waits.total(),
    }


def planted(watched: Watched) -> dict[str, Any]:
    """What becomes of a step with a fault in it, by fault; "" where nothing is told."""
    faults: dict[str, Callable[[torch.Tensor], object]] = {
        "item": lambda loss: loss.sum().item(),
        "if": lambda loss: bool(loss.sum() > 0),
        "nonzero": lambda loss: loss.nonzero(),
        "to the host": lambda loss: loss.cpu(),
        "numbers from the host": lambda loss: torch.tensor([1.0], device=loss.device),
        "not pinned": lambda loss: torch.ones(len(loss)).to(loss.device, non_blocking=True),
        "waited for": lambda loss: torch.ones(len(loss)).pin_memory().to(loss.device),
        "solved": lambda loss: torch.linalg.inv(torch.eye(2, device=loss.device)),
        "on the host": lambda loss: loss + torch.ones(len(loss)),
        "index on the host": lambda loss: loss[torch.arange(2)],
        "none": lambda loss: torch.ones(len(loss)).pin_memory().to(loss.device, non_blocking=True) + 1,
    }
    config = load("cifar10-dfa-narrow", ["training.batch=8", "training.device=cpu", PLAIN])
    with tempfile.TemporaryDirectory() as folder:
        run = run_of(watched, config, "float32", Path(folder) / "run")
        found = {}
        for name, fault in faults.items():
            run.engine.step = _faulty(run.engine.step, fault)  # type: ignore[method-assign]
            try:
                with watched.counted():
                    run._one_step()
                found[name] = ""
            except Exception as error:
                found[name] = type(error).__name__
            del run.engine.step
    return found


def _faulty(step: Callable[..., torch.Tensor], fault: Callable[[torch.Tensor], object]) -> Callable[..., torch.Tensor]:
    def wrong(*args: Any, **kwargs: Any) -> torch.Tensor:
        loss = step(*args, **kwargs)
        fault(loss.expand(6))
        return loss

    return wrong


SCENARIOS: dict[str, Callable[..., dict[str, Any]]] = {f.__name__: f for f in (steps, shown, read, planted)}


def main() -> None:
    """Answer scenarios until there are no more."""
    torch.set_num_threads(1)
    torch.cuda._lazy_init = lambda: None
    torch._C._set_only_lift_cpu_tensors(True)  # `torch.tensor(..., device=)` is a copy, and is seen as one
    torch.cuda.amp.common.amp_definitely_not_available = lambda: False  # type: ignore[assignment]
    torch.cuda.is_bf16_supported = lambda including_emulation=True: True
    watched = Watched()
    print(json.dumps({"ready": torch.__version__}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            with watched:
                answer = SCENARIOS[asked["scenario"]](watched, **asked["given"])
        except Exception as error:
            answer = {
                "error": type(error).__name__,
                "message": str(error)[:600],
                "traceback": [str(frame) for frame in traceback.extract_tb(error.__traceback__)[-9:]],
            }
        print("\n" + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
