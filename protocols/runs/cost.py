"""What a plasticity step costs whatever the machine: multiplications, and bytes that its operations read and write.

Both are counted, not derived: one step runs under a mode that sees every operation of PyTorch. They are a proxy of energy (a
multiply-accumulate of arithmetic, a byte of memory traffic), before any cache.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from ...models.engine import build_engine
from ...plasticity import Kernels, using
from ..settings.load import RunConfig
from ..settings.rule import make_rule
from .batches import TRAINING, Batches
from .network import initial_network
from .setup import load_stimulus, presentation_of

BATCH = 256  # images of the step that is counted, at most; bytes of weights and moments are shared out among them
PLAIN = Kernels("default", "direct")  # kernels whose operations PyTorch can count


class Traffic(TorchDispatchMode):
    """Counts the bytes of all tensors that operations read and write; views move none.

    Attributes:
        bytes: so far.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operation and count its tensors."""
        found = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.bytes += sum(t.numel() * t.element_size() for t in _tensors((args, kwargs or {}, found)))
        return found


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from (t for below in value.values() for t in _tensors(below))
    elif isinstance(value, list | tuple):
        yield from (t for below in value for t in _tensors(below))


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a step, per image of the batch, both its glances together.

    Attributes:
        macs: multiply-accumulates of convolutions and matrix products.
        bytes: that all operations of the engine read and write, in float32.
    """

    macs: float
    bytes: float


def cost_of(config: RunConfig, data_dir: Path | None = None) -> Cost:
    """Count one step of a run at its random initialisation, in float32 with plain kernels; of blocks that learn one after the other, a step of the first.

    Args:
        config: of the run.
        data_dir: folder of the data sets.
    """
    stimulus = load_stimulus(config, data_dir, torch.device("cpu"))
    rule, o = make_rule(config.rule), config.optimiser
    network = initial_network(config, stimulus, rule)
    engine = build_engine(
        network, rule, optimiser=o.name, learning_rate=o.learning_rate, factors=o.factors, half=False, seed=config.seed, steps=1,
        recompute=config.training.recompute, **o.own(),
    )  # fmt: skip
    presentation = presentation_of(rule, stimulus)
    batches = Batches(stimulus, presentation, rule, config.seed)
    batch = min(BATCH, config.training.batch, len(stimulus.train))
    images, label = batches.show(TRAINING, torch.arange(batch), 0)
    pairing = batches.pairing(TRAINING, batch, 0) if presentation.paired else None
    with using(PLAIN), _counted() as (products, traffic):
        engine.step(images, pairing, None, label=label if rule.needs.supervised else None)
    return Cost(products.get_total_flops() / 2 / batch, traffic.bytes / batch)


@contextmanager
def _counted() -> Iterator[tuple[FlopCounterMode, Traffic]]:
    with FlopCounterMode(display=False) as products, Traffic() as traffic:
        yield products, traffic
