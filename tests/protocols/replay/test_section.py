"""A replay as a section: a summary first, the long tables folded."""

from apical.protocols.check import Check, above, at_least
from apical.protocols.replay.run import MEASURES
from apical.protocols.replay.section import ABOUT, FIGURES, section

CIRCUIT = {"units": 16, "population": "conv3", "inputs": 269, "contexts": 475, "source": "dfb", "trials": 16}
SETTINGS = {"duration": 500.0, "level": 2, "pool": 10, "tau": 50.0, "seeds": [0]}
CHECKS = [
    Check("C4", "cosT", [0.97], at_least(0.95)).as_dict(),
    Check("C4", "cosB", [0.9], at_least(0.94), "few trials").as_dict(),
]
RESULT = {
    "replays": ["first", "first-seed1"], "checks": CHECKS, "circuit": CIRCUIT, "settings": SETTINGS, "risks": ["A limit."],
    "figures": {"replay_rates": "/elsewhere/figures/replay_first_rates.png", "replay_checks": "/elsewhere/figures/replay_first_checks.png"},
}  # fmt: skip


def test_the_summary_comes_first_and_the_long_table_is_folded():
    found = section(RESULT)
    assert (found.name, found.title, found.order) == ("replay-first", "Replay with spikes: first", 60)
    assert [(table.title, table.folded) for table in found.tables] == [
        ("Checks", False),
        ("What failed", False),
        ("All 2 quantities", True),
    ]
    assert found.tables[0].rows == (("C4", "FAIL", "1 of 2", ABOUT["C4"]),)
    assert found.tables[1].rows == (("C4", "FAIL", "cosB", "0.9", "0.9", ">= 0.94"), ("", "", "because: few trials"))
    assert found.summary == (
        "1 of 2 quantities meet their criterion with every seed.",
        "16 neurons of conv3 with 269 inputs and 475 context neurons (dfb); 16 trials of 500 ms, level 2, pool 10, time constants 50 ms, 1 seed.",
    )
    assert found.notes == ("Not shown by the checks: A limit.",)


def test_figures_bear_the_name_of_the_replay_with_their_captions():
    found = section(RESULT)
    assert [figure.name for figure in found.figures] == ["replay_first_checks", "replay_first_rates"]
    assert found.figures[1].caption == FIGURES["replay_rates"][1]
    old = section(RESULT | {"figures": {"replay_rates": "runs/demo/figures/replay_rates.png"}})
    assert [figure.name for figure in old.figures] == ["replay_rates"]


def test_where_nothing_failed_no_table_says_so():
    assert [table.title for table in section(RESULT | {"checks": CHECKS[:1]}).tables] == ["Checks", "All 1 quantities"]


def test_self_tests_and_mutants_have_tables_of_their_own():
    power = {"mutants": [{"name": "no dW", "what": "nothing is learnt", "rejected_by": ["C4 cosT"], "shown": 9}], "unrejected": [], "powerless": ["C4 cosB"]}  # fmt: skip
    tests = [Check("C9", "blocked", [1.0], above(0)).as_dict()]
    tables = {table.title: table for table in section(RESULT | {"self_tests": tests, "mutants": power}).tables}
    assert tables["Self-tests, which no mutant fails and which are not counted"].folded
    rows = tables["Mutants: replays that are wrong in one way"].rows
    assert rows[0] == ("no dW", "1 of 9", "nothing is learnt", "C4")
    assert rows[1:] == (("rejected by no check", "", "none"), ("checks that reject none", "", "C4 cosB"))


def test_a_ladder_is_one_table():
    row = {"population": "conv3", "source": "dfb", "rung": "level 2", "cosT": 0.9654, "cosB": 0.9, "margin_cosT": 0.1, "margin_cosB": -0.02, "blocked": 0.0}  # fmt: skip
    found = section({"rows": [row], "refused": [{"population": "conv1", "source": "dfb", "reason": "rates below 0"}]})
    assert found.name == "ladder"
    assert found.tables[0].rows == (("conv3", "dfb", "level 2", "0.965", "0.900", "+0.100", "-0.020", "0.00"),)
    assert found.tables[1].rows == (("conv1", "dfb", "rates below 0"),)


def test_every_check_is_said_in_words():
    assert {f"C{number}" for number in range(20)} | {"C4b", "C4c"} == set(ABOUT)
    assert MEASURES
