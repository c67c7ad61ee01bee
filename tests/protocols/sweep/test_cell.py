"""A cell: code that changes under it, and code that leaves."""

import pytest
from apical.protocols.errors import ProtocolError
from apical.protocols.sweep import cell
from apical.protocols.sweep.folder import SweepFolder
from apical.protocols.sweep.run import Means, sweep
from tiny_sweeps import spec

RULE = "from apical.plasticity import ClappPP\n\n\nclass Mine(ClappPP):\n    'By another name.'\n"


@pytest.mark.parametrize("before", [True, False])
def test_a_source_that_is_edited_during_a_sweep_fails_its_cells(tmp_path, monkeypatch, before):
    """Edited while the first cell is trained: neither this one nor the next is kept under the hash of what it was."""
    file, real, tried = tmp_path / "mine.py", cell._done, []
    file.write_text(RULE)

    def edits(folder, name, task, asked):
        tried.append(name)
        if before:
            file.write_text(f"{RULE}\n\n# edited\n")
        found = real(folder, name, task, asked)
        file.write_text(f"{RULE}\n\n# edited\n")
        return found

    monkeypatch.setattr(cell, "_done", edits)
    given = spec(do=["train"], axes={"rule.name": [f"{file}:Mine"]}, seeds=2)
    with pytest.raises(
        ProtocolError, match=r"rule\.name: expected .*mine\.py of sha256 \w{12}, with which .*, got \w{12}; put it back"
    ):
        sweep(given, tmp_path / "out", Means(workers=0), progress=False)
    folder = SweepFolder(tmp_path / "out")
    assert len(tried) == 1  # neither tried again nor begun with other code
    assert not [path for path in (folder.path / "cells").glob("*.json") if ".failed" not in path.name]


def test_code_that_leaves_the_process_fails_its_cell_alone(tmp_path, monkeypatch):
    real = cell._done

    def leaves(folder, name, task, asked):
        if "0.001" in name:
            raise SystemExit(3)
        return real(folder, name, task, asked)

    monkeypatch.setattr(cell, "_done", leaves)
    found = sweep(spec(do=["train"]), tmp_path, Means(workers=0, retries=0), progress=False)
    assert found["cells"] == {"failed": 1, "done": 1}
    (reason,) = found["failed"].values()
    assert reason.startswith("expected code that returns or raises, got one that left the process (SystemExit: 3)")
    assert "in leaves" in SweepFolder(tmp_path).read_failure("learning_rate=0.001-seed0")["traceback"]
