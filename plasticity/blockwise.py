"""Blockwise self-supervised learning: backpropagation inside a block of layers, none across.

Source: Siddiqui, Krueger, LeCun & Deny 2024, "Blockwise Self-Supervised Learning at Scale", TMLR, arXiv 2302.01647.

    x_b = block_b( stop-gradient(x~_{b-1}) )            block b sees the block below as given
    x~  = x + noise std(x) eps,  eps ~ N(0, 1)          while learning; what the objective and the next block see
    r_b = expansion_b(x~_b)                             features, what a read-out sees
    L_b = objective(projector_b(r_b), projector_b(r'_b))
    dW  = -dL_b/dW for every W of block_b, expansion_b and projector_b, by autograd

Three-factor reading: it has none. Within a block errors travel backwards through transposed weights, and the objective compares all
objects of a batch; locality is coarse, one error pathway per block and no long-range one. Not claimed: any synaptic mechanism.

What is our reading, where only the abstract and the authors' code for the convolutional expansion are public: the side of `local`
pooling, the split of training into equal stretches when sequential, and that blocks already trained stand still in evaluation mode.
Both views pass through the batch normalisation together.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, get_args

from .errors import RuleError
from .needs import Needs
from .objectives import BarlowTwins, Objective, SimCLR, VICReg

Expansion = Literal["conv", "local", "global"]
Order = Literal["simultaneous", "sequential"]
Spread = Literal["all", "map"]
MOST = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Blockwise:
    """One objective per block, or one for the whole network.

    Args:
        objective: of the two views' projections.
        expansion: from a map to features. `conv`: 1x1 convolution, batch normalisation, ReLU, mean over places; `local`: mean over the
            places of each cell of the finest square grid whose features do not exceed `features`; `global`: mean over all places.
        features: number of features of `conv`, upper limit of `local`.
        projector: sizes of the layers between features and objective, the last without normalisation and ReLU.
        noise: standard deviation of the noise on what a block hands on, in units of the map's own; 0 for none.
        spread: over what that deviation is taken: `all` (one number a batch) or `map` (each row and channel its own).
        order: `simultaneous`, all blocks at every step, or `sequential`, one after the other for equal stretches of the run.
        end_to_end: one objective at the last block, its gradient through all blocks: the twin by backpropagation.

    Raises:
        RuleError: unknown words, sizes below 1, negative noise, or an end-to-end rule in sequence.
    """

    objective: Objective = field(default_factory=BarlowTwins)
    expansion: Expansion = "conv"
    features: int = 2048
    projector: tuple[int, ...] = (8192, 8192, 8192)
    noise: float = 0.25
    spread: Spread = "all"
    order: Order = "simultaneous"
    end_to_end: bool = False

    needs: ClassVar[Needs] = Needs(engine="block", records=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "projector", tuple(self.projector))
        for name, words in (("expansion", Expansion), ("spread", Spread), ("order", Order)):
            known, got = get_args(words), getattr(self, name)
            if got not in known:
                raise RuleError(
                    f"Blockwise.{name}: expected one of {', '.join(known)}, got {got!r}; choose one of them"
                )
        if not self.projector:
            raise RuleError("Blockwise.projector: expected at least one size, got none; for example [512, 512]")
        for name, size in (("features", self.features), *(("projector", size) for size in self.projector)):
            if isinstance(size, bool) or not (isinstance(size, int) and 1 <= size <= MOST):
                raise RuleError(
                    f"Blockwise.{name}: expected whole numbers from 1 to {MOST}, got {size!r}; correct them"
                )
        if not (math.isfinite(self.noise) and self.noise >= 0):
            raise RuleError(
                f"Blockwise.noise: expected a finite number of at least 0, got {self.noise!r}; 0 is without noise"
            )
        if not isinstance(self.end_to_end, bool):
            raise RuleError(f"Blockwise.end_to_end: expected true or false, got {self.end_to_end!r}; correct it")
        if self.end_to_end and self.order == "sequential":
            raise RuleError(
                "Blockwise.order: expected simultaneous for an end-to-end rule, got 'sequential'; its blocks learn as one"
            )

    def stretch(self, step: int, steps: int, blocks: int) -> tuple[int, int, int]:
        """Which part of a run a step belongs to: (block that learns, first step of its stretch, first step after it).

        With simultaneous training the whole run is one stretch, and the number is that of the last block.
        """
        if self.order == "simultaneous":
            return blocks - 1, 0, steps
        edges = [steps * i // blocks for i in range(blocks + 1)]
        turn = max(i for i in range(blocks) if edges[i] <= step)
        return turn, edges[turn], edges[turn + 1]


@dataclass(frozen=True, slots=True)
class Variant:
    """An entry of the table of rules: `Blockwise` with its objective fixed, and hyperparameters of both by one list of names.

    Args:
        objective: class of the objective.
        end_to_end: whether it stands at the top alone; without noise then, unless asked for.
    """

    objective: type[BarlowTwins] | type[SimCLR] | type[VICReg]
    end_to_end: bool = False

    def hyperparameters(self) -> Iterator[str]:
        """Names that may be given."""
        yield from (f.name for f in fields(self.objective))
        fixed = {"objective", "end_to_end"} | ({"order"} if self.end_to_end else set())
        yield from (f.name for f in fields(Blockwise) if f.name not in fixed)

    def __call__(self, **given: Any) -> Blockwise:
        """The rule.

        Raises:
            RuleError: a value outside its range.
            TypeError: an unknown name.
        """
        inner = {f.name: given.pop(f.name) for f in fields(self.objective) if f.name in given}
        if self.end_to_end:
            given = {"noise": 0.0} | given
        return Blockwise(objective=self.objective(**inner), end_to_end=self.end_to_end, **given)
