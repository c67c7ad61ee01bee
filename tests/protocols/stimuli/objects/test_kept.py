"""Rendered images are kept as they are, and rendered anew where anything about them has changed."""

import os

import pytest
import torch
from apical.protocols.stimuli.objects import kept as module
from apical.protocols.stimuli.objects import shapes
from apical.protocols.stimuli.objects.kept import kept, place
from apical.protocols.stimuli.objects.shapes import load_shapes

SETTINGS = {"image_size": 32, "seed": 0}


class Renderer:
    """Counts how often it is asked; random pixels."""

    def __init__(self, size=1000):
        self.calls, self.size = 0, size

    def __call__(self):
        self.calls += 1
        draws = torch.Generator().manual_seed(self.calls)
        return {
            "images": torch.randint(0, 256, (self.size,), generator=draws, dtype=torch.uint8),
            "labels": torch.arange(3),
        }


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("APICAL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "rendered"


def get(render, settings=SETTINGS, pixels=module.LEAST):
    return kept(settings, pixels, render)


def test_what_was_rendered_once_is_read_the_next_time(cache):
    render = Renderer()
    first, second = get(render), get(render)
    assert render.calls == 1
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) and first[name].dtype == second[name].dtype for name in first)
    assert [path.name for path in cache.iterdir()] == [place(SETTINGS).name]


def test_other_settings_another_renderer_and_another_machine_are_others(monkeypatch, tmp_path):
    before = place(SETTINGS)
    assert place({**SETTINGS, "seed": 1}) != before
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "another")
    assert place(SETTINGS) != before
    monkeypatch.undo()
    monkeypatch.setenv("APICAL_CACHE", str(tmp_path / "cache"))
    assert place(SETTINGS) == before
    changed = tmp_path / "objects"
    changed.mkdir()
    for name in module.SOURCES:
        (changed / name).write_text("another text")
    monkeypatch.setattr(module, "__file__", str(changed / "kept.py"))
    assert place(SETTINGS).name != before.name


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "text"])
def test_a_damaged_file_is_rendered_anew(cache, damage):
    render = Renderer()
    first = get(render)
    (path,) = cache.iterdir()
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes({"cut": content[:-5], "bit": content, "empty": b"", "text": b"{}" * 400}[damage])
    again = get(render)
    assert render.calls == 2
    assert not torch.equal(again["images"], first["images"])
    get(render)
    assert render.calls == 2


def test_a_small_set_is_not_kept(cache):
    render = Renderer()
    get(render, pixels=module.LEAST - 1)
    get(render, pixels=module.LEAST - 1)
    assert render.calls == 2
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_is_none(cache):
    cache.parent.mkdir()
    cache.write_text("a file where a folder should be")
    render = Renderer()
    assert get(render)["images"].shape == (1000,)
    get(render)
    assert render.calls == 2


def test_the_cache_is_bounded_and_what_was_read_last_stays(cache, monkeypatch):
    monkeypatch.setattr(module, "LIMIT", 4000)
    sets = [{**SETTINGS, "seed": seed} for seed in range(4)]
    for age, settings in enumerate(sets[:3]):
        get(Renderer(), settings)
        os.utime(place(settings), (age, age))
    (cache / ".shapes-x.safetensors.7.partial").write_text("left by a kill")
    get(Renderer(), sets[0])  # read: no longer the oldest
    get(Renderer(), sets[3])
    assert {path.name for path in cache.iterdir()} == {place(sets[k]).name for k in (0, 2, 3)}
    assert sum(path.stat().st_size for path in cache.iterdir()) <= 4000 + 1000
    get(Renderer(size=5000), {**SETTINGS, "seed": 9})
    assert not place({**SETTINGS, "seed": 9}).exists()


def test_shapes_out_of_the_cache_are_those_that_were_rendered(cache, monkeypatch):
    monkeypatch.setattr(module, "LEAST", 0)
    fresh = load_shapes(n_train=20, n_test=10, seed=3)
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setattr(shapes, "_split", None)  # rendering would fail
    again = load_shapes(n_train=20, n_test=10, seed=3)
    assert (again.train.fingerprint, again.test.fingerprint) == (fresh.train.fingerprint, fresh.test.fingerprint)
    assert torch.equal(again.second, fresh.second)
    assert again.normalisation == fresh.normalisation
