"""What a rule that wraps another one declares: the same as the rule underneath."""

from .needs import Needs
from .rule import LocalRule


class Wrapped:
    """Declarations of the wrapped local rule, for a dataclass with a field `rule`; one that needs something else says so by a `needs` of its own."""

    __slots__ = ()
    rule: LocalRule

    @property
    def needs(self) -> Needs:
        """Those of the rule."""
        return self.rule.needs


def underneath(rule: object) -> object:
    """The rule under all wrappers: it has the hyperparameters that its needs name."""
    while isinstance(rule, Wrapped):
        rule = rule.rule
    return rule
