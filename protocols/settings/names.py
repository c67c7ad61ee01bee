"""The names that settings choose from, in groups that a reader can take in."""

from .yaml import presets


def presets_by_stimulus() -> dict[str, list[str]]:
    """Names of the presets by their first word: the data set, or `demo`."""
    groups: dict[str, list[str]] = {}
    for name in presets():
        groups.setdefault(name.partition("-")[0], []).append(name)
    return groups


def rules_by_kind() -> dict[str, list[str]]:
    """Names of the rules by what one update of a synapse takes."""
    from ...plasticity import RULES

    groups: dict[str, list[str]] = {
        "from explicit factors": [],
        "from explicit factors, supervised": [],
        "autograd inside a block": [],
        "end-to-end backpropagation": [],
    }
    for name, rule in RULES.items():
        # a twin of another rule, made for backpropagation, is no class
        engine = getattr(rule, "engine", None) if isinstance(rule, type) else "backprop"
        if name.startswith("blockwise-"):
            kind = "autograd inside a block"
        elif engine in ("local", "feedback"):
            kind = "from explicit factors" + (", supervised" if engine == "feedback" else "")
        else:
            kind = "end-to-end backpropagation"
        groups[kind].append(name)
    return groups
