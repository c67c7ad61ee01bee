"""Residual blocks as populations: two or three convolutions and a shortcut share one basal and one apical compartment.

With x the rates that arrive, * a convolution, S the shortcut (the identity, or 1x1 kernels where the shape changes) and N_l normalisations:

    h_0 = N_0(x)
    a_l = W_l * h_(l-1) + b_l,   h_l = rho(N_l(a_l))          l = 1 .. L-1: inside the block
    a   = W_L * h_(L-1) + b_L + S x,   z = rho(a)             basal potential and rate of the block

The apical signal reaches a alone. What the convolutions inside are told is that signal, carried back by the chain inside the block and no
further, written out here without autograd:

    delta_L = drive rho'(a)
    delta_l = N_l'^T [ rho'(h_l) (W_(l+1)^T * delta_(l+1)) ]
    dW_l    = delta_l (x) h_(l-1),   db_l = sum delta_l,   dS = delta_L (x) x

N_0 needs no derivative: nothing is handed down through the branch. Where the statistics of a batch stand inside the block (`inside`), rows of a
batch are coupled, and N_l' is that of the batch: with y = N(a), sigma its deviation and <> means over rows and places of a channel,

    N'^T g = (g - <g> - y <g y>) / sigma

Not claimed: that a cortical circuit carries delta through the transposed kernels of the same column; the block is the smallest unit that
is local here, not the synapse.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ...plasticity import conv_change
from ..errors import ModelError
from .activity import Activity
from .conv import ConvPopulation, Population
from .relay import BatchNorm
from .transfer import RELU, Transfer

Norm = Literal["input", "inside", "none"]
Stop = Literal["both", "branch"]
NORMS: tuple[Norm, ...] = ("input", "inside", "none")
STOPS: tuple[Stop, ...] = ("both", "branch")
EPS, MOMENTUM = 1e-5, 0.1  # of `BatchNorm`


@dataclass(frozen=True, slots=True)
class Convolution:
    """One convolution of a block; the rim is half the kernel.

    Attributes:
        weight, bias: W (channels, inputs, k, k) and b (channels,).
        stride: step of the kernel.
    """

    weight: Tensor
    bias: Tensor
    stride: int = 1


@dataclass(slots=True)
class ResidualActivity(Activity):
    """Activity of a residual block; `pre` are the rates that enter its last convolution.

    Attributes:
        incoming: x, where the shortcut has weights; else None.
        hidden: what enters every other convolution, h_0 to h_(L-2).
        scaled: a_l of every convolution inside, with mean and 1 / sigma of its channels in the batch, where batches are normalised inside.
    """

    incoming: Tensor | None = None
    hidden: tuple[Tensor, ...] = ()
    scaled: tuple[tuple[Tensor, Tensor, Tensor], ...] = ()


class ResidualBlock(ConvPopulation):
    """A residual block with one pair of compartments; equations above.

    As a population it is its last convolution, `weight` and `bias`, whose potential the shortcut adds to; the rest is in `inner`.

    Args:
        name: name in recordings and checkpoints.
        inputs: shape of what arrives, (channels, height, width).
        convolutions: of the branch, from below, at least two; the last of stride 1.
        shortcut: S, (channels, inputs, 1, 1); None for the identity.
        grid: side of the block-pooled map, see `ConvPopulation`.
        norm: `input`: N_0 alone; `inside`: N_0 and one behind every convolution but the last; `none`. Per channel over rows and places,
            without gain and offset, running statistics when the network is only read.
        stop: where learning stops on its way down. `both`: at branch and shortcut, nothing reaches the population below; `branch`: at
            the entry of the branch alone, the shortcut conducts.
        transfer: rho, of all neurons of the block.

    Attributes:
        inner: weights beside `weight` and `bias`, by name: `conv1.weight`, `conv1.bias`, ..., `shortcut.weight`.

    Raises:
        ModelError: shapes that do not fit, or an unknown word.
    """

    def __init__(
        self,
        name: str,
        inputs: tuple[int, int, int],
        *,
        convolutions: Sequence[Convolution],
        shortcut: Tensor | None,
        grid: int,
        norm: Norm = "input",
        stop: Stop = "both",
        transfer: Transfer = RELU,
    ) -> None:
        for word, got, known in (("norm", norm, NORMS), ("stop", stop, STOPS)):
            if got not in known:
                raise ModelError(f"network.{word}: expected one of {', '.join(known)}, got {got!r}; correct it")
        if len(convolutions) < 2 or convolutions[-1].stride != 1:
            raise ModelError(
                f"{name}.convolutions: expected two or more, the last of stride 1, got {len(convolutions)}; see ResidualBlock"
            )
        if transfer.by_potential:
            raise ModelError(
                f"{name}.transfer: expected one whose slope its rate tells, got {transfer.name}; use relu, leaky or identity"
            )
        *inside, last = convolutions
        self.incoming, self.norm, self.stop = inputs, norm, stop
        self.strides = [convolution.stride for convolution in inside]
        self.inner: dict[str, Tensor] = {}
        shape = inputs
        for i, convolution in enumerate(inside, start=1):
            weight, stride = convolution.weight, convolution.stride
            self.inner |= {f"conv{i}.weight": weight, f"conv{i}.bias": convolution.bias}
            kernel = weight.shape[-1]
            shape = len(weight), _side(shape[1], kernel, stride), _side(shape[2], kernel, stride)
        super().__init__(
            name, shape, len(last.weight), pool=False, grid=grid, weight=last.weight, bias=last.bias, transfer=transfer
        )
        self.norms = {"norm0": BatchNorm(inputs[0])} if norm != "none" else {}
        if norm == "inside":
            self.norms |= {f"norm{i}": BatchNorm(len(c.weight)) for i, c in enumerate(inside, start=1)}
        self.step = math.prod(self.strides)  # of the shortcut
        if shortcut is not None:
            self.inner["shortcut.weight"] = shortcut
        elif self.shape != inputs:
            raise ModelError(
                f"{name}.shortcut: expected weights, since {inputs} comes in and {self.shape} goes out, got None; give S"
            )

    @property
    def rowwise(self) -> bool:
        """Whether the change is a sum over rows in which no row needs another."""
        return self.norm != "inside"

    @property
    def buffers(self) -> dict[str, Tensor]:
        """Running statistics by name; the tensors themselves."""
        return {f"{name}.{n}": b for name, norm in self.norms.items() for n, b in norm.buffers.items()}

    @buffers.setter
    def buffers(self, values: dict[str, Tensor]) -> None:
        for name, norm in self.norms.items():
            norm.buffers = {n: values[f"{name}.{n}"] for n in norm.buffers}

    def forward(
        self,
        pre: Tensor,
        weight: Tensor,
        bias: Tensor,
        *,
        keep_basal: bool = False,
        plastic: bool = False,
        keep_potential: bool = False,
        learning: bool = False,
    ) -> ResidualActivity:
        """Basal potential and rate; with `plastic` what the changes inside will need is kept.

        Args:
            pre: x, (rows, channels, height, width).
            weight, bias: W_L and b_L in the dtype of `pre`; the weights inside are brought to it here.
            keep_basal, plastic, keep_potential: what the result holds beside the rate.
            learning: whether the statistics of the batch normalise, and the running ones follow.
        """
        rate = self._normed("norm0", pre, learning)
        hidden, scaled = [], []
        for i, stride in enumerate(self.strides, start=1):
            hidden.append(rate)
            kernel, offset = self.inner[f"conv{i}.weight"].to(pre.dtype), self.inner[f"conv{i}.bias"].to(pre.dtype)
            potential = F.conv2d(rate, kernel, offset, stride=stride, padding=kernel.shape[-1] // 2)
            if plastic and learning and self.norm == "inside":
                normed, *batch = _scaled(potential, self.norms[f"norm{i}"])
                scaled.append((potential, batch[0], batch[1]))
            else:
                normed = self._normed(f"norm{i}", potential, learning)
            rate = self.transfer.rate(normed)
        basal = F.conv2d(rate, weight, bias, padding=self.padding) + self._short(pre)
        kept = basal if keep_basal else None
        found = ResidualActivity(
            rate, self.transfer.rate(basal), basal=kept, potential=basal if keep_potential else None
        )
        if plastic:
            found.incoming = pre if "shortcut.weight" in self.inner else None
            found.hidden, found.scaled = tuple(hidden), tuple(scaled)
        return found

    def _normed(self, name: str, values: Tensor, learning: bool) -> Tensor:
        norm = self.norms.get(name)
        return values if norm is None else norm(values, None, learning=learning)

    def _short(self, pre: Tensor) -> Tensor:
        shortcut = self.inner.get("shortcut.weight")
        return pre if shortcut is None else F.conv2d(pre, shortcut.to(pre.dtype), stride=self.step)

    def inner_changes(self, factor: Tensor, activity: Activity) -> dict[str, Tensor]:
        """Changes of `inner`, by name; call before any weight of the block moves.

        Args:
            factor: delta_L, (rows, channels, height, width).
            activity: from a sweep with `plastic`.

        Raises:
            ModelError: of another sweep.
        """
        needed = len(self.strides) if self.norm == "inside" else 0
        if (
            not isinstance(activity, ResidualActivity)
            or len(activity.hidden) != len(self.strides)
            or len(activity.scaled) != needed
        ):
            raise ModelError(
                f"{self.name}.hidden: expected the rates inside the block, got none; sweep with plastic and learning"
            )
        found: dict[str, Tensor] = {}
        if activity.incoming is not None:
            found["shortcut.weight"], _ = conv_change(factor, activity.incoming, (1, 1), 0, self.step)
        above, rate, weight, stride = factor, activity.pre, self.weight, 1
        for i in range(len(self.strides), 0, -1):
            told = self.transfer.gate(_back(above, rate, weight, stride), rate)
            if activity.scaled:
                told = _unscaled(told, *activity.scaled[i - 1])
            above, rate, weight, stride = (
                told,
                activity.hidden[i - 1],
                self.inner[f"conv{i}.weight"],
                self.strides[i - 1],
            )
            kernel = (weight.shape[2], weight.shape[3])
            found[f"conv{i}.weight"], found[f"conv{i}.bias"] = conv_change(above, rate, kernel, kernel[0] // 2, stride)
        return found

    def handed_down(self, factor: Tensor, rate: Tensor) -> Tensor | None:
        """S^T delta_L: what the shortcut conducts to the population below; None where it is stopped.

        Args:
            factor: delta_L, (rows, channels, height, width).
            rate: of the population below, read for its shape and layout.
        """
        if self.stop == "both":
            return None
        shortcut = self.inner.get("shortcut.weight")
        return factor if shortcut is None else _back(factor, rate, shortcut, self.step)


def _side(side: int, kernel: int, stride: int) -> int:
    return (side + 2 * (kernel // 2) - kernel) // stride + 1


def _back(factor: Tensor, rate: Tensor, weight: Tensor, stride: int) -> Tensor:
    """W^T * delta in the shape of the rates that met W."""
    rim = weight.shape[-1] // 2
    kernel = weight.to(factor.dtype)
    back: Tensor = torch.ops.aten.convolution_backward(
        factor, rate, kernel, None, [stride, stride], [rim, rim], [1, 1], False, [0, 0], 1, [True, False, False]
    )[0]
    return back


def _scaled(potential: Tensor, norm: BatchNorm) -> tuple[Tensor, Tensor, Tensor]:
    """What a normalisation gives while learning, with mean and 1 / sigma of every channel."""
    mean, variance = norm.buffers["running_mean"], norm.buffers["running_variance"]
    found: tuple[Tensor, Tensor, Tensor] = torch.ops.aten.native_batch_norm(
        potential, None, None, mean, variance, True, MOMENTUM, EPS
    )
    return found


def _unscaled(told: Tensor, potential: Tensor, mean: Tensor, slope: Tensor) -> Tensor:
    """N'^T g, see above, by the kernel that reads a map once."""
    found: Tensor = torch.ops.aten.native_batch_norm_backward(
        told, potential, None, None, None, mean, slope, True, EPS, [True, False, False]
    )[0]
    return found


def conducts(population: Population) -> bool:
    """Whether the shortcut hands down what the block is told."""
    return isinstance(population, ResidualBlock) and population.stop == "branch"


def inner_changes(population: Population, factor: Tensor, activity: Activity) -> list[tuple[str, Tensor, Tensor]]:
    """Further weights of a population, their names as optimisers know them and their changes; none but of a residual block.

    Call before any weight of the population moves; arguments as of `ResidualBlock.inner_changes`.
    """
    if not isinstance(population, ResidualBlock):
        return []
    changes, inner = population.inner_changes(factor, activity), population.inner
    return [
        (f"{population.name}.{name}", inner[name], change.to(inner[name].dtype)) for name, change in changes.items()
    ]


def kernels(population: Population) -> list[str]:
    """Names of the basal weights of a population without the biases, as optimisers know them: several of a residual block."""
    inner = population.inner if isinstance(population, ResidualBlock) else {}
    return [f"{population.name}.{name}" for name in ("weight", *inner) if name.endswith("weight")]


def basal_norm(population: Population) -> Tensor:
    """Euclidean norm of all basal weights of a population without the biases, (1,)."""
    inner = population.inner if isinstance(population, ResidualBlock) else {}
    weights = [population.weight, *(weight for name, weight in inner.items() if name.endswith("weight"))]
    found: Tensor = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(weight) for weight in weights]))
    return found[None]
