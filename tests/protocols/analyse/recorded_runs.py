"""Folders of runs with small recordings of known content."""

import numpy as np
from apical.recordings import ReplayStore, Table, Variable, Writer, activity_table, updates_table

UNITS, SHAPE = 12, (3, 2, 2)
CLASSES = 4


def _parameters(table, further):
    """The table with further coordinates of its trials."""
    added = tuple(Variable(name=name, dtype=str(np.asarray(v).dtype), units=units, long_name=name, coordinate=True) for name, (v, units) in further.items())  # fmt: skip
    return Table(
        path=table.path, dim=table.dim, length=table.length, variables=(*added, *table.variables), coords=table.coords,
        attributes=table.attributes,
    )  # fmt: skip


def responses(random, label, tuning, noise=0.3):
    """Rates of units that each answer one class more."""
    return np.clip(0.2 + tuning[label] + noise * random.normal(size=(len(label), UNITS)), 0, None).astype(np.float32)


def rows_of(random, label, stimulus, step, **further):
    """Rows of an activity table; the apical potential says half of the basal one at fixations and nothing at saccades."""
    n = len(label)
    tuning = np.equal.outer(np.arange(CLASSES), np.arange(UNITS) % CLASSES) * 1.0
    rate = responses(random, label, tuning)
    phase = np.arange(n, dtype=np.int8) % 2
    apical = (np.where(phase[:, None] == 0, rate, 0) + 0.1 * random.normal(size=rate.shape)).astype(np.float32)
    return {
        "stimulus_id": stimulus, "context_id": np.roll(stimulus, 1), "label": label, "epoch": step / 100, "step": step, "phase": phase,
        "basal": rate, "rate": rate, "apical": apical, "score": (apical * rate).sum(1).astype(np.float32),
        "neuromodulator": np.where((phase == 0) & (step >= 50), 1, 0).astype(np.float32), **further,
    }  # fmt: skip


def make_run(
    folder,
    *,
    seed=0,
    trials=400,
    populations=("conv1", "conv2"),
    replay=True,
    apical=True,
    diverged=None,
    attributes=None,
):
    """A run with a recording of training, and with a replay in it."""
    folder.mkdir(parents=True)
    tables = [activity_table(name, trials, np.arange(UNITS), SHAPE, apical=apical) for name in populations]
    updates = [updates_table(name, 10, 4, apical=apical) for name in populations]
    random = np.random.default_rng(seed)
    label, step = np.random.default_rng(7).integers(0, CLASSES, trials), np.sort(np.arange(trials) % 10 * 10)
    stimulus = np.random.default_rng(8).integers(0, 60, trials)
    with Writer.create(
        folder / "recording.zarr", [*tables, *updates], attributes={"config": {"seed": seed}} | (attributes or {})
    ) as writer:
        for table in tables:
            rows = rows_of(random, label, stimulus, step)
            if diverged is not None:
                rows |= {name: np.where(step.reshape(-1, *[1] * (rows[name].ndim - 1)) < 50, rows[name], np.float32(diverged)) for name in ("basal", "rate", "apical", "score")}  # fmt: skip
            writer.append(table.path, {v.name: rows[v.name] for v in table.variables})
        for table in updates:
            values = {"step": np.arange(10) * 10, "gate_fixation": np.linspace(0, 0.9, 10), "gate_saccade": np.full(10, 0.5)}  # fmt: skip
            made = {v.name: np.asarray(values.get(v.name, np.ones((10, *v.shape))), v.dtype) for v in table.variables}
            writer.append(table.path, made)
    if replay:
        add_replay(folder)
    return folder


def add_replay(folder, name="first", trials=6, units=4, window=500):
    """Poisson trains of 20 to 50 Hz."""
    random = np.random.default_rng(3)
    places = {key: np.arange(units) for key in ("unit_id", "channel", "row", "col")}
    circuit = {
        "bias": (("trial", "unit"), np.zeros((trials, units)), {"units": "1", "long_name": "bias"}),
        "W": (("unit", "input"), np.ones((units, 2)), {"units": "1", "long_name": "weight"}),
    }
    with ReplayStore(folder, name) as sink:
        sink.begin(trials=trials, units=places, samples=window, voltages=("V_soma",), circuit=circuit, attributes={})
        counts = random.poisson(np.linspace(10, 25, units), (trials, units))
        unit = np.concatenate([np.repeat(np.arange(units, dtype=np.int32), each) for each in counts])
        rows = {"V_soma": np.zeros((trials, units, window), np.float32), "output_rate": (counts * 2.0).astype(np.float32), "spike_count": counts.sum(1)}  # fmt: skip
        time = random.uniform(0, window, len(unit)).astype(np.float32)
        sink.append(rows, {"spike_time": time, "spike_unit": unit})


def add_recording(folder, name, table, rows, images=None):
    """An own recording: parameters of the trials are given with the rows, images as (number, values)."""
    known = {v.name for v in table.variables}
    table = _parameters(table, {key: value for key, value in rows.items() if key not in known})
    filled = {v.name: np.asarray(rows[v.name][0] if isinstance(rows[v.name], tuple) else rows[v.name]) for v in table.variables}  # fmt: skip
    tables, stored = [table], {}
    if images is not None:
        number, values = images
        shown = Table(
            path="stimuli", dim="stimulus", length=len(values),
            variables=(
                Variable(name="stimulus_id", dtype="int64", long_name="stimulus", coordinate=True),
                Variable(name="image", dims=("channel", "y", "x"), shape=values.shape[1:], dtype="float32", long_name="image"),
            ),
        )  # fmt: skip
        tables, stored = [shown, table], {"stimuli": {"stimulus_id": number, "image": values.astype(np.float32)}}
    (folder / "recordings").mkdir(exist_ok=True)
    with Writer.create(folder / "recordings" / f"{name}.zarr", tables, attributes={}) as writer:
        for path, one in stored.items():
            writer.append(path, one)
        writer.append(table.path, filled)
