"""Residual networks in four blocks: ResNet-18 and ResNet-50 (He et al. 2016, CVPR), written out with torch's layers.

    block 1 = stem + layer 1,  block 2 = layer 2,  block 3 = layer 3,  block 4 = layer 4

Strides of a bottleneck are on its 3x3 convolution, as in the networks with published weights.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from ..errors import ModelError

STEMS = ("3x3", "7x7")


@dataclass(frozen=True, slots=True)
class Depth:
    """What tells one ResNet from another.

    Attributes:
        layers: residual blocks of each of the four layers.
        bottleneck: whether they are 1x1, 3x3, 1x1 with four times the channels, or twice 3x3.
    """

    layers: tuple[int, int, int, int]
    bottleneck: bool

    @property
    def expansion(self) -> int:
        """Channels that leave a residual block, in units of its inner ones."""
        return 4 if self.bottleneck else 1


RESNETS = {"resnet18": Depth((2, 2, 2, 2), False), "resnet50": Depth((3, 4, 6, 3), True)}


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch normalisation, and ReLU where asked for."""

    def __init__(self, inputs: int, channels: int, kernel: int, stride: int = 1, *, relu: bool) -> None:
        layers: OrderedDict[str, nn.Module] = OrderedDict(
            conv=nn.Conv2d(inputs, channels, kernel, stride, kernel // 2, bias=False), norm=nn.BatchNorm2d(channels)
        )
        if relu:
            layers["relu"] = nn.ReLU(inplace=True)
        super().__init__(layers)


class Residual(nn.Module):
    """rho(x + f(x)); where the shape changes x goes through a 1x1 convolution.

    Args:
        inputs: channels that come in.
        channels: inner channels.
        stride: of the first 3x3 convolution and of the shortcut.
        bottleneck: see `Depth`.
    """

    def __init__(self, inputs: int, channels: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        outputs = channels * (4 if bottleneck else 1)
        if bottleneck:
            self.branch = nn.Sequential(
                ConvNorm(inputs, channels, 1, relu=True),
                ConvNorm(channels, channels, 3, stride, relu=True),
                ConvNorm(channels, outputs, 1, relu=False),
            )
        else:
            self.branch = nn.Sequential(
                ConvNorm(inputs, channels, 3, stride, relu=True), ConvNorm(channels, outputs, 3, relu=False)
            )
        same = stride == 1 and inputs == outputs
        self.shortcut: nn.Module = nn.Identity() if same else ConvNorm(inputs, outputs, 1, stride, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, inputs, height, width) to (rows, outputs, height / stride, width / stride)."""
        return torch.relu(self.branch(x) + self.shortcut(x))


def check(kind: str, shape: tuple[int, int, int], width: float, stem: str) -> None:
    """Refuse what is no residual network.

    Raises:
        ModelError: an unknown kind or stem, a width without channels, or an image too small for the strides.
    """
    if kind not in RESNETS:
        raise ModelError(f"network.builder: expected one of {', '.join(RESNETS)}, got {kind!r}; correct it")
    if stem not in STEMS:
        raise ModelError(f"network.stem: expected one of {', '.join(STEMS)}, got {stem!r}; 3x3 is for small images")
    if not (math.isfinite(width) and width > 0) or round(64 * width) < 1:
        raise ModelError(f"network.width: expected at least {1 / 64}, got {width!r}; 1.0 is the published network")
    least = 32 if stem == "7x7" else 8
    if min(shape[1:]) < least:
        raise ModelError(
            f"network.shape: expected images of at least {least} x {least} with the {stem} stem, got {shape[1]} x {shape[2]}; "
            "change stimulus.image_size or network.stem"
        )


def resnet(
    kind: str,
    shape: tuple[int, int, int],
    *,
    generator: torch.Generator,
    width: float = 1.0,
    stem: str = "3x3",
    zero_init: bool = True,
) -> tuple[list[nn.Module], list[int]]:
    """The four blocks at their random initialisation, and the channels that leave each.

    Args:
        kind: `resnet18` or `resnet50`.
        shape: input shape (channels, height, width).
        generator: CPU generator of the initial weights.
        width: factor on all channels.
        stem: `7x7` with stride 2 and max-pool, for large images; `3x3` with stride 1 and none, for small ones.
        zero_init: the last normalisation of every residual branch starts at gain 0, so that the branch starts silent.

    Raises:
        ModelError: an unknown kind or stem, a width without channels, or an image too small for the strides.
    """
    check(kind, shape, width, stem)
    depth, inner = RESNETS[kind], [max(1, round(64 * 2**i * width)) for i in range(4)]
    outputs = [channels * depth.expansion for channels in inner]
    with torch.device("meta"):
        incoming, blocks = inner[0], []
        for i, count in enumerate(depth.layers):
            parts: OrderedDict[str, nn.Module] = OrderedDict()
            if i == 0:
                parts["stem"] = _stem(shape[0], inner[0], stem)
            layer = []
            for j in range(count):
                stride = 2 if i > 0 and j == 0 else 1
                layer.append(Residual(incoming, inner[i], stride, bottleneck=depth.bottleneck))
                incoming = outputs[i]
            parts[f"layer{i + 1}"] = nn.Sequential(*layer)
            blocks.append(nn.Sequential(parts))
    started: list[nn.Module] = [initialise(block, generator, zero_init=zero_init) for block in blocks]
    return started, outputs


resnet18, resnet50 = partial(resnet, "resnet18"), partial(resnet, "resnet50")


def _stem(inputs: int, channels: int, stem: str) -> nn.Module:
    if stem == "3x3":
        return ConvNorm(inputs, channels, 3, relu=True)
    return nn.Sequential(
        OrderedDict(input=ConvNorm(inputs, channels, 7, 2, relu=True), pool=nn.MaxPool2d(3, stride=2, padding=1))
    )


def initialise(module: nn.Module, generator: torch.Generator, *, zero_init: bool = False) -> nn.Module:
    """Bring a module from the meta device to the CPU, with weights drawn from a generator and no gradient asked for.

    Convolutions: normal with variance 2 / fan-out (He et al. 2015); linear layers: PyTorch's default, uniform within
    1/sqrt(fan-in); normalisations: gain 1, offset 0, running mean 0 and variance 1.
    """
    module = module.to_empty(device="cpu").requires_grad_(False)
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(part, nn.Linear):
            bound = part.in_features**-0.5
            part.weight.uniform_(-bound, bound, generator=generator)
            if part.bias is not None:
                part.bias.uniform_(-bound, bound, generator=generator)
        elif isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            part.reset_parameters()
    if zero_init:
        for part in module.modules():
            if isinstance(part, Residual):
                last = cast(ConvNorm, part.branch[-1])
                cast(nn.BatchNorm2d, last.norm).weight.zero_()
    return module
