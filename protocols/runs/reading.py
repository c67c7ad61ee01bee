"""How the networks of a run are read out, from its settings."""

from functools import partial
from typing import Any

from ...plasticity import Rule
from ..errors import ProtocolError
from ..readouts.pooling import maps_of
from ..readouts.reading import Reading
from ..settings.load import RunConfig
from ..stimuli import ImageSet, Stimulus
from ..stimuli.presentations.table import presentation
from .streams import stream


def reading_of(
    config: RunConfig,
    rule: Rule,
    stimulus: Stimulus,
    *,
    field: str,
    n_train: int | None = None,
    n_test: int | None = None,
    **chosen: Any,
) -> Reading:
    """The read-out that the settings of a run describe.

    Args:
        config: settings of the run.
        rule: that they describe.
        stimulus: the run's.
        field: what asks for it, for the error.
        n_train: labelled images that are fitted on, drawn by the run's seed; None, or more than there are, for all.
        n_test: those that are tested with.
        chosen: other settings of `probe` than the run's, such as `read_out`.

    Raises:
        ProtocolError: there are no labelled images.
    """
    train, test = stimulus.train.labelled(), stimulus.test.labelled()
    if not len(train) or not len(test):
        raise ProtocolError(
            f"{field}: expected labelled images, got {len(train)} for training and {len(test)} for testing; show others"
        )
    options = config.probe.model_dump() | chosen
    return Reading(
        kind=options["read_out"],
        options=options,
        rule=rule,
        presentation=presentation(rule.needs.presentation),
        maps=maps_of(config.network.builder),
        stimulus=stimulus,
        train=_at_most(train, n_train, config.seed),
        test=_at_most(test, n_test, config.seed),
        draws=partial(stream, config.seed, "read-out"),
    )


def _at_most(images: ImageSet, count: int | None, seed: int) -> ImageSet:
    return images.subset(None if count is None or count > len(images) else count, seed=seed)
