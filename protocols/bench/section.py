"""Measurements of speed and memory as the terminal shows them."""

from collections.abc import Mapping
from typing import Any

from ...recordings import Section, TextTable
from ..sections import number

MIB = 2**20
ENGINE = {
    "images_per_second": ("images/s", ".1f", 1), "seconds": ("step (s)", ".3f", 1), "cpu_seconds": ("CPU, step (s)", ".2f", 1),
    "speed_ratio": ("times as fast as the first", ".2f", 1), "speed_to_best": ("as fast as best-autograd", ".2f", 1),
    "extra_bytes": ("memory (MiB)", ".0f", MIB), "memory_ratio": ("memory over the first's", ".2f", 1),
    "share_of_limit": ("share of the limit (%)", ".0f", 0.01),
}  # fmt: skip


def engine(result: Mapping[str, Any]) -> Section:
    """What `bench.engine` measured."""
    names = [name for name in ENGINE if any(name in row for row in result["rows"])]
    rows = tuple(
        (row["context"], row["engine"], *(_scaled(row.get(name), *ENGINE[name][1:]) for name in names))
        for row in result["rows"]
    )
    head = ("context", "engine", *(ENGINE[name][0] for name in names))
    title = f"Medians; {result['batch']} objects a step, width {result['width']:g}, on {result['device']}; memory beyond weights and moments"
    limit = TextTable(
        head=("operation", "per second"), rows=tuple((name.replace("_", " "), number(rate, ".3g")) for name, rate in result["limit"].items()),
        title="The machine's limit in the same run", folded=True,
    )  # fmt: skip
    kernels = tuple(
        (row["context"], row["engine"], _said(row["kernels"])) for row in result["rows"] if row.get("kernels")
    )
    tables = [TextTable(head=head, rows=rows, title=title, numbers=False), limit]
    if kernels:
        tables.append(TextTable(head=("context", "engine", "kernels"), rows=kernels, title="Kernels that were chosen", folded=True, numbers=False))  # fmt: skip
    return Section(name="bench-engine", title="Speed and memory of the engine", tables=(*tables, _machine(result)))


def memory(result: Mapping[str, Any]) -> Section:
    """What `bench.memory` counted."""
    rows = tuple(
        (
            row["case"],
            row["precision"],
            row["engine"],
            _scaled(row["activations"], ".0f", MIB),
            number(100 * (1 - row["share"]) if "share" in row else None, ".1f"),
            _scaled(row.get("formula"), ".0f", MIB),
        )
        for row in result["rows"]
    )
    head = ("network", "precision", "engine", "activations (MiB)", "below backpropagation (%)", "formula (MiB)")
    counted = TextTable(head=head, rows=rows, title="Activations at their peak in one step", numbers=False)
    real = tuple(
        (row["engine"], row["precision"], _scaled(row["sizes"], ".2f", MIB), _scaled(row["real"], ".2f", MIB), number(row["ratio"], ".3f"))
        for row in result["check"]
    )  # fmt: skip
    titles = ("engine", "precision", "sizes alone (MiB)", "real step (MiB)", "ratio")
    title = "A VGG-6 of an eighth of the width at 32 px: counted without computing, and in a real step on the CPU"
    check = TextTable(head=titles, rows=real, title=title, folded=True, numbers=False)
    return Section(name="bench-memory", title="Memory of a step", tables=(counted, check, _machine(result)))


def recording(result: Mapping[str, Any]) -> Section:
    """What `bench.recording` measured."""
    rows = tuple(
        (f"one step in {row['every']:,}", number(row["images_per_second"], ".1f"), number(row["time_ratio"], ".3f"), number(row["overhead_percent"], ".1f"))
        for row in result["throughput"]
    )  # fmt: skip
    head = ("recorded", "images/s without", "time with, over without", "overhead (%)")
    memory = result["memory"]
    kept = TextTable(
        head=("memory", "MiB"),
        rows=(
            ("growth from a tenth of the run on", _scaled(memory["growth_bytes"], ".1f", MIB)),
            ("ceiling of the buffers", _scaled(memory["buffer_ceiling_bytes"], ".1f", MIB)),
            ("resident at the end", _scaled(memory["resident_bytes"][-1], ".0f", MIB)),
        ),
        title=f"Memory while {memory['recorded_steps']:,} steps are recorded",
    )
    tables = (
        TextTable(head=head, rows=rows, title="Training with recording, against training without"),
        kept,
        _machine(result),
    )
    return Section(name="bench-recording", title="Overhead of recording", tables=tables)


def spikes(result: Mapping[str, Any]) -> Section:
    """What `bench.spikes` measured."""
    rows = (
        ("synapses", f"{result['synapses']:,}"),
        ("trials, of them side by side", f"{result['trials']:,}, {result['side_by_side']:,}"),
        ("predicted memory (MiB)", _scaled(result["predicted_bytes"], ".0f", MIB)),
        ("memory it took (MiB)", _scaled(result["grown_bytes"], ".0f", MIB)),
        ("time (s)", number(result["seconds"], ".1f")),
        ("processor time (s)", number(result["processor_seconds"], ".1f")),
        ("cosine of a trial with the rule", number(result["cosine"], ".3f")),
    )
    table = TextTable(head=("quantity", "found"), rows=rows)
    return Section(
        name="bench-spikes", title=f"A replay with spikes on {result['target']}", tables=(table, _machine(result))
    )


def device(result: Mapping[str, Any]) -> Section:
    """What `bench.device` has so far."""
    checks = tuple(
        (row["check"], number(row["worst"], ".3g"), number(row["bound"], ".3g"), "yes" if row["holds"] else "no")
        for row in result["checks"]
    )
    tables = [TextTable(head=("check", "found", "bound", "holds"), rows=checks, title=f"Checks on {result['device']}")]
    rows = tuple(
        (
            row["context"], row["precision"], f"{row['batch']}", f"{row['side']}", number(row.get("images_per_second"), ".1f"),
            _scaled(row.get("extra_bytes"), ".0f", MIB), _scaled(row.get("share_of_limit"), ".0f", 0.01), row.get("error", ""),
        )
        for row in result["rows"]
    )  # fmt: skip
    head = ("context", "precision", "batch", "px", "images/s", "memory (MiB)", "share of the limit (%)", "failed")
    if rows:
        tables.append(TextTable(head=head, rows=rows, title="Engine; memory beyond weights and moments", numbers=False))
    others = []
    if (recording := result["recording"]) is not None:
        others.append(
            (
                f"recording one step in {recording['every']:,}, overhead (%)",
                number(recording["overhead_percent"], ".1f"),
            )
        )
    if (run := result["training"]) is not None:
        others += [
            ("epochs trained", number(run["epochs"], ".1f")),
            ("images/s of training", number(run["images_per_second"], ".0f")),
        ]
        if run.get("read_out"):
            others += [("read-out (%)", number(run["read_out"]["accuracy"], ".2f")), ("published (%)", number(run["published_percent"], ".2f"))]  # fmt: skip
    if others:
        tables.append(TextTable(head=("quantity", "found"), rows=tuple(others)))
    return Section(name="bench-device", title=f"A device, {result['status']}", tables=(*tables, _machine(result)))


def _scaled(value: float | None, form: str, unit: float) -> str:
    return number(None if value is None else value / unit, form)


def _machine(result: Mapping[str, Any]) -> TextTable:
    rows = tuple((name.replace("_", " "), _said(value)) for name, value in result["machine"].items())
    return TextTable(head=("machine", "is"), rows=rows, title="Machine", folded=True, numbers=False)


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(below)}" for name, below in value.items())
    return (
        ", ".join(map(_said, value))
        if isinstance(value, list)
        else f"{value:.4g}"
        if isinstance(value, float)
        else str(value)
    )
