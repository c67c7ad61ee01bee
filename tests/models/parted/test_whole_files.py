"""Files that several ranks write: byte for byte those of one process, read by any number."""

import pytest
import torch
from apical.models.engine import checkpoint
from apical.models.errors import CheckpointError, ModelError
from apical.models.parted.whole_files import fill_rows, shapes, whole_shape, write_whole
from apical.models.populations.apical import ApicalProjection
from apical.models.ranks.ranks import ALONE, Ranks
from rank_threads import together
from safetensors.torch import save_file

WHOLE = {
    "b.apical": torch.arange(35, dtype=torch.float32).view(7, 5),
    "a.weight": torch.randn(2, 3, 3, 3).contiguous(memory_format=torch.channels_last),
    "count": torch.tensor(4),
    "ü.half": torch.randn(3).bfloat16(),
    "b.apical.first": torch.randn(7, 5),
    "z.weight": torch.randn(4, dtype=torch.float64),
}


def shared_by(ranks: Ranks):
    projection = ApicalProjection("b", WHOLE["b.apical"][ranks.own(7)].clone(), None, ranks, 7)
    return {"b.apical": projection} if ranks.size > 1 else {}


def own(ranks: Ranks):
    return {name: tensor[ranks.own(7)] if name.startswith("b.") else tensor for name, tensor in WHOLE.items()}


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_file_of_ranks_is_that_of_the_library(size, tmp_path):
    save_file({name: tensor.contiguous() for name, tensor in WHOLE.items()}, tmp_path / "one")

    def written(ranks):
        write_whole(tmp_path / f"of-{ranks.rank}", own(ranks), shared_by(ranks), ranks)

    together(size, written)
    assert (tmp_path / "of-0").read_bytes() == (tmp_path / "one").read_bytes()
    assert [path.name for path in tmp_path.glob("of-*")] == ["of-0"]


@pytest.mark.parametrize("size", [1, 2, 8])
def test_every_rank_reads_its_rows(size, tmp_path):
    save_file({name: tensor.contiguous() for name, tensor in WHOLE.items()}, tmp_path / "one")
    assert shapes(tmp_path / "one")["b.apical.first"] == (7, 5)

    def read(ranks):
        targets = {name: torch.zeros_like(tensor) for name, tensor in own(ranks).items()}
        fill_rows(tmp_path / "one", targets, shared_by(ranks))
        return targets

    for rank, targets in enumerate(together(size, read)):
        for name, tensor in own(Ranks(rank, size)).items():
            assert torch.equal(targets[name], tensor), name


def test_what_an_optimiser_keeps_in_another_shape_is_refused():
    ranks = Ranks(0, 2)
    with pytest.raises(
        ModelError, match=r"b\.apical\.step: expected one entry per row of the weight, 4 of them, got \(1,\)"
    ):
        whole_shape("b.apical.step", torch.zeros(1), shared_by(ranks))
    assert whole_shape("b.apical.first", torch.zeros(4, 5), shared_by(ranks)) == (7, 5)


def test_a_file_of_another_network_is_refused_before_a_number_is_copied(tmp_path):
    save_file({"a": torch.ones(2, 3), "b": torch.ones(2)}, tmp_path / "weights.safetensors")
    (tmp_path / "state.json").write_text("{}")
    targets = {"a": torch.zeros(2, 3), "b": torch.zeros(3)}
    with pytest.raises(CheckpointError, match=r"expected b of shape \(3,\), got \(2,\)"):
        checkpoint.load_weights(tmp_path, targets)
    assert not targets["a"].any()


def test_one_process_shares_nothing():
    assert ALONE.own(7) == slice(0, 7)
    assert list(ALONE.blocks(WHOLE["count"], 1, "stored")) == [WHOLE["count"]]
