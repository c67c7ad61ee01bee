"""Names of rounds: shared by the processes that start together, whatever earlier ones left in the store."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import torch.distributed as dist
from apical.models.errors import LostError
from apical.models.ranks.rounds import agreed_name

SOON = timedelta(seconds=20)


def names(store, size):
    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(lambda rank: agreed_name(store, rank, size, SOON), range(size)))


@pytest.mark.parametrize("size", [2, 5])
def test_a_round_has_one_name_and_none_of_before(size):
    store = dist.HashStore()
    store.set_timeout(SOON)
    rounds = [set(names(store, size)) for _ in range(4)]
    assert [len(each) for each in rounds] == [1] * 4
    assert len(set.union(*rounds)) == 4


def test_who_left_after_asking_is_not_waited_for_in_the_next_round():
    store = dist.HashStore()
    store.set_timeout(timedelta(milliseconds=50))
    with pytest.raises(dist.DistStoreError):
        agreed_name(store, 2, 3, SOON)  # nobody answers it
    store.set_timeout(SOON)
    assert len(set(names(store, 3))) == 1


def test_who_starts_again_after_its_answer_is_answered_again():
    """While others are still missing; a launcher that has lost a process starts all of its own again."""
    store = dist.HashStore()
    store.set_timeout(SOON)
    with ThreadPoolExecutor(3) as pool:
        first, gone = (pool.submit(agreed_name, store, rank, 3, SOON) for rank in (0, 1))
        left = gone.result()
        again = [pool.submit(agreed_name, store, rank, 3, SOON) for rank in (1, 2)]
        assert {future.result() for future in (first, *again)} == {left}


def test_rank_0_says_who_did_not_come():
    with pytest.raises(
        LostError, match=r"expected 3 processes within 0:00:00.1\d*, got none of rank 1, 2; start them again"
    ):
        agreed_name(dist.HashStore(), 0, 3, timedelta(milliseconds=100))
