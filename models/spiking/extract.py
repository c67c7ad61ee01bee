"""Cutting a circuit out of a network, with the engine's own sweeps: its factors are the engine's."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...plasticity import Factors, LocalRule, Pairing, Signals
from ..engine.kept import relays_kept
from ..engine.sweep import activities, local_factors
from ..errors import ModelError
from ..networks.contexts import awaited, whose
from ..networks.network import Network
from ..populations import geometry
from ..populations.conv import Activity, ConvPopulation, Population
from ..populations.residual import ResidualBlock
from ..populations.transfer import RELU
from .circuit import Circuit
from .lived import BACK, BASAL, Lived, chosen_source, circuit_sources, lived
from .neuron import unknown
from .selection import channels_of, place_of
from .told import Told, at_circuit, check_divided, check_gathered, potentials


@torch.no_grad()
def extract(
    network: Network,
    images: Tensor,
    pairing: Pairing | None,
    rule: LocalRule,
    *,
    population: str,
    units: int | Sequence[int] = 30,
    position: tuple[int, int] | None = None,
    source: str | None = None,
    mass: float = 0.95,
    trials: int | Sequence[int] | None = None,
    seed: int = 0,
    now: bool = False,
    label: Tensor | None = None,
) -> Circuit:
    """Cut a circuit out of a network and let it see a batch of glances.

    A circuit sits at one place of the map, so that all its neurons share their inputs; what it sees there and whom it speaks to is the
    population's own geometry (`populations/geometry.py`). In a population with a pool the place is on the map *before* it: the neurons are
    the real ones with their fixed receptive field, and `Circuit.winner` says in which trials each wins its window of a max-pool, the only
    ones in which a rule of site `unit` changes it. (Following the winner instead would give every unit other inputs in every trial: no circuit
    has such wiring.) Behind a mean pool all neurons change. A neuron takes the apical row of its grid cell, and the drive, which the neurons of
    the cell share, is divided by the block's area, and by that of the window of a mean pool, in `Circuit.weight`.

    Where a relay centres rates, what is above and what is below its mean come from two cells of opposite sign (`Circuit.sign`).

    Args:
        network: wired network; its sweep runs in the dtype of its weights.
        images: what is shown, for a pairing both glances of every object, (rows, channels, height, width).
        pairing: who follows whom; None for a rule that compares no rows.
        rule: a local rule: gives neuromodulators, predictions and, where it has a second factor of its own, that.
        population: name.
        units: number of channels (drawn with `seed`; all, where there are fewer), or the channels themselves.
        position: (row, col) of a convolutional population on its map before the pool; None for the centre, or the place nearest to it whose
            neurons have one apical row each.
        source: one of `circuit_sources`; None for the rule's first.
        mass: share of the summed |weights| that spikes carry; the other inputs and contexts become bias currents, trial by trial, so
            that every potential stays exact.
        trials: the first n trials or their indices, as `lived` orders them: row 0 fixation, row 0 saccade, row 1 ...; None for all.
        seed: of the draw of units.
        now: a control: the context is that of the glance now seen, in place of the glance before that a memory would have to hold.
            Neuromodulator and score stay those of the rule.
        label: class of every row for a supervised rule, int64 (rows,).

    Raises:
        ModelError: a rule that is not local, an unknown name, a place outside the map, or what no circuit can carry: another transfer function
            than ReLU, neurons with several sets of weights (areas) or several apical rows (overlapping windows), pre-synaptic activity that is
            no rate, or a drive that is not what the rule declares.
    """
    if rule.needs.engine != "local":
        raise ModelError(
            f"circuit.rule: expected a rule of engine local, whose factors say what a synapse does, got {type(rule).__name__} of engine "
            f"{rule.needs.engine}; give a network trained with a local rule"
        )
    if population not in network.names:
        raise unknown("circuit.population", population, network.names)
    wanted = chosen_source(rule, source, "circuit")
    if not 0 < mass <= 1:
        raise ModelError(f"circuit.mass: expected a share above 0 and up to 1, got {mass!r}; 0.95 keeps most")
    index = network.names.index(population)
    cell = network.populations[index]
    _check_single(network, cell)
    _check_transfer(network, cell)
    place, channels = place_of(cell, position), channels_of(cell, units, seed)
    synapses = geometry.afferents(cell, place)
    activity, signals, factors = _sweep(network, index, images, pairing, rule, label)
    parts = {word: lived(rule, word, signals, factors) for word in circuit_sources(rule)}
    rows = lived(rule, wanted, signals, factors, trials, now=now)
    chosen = torch.from_numpy(channels)
    ((grid_cell, through),) = geometry.cells(cell, place).items()
    weight = _host(geometry.weights_of(cell, chosen, synapses.weights))
    patch = _host(activity.pre.flatten(1)[:, synapses.inputs])
    basal = patch @ weight.T + _host(cell.bias[chosen])
    won = _host(geometry.voices(cell, activity, chosen, place, through))
    line = geometry.apical_rows(cell, chosen, grid_cell)
    kept = _heaviest(weight, mass)
    seen, z, W = rows.seen, patch[rows.seen][:, kept], weight[:, kept]
    _check_rates(network, index, z)
    bias = basal[seen] - z @ W.T
    inputs, weights = synapses.inputs.numpy()[kept], synapses.weights.numpy()[kept]
    sign = None
    if cell.relay is not None and z.min(initial=0) < 0:
        z, W, sign = _mirrored(z, W)
        inputs, weights = np.tile(inputs, 2), np.tile(weights, 2)
    gated = rule.needs.site == "unit"
    tuft = _tuft(network, index, rule, wanted, signals, rows, line, mass)
    map_shape = geometry.map_of(cell.neurons)
    cut = Circuit(
        name=population, source=wanted, map_shape=map_shape,
        position=place if isinstance(cell, ConvPopulation) else None,
        units=(channels * map_shape[1] + place[0]) * map_shape[2] + place[1],
        inputs=inputs, synapses=weights, W=W, bias=bias, z_pre=z, sign=sign, **tuft,
        basal=basal[seen], rate=np.maximum(basal[seen], 0), gate=(basal[seen] > 0).astype(np.float64) if gated else np.ones_like(basal[seen]),
        winner=won[seen] if gated else np.ones_like(basal[seen]), gamma=rows.gamma, gated=gated,
        weight=rows.weight * (geometry.share(cell) if gated else 1.0), phase=rows.phase, score=rows.score, context_row=rows.context, seen_row=seen,
    )  # fmt: skip
    if wanted != BASAL and rule.needs.second == "apical":
        check_gathered(rule, signals, factors.drive, parts)
        return cut
    if wanted != BASAL:
        check_divided(rule, signals, factors.drive, parts)
    told = Told(
        rule, signals, rows, wanted, chosen, cut.position, line, torch.from_numpy(won * geometry.share(cell)).to(signals.rate),
        torch.from_numpy(np.maximum(basal, 0)).to(signals.rate),
    )  # fmt: skip
    return _with_own(cut, told, factors)


def _with_own(cut: Circuit, told: Told, factors: Factors) -> Circuit:
    """A circuit whose second factor is the rule's own, as the rate network has it and to be told by spikes."""
    trial = np.arange(cut.trials)
    if told.source == BASAL:
        rows = torch.from_numpy(cut.seen_row)
        at = at_circuit(told.rule, factors.drive, rows, told.channels, told.place, told.lines)
        # what the rule changes where its neuromodulator is 0 is another's doing
        gamma = np.where((cut.gamma == 0) & at.any(1), 1.0, cut.gamma)
        cut = replace(cut, gamma=gamma)
    return replace(cut, post=told(trial, cut.basal, cut.rate, cut.prediction), told=told, trial=trial)


def _tuft(
    network: Network, index: int, rule: LocalRule, source: str, signals: Signals, rows: Lived, line: Tensor, mass: float
) -> dict[str, Any]:
    """The apical side of a circuit; nothing where the rule has none."""
    if source == BASAL:
        none = np.zeros((len(rows.seen), len(line)))
        return {
            "contexts": np.zeros(0, dtype=np.int64), "B": np.zeros((len(line), 0)), "context": np.zeros((len(rows.seen), 0)),
            "apical_bias": none, "prediction": none,
        }  # fmt: skip
    own = source.removesuffix(BACK)
    projection = next(p for p in network.apical[own] if p.name == f"{network.names[index]}.{own}")
    back = source.endswith(BACK)
    B = _host(projection.weight.T[line] if back else projection.weight[line])
    context = _host(signals.rate if back else signals.apical[own].context)[rows.context]
    prediction = _host(potentials(signals, source)[:, line])[rows.context]
    contexts = _heaviest(B, mass)
    _check_context(network, whose(own, index, len(network.populations)), context[:, contexts])
    return {
        "contexts": contexts, "B": B[:, contexts], "context": context[:, contexts], "prediction": prediction,
        "apical_bias": prediction - context[:, contexts] @ B[:, contexts].T,
    }  # fmt: skip


def _mirrored(
    z: NDArray[np.float64], W: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int8]]:
    """Inputs above and below 0 as rates of two cells each, with weights of opposite sign."""
    sign = np.repeat(np.array([1, -1], dtype=np.int8), z.shape[1])
    return np.concatenate([np.maximum(z, 0), np.maximum(-z, 0)], 1), np.concatenate([W, -W], 1), sign


def _check_single(network: Network, cell: Population) -> None:
    if isinstance(cell, ResidualBlock):
        fitting = [p.name for p in network.populations if not isinstance(p, ResidualBlock)]
        raise ModelError(
            f"circuit.population: expected neurons whose basal potential is of one convolution, got {cell.name}, to which a shortcut adds; "
            f"choose {' or '.join(fitting) or 'another network.builder'}"
        )


def _check_transfer(network: Network, cell: Population) -> None:
    if cell.transfer != RELU:
        fitting = [p.name for p in network.populations if p.transfer == RELU]
        remedy = f"choose {' or '.join(fitting)}" if fitting else "no population of this network has it"
        raise ModelError(
            f"{cell.name}.transfer: expected relu, the rate of a neuron that spikes, got {cell.transfer.name}; {remedy}"
        )


def _check_rates(network: Network, index: int, z: NDArray[np.float64]) -> None:
    """Name the part of the network that lets rates fall below 0; what is left to the circuit are pixels. A relay may centre them."""
    cell, least = network.populations[index], z.min(initial=0)
    if least < 0 and index and cell.relay is None:
        below = network.populations[index - 1]
        raise ModelError(
            f"{below.name}.transfer: expected rates of at least 0 below {cell.name}, got {least:.3g} by {below.transfer.name}; "
            "choose a population above one with relu"
        )


def _check_context(network: Network, index: int, context: NDArray[np.float64]) -> None:
    cell, least = network.populations[index], context.min(initial=0)
    if least < 0:
        raise ModelError(
            f"{cell.name}.transfer: expected a context of rates of at least 0, got {least:.3g} by {cell.transfer.name}; "
            "choose another source"
        )


def _sweep(
    network: Network, index: int, images: Tensor, pairing: Pairing | None, rule: LocalRule, label: Tensor | None = None
) -> tuple[Activity, Signals, Factors]:
    """Activity, signals and factors of one population, as the engine computes them."""
    population = network.populations[index]
    dtype = population.weight.dtype
    pairing = None if pairing is None else pairing.to(images.device, dtype)
    sources, count, neurons = rule.needs.sources, len(network.populations), rule.needs.site == "neuron"
    found: Activity | None = None
    rates = []
    with relays_kept(network):
        sweep = activities(network, images.to(dtype), learning=True, pairing=pairing, keep_potential=neurons)
        for i, activity in enumerate(islice(sweep, awaited(sources, index, count) + 1)):
            found = activity if i == index else found
            rates.append(network.populations[i].pooled(activity.rate))
    assert found is not None
    pooled = rates[index]
    contexts = {source: rates[whose(source, index, count)] for source in sources}
    projections = {source: network.apical[source][index] for source in rule.needs.sources}
    return found, *local_factors(
        rule, projections, pooled, contexts, pairing, label=label if rule.needs.supervised else None,
        basal=found.potential if neurons else None, state=network.state(population.name), position=index,
    )  # fmt: skip


def _heaviest(weights: NDArray[np.float64], mass: float) -> NDArray[np.int64]:
    """Columns that hold `mass` of the summed |weights|, in their order."""
    load = np.abs(weights).sum(0)
    order = np.argsort(-load, kind="stable")
    reached = np.cumsum(load[order])
    count = int(np.searchsorted(reached, mass * reached[-1] * (1 - 1e-12))) + 1
    return np.sort(order[: min(count, len(order))])


def _host(tensor: Tensor) -> NDArray[np.float64]:
    array: NDArray[np.float64] = tensor.detach().double().cpu().numpy()
    return array
