import json

import pytest
from apical.recordings import RecordingError
from apical.recordings.sections import Drawing, Section, TextTable, read_sections, write_section

SECTION = Section(
    name="replay-first",
    title="Replay",
    summary=("What was done.",),
    command="apical replay RUN",
    tables=(TextTable(head=("check", "value"), rows=(("C1", "0.98"), ("C2",)), folded=True),),
    figures=(Drawing(name="replay_rates", title="Rates", caption="<var>z</var>"),),
    notes=("A limit.",),
    order=60,
)


def test_what_was_written_is_read(tmp_path):
    write_section(tmp_path, SECTION)
    assert read_sections(tmp_path) == [SECTION]


def test_sections_stand_in_their_order_and_are_replaced_by_name(tmp_path):
    for name, order in (("b", 20), ("a", 60), ("c", 20), ("b", 20)):
        write_section(tmp_path, Section(name=name, title=name, order=order))
    assert [section.name for section in read_sections(tmp_path)] == ["b", "c", "a"]


def test_a_changed_file_is_refused(tmp_path):
    path = write_section(tmp_path, SECTION)
    path.write_text(path.read_text().replace("0.98", "0.99"))
    with pytest.raises(RecordingError, match="checksum"):
        read_sections(tmp_path)


@pytest.mark.parametrize("told", [{"name": "x"}, {"title": "x", "tables": [], "figures": [], "name": "x", "more": 1}])
def test_another_document_is_refused(tmp_path, told):
    (tmp_path / "sections").mkdir()
    (tmp_path / "sections" / "x.json").write_text(json.dumps(told))
    with pytest.raises(RecordingError, match="expected a section"):
        read_sections(tmp_path)


def test_a_run_without_sections_has_none(tmp_path):
    assert read_sections(tmp_path) == []


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b"])
def test_names_are_plain(name):
    with pytest.raises(RecordingError, match="expected letters"):
        Section(name=name, title="x")
    with pytest.raises(RecordingError, match="expected letters"):
        Drawing(name=name, title="x")


def test_every_cell_has_a_column():
    with pytest.raises(RecordingError, match="name every column"):
        TextTable(head=("a",), rows=(("1", "2"),))
