"""A closed loop as the terminal shows it."""

from collections.abc import Mapping
from typing import Any


def brief(result: Mapping[str, Any]) -> dict[str, Any]:
    """What fits on a screen; the whole stands in spike.json."""
    lines = {}
    for check in result["checks"]:
        low, high = check["interval"]
        spread = "" if low == high else f" ({low:.3g} to {high:.3g})"
        verdict = "pass" if check["passed"] else "FAIL"
        lines[f"{check['name']}"] = (
            f"{verdict}  {check['what']}: {check['value']:.3g}{spread}, criterion {check['criterion']}"
        )
    kept = (
        "out",
        "glances",
        "neurons",
        "synapses",
        "predicted_bytes",
        "irregularity",
        "passed",
        "failed",
        "figures",
        "recordings",
        "seconds",
    )
    return {"checks": lines, **{name: result[name] for name in kept}}
