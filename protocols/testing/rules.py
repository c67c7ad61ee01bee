"""The battery for rules: one class, one method a check."""

from typing import Any, ClassVar

from ...models.engine import Architecture
from ...plasticity import Rule
from . import behaviour, gradients, signalling, training, values
from .findings import Finding, run
from .outputs import drawn, outputs

# without these no other check can ask anything
FOUNDATIONS = ("test_its_needs_exist", "test_needs_no_more_than_it_declares")


class RuleTests:
    """What Apical asks of a rule of any engine. Subclass it in a test file of your own:

    >>> from apical.plasticity import ClappPP
    >>> from apical.testing import RuleTests
    >>> class TestMine(RuleTests):
    ...     rule = ClappPP(context="both")

    A test runner that knows pytest's conventions collects it; `check_rule` runs it without any. What does not concern a rule is skipped.

    Attributes:
        rule: the rule, an instance.
        descends: whether `Factors.loss` is what the factors descend: None where a rule without an `objective` is to be compared by finite
            differences, False where its loss is recorded and not descended.
        anything: hyperparameters that take any value of their type.
        architectures: networks to train; empty for a small one of dense populations and one of maps.
    """

    rule: ClassVar[Rule]
    descends: ClassVar[bool | None] = None
    anything: ClassVar[tuple[str, ...]] = ()
    architectures: ClassVar[tuple[Architecture, ...]] = ()

    def test_is_a_frozen_value(self) -> None:
        """A rule is a frozen dataclass, equal and hashed by its hyperparameters: settings, caches and worker processes make it again."""
        values.check_value(self.rule)

    def test_its_needs_exist(self) -> None:
        """Words in `needs` are known, no two contradict each other, and the methods of its engine are there: nothing else says how it is run."""
        values.check_needs(self.rule)

    def test_refuses_nonsense(self) -> None:
        """A hyperparameter that is no number, word or switch is refused by a RuleError that names it: NaN would train for hours."""
        values.check_nonsense(self.rule, self.anything)

    def test_needs_no_more_than_it_declares(self) -> None:
        """Factors come from the declared signals alone: an engine hands over no others."""
        signalling.check_no_more(self.rule)

    def test_uses_all_that_it_declares(self) -> None:
        """Factors depend on every declared signal: what is declared is computed, stored and waited for in every step."""
        signalling.check_no_less(self.rule)

    def test_shapes(self) -> None:
        """Factors have the shapes of the population and the names of the needs: one place too many would be summed silently."""
        for shape in gradients.SHAPES:
            signalling.check_shapes(self.rule, 6, shape)

    def test_other_sizes(self) -> None:
        """Populations of one unit, of few and of uneven maps, with few objects: nothing is made for one size."""
        for objects, shape in signalling.SIZES:
            signalling.check_shapes(self.rule, objects, shape)
            signalling.check_finite(self.rule, outputs(self.rule, drawn(self.rule, objects=objects, shape=shape)), f"of a population of shape {shape}")  # fmt: skip

    def test_drive_is_the_gradient(self) -> None:
        """The drive equals autograd of the rule's own `objective`, else it follows finite differences of the loss that it reports."""
        gradients.check_drive(self.rule, self.descends)

    def test_predictions_are_the_gradient(self) -> None:
        """What apical weights learn equals autograd of the rule's own `objective`."""
        gradients.check_predictions(self.rule)

    def test_second_factor_is_the_potential(self) -> None:
        """With `needs.second` = apical, the drive is what phases and apical potentials say: replays put these into tufts and modulators."""
        gradients.check_second(self.rule)

    def test_objects_in_any_order(self) -> None:
        """When objects change places in the batch, factors move with them: who follows whom is the pairing's to say."""
        behaviour.check_order(self.rule)

    def test_rows_stand_alone(self) -> None:
        """With `needs.alone`, score and neuromodulator of a pair do not change with other pairs: replays show one glance at a time."""
        behaviour.check_alone(self.rule)

    def test_is_deterministic(self) -> None:
        """Equal signals give equal factors, and no global random stream is read: a run is a function of its settings and seed."""
        behaviour.check_deterministic(self.rule)

    def test_keeps_no_graph(self) -> None:
        """Factors carry no graph, also where autograd is on: it would hold all activity of a step."""
        behaviour.check_no_graph(self.rule)

    def test_keeps_nothing_alive(self) -> None:
        """Signals and factors are freed after a step: memory grows with the largest population, not with depth or time."""
        behaviour.check_lets_go(self.rule)

    def test_leaves_its_signals(self) -> None:
        """No signal is changed in place: engine, recorder and other populations read the same tensors."""
        behaviour.check_untouched(self.rule)

    def test_keeps_the_dtype(self) -> None:
        """float64 gives float64 and float32 gives float32: tests of exactness need the one, memory the other."""
        signalling.check_dtype(self.rule)

    def test_stays_on_the_device(self) -> None:
        """Tensors are made on the device of the signals; tried without a GPU, and compared on one where there is one."""
        behaviour.check_device(self.rule)

    def test_silence(self) -> None:
        """A population in which nothing fires gives finite factors: early in training many do."""
        signalling.check_silence(self.rule)

    def test_hands_its_state_on(self) -> None:
        """`start` gives the same every time, and factors hand every name of it on in its shape: checkpoints keep it."""
        signalling.check_state(self.rule)

    def test_changes_are_outer_products(self) -> None:
        """The engine's changes of weights are the outer products of the factors with the rates below, and with the contexts."""
        training.check_outer_products(self.rule, self._networks()[0])

    def test_bfloat16(self) -> None:
        """A step in bfloat16 changes weights as the same step in float32 does, as far as 8 bits of precision can."""
        for architecture in self._networks():
            training.check_half(self.rule, architecture)

    def test_training_resumes(self) -> None:
        """Five steps are finite, move weights, and equal three steps, a checkpoint and two more, bit for bit."""
        training.check_resumes(self.rule, self._networks()[0])

    def test_recording_opens(self) -> None:
        """A recording of a training opens and holds the signals in `needs.records`, of every population, without gaps."""
        for architecture in self._networks():
            training.check_recording(self.rule, architecture)

    def _networks(self) -> list[Architecture]:
        return list(self.architectures) or training.architectures(self.rule)


def check_rule(rule: Rule, **given: Any) -> list[Finding]:
    """Run the battery on a rule, without a test runner.

    >>> from apical.plasticity import ClappPP
    >>> from apical.testing import check_rule
    >>> check_rule(ClappPP())
    []

    Args:
        rule: the rule.
        given: `descends`, `anything`, `architectures`, see `RuleTests`.

    Returns:
        What is broken: name of the check, what was expected, what was got, remedy; empty where nothing is.

    Raises:
        TypeError: another word than those.
    """
    unknown = sorted(given.keys() - {"descends", "anything", "architectures"})
    if unknown:
        raise TypeError(f"check_rule: expected descends, anything or architectures, got {unknown[0]!r}; see RuleTests")
    return run(type("Asked", (RuleTests,), {"rule": rule, **given}), FOUNDATIONS)
