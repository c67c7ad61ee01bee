"""The engine for networks in blocks: autograd inside a span of blocks, none across; one span's graph alive at a time.

A span is what one objective reaches: each block by itself, or all of them for the end-to-end twin. The gradient of a span is taken, and
its graph freed, before the next block is run: summing the losses first would keep all graphs and save no memory.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...plasticity import Blockwise, Pairing
from ..errors import ModelError
from ..networks.in_blocks import BlockNetwork
from ..optimisers.base import Optimiser, Resumable, together
from ..optimisers.measured import Measured
from ..ranks.ranks import ALONE
from .observer import Observer


class BlockEngine:
    """Trains a network in blocks.

    Args:
        network: from `build_blocks` with the same rule.
        rule: objective, noise and order.
        optimiser: any; a `Collector` keeps the changes instead. The engine registers its weights.
        seed: of the noise; a step's noise depends on it and on the step's number alone.
        steps: of the whole run, needed for sequential training.
        half: forward and backward in bfloat16 where autocast allows; objectives and normalisation statistics stay float32.

    Raises:
        ModelError: sequential training without the number of steps, or with fewer steps than blocks.
    """

    ranks = ALONE

    def __init__(
        self,
        network: BlockNetwork,
        rule: Blockwise,
        optimiser: Optimiser,
        *,
        seed: int = 0,
        steps: int | None = None,
        half: bool = False,
    ) -> None:
        blocks = len(network.trunk)
        if rule.order == "sequential" and (steps is None or steps < blocks):
            raise ModelError(
                f"engine.steps: expected at least {blocks} steps for sequential training, one per block, got {steps}; train longer"
            )
        self.network, self.rule, self.optimiser = network, rule, optimiser
        self.seed, self.steps, self.half = seed, steps or 0, half
        self.losses = [network.names[-1]] if rule.end_to_end else network.names
        for name, weight in network.weights().items():
            optimiser.register(name, weight)
        self._loaded = True

    @property
    def learning(self) -> list[str]:
        """Blocks whose loss the last step gave a number; the others rest, and theirs is not a number."""
        if self.rule.order == "simultaneous":
            return self.losses
        return [self.losses[self._stretch(max(0, int(self.network.steps) - 1))[0]]]

    def refresh(self) -> None:
        """Call after weights were loaded from outside."""
        self._loaded = True

    def step(
        self,
        images: Tensor,
        pairing: Pairing | None,
        observer: Observer | None = None,
        *,
        label: Tensor | None = None,
    ) -> Tensor:
        """One step; arguments as in `LocalEngine.step`. The pairing is not read: row i and row n + i are two views of one object.

        Returns:
            Loss of every block, (blocks,), not a number where a block rests; end to end (1,).
        """
        done = int(self.network.steps)
        turn, first, _ = self._stretch(done)
        self._advance(done - first)
        noise = self._noise(done, images.device)
        weight = next(iter(self.network.weights().values()))
        x = images.to(weight.dtype).contiguous(memory_format=torch.channels_last)
        losses = torch.full((len(self.losses),), float("nan"), dtype=weight.dtype, device=images.device)
        if self.rule.end_to_end:
            _, losses[0] = self._learn(range(len(self.network.trunk)), x, noise, observer)
        else:
            for i in range(turn + 1):
                if self.rule.order == "sequential" and i < turn:
                    x = self._rest(i, x, noise)
                else:
                    x, losses[i] = self._learn([i], x, noise, observer)
        self.network.steps += 1
        return losses

    def _stretch(self, done: int) -> tuple[int, int, int]:
        return self.rule.stretch(done, self.steps, len(self.network.trunk))

    def _advance(self, done: int) -> None:
        """The bias correction of a block's moments begins when the block does."""
        fresh = self._loaded or done == 0
        if self.rule.order == "sequential" and fresh and isinstance(self.optimiser, Resumable):
            self.optimiser.restore(done)
        self._loaded = False
        self.optimiser.advance()

    def _noise(self, done: int, device: torch.device) -> torch.Generator:
        words = np.random.SeedSequence([self.seed, done]).generate_state(1, np.uint64)
        return torch.Generator(device).manual_seed(int(words[0]))

    def _learn(
        self, span: Sequence[int], x: Tensor, noise: torch.Generator, observer: Observer | None
    ) -> tuple[Tensor, Tensor]:
        """Forward, gradient and change of one span; what it hands on carries no gradient."""
        weights = {name: weight for i in span for name, weight in self.network.block_weights(i).items()}
        for weight in weights.values():
            weight.requires_grad_(True)
        try:
            out, loss = self._objective(span, x.detach(), noise)
            # torch types the gradients loosely
            gradients: tuple[Tensor, ...] = torch.autograd.grad(loss, list(weights.values()))
        finally:
            for weight in weights.values():
                weight.requires_grad_(False)
        with torch.no_grad():
            for i in span:
                self._change(i, dict(zip(weights, gradients, strict=True)), observer)
        return out, loss.detach()

    @torch.enable_grad()
    def _objective(self, span: Sequence[int], x: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        network, last = self.network, span[-1]
        projector = network.projectors[last]
        assert projector is not None
        for i in span:
            network.learning(i, True)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.half):
            for i in span:
                x = self._noisy(network.trunk[i](x), noise)
            out = x.detach()
            projected = projector(network.expansions[last](x)).to(next(projector.parameters()).dtype)
        first, second = projected.chunk(2)
        return out, self.rule.objective(first, second)

    @torch.no_grad()
    def _rest(self, i: int, x: Tensor, noise: torch.Generator) -> Tensor:
        """A block that has had its turn: it hands on, noise included, and stands still."""
        self.network.learning(i, False)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.half):
            return self._noisy(self.network.trunk[i](x), noise)

    def _noisy(self, x: Tensor, noise: torch.Generator) -> Tensor:
        """x + noise std(x) eps; the deviation is part of the graph, as in the authors' code."""
        if self.rule.noise == 0:
            return x
        # drawn in the order of a channels-last map: other layouts are filled number by number
        rows, channels, height, width = x.shape
        drawn = torch.randn(rows, height, width, channels, generator=noise, device=x.device, dtype=x.dtype)
        drawn = drawn.permute(0, 3, 1, 2)
        spread = x.std() if self.rule.spread == "all" else x.std((2, 3), correction=0, keepdim=True)
        return torch.addcmul(x, drawn, self.rule.noise * spread)

    def _change(self, i: int, gradients: dict[str, Tensor], observer: Observer | None) -> None:
        optimiser = self.optimiser if observer is None else Measured(self.optimiser)
        weights = self.network.block_weights(i)
        with together(optimiser):
            for name, weight in weights.items():
                optimiser.apply(name, weight, gradients[name].neg())
        if isinstance(optimiser, Measured) and observer is not None:
            norms = [torch.linalg.vector_norm(weight, dtype=torch.float64) for weight in weights.values()]
            observer.block(
                self.network.names[i], optimiser.move(*weights), torch.linalg.vector_norm(torch.stack(norms))
            )
