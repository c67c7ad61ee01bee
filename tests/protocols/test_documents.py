"""Runs of earlier versions have documents and no sections: the report gets them from there."""

import json

import pytest
from apical.protocols.documents import add_missing_sections
from apical.recordings import Section, write_section
from apical.recordings.sections import read_sections

PROBE = {"accuracy": 50.0, "accuracy_random": 35.0, "layers": {"conv1": {"accuracy": 40.0, "accuracy_random": 30.0}}}
LESION = {
    name: {
        "protocol": name, "title": "A block", "stage": "network", "steps": 3, "checkpoint": "step-8", "seeds": [0], "diverged": [],
        "expectations": [{"text": "a.moved < 1", "holds": True, "seeds": [True]}],
        "conditions": {"a": {"measures": {"moved": {"after": {"mean": 0.1, "sd": None, "values": [0.1]}}}}},
    }
    for name in ("one", "two")
}  # fmt: skip


def test_missing_sections_are_made_from_documents(tmp_path):
    (tmp_path / "probe.json").write_text(json.dumps(PROBE))
    (tmp_path / "lesion.json").write_text(json.dumps(LESION))
    (tmp_path / "compare.json").write_text("{}")  # of no section
    assert add_missing_sections(tmp_path) == ["lesion-one", "lesion-two", "probe"]
    probe, one, _ = read_sections(tmp_path)
    assert (tmp_path / "figures" / "read_outs.png").is_file()
    assert [figure.name for figure in probe.figures] == ["read_outs"]
    assert one.figures == ()  # was not drawn
    assert add_missing_sections(tmp_path) == []


def test_a_section_that_is_there_stays(tmp_path):
    (tmp_path / "probe.json").write_text(json.dumps(PROBE))
    kept = Section(name="probe", title="Mine")
    write_section(tmp_path, kept)
    assert add_missing_sections(tmp_path) == []
    assert read_sections(tmp_path) == [kept]


@pytest.mark.parametrize("name", ["probe", "replay", "align", "lesion", "spike", "ladder"])
@pytest.mark.parametrize(
    "text", ["{", "[1]", '"x"', '{"checks": [{}]}', '{"checks": 3, "replays": ["x"]}', '{"rows": 1}']
)
def test_a_document_of_another_shape_is_told_and_left_out(tmp_path, capsys, name, text):
    (tmp_path / f"{name}.json").write_text(text)
    assert add_missing_sections(tmp_path) == []
    error = capsys.readouterr().err
    assert error.startswith(f"Note: {tmp_path / name}.json: expected a result, got another")
    assert error.count("\n") == 1


def test_every_named_replay_has_one(tmp_path):
    circuit = {"units": 4, "population": "conv3", "inputs": 9, "contexts": 5, "source": "dfb", "trials": 8}
    settings = {"duration": 500.0, "level": 2, "pool": 10, "tau": 50.0, "seeds": [0]}
    (tmp_path / "replays").mkdir()
    for name in ("first", "second"):
        document = {"replays": [name], "checks": [], "circuit": circuit, "settings": settings, "risks": []}
        (tmp_path / "replays" / f"{name}.json").write_text(json.dumps(document))
    (tmp_path / "replay.json").write_text((tmp_path / "replays" / "second.json").read_text())
    assert sorted(set(add_missing_sections(tmp_path))) == ["replay-first", "replay-second"]
    assert [section.name for section in read_sections(tmp_path)] == ["replay-first", "replay-second"]
