"""What is offered to a rule follows from what it declares, and the documentation says what the function says."""

import json
from pathlib import Path

import pytest
from apical.plasticity import RULES, ClappPP, DirectFeedbackAlignment, GreedyInfoMax, SoftHebb, Softplus
from apical.protocols.command.main import main
from apical.protocols.needs_table import BEGIN, END, markdown, row, rule_of, table
from apical.protocols.offers import EXPERIMENTS, NEEDED, fits, lacks
from click.testing import CliRunner

DOCUMENT = Path(__file__).parents[2] / "docs" / "what-each-rule-offers.md"
FOREIGN = f"{Path(__file__).parent / 'difference.py'}:Difference"


@pytest.fixture(scope="module")
def rows():
    return table()


def test_the_documentation_is_the_function(rows):
    said = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0].strip()
    assert said == markdown(rows), (
        "write the table anew: python -c 'from apical.protocols.needs_table import *; print(markdown(table()))'"
    )


def test_every_rule_has_a_row_and_every_no_a_reason(rows):
    assert [r["rule"] for r in rows] == list(RULES)
    assert set(NEEDED) == set(EXPERIMENTS)
    for r in rows:
        refused = [name for name in ("align", "replay", "spike") if r[name] == "no"]
        assert all(name in r["why"] for name in refused)
        assert not refused or "Needs." in r["why"] or "hinge" in r["why"]


def test_what_a_rule_declares_decides_and_not_its_name():
    assert row("anything", ClappPP()) == rows_of("clapp++", "anything")
    foreign = row("mine", rule_of(FOREIGN))
    assert (foreign["align"], foreign["replay"], foreign["spike"]) == (
        "own objective",
        "own second factor, with a tuft",
        "no",
    )


def rows_of(word, name):
    return row(word, rule_of(word)) | {"rule": name}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (ClappPP(context="both"), "several contexts"), (SoftHebb(), "no apical dendrites"), (GreedyInfoMax(), "Needs.transport"),
        (ClappPP(contrast=Softplus()), "the hinge"), (DirectFeedbackAlignment(), "Needs.engine"),
    ],
)  # fmt: skip
def test_why_the_closed_loop_has_no_such_rule(rule, said):
    assert said in lacks("spike", rule)
    assert lacks("spike", ClappPP(context="lateral")) is None


def test_what_can_be_fitted():
    assert fits(ClappPP(context="both")) is None
    assert "Needs.transport" in fits(GreedyInfoMax())


def test_the_command_tells_it_of_all_rules_and_of_one_from_outside(rows):
    told = CliRunner().invoke(main, ["config", "list", "--needs", "--json"])
    assert told.exit_code == 0, told.stderr
    assert json.loads(told.stdout)["rules"] == rows
    told = CliRunner().invoke(main, ["config", "list", "--needs", "--rule", FOREIGN, "--json"])
    assert [r["replay"] for r in json.loads(told.stdout)["rules"]] == ["own second factor, with a tuft"]
    alone = CliRunner().invoke(main, ["config", "list", "--rule", FOREIGN])
    assert isinstance(alone.exception, SystemExit | Exception)
    assert alone.exit_code != 0
