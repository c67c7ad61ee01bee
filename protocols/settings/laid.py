"""How layers of one's own are laid over settings that name another network."""

from collections.abc import Mapping
from typing import Any

BUILDER = "layers"


def wires_anew(settings: Mapping[str, Any]) -> bool:
    """Whether settings give layers."""
    network = settings.get("network")
    return isinstance(network, Mapping) and bool(network.get("layers"))


def without_network(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without what another builder reads: the sizes of its network, and `rule.grids`."""
    rule = settings.get("rule")
    rest = {name: value for name, value in settings.items() if name != "network"}
    if isinstance(rule, Mapping):
        rest["rule"] = {name: value for name, value in rule.items() if name != "grids"}
    return rest


def completed(settings: Any) -> Any:
    """Settings in which layers imply their builder, and no grids of another network."""
    if not isinstance(settings, Mapping) or not wires_anew(settings):
        return settings
    rule = settings.get("rule", {})
    told = {**settings, "network": {"builder": BUILDER, **settings["network"]}}
    if isinstance(rule, Mapping):
        told["rule"] = {"grids": [], **rule}
    return told
