"""Ranks that are processes of `torchrun`: gloo between CPUs, nccl between GPUs, gloo for what the host decides."""

import atexit
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.functional import pad

from ..errors import LostError
from .ranks import AGREED, ALONE, Ranks
from .rounds import store_of_round

PATIENCE = timedelta(minutes=30)  # for a rank that reads its images more slowly than the others
BEGUN = "apical/begun/"  # keys in the store of `torchrun`, which outlives its workers
VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


class _Round:
    """The start of the job that this process belongs to."""

    name = ""  # before the ranks have met


_round = _Round()


def launched() -> tuple[int, int]:
    """Rank and number of ranks that `torchrun` gave to this process; (0, 1) without it."""
    if any(name not in os.environ for name in VARIABLES):
        return 0, 1
    return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])


def joined(device: torch.device) -> Ranks:
    """The ranks that `torchrun` has started, this process being one of them; alone where it has started none.

    Args:
        device: where this rank computes.

    Raises:
        LostError: they did not all meet.
    """
    rank, size = launched()
    if size == 1:
        return ALONE
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        device = torch.device("cuda", torch.cuda.current_device())
    if not dist.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        atexit.register(_leave)
        try:
            _round.name, store = store_of_round(rank, size, PATIENCE)
            dist.init_process_group(
                backend, store=store, rank=rank, world_size=size, timeout=PATIENCE, device_id=device if device.type == "cuda" else None
            )  # fmt: skip
        except RuntimeError as error:  # of the store, or of a backend, each in words of its own
            raise LostError(
                f"ranks: expected {size} processes to start, got one that ended before all had met (noticed by rank {rank}); start them again"
            ) from error
    return Processes(rank, size)


@dataclass(slots=True, eq=False)
class Processes(Ranks):
    """One of several processes; the process group is initialised.

    Bytes are those of a ring, which gloo and nccl both use: a gathered block goes round to all others, (size - 1) times its own bytes; a
    sum goes round twice, 2 (size - 1) / size times the bytes of the whole.

    Raises:
        LostError: by all that it tells, another rank has ended.
    """

    def whole(self, own: Tensor, count: int, what: str) -> Tensor:
        """See `Ranks`."""
        each = self.each(count)
        if len(own) < each:  # blocks on the wire are of one size
            own = torch.cat([own, own.new_zeros(each - len(own), *own.shape[1:])])
        gather = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor  # its name before torch 2.13
        found = own.new_empty(self.size * each, *own.shape[1:])
        self._count(what, (self.size - 1) * own.numel() * own.element_size())
        self._lost(lambda: gather(found, own.contiguous()))
        return found[:count]

    def turned(self, own: Tensor, units: int, what: str) -> Tensor:
        """See `Ranks`."""
        rows, each = len(own), self.each(units)
        parts = pad(own, (0, self.size * each - units)).view(rows, self.size, each)
        whole = self._to_all(parts.transpose(0, 1).contiguous(), what).flatten(0, 1)
        mine = self.own(units)
        return whole[:, : mine.stop - mine.start].contiguous()

    def returned(self, own: Tensor, units: int, what: str) -> Tensor:
        """See `Ranks`."""
        each = self.each(units)
        parts = pad(own, (0, each - own.shape[1])).view(self.size, -1, each).contiguous()
        return self._to_all(parts, what).transpose(0, 1).flatten(1)[:, :units].contiguous()

    def _to_all(self, parts: Tensor, what: str) -> Tensor:
        """One part of each rank for this one, from this one's parts for each: (ranks, rows, units) both."""
        found = torch.empty_like(parts)
        self._count(what, (self.size - 1) * parts[0].numel() * parts.element_size())
        self._lost(lambda: dist.all_to_all_single(found, parts))
        return found

    def blocks(self, own: Tensor, count: int, what: str) -> Iterator[Tensor]:
        """See `Ranks`."""
        if self.rank:
            self._count(what, own.numel() * own.element_size())
            if len(own):
                self._lost(lambda: dist.send(own, 0))
            return
        yield own
        for other in range(1, self.size):
            rows = Ranks(other, self.size).own(count)
            block = own.new_empty(rows.stop - rows.start, *own.shape[1:])
            if len(block):
                self._lost(partial(dist.recv, block, other))
                yield block

    def sum(self, tensors: Sequence[Tensor], like: Sequence[Tensor], what: str) -> Callable[[], list[Tensor]]:
        """See `Ranks`; all tensors travel as one."""
        flat = like[0].new_empty(sum(tensor.numel() for tensor in like))
        places = [part.as_strided(each.shape, each.stride()) for part, each in zip(self._parts(flat, like), like, strict=True)]  # fmt: skip
        for place, tensor in zip(places, tensors, strict=True):
            place.copy_(tensor)
        self._count(what, 2 * (self.size - 1) * flat.numel() * flat.element_size() // self.size)
        work: Any = self._lost(lambda: dist.all_reduce(flat, async_op=True))

        def summed() -> list[Tensor]:
            self._lost(work.wait)
            return places

        return summed

    @staticmethod
    def _parts(flat: Tensor, like: Sequence[Tensor]) -> tuple[Tensor, ...]:
        parts: tuple[Tensor, ...] = flat.split([tensor.numel() for tensor in like])  # torch types it loosely
        return parts

    def agreed(self, flag: bool) -> bool:
        """See `Ranks`; on the host, so that no device waits."""
        flags = torch.tensor([float(flag)])
        self._count(AGREED, 2 * (self.size - 1) * 4 // self.size)
        self._lost(lambda: dist.all_reduce(flags))
        return bool(flags.item())

    def told(self, values: Mapping[str, str]) -> dict[str, str]:
        """See `Ranks`."""
        words: list[Any] = [dict(values)]
        self._lost(lambda: dist.broadcast_object_list(words, device=torch.device("cpu")))
        return dict(words[0])

    def barrier(self) -> None:
        """See `Ranks`."""
        self.agreed(False)

    def note_begun(self, run: str) -> None:
        """See `Ranks`."""
        _store().set(f"{BEGUN}{run}", "1")

    def _count(self, what: str, sent: int) -> None:
        self.sent[what] += sent
        self.calls[what] += 1

    def _lost(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except RuntimeError as error:  # every backend has words of its own for a peer that is gone
            raise LostError(
                f"ranks: expected {self.size} processes until the end, got one that has ended (noticed by rank {self.rank}); "
                "continue with --resume, with as many of them as you like"
            ) from error


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def first_to_tell() -> bool:
    """Whether no other process of this job has told yet why it ends; the store of `torchrun` outlives its workers."""
    if launched()[1] == 1:
        return True
    start = _round.name or os.environ.get(
        "TORCHELASTIC_RESTART_COUNT", "0"
    )  # that of the launcher, before ranks have met
    try:
        return bool(_store().add(f"apical/told/{start}", 1) == 1)
    except (RuntimeError, ValueError):  # nobody to ask: rather twice than never
        return True


def begun(run: str) -> bool:
    """Whether this job began the run before `torchrun` started it again: the store is that of one job."""
    return launched()[1] > 1 and bool(_store().check([f"{BEGUN}{run}"]))


def _store() -> Any:
    where = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    found: Any = dist  # which does not say that it has one
    return found.TCPStore(*where, is_master=False, timeout=timedelta(seconds=10))
