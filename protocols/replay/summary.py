"""A result as the terminal shows it: the checks in lines, failed ones with their reason."""

from collections.abc import Mapping
from typing import Any


def brief(result: Mapping[str, Any]) -> dict[str, Any]:
    """What fits on a screen; the whole stands in replay.json and in the report."""
    lines: dict[str, str] = {}
    for number, check in enumerate(result["checks"], start=1):
        low, high = check["interval"]
        spread = "" if low == high else f" ({low:.4g} to {high:.4g})"
        verdict = "pass" if check["passed"] else "FAIL"
        reason = f"; {check['reason']}" if "reason" in check else ""
        lines[f"{number:2} {check['name']}"] = (
            f"{verdict}  {check['what']}: {check['value']:.4g}{spread}, criterion {check['criterion']}{reason}"
        )
    circuit = {
        name: result["circuit"][name] for name in ("population", "source", "units", "inputs", "contexts", "trials")
    }
    kept = ("passed", "failed", "replays", "report", "seconds")
    return {"run": result["run"], "circuit": circuit, "checks": lines, **{n: result[n] for n in kept if n in result}}
