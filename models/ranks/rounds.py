"""Rounds: every start of a job by `torchrun`, of which a store may see several."""

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import torch.distributed as dist

from ..errors import LostError

HERE, ROUND = "apical/here/", "apical/round/"
PAUSE = 0.02  # seconds between two looks of rank 0 at who is there


def store_of_round(rank: int, size: int, patience: timedelta) -> Any:
    """The store of the processes that start together, of which none of an earlier round has written a word.

    `torchrun --max-restarts` keeps one store for all rounds, in which the processes would find where those that are gone had
    listened. How often a job was started again does not tell rounds apart: every machine counts its own restarts.

    Args:
        rank: of this process.
        size: how many there are.
        patience: how long to wait for the others.

    Raises:
        LostError: not all of them came.
    """
    found: Any = dist  # which does not say that it has these two
    store = next(found.rendezvous("env://", rank, size, timeout=patience))[0]
    return found.PrefixStore(f"apical/{agreed_name(store, rank, size, patience)}", store)


def agreed_name(store: Any, rank: int, size: int, patience: timedelta) -> str:
    """A name that all processes of a round share and no other round has.

    Every process makes one up. Rank 0 answers each of the others with its own, under the name of who asks: an answer to a process
    that is gone is never read. It goes on until all have said that they have it, so that who starts late is answered too.

    Args:
        store: that all rounds share.
        rank: of this process.
        size: how many there are.
        patience: how long to wait for the others.

    Raises:
        LostError: not all of them came.
    """
    mine, until = uuid4().hex, time.monotonic() + patience.total_seconds()
    if rank:
        store.set(f"{HERE}{rank}", mine)
        name: str = store.get(f"{ROUND}{mine}").decode()
        store.set(f"{ROUND}{name}/{rank}", "in")
        return name
    missing = set(range(1, size))
    while missing:
        if time.monotonic() > until:
            raise LostError(
                f"ranks: expected {size} processes within {patience}, got none of rank {', '.join(map(str, sorted(missing)))}; start them again"
            )
        for other in tuple(missing):
            if store.check([f"{ROUND}{mine}/{other}"]):
                missing.discard(other)
            elif store.check([f"{HERE}{other}"]):
                store.set(f"{ROUND}{store.get(f'{HERE}{other}').decode()}", mine)
        time.sleep(PAUSE)
    return mine
