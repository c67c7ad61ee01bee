"""Precision and kernels of a run: chosen by a measurement of less than a second, kept for the next run on the same machine.

Which kernel is fastest belongs to the machine: oneDNN's product is twice as fast as PyTorch's default on one processor and half as fast on
another, and bfloat16 gains where the processor multiplies it. Kernels differ in the last bits, so that a run keeps to its first choice.
"""

import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from ...plasticity import Kernels, RuleError, conv_change, product, using
from ...plasticity.products import HAS_ONEDNN, UNMEASURED
from ...recordings.atomic import write_text
from ..errors import ModelError
from ..populations.winograd import winograd_change, winograd_sweep

Precision = Literal["float32", "bf16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
GAIN = 1.1  # how much faster bf16 must be: it rounds, and a tie would be decided by noise
SECONDS = 0.8  # of all measurements together, after one call of each
ROWS, INPUTS, CHANNELS, SIDE, TILE = 16, 256, 256, 16, 4  # the middle of a VGG, a quarter of its batch


@dataclass(frozen=True, slots=True)
class Choice:
    """What a run computes by.

    Attributes:
        precision: of sweeps and outer products.
        kernels: see `Kernels`.
        milliseconds: what was measured to choose, by name; empty where nothing was.
    """

    precision: Precision
    kernels: Kernels = UNMEASURED
    milliseconds: Mapping[str, float] = field(default_factory=dict)

    def words(self) -> dict[str, str]:
        """The choice without its reasons, as a checkpoint keeps it."""
        return {
            "precision": self.precision,
            "product": self.kernels.product,
            "convolution": self.kernels.convolution,
        }

    def told(self) -> dict[str, Any]:
        """The choice with its reasons, as JSON-like values."""
        return {**self.words(), "milliseconds": dict(self.milliseconds)}


def from_words(words: Mapping[str, str]) -> Choice:
    """The choice that a checkpoint kept.

    Raises:
        ModelError: a word is missing or unknown.
    """
    try:
        kernels = Kernels(words["product"], words["convolution"])  # type: ignore[arg-type]
    except (KeyError, RuleError) as error:
        raise ModelError(f"kernels: expected what `words` gives, got {dict(words)!r} ({error})") from error
    if words.get("precision") not in PRECISIONS:
        raise ModelError(
            f"kernels.precision: expected one of {', '.join(PRECISIONS)}, got {words.get('precision')!r}; restore state.json"
        )
    return Choice(cast(Precision, words["precision"]), kernels)


def choose(precision: Precision | Literal["auto"], device: torch.device, folder: Path | None = None) -> Choice:
    """Precision and kernels for the machine at hand; on CUDA `auto` is bf16 and nothing is measured.

    Args:
        precision: `auto` for the fastest, or which.
        device: where the run computes.
        folder: where measurements are kept; one that cannot be written keeps none. None measures anew.
    """
    if device.type != "cpu":
        return Choice("bf16" if precision == "auto" else precision)
    path = None if folder is None else folder / "kernels.json"
    kept = {} if path is None else _read(path)
    found: dict[str, float] = kept.get(machine(), {})
    if not _whole(found):
        found = measure()
        if path is not None:
            _keep(path, kept | {machine(): found})
    return fastest(found, precision)


def fastest(milliseconds: Mapping[str, float], precision: Precision | Literal["auto"] = "auto") -> Choice:
    """The choice that a measurement speaks for.

    Args:
        milliseconds: from `measure`.
        precision: `auto`, or the one that is asked for.
    """

    def best(kind: str, *words: str) -> str:
        return min((w for w in words if f"{kind} {w}" in milliseconds), key=lambda w: milliseconds[f"{kind} {w}"])

    kernels = Kernels(best("product", "onednn", "default"), best("convolution", "direct", "winograd"))  # type: ignore[arg-type]
    if precision == "auto":
        single = milliseconds[f"convolution {kernels.convolution}"]
        half = milliseconds.get("convolution bf16", single)
        precision = "bf16" if half * GAIN < single else "float32"
    return Choice(precision, kernels, dict(milliseconds))


@torch.no_grad()
def measure(seconds: float = SECONDS) -> dict[str, float]:
    """Milliseconds of a product, and of the sweep and change of a convolution, by every kernel that the machine has.

    Kernels take turns; the figure is the fastest of them, in processor time of a single thread: on a machine that is shared, threads that
    wait for a core would decide. The number of threads is one meanwhile, and then what it was.

    Args:
        seconds: of the turns together; every kernel gets at least one.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measure(seconds)
    finally:
        torch.set_num_threads(threads)


def _measure(seconds: float) -> dict[str, float]:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    left, right = draw(ROWS * SIDE * SIDE, INPUTS), draw(CHANNELS, INPUTS)
    words = ("onednn", "default") if HAS_ONEDNN else ("default",)
    products = {f"product {w}": _by(Kernels(w), lambda: product(left, right)) for w in words}  # type: ignore[arg-type]
    found = _turns(products, seconds / 4)
    layout = torch.channels_last
    pre, factor = (draw(ROWS, n, SIDE, SIDE).contiguous(memory_format=layout) for n in (INPUTS, CHANNELS))
    weight, bias = draw(CHANNELS, INPUTS, 3, 3).contiguous(memory_format=layout), draw(CHANNELS)
    kernels = fastest(found | {"convolution direct": 0.0}).kernels

    def direct(dtype: torch.dtype) -> Callable[[], object]:
        shown, told, offset, back = (t.to(dtype) for t in (pre, weight, bias, factor))
        return lambda: (F.conv2d(shown, told, offset, padding=1), conv_change(back, shown, (3, 3), 1))

    def tiles() -> object:
        return winograd_sweep(pre, weight, bias, TILE), winograd_change(factor, pre, TILE)

    convolutions = {"convolution direct": direct(torch.float32), "convolution winograd": _by(kernels, tiles)}
    if _multiplies_half():
        convolutions["convolution bf16"] = direct(torch.bfloat16)
    return found | _turns(convolutions, seconds * 3 / 4)


def _by(kernels: Kernels, work: Callable[[], object]) -> Callable[[], object]:
    def run() -> object:
        with using(kernels):
            return work()

    return run


def _turns(work: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    for one in work.values():  # libraries load their kernels at the first call
        one()
    found = dict.fromkeys(work, float("inf"))
    begun = time.perf_counter()
    while True:
        for name, one in work.items():
            start = time.thread_time()
            one()
            found[name] = min(found[name], 1000 * (time.thread_time() - start))
        if time.perf_counter() - begun > seconds:
            return {name: round(value, 3) for name, value in found.items()}


def _multiplies_half() -> bool:
    """Whether bf16 convolutions have a kernel here: without one they take seconds, and need no measurement."""
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return bool(torch.backends.mkldnn.enabled and supported is not None and supported())


def machine() -> str:
    """What a measurement holds for: processor, what of it is used, version; not threads, see `measure`."""
    used = (
        f"{torch.backends.cpu.get_cpu_capability()}, oneDNN {torch.backends.mkldnn.enabled}, bf16 {_multiplies_half()}"
    )
    return f"{processor()}; {used}; torch {torch.__version__}"


def processor() -> str:
    """Name of the processor, as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _whole(found: object) -> bool:
    names = {"product default", "convolution direct", "convolution winograd"}
    return (
        isinstance(found, dict)
        and names <= found.keys()
        and all(isinstance(v, float) and v > 0 for v in found.values())
    )


def _read(path: Path) -> dict[str, Any]:
    """Kept measurements by machine; none where the file is missing or broken."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _keep(path: Path, kept: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(kept, indent=1, sort_keys=True))
    except OSError:  # a cache that cannot be written costs a measurement per run, and nothing else
        return
