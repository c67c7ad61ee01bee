"""Who watches what is asked of the device: kernels, copies, and every moment at which the host waits for it.

Tensors on the CPU are real, so that what the host decides by them is decided; those on the device are fakes of PyTorch's FakeTensorMode,
which know their shape and nothing else. What needs a value of theirs is a synchronisation.
"""

import sys
import weakref
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

aten = torch.ops.aten
ROOT = Path(__file__).resolve().parents[2]
ROOMS = tuple(str(ROOT / room) for room in ("plasticity", "models", "protocols", "recordings"))
# kernels whose answer the host reads, or whose errors it looks for
WAITING = (aten._linalg_check_errors, aten.equal, aten.is_nonzero, aten.item, aten._local_scalar_dense, aten.nonzero, aten.masked_select,
           aten.bincount, aten._unique2, aten.unique_consecutive, aten.unique_dim, aten.repeat_interleave)  # fmt: skip
COPIES = (aten._to_copy, aten.copy_)


class SynchronisationError(Exception):
    """The host waited for the device."""


class MixedDevicesError(Exception):
    """A kernel was given tensors of two devices."""


@dataclass
class Report:
    """What was asked of the device.

    Attributes:
        launches: kernels by name.
        places: kernels by the line that asked for them.
        waits: the host waited for the device, by what and which line.
        copies: bytes from the host that nobody waits for, by line.
    """

    launches: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    waits: Counter[str] = field(default_factory=Counter)
    copies: Counter[str] = field(default_factory=Counter)

    def told(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "launches": self.launches.total(), "waits": dict(self.waits), "copies": dict(self.copies), "kernels": dict(self.launches),
            "places": dict(self.places),
        }  # fmt: skip


class Watched(TorchDispatchMode):
    """While active, a CUDA device is there that computes nothing.

    Attributes:
        report: of what is asked of it.
        strict: whether a wait is an error; else it is counted, and the host reads zeros.
    """

    def __init__(self) -> None:
        super().__init__()
        self.report, self.strict, self.counting = Report(), True, True
        self._fakes = FakeTensorMode(allow_non_fake_inputs=True)
        self._pinned: weakref.WeakSet[Any] = weakref.WeakSet()

    @contextmanager
    def counted(self, *, strict: bool = True) -> Iterator[Report]:
        """A report of what happens inside."""
        before = self.report, self.strict
        self.report, self.strict = Report(), strict
        try:
            yield self.report
        finally:
            self.report, self.strict = before

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        packet = func.overloadpacket
        if packet is aten.is_pinned:
            return args[0] in _Named(self._pinned)
        if packet is aten._pin_memory:
            pinned = args[0].clone()
            _Named(self._pinned).add(pinned)
            return pinned
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        target = kwargs.get("device")
        there = target is not None and torch.device(target).type == "cuda"
        if not there and not any(leaf.is_cuda for leaf in given):
            return func(*args, **kwargs)
        if packet in COPIES:
            return self._copy(func, args, kwargs)
        _check_devices(func, given)
        if func is aten._fused_adamw_.tensor_lr:  # works in place, and FakeTensorMode knows no rule for it
            return self._count(func)
        try:
            with self._fakes:
                found = func(*args, **kwargs)
        except (DataDependentOutputException, DynamicOutputShapeException):
            self._wait(str(packet))
            return _nothing(packet, args)
        if packet in WAITING:
            self._wait(str(packet))
        if _computes(func):
            self._count(func)
        return found

    def _copy(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func.overloadpacket is aten.copy_:
            source, target = args[1], args[0].device
            queued = bool(args[2] if len(args) > 2 else kwargs.get("non_blocking", False))
        else:
            source, target = args[0], torch.device(kwargs.get("device") or args[0].device)
            queued = bool(kwargs.get("non_blocking", False))
        ways = source.device.type, target.type
        if ways == ("cuda", "cpu"):  # what arrives is read: a queued copy only puts the waiting off
            self._wait(f"{func.overloadpacket} to the host")
            return _read(func, args, kwargs)
        # a fake remembers what it is a fake of by a weak reference, which would keep a module from taking another weight
        passed = tuple(
            arg.detach() if isinstance(arg, Tensor) and arg is source and arg.device.type == "cpu" else arg
            for arg in args
        )
        with self._fakes:
            found = func(*passed, **kwargs)
        if ways == ("cuda", "cuda"):
            self._count(func)
        elif queued and source in _Named(self._pinned):
            self.report.copies[_line()] += source.numel() * source.element_size()
        else:
            self._wait(f"{func.overloadpacket} from the host")
        return found

    def _count(self, func: Any) -> None:
        self.report.launches[str(func.overloadpacket)] += 1
        self.report.places[_line()] += 1

    def _wait(self, what: str) -> None:
        told = f"{what} at {_line()}"
        if self.strict:
            raise SynchronisationError(told)
        self.report.waits[told] += 1


class _Named:
    """Membership in a weak set by identity: tensors compare element by element."""

    def __init__(self, found: "weakref.WeakSet[Any]") -> None:
        self._found = found

    def __contains__(self, tensor: Tensor) -> bool:
        return any(other is tensor for other in self._found)

    def add(self, tensor: Tensor) -> None:
        self._found.add(tensor)


def _check_devices(func: Any, given: Sequence[Tensor]) -> None:
    """Refuse what PyTorch would quietly copy, such as an index on the CPU into a tensor on the device; numbers are no tensors."""
    if any(leaf.device.type == "cpu" and leaf.dim() for leaf in given) and any(leaf.is_cuda for leaf in given):
        shapes = ", ".join(f"{leaf.device.type} {tuple(leaf.shape)}" for leaf in given)
        raise MixedDevicesError(f"{func}({shapes}) at {_line()}")


def _computes(func: Any) -> bool:
    """Whether a kernel is started: not for views, nor for memory alone."""
    if func.is_view or func.namespace == "prim" or "empty" in func.overloadpacket.__name__:
        return False
    returns = func._schema.returns
    return not (returns and all(r.alias_info is not None and not r.alias_info.is_write for r in returns)) and (
        func.overloadpacket not in (aten.detach, aten.alias, aten.lift_fresh)
    )


def _nothing(packet: Any, args: tuple[Any, ...]) -> Any:
    """What the host reads of a device that knows no values."""
    if packet in (aten._local_scalar_dense, aten.item):
        return torch.zeros((), dtype=args[0].dtype).item()
    raise SynchronisationError(f"{packet} at {_line()}: the shape of its result depends on values of the device")


def _read(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    if func.overloadpacket is aten.copy_:
        return args[0].zero_()
    dtype = kwargs.get("dtype") or args[0].dtype
    return torch.zeros(tuple(args[0].shape), dtype=dtype)


def _line() -> str:
    """File and line of the innermost frame in one of the rooms."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(ROOMS):
            return f"{Path(frame.f_code.co_filename).relative_to(ROOT)}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return "outside"
