"""Files that are whole or not there."""

import json
import os
from pathlib import Path

import pytest
from apical.protocols.documents import write_json, write_text


def test_a_document_replaces_the_one_before(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1})
    write_json(tmp_path / "a.json", {"x": float("nan"), "y": Path("z")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": None, "y": "z"}
    write_text(tmp_path / "b.yaml", "β\n")
    assert (tmp_path / "b.yaml").read_bytes() == "β\n".encode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.yaml"]


def test_a_failure_leaves_the_old_text_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_text(path, "old")

    def full(self, text, **_):
        self.touch()
        raise OSError("no space")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_processes_write_under_two_names(tmp_path, monkeypatch):
    names = []
    monkeypatch.setattr(Path, "replace", lambda self, target: names.append(self.name))
    for process in (11, 12):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        write_text(tmp_path / "a.json", "x")
    assert len(set(names)) == 2
