"""Where a run begins: at a warm start, or after its own end.

A warm start takes weights of another run, by name and shape, and where asked for the moments of its optimiser.

Weights, feedback and running statistics are taken where population, name and shape are the same. What the rule keeps for itself, its estimates and fixed
feedback, goes along with the same rule alone. All else begins as in any run: data, rule, optimiser, schedule and random streams are the new run's own.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...models.engine import BlockEngine, Engine, checkpoint
from ...models.optimisers.base import Resumable
from ..errors import ConfigError
from ..progress import notice
from ..runs.folder import RunFolder
from ..runs.trained import Described, describe
from ..settings.load import RunConfig

# running statistics belong to the network; other buffers are the rule's, and the number of steps is the run's
STATISTICS = ("running_mean", "running_variance", "running_var", "num_batches_tracked")
STEPS = "steps"
NAMED = 4  # names that an error or a note lists


@torch.no_grad()
def begin_from(config: RunConfig, engine: Engine) -> dict[str, Any]:
    """Give an engine the weights that the settings of a run want it to begin with.

    Args:
        config: of the new run, with `training.start`.
        engine: at its random initialisation; changed in place.

    Returns:
        Where they come from (JSON values): run, checkpoint, step, sha256 of its weights, what was taken, what was left random, what
        differs, and with moments the steps that they are of.

    Raises:
        ConfigError: no such run, none of whose populations fits, or moments that do not fit.
        CheckpointError: its checkpoint is broken.
    """
    t = config.training
    if t.start is None:
        if t.start_moments:
            raise ConfigError(
                "training.start_moments: expected false without training.start, got true; say --from RUN as well"
            )
        return {}
    source = describe(Path(t.start))
    stored = source.newest()
    state = checkpoint.read_state(stored)
    weights, buffers = checkpoint.stored_weights(stored), checkpoint.stored_buffers(stored)
    weights = checkpoint.own_rows(weights, engine.network)
    taken, left = _copied(weights, engine.network.weights())
    if not any(name.endswith(".weight") for name in taken):
        raise ConfigError(_nothing(source, weights, engine))
    if source.config.rule.name != config.rule.name:
        buffers = {name: value for name, value in buffers.items() if name.endswith(STATISTICS)}
    buffers.pop(STEPS, None)
    more, _ = _copied(buffers, engine.network.buffers)
    origin = {
        "run": str(source.folder.path), "checkpoint": stored.name, "step": state.step,
        "sha256": _sha256(stored / checkpoint.WEIGHTS), "taken": [*taken, *more], "random": left,
        "differs": _differences(config, source.config),
    }  # fmt: skip
    if t.start_moments:
        odd = [*left, *(weights.keys() - engine.network.weights().keys())]
        origin["moments_step"] = _moments(config, source, stored, engine, odd)
    engine.refresh()
    _tell(origin, weights, engine)
    return origin


def _copied(stored: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> tuple[list[str], list[str]]:
    """Fill targets of the same name and shape; names of these, and of the others."""
    taken = [name for name, target in targets.items() if name in stored and stored[name].shape == target.shape]
    for name in taken:
        targets[name].copy_(stored[name])
    return taken, [name for name in targets if name not in taken]


def _nothing(source: Described[Any], weights: Mapping[str, Tensor], engine: Engine) -> str:
    """Why no weight could be taken."""
    ours = engine.network.weights()
    shared = [name for name in ours if name in weights and name.endswith(".weight")]
    if shared:
        name = shared[0]
        reason = f"{name} {tuple(weights[name].shape)} there and {tuple(ours[name].shape)} here, and so on"
        remedy = "train with the width, layers and colours of that run"
    else:
        theirs = list(dict.fromkeys(name.partition(".")[0] for name in weights))
        reason = f"{', '.join(theirs[:NAMED])} there and {', '.join(engine.network.names[:NAMED])} here"
        remedy = "train with the network of that run"
    return f"training.start: expected a run with a population of the same name and shape, got {source.folder.path} with {reason}; {remedy}"


def _moments(config: RunConfig, source: Described[Any], stored: Path, engine: Engine, odd: list[str]) -> int:
    """Fill the moments of the optimiser; the number of steps that they are of."""
    theirs, name = source.config.optimiser.name, config.optimiser.name
    if theirs != name:
        raise ConfigError(
            f"training.start_moments: expected a run with the optimiser {name}, got {theirs} in {source.folder.path}; leave --from-moments out"
        )
    if odd:
        raise ConfigError(
            f"training.start_moments: expected a run with the same weights, got another with {_some(sorted(odd))} here or there alone: moments share one count of steps; "
            "leave --from-moments out"
        )
    if isinstance(engine, BlockEngine) and config.rule.options.get("order") == "sequential":
        raise ConfigError(
            "training.start_moments: expected blocks that learn at once, got sequential ones, whose moments begin when their turn comes; "
            "leave --from-moments out"
        )
    optimiser = engine.optimiser
    assert isinstance(optimiser, Resumable)
    checkpoint.load_moments(stored, optimiser, engine.network)
    state = checkpoint.read_state(stored)
    steps = state.step + int(state.origin.get("moments_step", 0))
    optimiser.restore(steps)
    return steps


def _differences(config: RunConfig, theirs: RunConfig) -> dict[str, list[Any]]:
    """Data, rule and image size that are others than there: theirs, then ours."""
    pairs = {
        "stimulus.name": (theirs.stimulus.name, config.stimulus.name),
        "rule.name": (theirs.rule.name, config.rule.name),
        "rule.context": (theirs.rule.context, config.rule.context),
        "stimulus.image_size": (theirs.stimulus.image_size, config.stimulus.image_size),
    }
    return {name: list(pair) for name, pair in pairs.items() if pair[0] != pair[1]}


def _tell(origin: Mapping[str, Any], stored: Mapping[str, Tensor], engine: Engine) -> None:
    """Say what was taken and what was not."""
    random, ours = origin["random"], engine.network.weights()
    left = [f"; random stay {_some(random)}"] if random else []
    unused = [name for name in stored if name not in ours]
    left += [f"; without a place here: {_some(unused)}"] if unused else []
    others = "".join(f"; {name}: {now}, there {then}" for name, (then, now) in origin["differs"].items())
    moments = f" with the moments of {origin['moments_step']} steps" if "moments_step" in origin else ""
    notice(
        f"begins with {len(ours) - len(random)} of {len(ours)} weights of {origin['run']} at step {origin['step']}{moments}{''.join(left)}{others}"
    )


def _some(names: list[str]) -> str:
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_ended(config: RunConfig, folder: RunFolder, step: int, per_epoch: int) -> None:
    """Refuse to extend a run that is not at its end.

    Args:
        config: to go on with.
        folder: of the run, whose settings say whether it was extended before.
        step: of its newest checkpoint.
        per_epoch: steps of an epoch.

    Raises:
        ConfigError: it is not.
    """
    ends = config.training.extended
    if ends != folder.settings().training.extended and step < ends[-1] * per_epoch:
        raise ConfigError(
            f"training.epochs: expected {ends[-1]} as long as {folder.path} is not complete, got {config.training.epochs} at step {step} of "
            f"{ends[-1] * per_epoch}; finish it with --resume first"
        )
