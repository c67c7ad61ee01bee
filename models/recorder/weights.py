"""Weights of chosen units, and how far each moved in a recorded step: W and b of its neuron, and its row of every B."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ...recordings import Table, Variable
from ..errors import ModelError
from ..networks.network import Network
from ..outside import short
from ..populations.apical import ApicalProjection
from ..populations.areas import AreaPopulation
from ..populations.conv import Population
from .pending import Constants, recorded


@dataclass(slots=True)
class ChosenWeights:
    """What is kept of some populations.

    Args:
        network: whose weights they are.
        populations: by name.
        units: flat positions in the shape of each, int64 (units,).
        sources: learnt context sources, each with the end of its names.

    Raises:
        ModelError: a population divided into areas, whose units have several sets of weights.
    """

    network: Network
    populations: Mapping[str, Population]
    units: Mapping[str, Tensor]
    sources: Mapping[str, str]
    _before: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    _constants: Constants = field(default_factory=Constants)

    def __post_init__(self) -> None:
        divided = [name for name, population in self.populations.items() if isinstance(population, AreaPopulation)]
        if divided:
            raise ModelError(
                f"recording.variables: expected no weights of {divided[0]}, which is divided into areas, got them; leave them out"
            )

    def tables(self, activity: Mapping[str, Table], length: int) -> Iterator[Table]:
        """`weights/<population>`, one row per recorded step.

        Args:
            activity: tables of the activity, whose units these are.
            length: recorded steps of the run.
        """
        for name in self.populations:
            variables = [Variable(name="step", dtype="int64", long_name="training step", coordinate=True)]
            for key, width in self._widths(name).items():
                _, _, source = key.partition("_")
                dims = (
                    "unit",
                    *(
                        []
                        if not width
                        else ["synapse" if key == "weight" else f"context{source.removeprefix('weight')}"]
                    ),
                )
                count = len(self.units[name])
                shape: dict[str, Any] = {"dims": dims, "shape": (count, width) if width else (count,)}
                words = _words(key)
                variables.append(Variable(name=key, long_name=f"{words} after the step", **shape))
                variables.append(
                    Variable(name=f"{key}_change", long_name=f"change of the {words} in the step", **shape)
                )
            table = activity[name]
            coords = {name: told for name, told in table.coords.items() if told[0] == ("unit",)}
            yield Table(
                path=f"weights/{name}",
                dim="step",
                length=length,
                variables=tuple(variables),
                coords=coords,
                attributes=table.attributes,
            )

    def begin(self) -> None:
        """Note the weights before a step."""
        self._before = {name: self._weights(name) for name in self.populations}

    def row(self, name: str) -> dict[str, Tensor]:
        """Weights of a population after the step, and what they moved by."""
        found, before = self._weights(name), self._before[name]
        changes = {f"{key}_change": value - before[key] for key, value in found.items()}
        return {key: recorded(value)[None] for key, value in (found | changes).items()}

    def _widths(self, name: str) -> dict[str, int]:
        """Synapses per unit of what `_weights` gives, 0 for a bias."""
        widths = {"weight": self.populations[name].weight[0].numel(), "bias": 0}
        return widths | {f"apical_weight{end}": p.weight.shape[1] for end, p in self._projections(name).items()}

    def _projections(self, name: str) -> dict[str, ApicalProjection]:
        """Apical projections of a population by the end of their names."""
        own = {source: f"{name}.{short(source)}" for source in self.sources}
        return {
            end: next(p for p in self.network.apical[source] if p.name == own[source])
            for source, end in self.sources.items()
        }

    def _weights(self, name: str) -> dict[str, Tensor]:
        """Copies of the weights of every chosen unit: (units, synapses), (units,), and (units, contexts) by source."""
        population, units = self.populations[name], self.units[name]
        device = population.weight.device
        channel = self._constants.place(device, name, units, population.shape)[0]
        found = {"weight": population.weight[channel].flatten(1), "bias": population.bias[channel]}
        for end, projection in self._projections(name).items():
            rows = self._constants.dendrites(device, population, units, projection.units)
            found[f"apical_weight{end}"] = projection.rows(rows)
        return found


def _words(key: str) -> str:
    if key.startswith("apical_weight"):
        source = key.removeprefix("apical_weight").lstrip("_")
        return f"apical weights, B{f' ({source})' if source else ''}"
    return {"weight": "basal weights, W", "bias": "bias, b"}[key]
