"""What a rule that wraps another one declares: the same as the rule underneath."""

from .pairing import Negatives, Phases
from .rule import LocalRule


class Wrapped:
    """Declarations of the wrapped local rule, for a dataclass with a field `rule`; what differs is said in the dataclass itself."""

    __slots__ = ()
    rule: LocalRule

    @property
    def presentation(self) -> str:
        """As in the rule."""
        return self.rule.presentation

    @property
    def supervised(self) -> bool:
        """As in the rule."""
        return self.rule.supervised

    @property
    def relay(self) -> str:
        """As in the rule."""
        return self.rule.relay

    @property
    def negatives(self) -> Negatives:
        """As in the rule."""
        return self.rule.negatives

    @property
    def phases(self) -> Phases:
        """As in the rule."""
        return self.rule.phases

    @property
    def others(self) -> int:
        """As in the rule."""
        return getattr(self.rule, "others", 0)

    @property
    def transport(self) -> bool:
        """As in the rule."""
        return bool(getattr(self.rule, "transport", False))


def underneath(rule: object) -> object:
    """The rule under all wrappers: it has the hyperparameters, and what it declares about them and about the network."""
    while isinstance(rule, Wrapped):
        rule = rule.rule
    return rule
