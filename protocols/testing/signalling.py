"""Which signals a rule reads, in which shapes and dtypes it answers, and what it leaves alone."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, cast

import torch
from torch import Tensor

from ...plasticity import Factors, LocalRule, Rule, Signals
from ..stimuli.presentations.table import presentation
from .findings import Broken, unasked
from .outputs import Outputs, distance, drawn, outputs
from .problem import CLASSES, Problem, draw, lived, parts
from .problem import cast as cast_state

DECLARED = {
    "pairing": "a presentation in pairs (needs.presentation)",
    "label": "needs.supervised = True",
    "basal": "needs.site = 'neuron'",
    "apical": "needs.sources",
    "state": "a name in start()",
}
SIZES: tuple[tuple[int, tuple[int, ...]], ...] = ((2, (1,)), (3, (2,)), (5, (5, 4, 6)))


def check_no_more(rule: Rule) -> None:
    """Factors from what is declared, and nothing else."""
    problem = drawn(rule)
    read: set[str] = set()
    try:
        if rule.needs.engine == "backprop":
            outputs(rule, problem)
        else:
            with torch.no_grad():
                cast(LocalRule, rule).factors(watched(problem.signals(), read))
    except Exception as error:
        absent = [name for name in DECLARED if name in read and not given(problem, name)]
        said = "; ".join(f"it reads Signals.{name}: declare {DECLARED[name]}" for name in absent)
        raise Broken(
            f"factors from what its needs declare ({', '.join(present(problem))})", f"{type(error).__name__}: {error}",
            said or "declare what it needs, or do without",
        ) from error  # fmt: skip


def given(problem: Problem, name: str) -> bool:
    """Whether a problem has what Signals call so."""
    return bool(problem.matrices) if name == "apical" else getattr(problem, name) not in (None, {})


def present(problem: Problem) -> list[str]:
    """What a problem has, as Signals call it."""
    names = ["rate", *(name for name in ("basal", "pairing", "label", "state") if given(problem, name))]
    return names + [f"apical[{source!r}]" for source in problem.matrices]


def watched(signals: Signals, read: set[str]) -> Signals:
    """The same signals; the names of those that are read are put into `read`."""

    class Watched(Signals):
        def __getattribute__(self, name: str) -> Any:
            if name in {field.name for field in fields(Signals)}:
                read.add(name)
            return object.__getattribute__(self, name)

    return Watched(**{field.name: getattr(signals, field.name) for field in fields(Signals)})


def check_no_less(rule: Rule) -> None:
    """Another value of each declared signal gives other factors, at least for one of three draws."""
    untouched = dict.fromkeys(_kicks(rule, drawn(rule)), True)
    for seed in range(3):
        problem = lived(rule, drawn(rule, seed=seed))
        before = outputs(rule, problem)
        for name, kick in _kicks(rule, problem).items():
            if untouched[name]:
                untouched[name] = not _differ(before, outputs(rule, kick(problem)))
    silent = [name for name, still in untouched.items() if still]
    if silent:
        name = silent[0]
        raise Broken(
            f"factors that depend on {name}, which its needs declare",
            "the same factors whatever it is",
            f"use it, or declare no {name}",
        )


def _kicks(rule: Rule, problem: Problem) -> dict[str, Callable[[Problem], Problem]]:
    """How each declared signal is replaced by another, by name."""
    needs, g = rule.needs, torch.Generator().manual_seed(5)

    def other(value: Tensor) -> Tensor:
        return torch.randn(value.shape, generator=g, dtype=torch.float64).to(value.dtype) * 3

    kicks: dict[str, Callable[[Problem], Problem]] = {}
    for source in problem.matrices:
        named = "the head" if source == "head" else f"apical[{source!r}]"
        kicks[named] = lambda p, s=source: replace(p, matrices={**p.matrices, s: other(p.matrices[s])})  # type: ignore[misc]
    # a presentation that writes classes into images has used the label
    if problem.label is not None and needs.engine == "backprop" and presentation(needs.presentation).claimed is None:
        kicks["label"] = lambda p: replace(p, label=(cast(Tensor, p.label) + 1) % CLASSES)
    if problem.basal is not None:
        kicks["basal"] = lambda p: replace(p, basal=other(cast(Tensor, p.basal)))
    if problem.state:
        kicks["state"] = lambda p: replace(p, state={n: other(v).abs() for n, v in p.state.items()})
    if needs.others and problem.pairing is not None and problem.pairing.others is not None:
        kicks["others"] = lambda p: replace(p, pairing=replace(p.pairing, others=p.pairing.others.flip(0)))  # type: ignore[union-attr, type-var]
    return kicks


def _differ(one: Outputs, two: Outputs) -> bool:
    return any(distance(value, two[name]) > 0 for name, value in one.items())


def check_shapes(rule: Rule, objects: int, shape: tuple[int, ...]) -> None:
    """Shapes of everything that a rule gives back for one size of population."""
    if rule.needs.engine == "backprop":
        found = outputs(rule, drawn(rule, objects=objects, shape=shape))
        if found["objective"].shape:
            raise Broken("an objective that is a scalar", f"shape {tuple(found['objective'].shape)}", "take the mean")
        return
    problem = drawn(rule, objects=objects, shape=shape)
    with torch.no_grad():
        factors = cast(LocalRule, rule).factors(problem.signals())
    if not isinstance(factors, Factors):
        raise Broken("factors of class Factors", type(factors).__name__, "return apical.plasticity.Factors")
    rows, units = problem.rate.shape
    drive = problem.rate.shape if problem.basal is None else problem.basal.shape
    wanted: dict[str, tuple[int, ...]] = {"loss": (), "drive": tuple(drive)}
    wanted |= {f"prediction[{source!r}]": (rows, units) for source in rule.needs.sources if source != "error"}
    wanted |= {f"phases[{s!r}].{n}": (rows,) for s in _phased(rule) for n in ("score_fixation", "score_saccade", "gamma_fixation", "gamma_saccade")}  # fmt: skip
    wanted |= {f"met[{source!r}]": (rows, rows) for source in factors.met}
    if rule.needs.forgets or factors.decay is not None:
        wanted["decay"] = (problem.rate.shape[1] if problem.basal is None else problem.basal.shape[1],)
    found = {
        name: value for name, value in parts(factors) if not name.startswith("state")
    }  # which has a check of its own
    for name, dims in wanted.items():
        if name not in found:
            raise Broken(f"{name} of shape {dims}", f"none among {', '.join(found)}", "give back what needs and start() declare")  # fmt: skip
        if tuple(found[name].shape) != dims:
            raise Broken(f"{name} of shape {dims}", f"{tuple(found[name].shape)}", f"for {rows} rows and {units} units")
    for name in found:
        if name not in wanted:
            raise Broken(f"nothing but {', '.join(wanted)}", name, _undeclared(name))


def _phased(rule: Rule) -> tuple[str, ...]:
    """Under which names phases are given: those of the sources, or `basal` of a modulated rule without dendrites."""
    if "neuromodulator" not in rule.needs.records:
        return ()
    return tuple(rule.needs.sources) or ("basal",)


def _undeclared(name: str) -> str:
    if name.startswith("phases"):
        return "declare neuromodulator and score in needs.records; phases are named by source, or 'basal' without"
    return "name a source in needs.sources, or leave it out"


def check_finite(rule: Rule, found: Outputs, when: str) -> None:
    """Refuse what is not finite."""
    for name, value in found.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise Broken(f"finite outputs {when}", f"{name} with {value.flatten()[~value.flatten().isfinite()][0].item()}", "divide by nothing that may be 0, take the logarithm of nothing that may be 0")  # fmt: skip


def check_silence(rule: Rule) -> None:
    """A population in which nothing fires."""
    if rule.needs.engine == "backprop":
        raise unasked("an objective at the top has its own ways with silence")
    loud = drawn(rule)
    basal = None if loud.basal is None else torch.zeros_like(loud.basal)
    contexts = {s: torch.zeros_like(c) for s, c in loud.contexts.items()}
    check_finite(
        rule,
        outputs(rule, replace(loud, rate=torch.zeros_like(loud.rate), basal=basal, contexts=contexts)),
        "of a silent population",
    )


def check_dtype(rule: Rule) -> None:
    """float64 in, float64 out, and float32 alike."""
    for dtype in (torch.float64, torch.float32):
        problem = lived(rule, drawn(rule, dtype=dtype))
        for name, value in outputs(rule, problem).items():
            if value.is_floating_point() and value.dtype != dtype:
                raise Broken(f"{name} in the dtype of the signals, {_name(dtype)}", _name(value.dtype), "make new tensors by new_zeros, zeros_like or torch.tensor(..., dtype=rate.dtype)")  # fmt: skip


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def check_state(rule: Rule) -> None:
    """A state goes on from step to step, and `start` gives the same every time."""
    if rule.needs.engine != "local":
        raise unasked(f"a rule of engine {rule.needs.engine} keeps no state")
    local = cast(LocalRule, rule)
    shape = (7,)
    first, again = local.start(shape), local.start(shape)
    if not isinstance(first, dict) or not all(isinstance(v, Tensor) for v in first.values()):
        raise Broken("start() to give tensors by name", f"{first!r}", "return {} where nothing is kept")
    for name, value in first.items():
        if name not in again or not torch.equal(value, again[name]):
            raise Broken(
                f"start() to give the same {name} every time", "another", "draw by a torch.Generator of a seed"
            )
        if any(char in name for char in "./"):
            raise Broken("names of a state without dots", name, "rename it: checkpoints name it population.name")
    problem = draw(local)
    with torch.no_grad():
        left = local.factors(problem.signals()).state
    missing = sorted(first.keys() ^ left.keys())
    if missing:
        raise Broken(f"factors.state with the names of start(), {', '.join(first) or 'none'}", ", ".join(left) or "none", "hand on every one, also what stays as it is")  # fmt: skip
    for name, value in cast_state(first, torch.float64).items():
        if value.shape != left[name].shape:
            raise Broken(f"state {name} of shape {tuple(value.shape)}", f"{tuple(left[name].shape)}", "keep its shape")
    check_finite(rule, outputs(rule, lived(local, problem)), "a step later")
