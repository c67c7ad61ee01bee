"""What a read-out stands beside: the same network before its first step, and the pixels themselves. Training changes neither."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...models import BlockNetwork, Network
from ...models.engine import settle
from ...plasticity import Rule
from ..errors import ConfigError
from ..readouts.fitted import TOGETHER
from ..readouts.reading import Reading, read_out, read_out_pixels
from ..runs.files import read_json
from ..runs.trained import Trained

# images at whose rates a random network's relays find their running statistics
SETTLING = 5000
# what an earlier read-out has to agree in
SAME = ("read_out", "settings", "together", "populations", "n_train", "n_test")


@dataclass(frozen=True, slots=True)
class Controls:
    """Accuracies in per cent.

    Attributes:
        random: of the populations together, before the first step.
        layers: of every population, before the first step.
        pixels: of the images; None where nothing is fitted.
    """

    random: float
    layers: Mapping[str, float]
    pixels: float | None


def measured(
    run: Trained[Rule], reading: Reading, wanted: list[str], together: list[str], tell: Callable[[str], None]
) -> Controls:
    """Both controls.

    Args:
        run: that was trained.
        reading: how it is read out.
        wanted: populations to read out one by one.
        together: those to read out together.
        tell: called with the name of every read-out before it begins.
    """
    random = read_out(_untrained(run, reading), reading, wanted, together, tell)
    pixels = read_out_pixels(reading).accuracy if reading.fitted else None
    return Controls(random[TOGETHER].accuracy, {name: random[name].accuracy for name in wanted}, pixels)


def earlier(path: Path, now: Mapping[str, Any], wanted: Sequence[str]) -> Controls | None:
    """The controls of an earlier read-out; None where there is none, or one of another kind.

    Args:
        path: of its probe.json.
        now: what this read-out agrees in, see `SAME`.
        wanted: populations that are read out one by one.
    """
    try:
        found = read_json(path, *SAME, "layers", "accuracy_random", "accuracy_pixels", remedy="remove it")
    except (OSError, ConfigError):
        return None
    if any(found[name] != now[name] for name in SAME) or list(found["layers"]) != list(wanted):
        return None
    layers = {name: each["accuracy_random"] for name, each in found["layers"].items()}
    return Controls(found["accuracy_random"], layers, found["accuracy_pixels"])


def _untrained(run: Trained[Rule], reading: Reading) -> Network | BlockNetwork:
    """The network at its random initialisation, with running statistics of its own where it has any."""
    network = run.initial()
    if isinstance(network, BlockNetwork) or network.follows:
        # drawn: stored images may be sorted by class
        images = reading.train.subset(min(SETTLING, len(reading.train)), seed=run.config.seed).whole()
        settle(network, run.presentation.still(reading.stimulus, images.to(run.device)))
    return network
