"""Files that are whole or not there."""

import json
from pathlib import Path

import pytest
from apical.protocols.runs.files import write_json
from apical.recordings.atomic import write_text
from apical.recordings.seal import unsealed


def test_a_document_replaces_the_one_before(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1})
    write_json(tmp_path / "a.json", {"x": float("nan"), "y": Path("z")})
    text = (tmp_path / "a.json").read_text()
    assert {name: value for name, value in json.loads(text).items() if name != "sha256"} == {"x": None, "y": "z"}
    assert unsealed(text) == {"x": None, "y": "z"}
    with pytest.raises(ValueError, match="checksum"):
        unsealed(text.replace("z", "y"))
    write_text(tmp_path / "b.yaml", "β\n")
    assert (tmp_path / "b.yaml").read_bytes() == "β\n".encode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.yaml"]
