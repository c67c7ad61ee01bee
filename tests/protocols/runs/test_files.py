"""Files that are whole or not there."""

import json
from pathlib import Path

from apical.protocols.runs.files import write_json
from apical.recordings.atomic import write_text


def test_a_document_replaces_the_one_before(tmp_path):
    write_json(tmp_path / "a.json", {"x": 1})
    write_json(tmp_path / "a.json", {"x": float("nan"), "y": Path("z")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": None, "y": "z"}
    write_text(tmp_path / "b.yaml", "β\n")
    assert (tmp_path / "b.yaml").read_bytes() == "β\n".encode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.yaml"]
