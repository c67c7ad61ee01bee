"""CLAPP++ by autograd, as one writes it from the paper and as one writes it who knows PyTorch: what the explicit engine is set against."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GRIDS = (8, 4, 4, 4, 2, 2)
PLAN = ((128, False), (256, True), (256, False), (512, True), (1024, True), (1024, True))


class PlainClapp(nn.Module):
    """CLAPP++ by autograd, the usual way: modules, detached inputs, one loss a block."""

    def __init__(self, width: float, context: str) -> None:
        super().__init__()
        self.context, self.pools = context, [pool for _, pool in PLAN]
        self.convs, self.lateral, self.dfb = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        inputs, units = 3, [round(c * width) * g * g for (c, _), g in zip(PLAN, GRIDS, strict=True)]
        for (channels, _), size in zip(PLAN, units, strict=True):
            self.convs.append(nn.Conv2d(inputs, round(channels * width), 3, padding=1))
            inputs = round(channels * width)
            if context in ("lateral", "both"):
                self.lateral.append(nn.Linear(size, size, bias=False))
            if context in ("dfb", "both"):
                self.dfb.append(nn.Linear(units[-1], size, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Summed loss of all blocks; x stacks both glances."""
        pooled = []
        for i in range(len(PLAN)):
            x, z = self.block(i, x)
            pooled.append(z)
        return torch.stack([self.loss(i, z, pooled[-1]) for i, z in enumerate(pooled)]).sum()

    def block(self, i: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map and block-pooled rate of block i."""
        x = F.relu(self.convs[i](x.detach()))
        x = F.max_pool2d(x, 2) if self.pools[i] else x
        return x, F.avg_pool2d(x, x.shape[-1] // GRIDS[i]).flatten(1)

    def loss(self, i: int, z: Tensor, top: Tensor) -> Tensor:
        """Loss of block i, given its block-pooled rate and the top's."""
        loss = z.new_zeros(())
        if len(self.lateral):
            loss = loss + self.contrast(z, self.lateral[i](z.detach()))
        if len(self.dfb):
            loss = loss + self.contrast(z, self.dfb[i](top.detach()))
        return loss

    @staticmethod
    def contrast(z: Tensor, prediction: Tensor) -> Tensor:
        """Hinge on the scores of fixation and saccade."""
        positive = torch.cat(z.chunk(2)[::-1])
        negative = positive.roll(-1, 0)
        return (F.relu(1 - (positive * prediction).sum(1)) + F.relu(1 + (negative * prediction).sum(1))).mean()


def plain_step(network: PlainClapp, images: Tensor) -> Callable[[], None]:
    """One summed loss, one backward pass, AdamW with PyTorch's slowest kernel: what `apical bench engine` first measured against."""
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-4, foreach=False, fused=False)

    def step() -> None:
        optimiser.zero_grad()
        network(images).backward()
        optimiser.step()

    return step


def reduced_step(network: PlainClapp, images: Tensor) -> Callable[[], None]:
    """What one writes for several processes: PyTorch's DistributedDataParallel, which adds up all gradients while the backward pass goes on, and fused AdamW.

    Args:
        network: the same at every rank; its layout changes in place.
        images: both glances of the own objects.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = images.contiguous(memory_format=torch.channels_last)
    whole = nn.parallel.DistributedDataParallel(network, gradient_as_bucket_view=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-4, fused=True)

    def step() -> None:
        optimiser.zero_grad()
        whole(images).backward()
        optimiser.step()

    return step


def best_step(network: PlainClapp, images: Tensor, *, half: bool = False, compiled: bool = False) -> Callable[[], None]:
    """What one writes for speed and memory: channels-last, fused AdamW, graphs and gradients freed block by block.

    With lateral context a block is finished before the next one starts; with direct feedback the graphs wait for the top, and are then
    freed one by one. Every weight moves as soon as its gradient is there, so that gradients never exist together.

    Args:
        network: its layout changes in place.
        images: both glances.
        half: autocast to bfloat16.
        compiled: one graph compiled by Inductor, the usual way with one backward pass.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = images.contiguous(memory_format=torch.channels_last)
    if compiled:
        optimiser, whole = torch.optim.AdamW(network.parameters(), lr=2e-4, fused=True), torch.compile(network)

        def compiled_step() -> None:
            optimiser.zero_grad()
            whole(images).backward()
            optimiser.step()

        return compiled_step
    for weight in network.parameters():
        weight.register_post_accumulate_grad_hook(partial(_move, torch.optim.AdamW([weight], lr=2e-4, fused=True)))

    def step() -> None:
        pre, waiting = images, list[Tensor]()
        for i in range(len(PLAN)):
            with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
                pre, z = network.block(i, pre)
                if network.context == "lateral":
                    loss = network.loss(i, z, z)
            if network.context == "lateral":
                loss.backward()
            else:
                waiting.append(z)
        top = waiting[-1].detach() if waiting else pre
        del pre
        for i in range(len(waiting)):
            with torch.autocast(images.device.type, torch.bfloat16, enabled=half):
                loss = network.loss(i, waiting[i], top)
            loss.backward()
            waiting[i] = top  # frees the graph

    return step


def _move(optimiser: torch.optim.Optimizer, weight: Tensor) -> None:
    optimiser.step()
    optimiser.zero_grad()
