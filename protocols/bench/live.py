"""Bytes of the tensors that are alive, counted as operations make them and as they are freed: what a step holds, whatever the allocator or the process keep.

Storages are counted, not tensors: views cost nothing, and a map that is held by a view is held. What a kernel takes for itself while it runs is not seen.
On the device `meta` nothing is computed and nothing is taken, and the same bytes are counted: sizes are known for networks that no machine at hand could run.
"""

import weakref
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Live(TorchDispatchMode):
    """Counts storages that come to life within it.

    Args:
        weights: shapes that are weights': a tensor of such a shape, or of the first of its sides, is a gradient or a copy of a weight and is counted apart.
        before: tensors that are there already, which are not counted.

    Attributes:
        now, peak: bytes of activations that are alive, and were at most.
        peak_all: the same with gradients and copies of weights.
    """

    def __init__(self, weights: Iterable[tuple[int, ...]] = (), before: Iterable[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.weights = set(weights)
        self.now = self.peak = self.peak_all = self._all = 0
        self._known: dict[int, weakref.ref[Any]] = {}
        for tensor in before:
            self._follow(tensor, counted=False)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(found):
            if isinstance(tensor, Tensor):
                self._follow(tensor)
        return found

    def _follow(self, tensor: Tensor, counted: bool = True) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        size = storage.nbytes() if counted else 0
        kept = size if tuple(tensor.shape) not in self.weights else 0
        # the object of a storage lives as long as the storage itself
        self._known[key] = weakref.ref(storage, lambda _: self._freed(key, size, kept))
        self.now, self._all = self.now + kept, self._all + size
        self.peak, self.peak_all = max(self.peak, self.now), max(self.peak_all, self._all)

    def _freed(self, key: int, size: int, kept: int) -> None:
        del self._known[key]
        self.now, self._all = self.now - kept, self._all - size
