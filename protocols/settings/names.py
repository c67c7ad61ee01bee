"""The names that settings choose from, in groups that a reader can take in."""

from ...models.outside import found, owner
from .yaml import presets

# of entry points; a test compares them with the tables that are open
GROUPS = tuple(
    f"apical.{words}"
    for words in (
        "analyses", "builders", "checks", "contexts", "contingencies", "contrasts", "datasets", "events", "measures", "objects",
        "optimisers", "presentations", "read_outs", "rules", "stimuli",
    )
)  # fmt: skip
EXAMPLE = 0.1  # a temperature, without which some rules cannot be made


def presets_by_stimulus() -> dict[str, list[str]]:
    """Names of the presets by their first word: the data set, or `demo`."""
    groups: dict[str, list[str]] = {}
    for name in presets():
        groups.setdefault(name.partition("-")[0], []).append(name)
    return groups


def rules_by_kind() -> dict[str, list[str]]:
    """Names of the rules by what one update of a synapse takes."""
    from ...plasticity import RULES
    from .rule import RuleConfig, needs_of

    groups: dict[str, list[str]] = {
        "from explicit factors": [],
        "from explicit factors, supervised": [],
        "autograd inside a block": [],
        "end-to-end backpropagation": [],
    }
    for name in RULES:
        needs = needs_of(RuleConfig(name=name, temperature=EXAMPLE))
        engine = "backprop" if needs is None else needs.engine
        if name.startswith("blockwise-"):
            kind = "autograd inside a block"
        elif engine in ("local", "feedback"):
            kind = "from explicit factors" + (", supervised" if engine == "feedback" else "")
        else:
            kind = "end-to-end backpropagation"
        groups[kind].append(name)
    return groups


def installed_by_group() -> dict[str, list[str]]:
    """Entry points that other distributions have for Apical, with the distribution; one of two of a name is refused when it is used."""
    groups = {group: [f"{entry.name} ({owner(entry)})" for entry in found(group)] for group in GROUPS}
    return {group: sorted(names) for group, names in groups.items() if names}
