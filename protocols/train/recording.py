"""What a training run records, from its settings."""

import torch

from ...models import BlockNetwork, Network, Recorder, RecorderSpec
from ...models.ranks.ranks import ALONE, Ranks
from ...models.recorder.frozen import shapes_of
from ...models.recorder.probe_batch import UNIT_VARIABLES, ProbeBatch
from ...models.recorder.recorder import units_of
from ...plasticity import Rule
from ..runs.batches import TRAINING, Batches
from ..runs.selectivity import selectivity_of
from ..settings.load import RunConfig
from ..stimuli.views.views import NAMES


def recorder_of(
    config: RunConfig,
    network: Network | BlockNetwork,
    rule: Rule,
    batches: Batches,
    losses: list[str],
    ranks: Ranks = ALONE,
) -> Recorder | None:
    """The recorder of a run; None where nothing is recorded.

    Args:
        config: settings of the run.
        network: that learns.
        rule: its rule.
        batches: what it is shown.
        losses: names of the losses that a step returns.
        ranks: processes that train together, all of which have a recorder.

    Raises:
        ModelError: populations, units or variables that there are not.
    """
    r, presentation, stimulus = config.recording, batches.presentation, batches.stimulus
    if not r.enabled:
        return None
    spec = RecorderSpec(
        r.every, r.rows, r.units, r.unit_seed, r.populations, r.dtype, r.chosen or (), r.variables or (), r.reductions or (), r.synapses
    )  # fmt: skip
    select = selectivity_of(network, stimulus, presentation, config.seed)
    views = NAMES if batches.views(TRAINING, 1, 0) else {}
    recorder = Recorder(
        network, spec, sources=rule.needs.sources, losses=losses, batch_rows=presentation.rows * config.training.batch,
        paired=presentation.paired, modulated="neuromodulator" in rule.needs.records, words=rule.needs.told, engine=rule.needs.engine,
        views=views, selectivity=select, ranks=ranks,
    )  # fmt: skip
    if r.probe:
        images = stimulus.test.subset(min(r.probe, len(stimulus.test)), seed=config.seed)
        shown = presentation.still(stimulus, images.whole()).to(network.device)
        shapes = {
            name: shape for name, shape in shapes_of(network).items() if not r.populations or name in r.populations
        }
        recorder.probe = ProbeBatch(
            network, rule, units_of(shapes, spec, select), shown, torch.arange(len(images)), images.labels.cpu(),
            variables=[name for name in UNIT_VARIABLES if name in spec.kept], dtype=r.dtype,
        )  # fmt: skip
        recorder.probe_every = r.probe_every or r.every
    return recorder
