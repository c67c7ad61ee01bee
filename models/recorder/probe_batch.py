"""A fixed batch of images that is shown throughout training, without any plasticity: how answers to the same images drift."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...plasticity import Rule
from ...recordings import PLAIN, Table, Variable, activity_table
from ..networks.in_blocks import BlockNetwork
from ..networks.network import Network
from .frozen import Frozen
from .pending import recorded

UNIT_VARIABLES = ("basal", "rate", "apical")


class ProbeBatch:
    """Shows the batch to the network as it is at the moment.

    Args:
        network: the network that learns; read, never changed.
        rule: its rule.
        units: recorded units by population.
        images: the batch, normalised, (stimuli, channels, height, width); each is the context of the next.
        stimulus_id, label: of every image, int64 (stimuli,).
        variables: some of `UNIT_VARIABLES`.
        dtype: of potentials and rates.
    """

    def __init__(
        self,
        network: Network | BlockNetwork,
        rule: Rule,
        units: Mapping[str, Tensor],
        images: Tensor,
        stimulus_id: Tensor,
        label: Tensor,
        *,
        variables: Sequence[str] = UNIT_VARIABLES,
        dtype: str = "float32",
    ) -> None:
        self.images, self.ids, self.label = images, stimulus_id, label
        self.units, self.dtype, self.wanted = units, dtype, variables
        self.network, self.rule = network, rule
        self._shown: Frozen | None = None

    def tables(self, length: int, words: Mapping[str, str] = PLAIN) -> list[Table]:
        """`probe/<population>`, one row per showing: (stimulus, unit) of every variable.

        Args:
            length: showings of the whole run.
            words: what the rule calls its signals.
        """
        frozen, found = self._frozen(), []
        further = [end[1:] for end in frozen.sources.values() if end]
        for name, units in self.units.items():
            like = activity_table(
                name, 1, units.numpy(), frozen.shapes[name], apical=bool(frozen.sources), further=further, modulated=False, words=words
            )  # fmt: skip
            kept = [v for v in like.variables if not v.coordinate and self._kept(v.name)]
            variables = [
                Variable(
                    name="step", dtype="int64", long_name="training step, before which it was shown", coordinate=True
                )
            ]
            for v in kept:
                shape: dict[str, Any] = {"dims": ("stimulus", "unit"), "shape": (len(self.images), len(units))}
                variables.append(
                    Variable(name=v.name, dtype=self.dtype, long_name=v.long_name, attributes=v.attributes, **shape)
                )
            coords = {
                **like.coords,
                "stimulus_id": (("stimulus",), self.ids.numpy(), {"units": "1", "long_name": "stimulus of the glance"}),
                "label": (
                    ("stimulus",),
                    self.label.numpy(),
                    {"units": "1", "long_name": "class label (-1: unlabelled)"},
                ),
            }
            found.append(
                Table(path=f"probe/{name}", dim="step", length=length, variables=tuple(variables), coords=coords, attributes=like.attributes)
            )  # fmt: skip
        return found

    def show(self, step: int) -> dict[str, dict[str, NDArray[Any] | Tensor]]:
        """A row of every table, its signals on their device."""
        frozen, rows = self._frozen(), {}
        stays = torch.zeros(len(self.images), dtype=torch.bool)
        for name, answer in frozen.show(self.images, stays).items():
            every: dict[str, Tensor | None] = {"rate": answer.rate, "basal": answer.basal}
            every |= {f"apical{frozen.sources[source]}": values for source, values in answer.apical.items()}
            rows[name] = {"step": np.array([step])} | {
                key: recorded(values, self.dtype)[None]
                for key, values in every.items()
                if values is not None and self._kept(key)
            }
        return rows

    def _frozen(self) -> Frozen:
        """The network as it is now; no glance went before the first."""
        if self._shown is None:
            self._shown = Frozen(self.network, self.rule, self.units, context="before", scored=False)
        self._shown.forget()
        return self._shown

    def _kept(self, name: str) -> bool:
        blocks = isinstance(self.network, BlockNetwork)
        return name.partition("_")[0] in self.wanted and not (blocks and name == "basal")
