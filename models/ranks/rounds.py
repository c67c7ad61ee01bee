"""Rounds: every start of a job by `torchrun`, of which a store may see several."""

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import torch.distributed as dist

from ..errors import LostError

HERE, ROUND = "apical/here/", "apical/round/"
PAUSE = 0.02  # seconds between two looks of rank 0 at who is there


def store_of_round(rank: int, size: int, patience: timedelta) -> tuple[str, Any]:
    """Name and store of the processes that start together; no process of an earlier round has written a word into it.

    `torchrun --max-restarts` keeps one store for all rounds, in which the processes would find where those that are gone had
    listened. How often a job was started again does not tell rounds apart: every machine counts its own restarts.

    Args:
        rank: of this process.
        size: how many there are.
        patience: how long to wait for the others.

    Raises:
        LostError: see `agreed_name`.
    """
    found: Any = dist  # which does not say that it has these two
    store = next(found.rendezvous("env://", rank, size, timeout=patience))[0]
    name = agreed_name(store, rank, size, patience)
    return name, found.PrefixStore(f"apical/{name}", store)


def agreed_name(store: Any, rank: int, size: int, patience: timedelta) -> str:
    """A name that all processes of a round share and no other round has.

    Every process makes one up. Rank 0 answers each of the others with its own, under the name of who asks: an answer to a process
    that is gone is never read. It goes on until every rank has it, so that who starts late, or again, is answered too.

    Args:
        store: that all rounds share.
        rank: of this process.
        size: how many there are.
        patience: how long to wait for the others.

    Raises:
        LostError: not all of them came; of rank 0. The others have the store's own error, a RuntimeError.
    """
    mine, until = uuid4().hex, time.monotonic() + patience.total_seconds()
    if rank:
        store.set(f"{HERE}{rank}", mine)
        name: str = store.get(f"{ROUND}{mine}").decode()
        store.set(f"{ROUND}{name}/{rank}", "in")
        return name
    while missing := [other for other in range(1, size) if not _answered(store, mine, other)]:
        if time.monotonic() > until:
            raise LostError(
                f"ranks: expected {size} processes within {patience}, got none of rank {', '.join(map(str, missing))}; start them again"
            )
        time.sleep(PAUSE)
    return mine


def _answered(store: Any, mine: str, other: int) -> bool:
    """Give a rank this name, whichever process of it asked last; whether one of this round has it."""
    if not store.check([f"{HERE}{other}"]):
        return False
    store.set(f"{ROUND}{store.get(f'{HERE}{other}').decode()}", mine)
    return bool(store.check([f"{ROUND}{mine}/{other}"]))
