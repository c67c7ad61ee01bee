"""Reading one network out."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...models import BlockNetwork, Network
from ...plasticity import Rule
from ..errors import ConfigError
from ..readouts.corrupted import corrupted_read_out
from ..readouts.features import features, pixel_features
from ..readouts.fitted import (
    RIDGE_LIMIT,
    ReadOut,
    knn_read_out,
    linear_read_out,
    ridge_read_out,
    ridge_refuses,
    standardise,
)
from ..readouts.goodness import TOGETHER, goodness_read_out, goodness_rule
from ..readouts.own_output import head_accuracy
from ..readouts.pooling import maps_of
from ..runs.streams import stream
from ..runs.trained import Trained
from ..settings.load import RunConfig
from ..stimuli import ImageSet


def check_ridge(
    network: Network | BlockNetwork, run: Trained[Rule], wanted: list[str], together: list[str], images: int
) -> None:
    """Refuse what ridge cannot solve before anything is fitted."""
    one = run.stimulus.test.take(torch.zeros(1, dtype=torch.int64))
    still, maps = run.presentation.still, maps_of(run.config.network.builder)
    found = features(network, run.stimulus, one, network.device, still, maps, list({*wanted, *together}))
    sizes = {name: found[name].shape[1] for name in wanted}
    sizes |= {
        "the populations together": found.together(together).shape[1],
        "the pixels": math.prod(run.stimulus.shape),
    }
    what, size = max(sizes.items(), key=lambda item: item[1])
    if ridge_refuses(images, size):
        raise ConfigError(
            f"probe.solver: expected at most {RIDGE_LIMIT} images or features for ridge, got {images} images and {size} features of "
            f"{what}; add --set probe.solver=logistic or --set probe.n_train={RIDGE_LIMIT}"
        )


def reader(
    kind: str,
    run: Trained[Rule],
    train: ImageSet,
    test: ImageSet,
    wanted: list[str],
    together: list[str],
    bar: Any,
) -> Callable[[Network | BlockNetwork], Mapping[str, ReadOut]]:
    """What reads a network out, population by population and together."""
    if kind != "goodness":
        return lambda network: read_out_network(network, run, train, test, wanted, together, kind, bar)
    rule = goodness_rule(run.rule)

    def read(network: Network | BlockNetwork) -> Mapping[str, ReadOut]:
        assert isinstance(network, Network)  # rules in blocks have no goodness
        found = goodness_read_out(network, rule, run.stimulus, test, together)
        bar.update(len(wanted) + 1)
        return found

    return read


def read_out_network(
    network: Network | BlockNetwork,
    run: Trained[Rule],
    train: ImageSet,
    test: ImageSet,
    wanted: list[str],
    together: list[str],
    kind: str,
    bar: Any,
) -> Mapping[str, ReadOut]:
    """Every wanted population and the populations together, fitted and tested."""
    device, still, config = network.device, run.presentation.still, run.config
    maps, kept = maps_of(config.network.builder), list({*wanted, *together})
    seen, unseen = (features(network, run.stimulus, images, device, still, maps, kept) for images in (train, test))
    found = {}
    for name in wanted:
        bar.set_postfix_str(name)
        found[name] = fit(kind, config, seen[name], train.labels, unseen[name], test.labels)
        bar.update()
    bar.set_postfix_str(TOGETHER)
    if len(together) == 1 and together[0] in found:
        found[TOGETHER] = found[together[0]]
    else:
        x, y = seen.together(together), unseen.together(together)
        found[TOGETHER] = fit(kind, config, x, train.labels, y, test.labels)
    bar.update()
    return found


def read_out_corrupted(
    network: Network | BlockNetwork,
    run: Trained[Rule],
    train: ImageSet,
    test: ImageSet,
    together: list[str],
    kind: str,
    bar: Any,
) -> dict[str, Any]:
    """Accuracies of the populations together under every corruption and severity."""
    still, maps, config = run.presentation.still, maps_of(run.config.network.builder), run.config

    def read(images: ImageSet) -> Tensor:
        return features(network, run.stimulus, images, network.device, still, maps, together).together(together)

    return corrupted_read_out(
        read, partial(fit, kind, config), train, test, seed=config.seed, advance=bar.set_postfix_str
    )


def own_output(network: Network | BlockNetwork, run: Trained[Rule], test: ImageSet) -> dict[str, float]:
    """Accuracy of the output of a network that was trained to classify; empty for any other."""
    if not isinstance(network, Network) or network.head is None or run.rule.needs.head != "classes":
        return {}
    return {"accuracy_head": head_accuracy(network, run.presentation, run.stimulus, test)}


def read_out_pixels(run: Trained[Rule], train: ImageSet, test: ImageSet, kind: str) -> float:
    """Accuracy of the same read-out on the pixels themselves."""
    x, y = pixel_features(run.stimulus, train), pixel_features(run.stimulus, test)
    return fit(kind, run.config, x, train.labels, y, test.labels).accuracy


def fit(kind: str, config: RunConfig, x: Tensor, labels: Tensor, x_test: Tensor, labels_test: Tensor) -> ReadOut:
    """One read-out as the settings of the probe say."""
    labels, labels_test = labels.cpu(), labels_test.cpu()
    p = config.probe
    if kind == "knn":
        return knn_read_out(x, labels, x_test, labels_test, k=min(p.neighbours, len(x)), temperature=p.temperature)
    x, x_test = standardise(x, x_test)
    draws = stream(config.seed, "read-out")
    if p.solver == "ridge":
        return ridge_read_out(x, labels, x_test, labels_test, p.penalties, generator=draws)
    return linear_read_out(
        x, labels, x_test, labels_test, epochs=p.epochs, batch=p.batch, learning_rate=p.learning_rate, generator=draws
    )
