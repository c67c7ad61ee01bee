"""Texts that are whole or not there."""

import os
from pathlib import Path

import pytest
from apical.recordings.atomic import write_text


def test_a_failure_leaves_the_old_text_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_text(path, "old")

    def full(self, content):
        self.touch()
        raise OSError("no space")

    monkeypatch.setattr(Path, "write_bytes", full)
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
