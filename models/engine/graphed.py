"""Steps by a CUDA graph: the kernels of a whole step, started as one.

A graph repeats what was captured, on the same memory. What changes from step to step therefore reaches it through tensors that stay: images,
pairing and labels are copied into them, the learning rate and the number of the step are the optimiser's own, on the device.

    steps 1 .. WARM_UP    kernel by kernel, on tensors that stay       libraries choose their kernels, the optimiser lays out its numbers
    the next one          captured, which does nothing, then replayed
    all others            replayed

On a CPU there is nothing to capture: every step goes kernel by kernel on the same tensors, and is the plain step bit for bit.
"""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from ...plasticity import Pairing
from ..errors import ModelError
from ..optimisers.base import Resumable
from .block import BlockEngine
from .build import Engine
from .observer import Observer

WARM_UP = 3


@runtime_checkable
class Repeatable(Resumable, Protocol):
    """An optimiser whose step is a function of tensors on the device alone."""

    def repeated(self) -> None:
        """A captured step was done once more."""
        ...


class Graphed:
    """An engine's steps on inputs that stay where they are, captured on a GPU.

    A step that is watched goes the plain way, and needs the memory of one beside that of the graph.

    Args:
        engine: of populations, with AdamW; its weights must stay the tensors that they are.

    Raises:
        ModelError: a network in blocks, whose noise the host draws, or an optimiser that counts on the host.
    """

    def __init__(self, engine: Engine) -> None:
        if isinstance(engine, BlockEngine):
            raise ModelError(
                "training.graph: expected a rule of populations, got one of blocks, whose noise is seeded by the host at every step; "
                "remove training.graph"
            )
        if not isinstance(engine.optimiser, Repeatable):
            raise ModelError(
                f"training.graph: expected the optimiser adamw, got {type(engine.optimiser).__name__}, which keeps its learning rate on the "
                "host; remove training.graph"
            )
        self.engine = engine
        self._optimiser: Repeatable = engine.optimiser
        self._held: dict[str, Tensor] = {}
        self._pairing: Pairing | None = None  # whose rows are held
        self._warm = 0
        self._graph: Any = None
        self._losses = torch.empty(0)

    def step(
        self, images: Tensor, pairing: Pairing | None, observer: Observer | None = None, *, label: Tensor | None = None
    ) -> Tensor:
        """One step; arguments and result as in the engine's own."""
        if observer is not None:
            return self.engine.step(images, pairing, observer, label=label)
        weight = self.engine.network.populations[0].weight
        there = None if pairing is None else pairing.to(weight.device, weight.dtype)
        self._lay(images, there, label)
        if weight.device.type != "cuda":
            return self._plain()
        if self._graph is not None:
            self._optimiser.repeated()
        elif self._warm < WARM_UP:
            return self._warmed()
        else:
            self._capture()
        self._graph.replay()
        return self._losses.clone()  # the next replay writes over them

    def _lay(self, images: Tensor, pairing: Pairing | None, label: Tensor | None) -> None:
        """Copy what is shown into the tensors that stay; others of another shape begin a new graph."""
        given = {"images": images} | ({} if label is None else {"label": label})
        if pairing is not self._pairing or pairing is None:
            given |= _parts(pairing)
            self._pairing = pairing
        names = {"images", *_parts(pairing), *(() if label is None else ("label",))}
        if self._held.keys() != names or any(_kind(self._held[name]) != _kind(part) for name, part in given.items()):
            self._held = {name: part.clone() for name, part in (given | _parts(pairing)).items()}
            self._graph, self._warm = None, 0
            return
        for name, part in given.items():
            self._held[name].copy_(part)

    def _plain(self) -> Tensor:
        held = self._held
        pairing = None
        if "fixation" in held:
            pairing = Pairing(
                held["fixation"], held["saccade"], held["fixation_weight"], held["saccade_weight"], held.get("others")
            )
        return self.engine.step(held["images"], pairing, label=held.get("label"))

    def _warmed(self) -> Tensor:
        """A step beside the main stream, as a capture demands of those before it."""
        main, beside = torch.cuda.current_stream(), torch.cuda.Stream()
        beside.wait_stream(main)
        with torch.cuda.stream(beside):
            losses = self._plain()
        main.wait_stream(beside)
        self._warm += 1
        return losses

    def _capture(self) -> None:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._losses = self._plain()
        self._graph = graph


def _parts(pairing: Pairing | None) -> dict[str, Tensor]:
    if pairing is None:
        return {}
    names = ("fixation", "saccade", "fixation_weight", "saccade_weight", "others")
    return {name: part for name in names if (part := getattr(pairing, name)) is not None}


def _kind(tensor: Tensor) -> tuple[Any, ...]:
    return tuple(tensor.shape), tensor.dtype, tensor.device
