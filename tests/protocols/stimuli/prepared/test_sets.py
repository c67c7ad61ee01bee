"""The same images whether they are decoded here, held from the prepared folder, or streamed."""

import json
import shutil

import numpy as np
import pytest
import torch
import zarr
from apical.protocols.stimuli import StimulusError, load
from apical.protocols.stimuli.datasets.folder import load_folder
from apical.protocols.stimuli.datasets.prepare import prepare
from apical.protocols.stimuli.datasets.trees import folder_tree
from apical.protocols.stimuli.pixels import Mapped
from apical.protocols.stimuli.prepared import build, sets, shards
from apical.protocols.stimuli.prepared.store import place
from trees import Here, write_images

CUT = 100  # bytes of a damaged file that are left


def test_held_streamed_and_decoded_here_are_one(photographs, cache, monkeypatch):
    here = load_folder(photographs)
    assert not place(folder_tree(photographs)).exists()  # few files are decoded at every command
    streamed = load_folder(photographs, hold=0)
    held = load_folder(photographs)
    for a, b, c in zip(here, held, streamed, strict=True):
        assert isinstance(c.images, Mapped) and isinstance(b.images, torch.Tensor)
        assert a.fingerprint == b.fingerprint == c.fingerprint and a.classes == c.classes
        assert torch.equal(a.images, b.images) and torch.equal(a.images, c.whole())
        assert torch.equal(a.labels, c.labels) and a.shape == c.shape and len(a) == len(c)
    monkeypatch.setattr(build, "_built", None)  # nothing is decoded twice
    assert load_folder(photographs, hold=0)[0].fingerprint == streamed[0].fingerprint


def test_many_files_are_decoded_once(photographs, cache, monkeypatch):
    monkeypatch.setattr(sets, "FEW", 10)
    assert isinstance(load_folder(photographs)[0].images, torch.Tensor)
    assert place(folder_tree(photographs)).is_dir()


def test_any_reader_of_zarr_reads_it(photographs, cache):
    train = load_folder(photographs, hold=0)[0]
    group = zarr.open_group(place(folder_tree(photographs)) / "images.zarr", mode="r")
    assert np.array_equal(group["train"][:], train.whole().numpy())
    assert group["train_labels"][:].tolist() == train.labels.tolist()


def test_subsets_are_those_of_held_images(photographs, cache):
    given = {"seed": 3, "n_train": 20, "held_out": 10, "image_size": 16}
    one, two = (load(f"folder:{photographs}", hold=hold, **given) for hold in (0, None))
    assert isinstance(one.train.images, Mapped) and one.train.shape == (3, 16, 16)
    for a, b in ((one.train, two.train), (one.test, two.test)):
        assert a.fingerprint == b.fingerprint and a.name == b.name and torch.equal(a.whole(), b.whole())
    assert one.normalisation == two.normalisation
    index = torch.tensor([5, 2, 5, 19])
    views = [s.glances(index, torch.Generator().manual_seed(1)) for s in (one, two)]
    assert torch.equal(*views)
    small = one.train.labelled().subset(4, seed=1)
    assert torch.equal(small.whole(), two.train.subset(4, seed=1).images)


def test_a_part_is_drawn_where_there_is_no_test_folder(photographs, cache):
    one, two = (load_folder(photographs / "train", seed=2, hold=hold) for hold in (0, 4096))
    assert [part.fingerprint for part in one] == [part.fingerprint for part in two]
    assert one[1].labels.bincount().tolist() == two[1].labels.bincount().tolist()


def test_reading_ahead_changes_nothing(photographs, cache):
    train = load_folder(photographs, hold=0)[0]
    whole = train.whole()
    draws = torch.Generator().manual_seed(0)
    for _ in range(30):
        index = torch.randint(0, len(train), (7,), generator=draws)
        for told in (index, torch.randint(0, len(train), (3,), generator=draws)):  # the second in vain
            train.expect(told)
        train.expect(index)
        assert torch.equal(train.at(index), whole[index])
        assert torch.equal(train.at(index, 2), torch.cat([whole[index]] * 2))
    assert torch.equal(train.images[3:9], whole[3:9])


def test_few_files_are_open_at_once(photographs, cache, monkeypatch):
    monkeypatch.setattr(shards, "OPEN_FILES", 1)
    monkeypatch.setattr(shards, "SHARD_CHUNKS", 4)
    train = load_folder(photographs, image_size=20, hold=0)[0]
    index = torch.randperm(len(train))
    assert torch.equal(train.at(index), load_folder(photographs, image_size=20)[0].images[index])
    assert len(train.images.shards._files) == 1 and len(train) > train.images.shards.per_shard


def test_grey_files_stay_grey_and_can_be_shown_in_colour(tmp_path, cache):
    for name in ("a", "b"):
        write_images(tmp_path / "grey" / "train" / name, 3)
        write_images(tmp_path / "grey" / "test" / name, 2)
    from PIL import Image

    for file in (tmp_path / "grey").rglob("*.jpg"):
        Image.open(file).convert("L").save(file)
    train, _ = load_folder(tmp_path / "grey", hold=0)
    assert train.shape == (1, 24, 24)
    assert torch.equal(train.in_colours(3).at(torch.tensor([1])), train.at(torch.tensor([1])).expand(-1, 3, -1, -1))
    assert train.in_colours(3).shape == (3, 24, 24)


@pytest.fixture
def damaged(photographs, tmp_path):
    """A copy of the photographs of which two are none."""
    root = tmp_path / "damaged"
    shutil.copytree(photographs, root)
    (root / "train/bee/003.jpg").write_bytes((root / "train/bee/003.jpg").read_bytes()[:CUT])
    (root / "test/ant/001.jpg").write_text("no image")
    return root


@pytest.mark.parametrize("hold", [0, 4096])
def test_all_that_cannot_be_read_is_named(damaged, cache, hold):
    with pytest.raises(StimulusError, match=r"expected 80 readable images, got 2 that are not: ") as caught:
        load_folder(damaged, hold=hold)
    told = str(caught.value)
    assert caught.value.exit_code == 2 and "train/bee/003.jpg: expected a readable image" in told
    assert "test/ant/001.jpg: expected a readable image, got UnidentifiedImageError" in told and "leave-out" in told
    (damaged / "test/ant/001.jpg").unlink()
    with pytest.raises(StimulusError, match=r"003\.jpg: expected a readable image, got \w+; .*leave-out") as caught:
        load_folder(damaged, hold=hold)


def test_of_many_the_first_are_named(damaged, cache, monkeypatch):
    monkeypatch.setattr(sets, "NAMED", 1)
    with pytest.raises(
        StimulusError, match=r"003\.jpg: expected a readable image, got \w+; replace or remove it \| and 1 more; "
    ):
        load_folder(damaged)


def test_what_cannot_be_read_is_left_out_where_asked(damaged, cache):
    sets_of = [load_folder(damaged, hold=hold, unreadable="leave-out") for hold in (4096, 0, 4096)]
    for train, test in sets_of:
        assert (len(train), len(test)) == (59, 19)
        assert train.left_out == ("train/bee/003.jpg",) and test.left_out == ("test/ant/001.jpg",)
    assert len({train.fingerprint for train, _ in sets_of}) == 1
    with pytest.raises(StimulusError, match=r"stimulus\.unreadable: expected one of refuse, leave-out, got 'skip'"):
        load_folder(damaged, unreadable="skip")


@pytest.mark.parametrize("hold", [0, 4096])
def test_mixed_sizes_and_no_image_at_all(photographs, tmp_path, cache, hold):
    shutil.copytree(photographs, tmp_path / "mixed")
    write_images(tmp_path / "mixed/test/ant", 1, side=40)
    with pytest.raises(StimulusError, match=r"expected one image size, .*40 x 40 of .*ant/000\.jpg.*image_size"):
        load_folder(tmp_path / "mixed", hold=hold)
    assert load_folder(tmp_path / "mixed", hold=hold, image_size=16)[1].shape == (3, 16, 16)
    for file in (tmp_path / "mixed").rglob("*.jpg"):
        file.write_text("")
    with pytest.raises(StimulusError):
        load_folder(tmp_path / "mixed", hold=hold)


def test_a_changed_file_is_decoded_anew(photographs, tmp_path, cache):
    shutil.copytree(photographs, tmp_path / "own")
    first = load_folder(tmp_path / "own", hold=0)[0]
    write_images(tmp_path / "own/train/ant", 1, seed=9)
    assert load_folder(tmp_path / "own", hold=0)[0].fingerprint != first.fingerprint


def test_a_damaged_folder_is_told(photographs, cache):
    load_folder(photographs, hold=0)
    path = place(folder_tree(photographs))
    assert prepare(f"folder:{photographs}", check=True, progress=False)["ok"]
    shard = next((path / "images.zarr/train/c").rglob("0"))
    while shard.is_dir():
        shard /= "0"
    whole = shard.read_bytes()
    shard.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    for act in (lambda: prepare(f"folder:{photographs}", check=True, progress=False), lambda: load_folder(photographs)):
        with pytest.raises(StimulusError, match=r"expected the .*images that were decoded, got others"):
            act()
    shard.write_bytes(whole[:-1000])
    with pytest.raises(StimulusError, match="expected a whole file of prepared images"):
        load_folder(photographs, hold=0)
    (path / "about.json").write_text("{")
    with pytest.raises(StimulusError, match="expected the description of prepared images"):
        load_folder(photographs, hold=0)


def test_prepare_tells_what_is_there(photographs, cache):
    first = prepare(f"folder:{photographs}", image_size=16, progress=False)
    again = prepare(f"folder:{photographs}", image_size=16, progress=False)
    assert first["decoded"] and first["images_per_second"] > 0 and not again["decoded"] and json.dumps(first)
    assert (
        again["images"] == {"train": 60, "test": 20} and again["bytes"] == 80 * 3 * 16 * 16 and again["unreadable"] == 0
    )
    assert first["sha256"] == again["sha256"]
    with pytest.raises(StimulusError, match="expected one of tiny-imagenet, imagenet, folder:PATH, got 'cifar10'"):
        prepare("cifar10")


class TestAKilledBuild:
    """What was decoded before is not decoded again."""

    @pytest.fixture(autouse=True)
    def _small_shards(self, monkeypatch):
        monkeypatch.setattr(shards, "SHARD_CHUNKS", 4)

    def killed(self, photographs, monkeypatch, after):
        monkeypatch.setattr(build, "Workers", Here(after))
        with pytest.raises(KeyboardInterrupt):
            load_folder(photographs, hold=0)
        path = place(folder_tree(photographs))
        assert not path.exists()
        return path.with_name(f"{path.name}.partial")

    @pytest.mark.parametrize("after", [0, 1, 2, 4])
    def test_it_goes_on(self, photographs, cache, monkeypatch, after, capsys):
        partial = self.killed(photographs, monkeypatch, after)
        with (partial / "journal.jsonl").open("ab") as file:
            file.write(b'["decode train 0", {"ba')  # it was writing this
        rest = Here()
        monkeypatch.setattr(build, "Workers", rest)
        train, _ = load_folder(photographs, hold=0)
        assert torch.equal(train.whole(), load_folder(photographs)[0].images) and not partial.exists()
        whole = Here()
        monkeypatch.setattr(build, "Workers", whole)
        monkeypatch.setenv("APICAL_CACHE", str(cache / "other"))
        load_folder(photographs, hold=0)
        assert len(rest.pieces) + after == len(whole.pieces) > 4
        assert ("goes on after" in capsys.readouterr().err) == (after > 0)

    def test_another_process_is_waited_for(self, photographs, cache, monkeypatch, capsys):
        from apical.protocols.locks import held

        tree = folder_tree(photographs)
        path = place(tree)
        path.parent.mkdir(parents=True)
        lock = held(path.with_name(f".{path.name}.lock"))
        lock.__enter__()
        monkeypatch.setattr(build.time, "sleep", lambda seconds: lock.__exit__(None, None, None))
        assert build.prepared(tree).path == path
        assert "another process prepares these images; waiting" in capsys.readouterr().err
