"""A result as the terminal shows it: the checks in lines, failed ones with their reason."""

from collections.abc import Mapping, Sequence
from typing import Any


def brief(result: Mapping[str, Any]) -> dict[str, Any]:
    """What fits on a screen; the whole stands in replay.json and in the report."""
    if "rows" in result:
        return _ladder(result)
    found: dict[str, Any] = {"checks": _lines(result["checks"]), "self_tests": _lines(result["self_tests"])}
    circuit = {
        name: result["circuit"][name] for name in ("population", "source", "units", "inputs", "contexts", "trials")
    }
    if "mutants" in result:
        found["mutants"] = _power(result["mutants"])
    kept = ("passed", "failed", "replays", "report", "seconds")
    return {"run": result["run"], "circuit": circuit, **found, **{n: result[n] for n in kept if n in result}}


def _ladder(result: Mapping[str, Any]) -> dict[str, Any]:
    names = ("population", "source", "rung", "cosT", "cosB", "margin_cosT", "margin_cosB", "blocked")
    rows = [{name: row[name] for name in names} for row in result["rows"]]
    refused = {f"{row['population']}, {row['source']}": row["reason"] for row in result["refused"]}
    return {"run": result["run"], "rows": rows, "refused": refused, "seconds": result["seconds"]}


def _power(table: Mapping[str, Any]) -> dict[str, Any]:
    """Which checks every mutant fails."""
    rows = {
        row["name"]: f"rejected by {len(row['rejected_by'])} of {row['shown']}: {row['what']}; "
        + ", ".join(sorted({name.split()[0] for name in row["rejected_by"]}))
        for row in table["mutants"]
    }
    return {
        **rows,
        "rejected by no check": ", ".join(table["unrejected"]) or "none",
        "checks that reject none": "; ".join(table["powerless"]) or "none",
    }


def _lines(checks: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    lines: dict[str, str] = {}
    for number, check in enumerate(checks, start=1):
        low, high = check["interval"]
        spread = "" if low == high else f" ({low:.4g} to {high:.4g})"
        verdict = "pass" if check["passed"] else "FAIL"
        reason = f"; {check['reason']}" if "reason" in check else ""
        lines[f"{number:2} {check['name']}"] = (
            f"{verdict}  {check['what']}: {check['value']:.4g}{spread}, criterion {check['criterion']}{reason}"
        )
    return lines
