"""What the sections of experiments share."""

import sys

import pytest
from apical.protocols.sections import checks_table, command, counted, found_figures, hand_in, slug
from apical.recordings import Drawing, Section, write_section
from apical.recordings.sections import read_section

CHECKS = [
    {"name": "C1", "what": "slope", "value": 0.98, "interval": [0.9, 1.1], "criterion": "0.97 to 1.03", "passed": False, "reason": "noise"},
    {"name": "C1", "what": "distance", "value": 0.5, "interval": [0.5, 0.5], "criterion": "<= 1", "passed": True, "reason": "never told"},
    {"name": "C2", "what": "rate", "value": None, "interval": [None, None], "criterion": "<= 120", "passed": False},
]  # fmt: skip


def test_checks_are_rows_and_a_failed_one_says_why():
    table = checks_table(CHECKS, "All", folded=True)
    assert table.rows == (
        ("C1", "FAIL", "slope", "0.98", "0.9 to 1.1", "0.97 to 1.03"),
        ("", "", "because: noise"),
        ("C1", "pass", "distance", "0.5", "0.5", "<= 1"),
        ("C2", "FAIL", "rate", "–", "–", "<= 120"),
    )
    assert table.folded


def test_checks_are_counted_by_name():
    rows = counted(CHECKS, {"C1": "the f-I curve"}).rows
    assert rows == (("C1", "FAIL", "1 of 2", "the f-I curve"), ("C2", "FAIL", "0 of 1", "rate"))


def test_a_section_reaches_a_run_and_no_other_folder(tmp_path):
    section = Section(
        name="x", title="X", figures=(Drawing(name="there", title="t"), Drawing(name="missing", title="m"))
    )
    hand_in(tmp_path, section)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "config.yaml").write_text("")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "there.png").touch()
    hand_in(tmp_path, section)
    assert [figure.name for figure in read_section(tmp_path / "sections" / "x.json").figures] == ["there"]
    assert found_figures(tmp_path, section).title == "X"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["/usr/bin/apical", "probe", "runs/my run"], "apical probe 'runs/my run'"),
        (["/usr/lib/ipykernel_launcher.py", "-f", "kernel.json"], ""),
    ],
)
def test_the_command_is_ours_or_none(monkeypatch, arguments, told):
    monkeypatch.setattr(sys, "argv", arguments)
    assert command() == told


@pytest.mark.parametrize("name", ["apical_block", "my protocol", "über/alles"])
def test_a_slug_is_a_plain_name(name, tmp_path):
    section = Section(name=f"lesion-{slug(name)}", title=name)
    assert write_section(tmp_path, section).is_file()
    assert slug("apical_block") == "apical_block"
