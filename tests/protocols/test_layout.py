"""Tables at the terminal: aligned, numbers right, no wider than it is."""

import pytest
from apical.protocols.layout import Screen, lines, tabulated, told
from apical.recordings import Section, TextTable

LONG = "a sentence of many words that no narrow terminal has room for on one line"
TABLE = TextTable(
    head=("name", "mean (%)", "what it is"),
    rows=(("conv1", "60.00", "low"), ("conv10", "7.5 ± 0.2", LONG), ("conv2", "–"), ("conv3", "1e-14")),
)


def test_columns_stand_in_line_and_numbers_right():
    assert tabulated(TABLE) == [
        "name     mean (%)  what it is",
        "conv1       60.00  low",
        f"conv10  7.5 ± 0.2  {LONG}",
        "conv2           –",
        "conv3       1e-14",
    ]


@pytest.mark.parametrize("width", [40, 50, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(width):
    shown = tabulated(TABLE, Screen(width), "  ")
    assert max(map(len, shown)) <= width
    words = " ".join(shown).split()
    assert sorted(words) == sorted(" ".join(" ".join(row) for row in (TABLE.head, *TABLE.rows)).split())


def test_a_long_text_does_not_push_numbers_out_of_sight():
    path = "/a/path/of/many/letters/that/cannot/be/broken/without/being/another/one" * 2
    table = TextTable(head=("name", "reason", "mean"), rows=(("C1", LONG * 3, "1.5"), ("C2", path, "20")))
    shown = tabulated(table)
    assert max(map(len, shown)) == len("C1") + 2 + 2 + len(path) + 2 + len("mean")
    assert any(line.endswith(" 1.5") for line in shown)
    assert path in " ".join(shown)
    assert max(map(len, tabulated(TextTable(head=("a", "b"), rows=(("x", LONG * 3),))))) <= 3 + 80


def test_heads_are_wrapped_before_numbers():
    table = TextTable(head=("name", "with random weights (%)"), rows=(("conv1", "38.95"),))
    shown = tabulated(table, Screen(20))
    assert max(map(len, shown)) <= 20
    assert shown[-1].endswith("38.95")
    assert " ".join(" ".join(shown).split()) == "name with random weights (%) conv1 38.95"


def test_columns_without_room_stand_below_with_the_first_one_again():
    head = ("wiring", *(f"conv{k}" for k in range(1, 11)))
    table = TextTable(head=head, rows=(("DFB, step 0", *("0.123 ± 0.045",) * 10),))
    shown = tabulated(table, Screen(60))
    assert max(map(len, shown)) <= 60
    assert [line.split()[0] for line in shown if line].count("wiring") == shown.count("") + 1 == 4
    assert " ".join(shown).count("0.123 ± 0.045") == 10
    assert len(tabulated(table)) == 2


@pytest.mark.parametrize(
    ("cells", "right"),
    [
        (("1", "20"), True),
        (("0.5 ± 0.01", "–"), True),
        (("2 of 3", "10 of 10"), True),
        (("0.9 to 1.1", "2"), True),
        (("+18.90", "-3e-05"), True),
        (("1,234", "99 %"), False),
        (("C1", "C2"), False),
        (("", ""), False),
        (("3 seeds", "1"), False),
    ],
)
def test_what_counts_as_a_number(cells, right):
    shown = tabulated(TextTable(head=("a", "a long head", "b"), rows=tuple(("x", cell, "y") for cell in cells)))
    assert shown[1].startswith("x  " + (cells[0].rjust(11) if right else cells[0].ljust(11)))


def test_colour_is_for_headings_and_verdicts_alone():
    table = TextTable(head=("check", "verdict"), rows=(("C1", "pass"), ("C2", "FAIL"), ("C3", "failed twice")))
    plain, coloured = tabulated(table), tabulated(table, Screen(colour=True))
    assert not any("\x1b" in line for line in plain)
    assert [("\x1b[32m" in line, "\x1b[31m" in line) for line in coloured[1:]] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert "\x1b[1m" in coloured[0]


SECTION = Section(
    name="x", title="Title", summary=("Said.",), notes=("A limit.",),
    tables=(
        TextTable(head=("a",), rows=(("1",),), title="Short"),
        TextTable(head=("b",), rows=(("2",),) * 50, title="Long", folded=True),
    ),
)  # fmt: skip


def test_what_a_report_folds_is_shown_where_it_is_asked_for():
    assert told(SECTION) == ["Title", "Said.", "", "Short", "a", "1", "", "With -v also: Long; notes"]
    whole = told(SECTION, verbose=True)
    assert whole[:6] == told(SECTION)[:6]
    assert whole[7:9] == ["Long", "b"]
    assert len(whole) == 6 + 3 + 50 + 2
    assert whole[-1] == "A limit."


def test_other_results_are_shown_entry_by_entry():
    result = {"run": "r", "loss": None, "rows": [{"rule": "a", "x": 1.23456}, {"rule": LONG, "x": 20.0}]}
    shown = lines(result, Screen(40))
    assert shown[:3] == ["run                  r", "loss                 -", "rows"]
    assert max(map(len, shown)) <= 40
    assert lines({"rows": result["rows"]})[1:3] == [
        f"  rule{' ' * (len(LONG) - 4)}      x",
        f"  a{' ' * (len(LONG) - 1)}  1.235",
    ]


def test_rows_with_fewer_entries_are_still_a_table():
    rows = [{"rule": "a", "accuracy": 55.9, "epochs": 3}, {"rule": "pixels", "accuracy": 18.0}]
    assert lines({"rows": rows}) == [
        "rows",
        "  rule    accuracy  epochs",
        "  a           55.9       3",
        "  pixels        18       -",
    ]
