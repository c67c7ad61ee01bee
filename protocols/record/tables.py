"""The tables of a recording of a frozen network, their size, and how it is laid into blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from torch import Tensor

from ...models.recorder.frozen import Frozen, modulated
from ...recordings import Table, Variable, activity_table
from ...recordings.layout import block_rows
from ..errors import ConfigError
from .trials import Trials, variables_of

MEMORY = 768 << 20  # bytes of blocks, all together
QUEUE = 1  # blocks that wait for the writer
BLOCK: dict[str, Any] = {"long_name": "output of the block", "attributes": {"symbol": "z"}}


def tables_of(
    frozen: Frozen, trials: Trials, units: Mapping[str, Tensor], wanted: Sequence[str], dtype: str
) -> list[Table]:
    """`activity/<population>` of every recorded population.

    Args:
        frozen: says what there is to record.
        trials: what is shown.
        units: flat positions by population.
        wanted: variables by name; empty for all.
        dtype: of potentials and rates.

    Raises:
        ConfigError: a variable that the network or its rule does not have.
    """
    words = frozen.rule.needs.told
    coords = variables_of(trials.coordinates(), "trial", words)
    scored, moved = modulated(frozen.rule)
    compartments = bool(frozen.network.populations)
    there = ["rate"] + ["basal"] * compartments + ["apical"] * bool(frozen.sources)
    there += (["score"] + ["neuromodulator"] * moved) * (scored and frozen.scored)
    further_ones = (["drive"] * (moved and frozen.scored) + ["gate", "eligibility"]) * compartments
    if lacking := [name for name in wanted if name not in (*there, *further_ones)]:
        without = " without a context" if frozen.predicted == "none" else ""
        raise ConfigError(
            f"record.variables: expected some of {', '.join((*there, *further_ones))}, which a frozen network of {type(frozen.rule).__name__} has{without}, "
            f"got {lacking[0]}; leave it out"
        )
    kept = [name for name in there if not wanted or name in wanted]
    further = [end[1:] for end in frozen.sources.values() if end]
    found = []
    for name, chosen in units.items():
        table = activity_table(
            name, len(trials), chosen.numpy(), frozen.shapes[name], apical=bool(frozen.sources), further=further, modulated=frozen.scored,
            words=words,
        )  # fmt: skip
        variables = tuple(
            replace(v, dtype=dtype if v.dims else "float32", **({} if compartments else BLOCK))
            for v in table.variables
            if not v.coordinate and v.name.partition("_")[0] in kept
        )
        extras = frozen.extras.get(frozen.network.names.index(name))
        if extras is not None:
            variables += tuple(extras.variables(dtype))
        further_coords = {} if extras is None else extras.coordinates()
        found.append(replace(table, variables=variables, coords={**table.coords, **coords, **further_coords}))
    return found


def images_table(trials: Trials, shape: tuple[int, int, int]) -> Table:
    """`stimuli`: every shown image, as the network saw it."""
    count = len(trials.shown)
    known = variables_of(trials.shown.parameters, "stimulus")
    ids = trials.coordinates()["stimulus_id"]
    own = {"stimulus_id": replace(ids, values=trials.shown.object * 0 + range(count))}
    own["label"] = replace(trials.coordinates()["label"], values=trials.shown.label)
    image = Variable(
        name="image",
        dims=("channel", "y", "x"),
        shape=shape,
        long_name="image as the network saw it",
        units="standard deviation of the training images",
        attributes={"symbol": "x"},
    )
    return Table(
        path="stimuli", dim="stimulus", length=count, variables=(image,), coords={**variables_of(own, "stimulus"), **known}
    )  # fmt: skip


def block_bytes(tables: Sequence[Table]) -> int:
    """Most bytes of a block, so that all blocks stay within `MEMORY`: the longer they are, the faster is one unit read over all trials."""
    most = 1 << 20
    while 2 * most <= MEMORY and _blocks(tables, 2 * most) <= MEMORY:
        most *= 2
    return most


def _blocks(tables: Sequence[Table], most: int) -> int:
    """Bytes of all blocks at a time, see `Writer.ceiling_bytes`."""
    sizes = [min(block_rows(table, most), table.length) * table.row_bytes for table in tables]
    return sum(sizes) + (QUEUE + 1) * max(sizes)


def batch_rows(frozen: Frozen, given: int) -> int:
    """Glances at a time: as many as were asked for, or as fit into a quarter of a gigabyte with all their neurons."""
    if given:
        return given
    populations = frozen.network.populations
    neurons = max([2 * prod(p.neurons) for p in populations] or [8 * prod(s) for s in frozen.shapes.values()])
    recorded = 3 * sum(len(units) for units in frozen.units.values())
    return max(1, min(256, (256 << 20) // (4 * (neurons + recorded))))
