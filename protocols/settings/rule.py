"""Settings of the rule, and the rule that they make: every rule's own dataclass says which settings it reads."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from ...models.keywords import takes
from ...models.outside import FORMS, OutsideError
from ..errors import nearest, unknown
from .foreign import check_rule, contrasts, foreign_rule, rules
from .groups import Grid, Option, Settings, list_of
from .options import given, missing
from .words import OneOf, contexts, foreign_contexts, here

if TYPE_CHECKING:  # settings are read without torch where nothing needs a rule
    from ...plasticity import Needs, Rule

# settings that several rules share and that have a name of their own under `rule`; all others are `rule.options`
SHARED = ("context", "contrast", "negatives", "phases", "temperature")
# read without torch; a test compares them with plasticity's table
CONTRASTS = ("hinge", "softplus", "logistic", "linear")


class RuleConfig(Settings):
    """How synapses change."""

    name: Annotated[str, AfterValidator(here)] = Field(
        default="clapp++", description=f"a rule of plasticity's table, or {FORMS}; bp-: baselines by backpropagation"
    )
    context: Annotated[str, OneOf(contexts, foreign_contexts)] = Field(
        default="lateral", description="activity an apical dendrite receives"
    )
    contrast: Annotated[str, OneOf(lambda: CONTRASTS, contrasts)] = Field(
        default="hinge", description="objective on the score"
    )
    grids: Annotated[tuple[Grid, ...], list_of(0, 64)] = Field(
        default=(8, 4, 4, 4, 2, 2), description="side after block pooling, per population of all but mlp"
    )
    negatives: Literal["next", "random"] = Field(default="next", description="which other object a saccade goes to")
    phases: Literal["both", "either"] = Field(
        default="both", description="fixation and saccade in one step, or one of them"
    )
    temperature: float | None = Field(default=None, gt=0, le=100, description="of rules that have one, and only there")
    options: dict[str, Option | list[Option]] = Field(default={}, description="the rule's other hyperparameters")


def make_rule(config: RuleConfig) -> "Rule":
    """The rule that the settings describe.

    Raises:
        RuleError: an option outside its range.
    """
    from ...plasticity import RULES, hyperparameters

    kind: Any = rules()[config.name]
    read = hyperparameters(kind)
    words: dict[str, Any] = {name: getattr(config, name) for name in SHARED if name in read}
    if "contrast" in words:
        words["contrast"] = contrasts()[config.contrast]()
    if "context" in words and config.context not in contexts():
        words["context"] = (config.context,)  # a source of the user's own, that no word of the rule's means
    if config.name in RULES:
        return kind(**words, **given(config.options))  # type: ignore[no-any-return]
    return foreign_rule(kind, config.name, {**words, **given(config.options)})


def needs_of(config: RuleConfig) -> "Needs | None":
    """What the rule of the settings needs; None where they make no rule, of which `complaints` tells."""
    from ...plasticity import RuleError

    try:
        return make_rule(config).needs
    except (KeyError, TypeError, RuleError, OutsideError):
        return None


def complaints(config: RuleConfig) -> Iterator[str]:
    """What is wrong with the settings of a rule, one sentence each, `rule.` included."""
    from ...plasticity import RULES, RuleError, hyperparameters

    known = rules()
    if config.name not in known:
        yield f"rule.name: {unknown('a rule', config.name, known.words(), 'apical config list')}; of your own: {FORMS}"
        return
    try:
        kind: Any = known[config.name]
        if config.name not in RULES:
            check_rule(kind, config.name, config.options)
    except OutsideError as error:
        yield str(error)
        return
    read = hyperparameters(kind)
    if config.phases == "either" and config.contrast == "logistic" and "contrast" in read:
        yield "rule.phases: expected both for the logistic contrast, which needs both scores of a row, got 'either'"
    if "temperature" in read and config.temperature is None:
        yield f"rule.temperature: expected a number for {config.name}, got null; for example 0.1"
    if "temperature" not in read and config.temperature is not None:
        yield f"rule.temperature: expected null for {config.name}, which has none, got {config.temperature}; remove it"
    for name in SHARED:
        default, value = type(config).model_fields[name].default, getattr(config, name)
        if name not in read and name != "temperature" and value != default:
            yield f"rule.{name}: expected none, since {config.name} reads no {name}, got {value!r}; set rule.{name}={default}"
    options = sorted(read - set(SHARED))
    for name in config.options:
        if name in SHARED:
            yield f"rule.options.{name}: expected rule.{name} instead, got an option; move it"
        elif name not in options:
            able = ", ".join(options) or "none"
            yield f"rule.options.{name}: expected one of {able}, got an option unknown to {config.name}{nearest(name, options)}"
            return
    if config.name not in RULES:
        yield from missing("rule.options", config.name, takes(kind), config.options, SHARED)
    try:
        make_rule(config)
    except RuleError as error:
        yield f"rule.options: {error}" if config.options else str(error)
    except TypeError as error:
        yield f"rule.options: expected values of the right type, got {error}; see the rule's arguments"
