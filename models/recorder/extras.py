"""What can be recorded beside potentials, rates, scores and neuromodulators: the factors of a change, and measures of a whole population.

    drive        gamma (B c)_j of the row seen, as the rule gives it: summed over the pairs in which the row is met, with their weights in the
                 mean over rows; before the mean over a block, learning rate and optimiser. Of a rule of site `neuron` its whole factor at
                 the neuron that is read, the winner of a max-pool
    gate         rho'(a_j)
    eligibility  rho'(a_j) z_i of drawn synapses i: what the drive turns into a change
    reductions   over all neurons of the population: mean, norm, sparsity (Treves & Rolls 1991, of rates), histogram

Everything is computed on the device, and for recorded rows alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...plasticity import Factors
from ...plasticity.queued import queued
from ...recordings import Variable
from ...recordings.schema import Coordinate
from ..errors import ModelError
from ..populations.activity import Activity
from ..populations.areas import AreaPopulation
from ..populations.conv import ConvPopulation, Population
from ..populations.geometry import map_of
from ..populations.patches import pad
from .pending import Constants
from .spec import FACTORS, VARIABLES
from .units import drawn

DRIVE = "factor of the rule: the change of W is drive · ρ′(a) · z_pre, summed over rows; ρ′ is part of it where a rule sees single neurons"
DECADES = 10.0 ** np.arange(-3, 3.5, 0.5)
EDGES = np.concatenate([-DECADES[::-1], DECADES])  # of the histogram; what lies outside is counted in two bins more


@dataclass(frozen=True, slots=True)
class Extras:
    """Further signals of one population.

    Args:
        population: the population.
        units: recorded ones, flat positions in its shape, int64 (units,).
        wanted: some of `FACTORS`.
        reductions: some of `REDUCTIONS`, of potentials and rates.
        synapses: how many of each unit have their eligibility recorded.
        seed: of their draw.

    Raises:
        ModelError: a population that has no such signal.
    """

    population: Population
    units: Tensor
    wanted: Sequence[str] = ()
    reductions: Sequence[str] = ()
    synapses: int = 8
    seed: int = 0
    _constants: Constants = field(default_factory=Constants)

    def __post_init__(self) -> None:
        population, name = self.population, self.population.name
        sloped = [word for word in ("gate", "eligibility") if word in self.wanted]
        if sloped and not population.transfer.monotone:
            raise ModelError(
                f"recording.variables: expected no {sloped[0]} of {name}, whose rates alone do not tell the slope of "
                f"{population.transfer.name}, got it; leave it out"
            )
        if "eligibility" in self.wanted and (isinstance(population, AreaPopulation) or _mean_pool(population)):
            why = "several sets of weights" if isinstance(population, AreaPopulation) else "a mean pool"
            raise ModelError(
                f"recording.variables: expected no eligibility of {name}, which has {why}, got it; choose other recording.populations"
            )

    @property
    def chosen(self) -> Tensor:
        """Flat positions of the drawn synapses in the weights of a neuron, int64 (synapses,)."""
        return drawn(self.population.weight[0].numel(), self.synapses, self.seed)

    def variables(self, dtype: str) -> list[Variable]:
        """What a row of its table holds beside the rest."""
        count = len(self.units)
        per_unit: dict[str, Any] = {"dims": ("unit",), "shape": (count,), "dtype": dtype}
        told = {
            "drive": Variable(name="drive", long_name="drive of the rule", attributes={"description": DRIVE}, **per_unit),
            "gate": Variable(name="gate", long_name="slope of the transfer function", attributes={"symbol": "ρ'(a)"}, **per_unit),
            "eligibility": Variable(
                name="eligibility",
                dims=("unit", "synapse"),
                shape=(count, len(self.chosen)),
                dtype=dtype,
                long_name="eligibility of drawn synapses",
                attributes={"symbol": "ρ'(a_j) z_i"},
            ),
        }  # fmt: skip
        found = [told[name] for name in FACTORS if name in self.wanted]
        for signal, words in (("basal", "basal potentials"), ("rate", "rates")):
            for kind in self.reductions:
                if kind == "histogram":
                    bins: dict[str, Any] = {"dims": ("bin",), "shape": (len(EDGES) + 1,)}
                    found.append(
                        Variable(
                            name=f"{signal}_histogram",
                            dtype="int32",
                            long_name=f"number of neurons by their {words}",
                            **bins,
                        )
                    )
                elif kind != "sparsity" or signal == "rate":
                    found.append(Variable(name=f"{signal}_{kind}", long_name=f"{kind} of all {words}"))
        return found

    def coordinates(self) -> dict[str, Coordinate]:
        """Of synapses and of the bins of histograms."""
        found: dict[str, Coordinate] = {}
        if "eligibility" in self.wanted:
            about = {"units": "1", "long_name": "synapse, flat position in the weights of a neuron"}
            found["synapse_id"] = (("synapse",), self.chosen.numpy(), about)
        if "histogram" in self.reductions:
            for name, values, side in (
                ("bin_low", np.append(-np.inf, EDGES), "lower"),
                ("bin_high", np.append(EDGES, np.inf), "upper"),
            ):
                found[name] = (("bin",), values, {"units": "1", "long_name": f"{side} edge of the bin"})
        return found

    def values(self, activity: Activity, rows: Tensor, factors: Factors | None) -> dict[str, Tensor]:
        """Rows of its table.

        Args:
            activity: of the population in the sweep.
            rows: which of its rows are recorded, int64 (recorded,), on their device.
            factors: of the rule; None where drives are not wanted.
        """
        found: dict[str, Callable[[], Tensor]] = {
            "gate": lambda: self._gate(activity, rows),
            "eligibility": lambda: self._gate(activity, rows)[..., None] * self._inputs(activity, rows),
        }
        if factors is not None:
            found["drive"] = lambda: self.drive(activity, rows, factors)
        values = {name: found[name]() for name in self.wanted if name in found}
        for signal, whole in (("basal", activity.basal), ("rate", activity.rate)):
            if self.reductions and whole is not None:
                values |= {
                    f"{signal}_{kind}": value
                    for kind, value in reduced(whole[rows].flatten(1), self.reductions, signal)
                }
        return values

    def drive(self, activity: Activity, rows: Tensor, factors: Factors) -> Tensor:
        """Drive of every unit, (recorded, units)."""
        drive, population = factors.drive, self.population
        if drive.dim() == 4 and drive.shape[1:] != activity.rate.shape[1:]:  # of neurons before the pool
            if activity.winner is not None:
                drive = drive.flatten(2).gather(2, activity.winner.flatten(2)).view_as(activity.winner)
            elif isinstance(population, ConvPopulation) and population.pooling is not None:
                drive, _ = population.pooling.forward(drive)
        if drive.dim() == 4 or drive.shape[1:] == activity.rate.shape[1:]:
            return self._at(drive, rows)
        return drive[rows[:, None], self._constants.dendrites(rows.device, population, self.units, drive.shape[1])]

    def _gate(self, activity: Activity, rows: Tensor) -> Tensor:
        rate = self._at(activity.rate, rows)
        return self.population.transfer.gate(torch.ones_like(rate), rate)

    def _at(self, values: Tensor, rows: Tensor) -> Tensor:
        return values[(rows[:, None], *self._place(tuple(values.shape[1:]), rows.device))]

    def _place(self, shape: tuple[int, ...], device: torch.device) -> Tensor:
        """Where the recorded units are in a map: (axes, units)."""
        return self._constants.place(device, self.population.name, self.units, shape)

    def _inputs(self, activity: Activity, rows: Tensor) -> Tensor:
        """Rates that arrive at the drawn synapses of every unit, (recorded, units, synapses)."""
        population, device = self.population, rows.device
        if not isinstance(population, ConvPopulation):
            synapses = self._constants.on(device, "synapses", lambda: self.chosen)
            return activity.pre[rows][:, None, synapses].expand(-1, len(self.units), -1)
        weight = population.weight.shape[1:]
        channel, down, right = self._constants.on(
            device, "kernel", lambda: torch.stack(torch.unravel_index(self.chosen, weight))
        )
        if activity.winner is not None:
            place = self._at(activity.winner, rows)
        else:
            _, row, col = self._place(map_of(population.shape), device)
            place = (row * map_of(population.neurons)[2] + col).expand(len(rows), -1)
        width = map_of(population.neurons)[2]
        row, col = place // width, place % width
        padded = pad(activity.pre[rows], population.padding, population.padding_mode)
        batch = torch.arange(len(rows), device=rows.device)[:, None, None]
        top, left = row[..., None] * population.stride, col[..., None] * population.stride
        return padded[batch, channel, top + down, left + right]


def reduced(values: Tensor, kinds: Sequence[str], signal: str) -> list[tuple[str, Tensor]]:
    """Measures of every row over all its neurons.

    Args:
        values: (rows, neurons).
        kinds: some of `REDUCTIONS`.
        signal: `rate`, or a potential, which has no sparsity.
    """
    values, found = values.float(), []
    for kind in kinds:
        if kind == "mean":
            found.append((kind, values.mean(1)))
        elif kind == "norm":
            found.append((kind, torch.linalg.vector_norm(values, dim=1)))
        elif kind == "histogram":
            edges = queued(torch.tensor(EDGES, dtype=values.dtype), values.device)
            bins = torch.bucketize(values, edges, right=True)
            counts = torch.zeros(len(values), len(EDGES) + 1, dtype=torch.int32, device=values.device)
            found.append((kind, counts.scatter_add_(1, bins, torch.ones_like(bins, dtype=torch.int32))))
        elif signal == "rate":
            power = values.square().mean(1)
            told = 1 - values.mean(1).square() / power
            found.append((kind, torch.where(power > 0, told, torch.nan)))
    return found


def check_wanted(wanted: Sequence[str], *, factors: bool, views: bool, engine: str) -> None:
    """Refuse variables that there are not.

    Args:
        wanted: names.
        factors: whether the engine has explicit factors.
        views: whether what is shown is augmented.
        engine: of the rule, for the message.

    Raises:
        ModelError: an unknown variable, or one that this run does not have.
    """
    lacking: Mapping[str, str] = {
        **(
            {}
            if factors
            else dict.fromkeys(("drive", "eligibility"), f"explicit factors, which the engine {engine} has not")
        ),
        **({} if views else {"views": "augmented glances, which this presentation does not show"}),
    }
    for name in wanted:
        if name not in VARIABLES:
            raise ModelError(
                f"recording.variables: expected some of {', '.join(VARIABLES)}, got {name!r}; correct the name"
            )
        if name in lacking:
            raise ModelError(f"recording.variables: expected no {name}, which needs {lacking[name]}; leave it out")


def _mean_pool(population: Population) -> bool:
    return (
        isinstance(population, ConvPopulation) and population.pooling is not None and population.pooling.kind == "avg"
    )
