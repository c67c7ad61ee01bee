"""What a rule does to the world around its signals: nothing. Determinism, graphs, memory, devices, the order of rows."""

import gc
import random
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode

from ...plasticity import FeedbackRule, LocalRule, Pairing, Rule
from .findings import Broken, unasked
from .outputs import by_row, compare, distance, drawn, outputs
from .problem import CLASSES, OWN, Problem, lived, parts


def check_deterministic(rule: Rule) -> None:
    """Twice the same from the same signals, whatever global random streams hold; and those are left alone."""
    problem = lived(rule, drawn(rule))
    with _global_streams():
        before = _streams()
        first = outputs(rule, problem)
        moved = [name for name, state in _streams().items() if not _equal(state, before[name])]
        torch.manual_seed(1234)
        np.random.seed(1234)
        random.seed(1234)
        second = outputs(rule, problem)
    if moved:
        raise Broken("global random streams left alone", f"a draw from {moved[0]}", "draw in start() by a torch.Generator of a seed of the rule")  # fmt: skip
    compare(
        first,
        second,
        "the same outputs of the same signals, bit for bit",
        "keep nothing between calls but Factors.state",
        exact=True,
    )


def _streams() -> dict[str, Any]:
    return {"torch": torch.get_rng_state(), "numpy": np.random.get_state(), "random": random.getstate()}


def _equal(one: Any, two: Any) -> bool:
    if isinstance(one, Tensor):
        return torch.equal(one, two)
    if isinstance(one, tuple):
        return len(one) == len(two) and all(_equal(a, b) for a, b in zip(one, two, strict=True))
    return bool(np.array_equal(one, two))


@contextmanager
def _global_streams() -> Iterator[None]:
    """Put the streams of the process back afterwards."""
    kept = _streams()
    try:
        yield
    finally:
        torch.set_rng_state(kept["torch"])
        np.random.set_state(kept["numpy"])
        random.setstate(kept["random"])


def check_no_graph(rule: Rule) -> None:
    """Factors carry no graph even where autograd is on."""
    if rule.needs.engine == "backprop":
        raise unasked("an objective at the top is made to be differentiated")
    signals = lived(rule, drawn(rule)).signals()
    with torch.enable_grad():
        found = dict(parts(cast(LocalRule, rule).factors(signals)))
    for name, value in found.items():
        if value.requires_grad:
            raise Broken(f"{name} without a graph", "requires_grad=True", "return x.detach(); graphs of all populations would be kept")  # fmt: skip


def check_untouched(rule: Rule) -> None:
    """Signals are read, never written."""
    problem = lived(rule, drawn(rule))
    before = {name: value.clone() for name, value in _tensors(problem).items()}
    outputs(rule, problem)
    for name, value in _tensors(problem).items():
        if not torch.equal(value, before[name]):
            raise Broken(f"{name} as it was", "another after factors()", "work on a copy: x + y, not x.add_(y); others read the same tensor")  # fmt: skip


def _tensors(problem: Problem) -> dict[str, Tensor]:
    found = {"rate": problem.rate, "basal": problem.basal, "label": problem.label}
    found |= {f"B of {s}": m for s, m in problem.matrices.items()} | {f"state {n}": v for n, v in problem.state.items()}
    found |= {f"context of {s}": c for s, c in problem.contexts.items()}
    if problem.pairing is not None:
        found |= {f"pairing.{n}": getattr(problem.pairing, n) for n in ("fixation", "saccade", "fixation_weight", "saccade_weight")}  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def check_lets_go(rule: Rule) -> None:
    """Nothing keeps the tensors of a step alive once its factors are gone."""
    if rule.needs.engine == "backprop":
        raise unasked("autograd itself frees what an objective kept")
    signals = lived(rule, drawn(rule)).signals()
    with torch.no_grad():
        factors = cast(LocalRule, rule).factors(signals)
    alive = {name: weakref.ref(value) for name, value in parts(factors)} | {"rate": weakref.ref(signals.rate)}
    del signals, factors
    if any(ref() is not None for ref in alive.values()):
        gc.collect()
    kept = [name for name, ref in alive.items() if ref() is not None]
    if kept:
        raise Broken(
            "signals and factors freed after a step",
            f"{kept[0]} still alive",
            "keep no tensor in a module, a class or a cache",
        )


def check_device(rule: Rule) -> None:
    """Everything is made on the device of the signals, tried without one; where a GPU is, its numbers are compared too."""
    problem = lived(rule, drawn(rule, dtype=torch.float32))
    try:
        with FakeTensorMode():
            found = outputs(rule, _moved(problem, torch.device("meta"), empty=True))
            strange = {name: value.device.type for name, value in found.items() if value.device.type != "meta"}
    except (DataDependentOutputException, DynamicOutputShapeException):
        strange = {}  # it looks at values: allowed, and only a real device can tell more
    except (RuntimeError, TypeError) as error:
        raise Broken("outputs made on the device of the signals", str(error).splitlines()[0], "give device=signals.rate.device to torch.arange, zeros, ...") from error  # fmt: skip
    if strange:
        name, device = next(iter(strange.items()))
        raise Broken(f"{name} on the device of the signals", f"one on {device}", "make it by new_zeros, zeros_like or device=rate.device")  # fmt: skip
    if torch.cuda.is_available():
        here = outputs(rule, problem)
        there = outputs(rule, _moved(problem, torch.device("cuda")))
        for name, value in here.items():
            if distance(value, there[name].cpu()) > 1e-3:
                raise Broken(f"{name} of a GPU near that of the CPU", f"a distance of {distance(value, there[name].cpu()):.3g}", "form sums in an order that any device may choose")  # fmt: skip


def _moved(problem: Problem, device: torch.device, *, empty: bool = False) -> Problem:
    def to(value: Tensor) -> Tensor:
        return torch.empty(value.shape, dtype=value.dtype, device=device) if empty else value.to(device)

    def maybe(value: Tensor | None) -> Tensor | None:
        return None if value is None else to(value)

    p = problem.pairing
    if p is not None:
        p = Pairing(to(p.fixation), to(p.saccade), to(p.fixation_weight), to(p.saccade_weight), maybe(p.others))
    return replace(
        problem, rate=to(problem.rate), basal=maybe(problem.basal), label=maybe(problem.label), pairing=p,
        matrices={s: to(m) for s, m in problem.matrices.items()}, contexts={s: to(c) for s, c in problem.contexts.items()},
        state={n: to(v) for n, v in problem.state.items()},
    )  # fmt: skip


def check_order(rule: Rule) -> None:
    """The same objects in another order, rows of one object kept apart as they were."""
    problem = lived(rule, drawn(rule, objects=6))
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    rows = torch.cat([order + start for start in range(0, len(problem.rate), len(order))])
    straight, turned = outputs(rule, problem), outputs(rule, problem.objects(order))
    permuted = {name: value[rows] if by_row(name) else value for name, value in straight.items()}
    permuted |= {name: value[rows][:, rows] for name, value in straight.items() if name.startswith("met")}
    compare(permuted, turned, "factors that move with their rows when objects change places", "ask the pairing which row follows; never roll, shift or slice by place")  # fmt: skip
    if rule.needs.engine == "feedback":
        feedback = cast(FeedbackRule, rule)
        output = torch.randn(6, CLASSES, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        label = torch.arange(6) % CLASSES
        (_, one), (_, two) = feedback.error(output, label), feedback.error(output[order], label[order])
        compare(
            {"output error": one[order]},
            {"output error": two},
            "an error that moves with its row",
            "let every row answer for itself",
        )


def check_alone(rule: Rule) -> None:
    """Modulators of a pair, while all other rows are replaced."""
    needs = rule.needs
    if needs.engine != "local" or not needs.alone or "neuromodulator" not in needs.records:
        raise unasked("the rule has no neuromodulator, or declares alone=False")
    problem = lived(rule, drawn(rule, objects=24))
    pairing = problem.pairing
    if pairing is None:
        raise unasked("the rule pairs no rows")
    own = {0, int(pairing.fixation[0]), int(pairing.saccade[0])}
    own |= set() if pairing.others is None else set(pairing.others[0].tolist())
    rest = torch.tensor([row not in own for row in range(len(problem.rate))])
    g = torch.Generator().manual_seed(7)

    def others(values: Tensor) -> Tensor:
        found = values.clone()
        found[rest] = 2 * torch.rand(found[rest].shape, generator=g, dtype=found.dtype)
        return found

    rate = others(problem.rate)
    changed = replace(
        problem, rate=rate, basal=None if problem.basal is None else others(problem.basal),
        contexts={s: rate if s in OWN else others(c) for s, c in problem.contexts.items()},
    )  # fmt: skip
    first, second = outputs(rule, problem), outputs(rule, changed)
    told = [name for name in first if name.startswith("phases")]
    compare(
        {name: first[name][:1] for name in told}, {name: second[name][:1] for name in told},
        "score and neuromodulator of a row to follow from its own pair, as needs.alone claims",
        "take no mean over the batch, or declare alone=False",
    )  # fmt: skip
