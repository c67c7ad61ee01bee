"""Ranks as threads of one process: what processes tell each other, without their start."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from apical.models.ranks.ranks import Ranks


class Board:
    """Where threads leave what the others read; every exchange is waited for by all."""

    def __init__(self, size: int) -> None:
        self.size, self.slots = size, [None] * size
        self.barrier = threading.Barrier(size, timeout=60)

    def exchange(self, rank: int, value: Any) -> list[Any]:
        self.slots[rank] = value
        self.barrier.wait()
        found = list(self.slots)
        self.barrier.wait()
        return found


class Threads(Ranks):
    """One of several threads; counts bytes as `Processes` does."""

    def __init__(self, rank: int, board: Board) -> None:
        super().__init__(rank, board.size)
        self.board = board

    def whole(self, own, count, what):
        assert len(own) == len(range(count)[self.own(count)])
        self._told(what, (self.size - 1) * self.each(count) * own.shape[1:].numel() * own.element_size())
        return torch.cat(self.board.exchange(self.rank, own.clone()))

    def turned(self, own, units, what):
        self._told(what, len(own) * self.each(units) * own.element_size() * (self.size - 1))
        return torch.cat(self.board.exchange(self.rank, own.clone()))[:, self.own(units)].contiguous()

    def returned(self, own, units, what):
        rows = self.own(len(own))
        self._told(what, (rows.stop - rows.start) * self.each(units) * own.element_size() * (self.size - 1))
        return torch.cat(self.board.exchange(self.rank, own.clone()), 1)[rows].contiguous()

    def _told(self, what, sent):
        self.calls[what] += 1
        self.sent[what] += sent

    def blocks(self, own, count, what):
        found = self.board.exchange(self.rank, own.clone())
        if not self.rank:
            yield from found

    def sum(self, tensors, like, what):
        whole = sum(each.numel() * each.element_size() for each in like)
        self._told(what, 2 * (self.size - 1) * whole // self.size)
        parts = self.board.exchange(self.rank, [each.clone() for each in tensors])
        found = [
            torch.empty_like(each).copy_(sum(own)) for each, own in zip(like, zip(*parts, strict=True), strict=True)
        ]
        return lambda: found

    def agreed(self, flag):
        return any(self.board.exchange(self.rank, flag))

    def told(self, values):
        return dict(self.board.exchange(self.rank, dict(values))[0])

    def barrier(self):
        self.board.barrier.wait()


def together(size: int, work: Callable[[Ranks], Any]) -> list[Any]:
    """What every rank found; a failure of one ends all."""
    board = Board(size)

    def one(rank: int) -> Any:
        try:
            return work(Threads(rank, board))
        except BaseException:
            board.barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(one, rank) for rank in range(size)]
        for future in futures:
            error = future.exception()
            if error is not None and not isinstance(error, threading.BrokenBarrierError):
                raise error
        return [future.result() for future in futures]
