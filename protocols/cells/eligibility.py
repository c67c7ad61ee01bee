"""Eligibilities on a trained circuit whose neurons have calcium and back-propagating spikes: what survives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models import RELU
from ...models.populations.geometry import competes
from ...models.spiking import BAC, Circuit, calibrate, cosine, extract
from ...models.spiking.cells import SYNAPSES, from_neuron, replay_synapse
from ...plasticity import ClappPP
from ..progress import bar as progress_bar
from ..runs.batches import Purpose
from ..runs.trained import describe
from .row import Row
from .sources import Shown

UNITS, SHOWN, TRIALS = 30, 48, 24  # of the trials that a replay shows, the first
TAU_B = 50.0  # ms, as in a replay


@dataclass(frozen=True, slots=True)
class Form:
    """One eligibility on one neuron.

    Attributes:
        synapse: name of the preset.
        changed: of `BAC`.
        copied: kick of a spike in the efference copy relative to the tuft's; None without a copy.
    """

    synapse: str
    changed: Mapping[str, float] = field(default_factory=dict)
    copied: float | None = None


FORMS: Mapping[str, Form] = {
    "V_a against rest": Form("apical-pre"),
    "10 ms after own spikes": Form("apical-pre-quiet"),
    "no bAP": Form("apical-pre", {"c_d": 0.0}),
    "at post-synaptic spikes": Form("apical-post"),
    "bursts against usual": Form("apical-burst"),
    "efference copy": Form("apical-pre-copy", copied=1.0),
    "efference copy, kick 10 % too small": Form("apical-pre-copy", copied=0.9),
    "efference copy, noise 100 pA": Form("apical-pre-copy", {"noise_current": 100.0}, copied=1.0),
    "efference copy, no noise": Form("apical-pre-copy", {"noise_current": 0.0}, copied=1.0),
}


def cut(run: Path, data_dir: Path | None = None, data: str | None = None) -> Circuit:
    """The circuit that `apical replay RUN --trials 48` takes, in the same glances: the first 24 trials.

    Raises:
        ConfigError, ProtocolError: no run with apical dendrites, or none with a checkpoint.
    """
    opened = describe(run, rule=ClappPP).open(device="cpu", data_dir=data_dir, data=data)
    network = opened.network(opened.newest())
    above = network.populations[1:] or network.populations
    spiking = [one for one in above if one.transfer == RELU] or above
    chosen = ([one for one in spiking if not competes(one)] or spiking)[0].name
    purpose = Purpose("replay-order-views", "replay-views", "replay-pairing-views")
    objects = SHOWN if opened.rule.needs.phases == "either" else SHOWN // 2
    shown = opened.batches.batch(purpose, opened.batches.order(purpose, 0)[:objects], 0)
    circuit = extract(
        network, shown.images, shown.pairing, opened.rule, population=chosen, units=UNITS, position=None, source=None, trials=SHOWN,
        seed=opened.config.seed,
    )  # fmt: skip
    return circuit.take(slice(0, TRIALS))


def compare(circuit: Circuit, seeds: tuple[int, ...], progress: bool) -> Shown:
    """Every form on one circuit: cosines with the rate rule, and what is left when the tuft is blocked."""
    wrong = _wrong(circuit)
    found: dict[str, dict[str, list[float]]] = {}
    jobs = [(label, seed) for label in FORMS for seed in seeds]
    for label, seed in progress_bar(progress, "replay", len(jobs), over=iter(jobs), title="eligibility"):
        values = one(circuit, FORMS[label], seed)
        for word, value in values.items():
            found.setdefault(label, {}).setdefault(word, []).append(value)
    rows = [
        Row(part="eligibility", quantity=f"{word}, {label}", found=float(np.mean(values[word])))
        for label, values in found.items() for word in ("cosT", "cosB", "block")
    ]  # fmt: skip
    best = {word: max(values[word] for values in wrong.values()) for word in ("cosT", "cosB")}
    copied = found["efference copy"]
    rows += [
        Row(part="eligibility", quantity=f"{word} of the best wrong rule less that of the efference copy, worst seed",
            found=best[word] - min(copied[word]), at_most=0)
        for word in ("cosT", "cosB")
    ]  # fmt: skip
    rows.append(
        Row(part="eligibility", quantity="|dW| left by the block, efference copy without noise, worst seed",
            found=max(found["efference copy, no noise"]["block"]), at_most=0.05)
    )  # fmt: skip
    return Shown(rows, {"forms": found, "wrong": wrong, "wrong_cosT": best["cosT"], "wrong_cosB": best["cosB"]})


def one(circuit: Circuit, form: Form, seed: int) -> dict[str, float]:
    """cosT, cosB and the share of |dW| that a blocked tuft leaves, for one seed."""
    neuron = BAC.but(tau_b=TAU_B, **form.changed)
    cell = from_neuron(neuron, copy=form.copied is not None)
    if form.copied is not None:
        cell = cell.but(namespace={"c_copy": f"{neuron.c_d * form.copied} pA"})
    words: dict[str, Any] = {"neuron": neuron, "cell": cell, "calibration": calibrate(circuit, neuron), "seed": seed}
    intact = replay_synapse(circuit, SYNAPSES[form.synapse], **words)
    blocked = replay_synapse(circuit.scale_apical(0.0), SYNAPSES[form.synapse], **words)
    size = float(np.linalg.norm(intact.batch_change))
    return {
        "cosT": float(np.nanmean(intact.cosine)), "cosB": intact.batch_cosine,
        "block": float(np.linalg.norm(blocked.batch_change)) / size if size else float("nan"),
    }  # fmt: skip


def _wrong(circuit: Circuit) -> dict[str, dict[str, float]]:
    """Cosines of other rules with the right one, without noise, as in C4b of a replay."""
    e, gate = circuit.prediction, circuit.gate
    factors = {
        "rho for rho'": e * circuit.rate, "sign of apical": np.sign(e) * gate, "mean subtracted": (e - e.mean(0)) * gate,
        "rectified": np.maximum(e, 0) * gate, "no gate": e,
    }  # fmt: skip
    right, modulated = circuit.eligibility(), circuit.gamma * circuit.weight
    batch = np.tensordot(modulated, right, 1)[None]
    found = {}
    for name, factor in factors.items():
        traces: NDArray[np.float64] = (factor * circuit.winner)[:, :, None] * circuit.z_pre[:, None, :]
        found[name] = {
            "cosT": float(np.nanmean(cosine(right, traces))),
            "cosB": float(cosine(batch, np.tensordot(modulated, traces, 1)[None])[0]),
        }
    return found
