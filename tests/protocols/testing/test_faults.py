"""The battery finds planted faults in rules from outside, each by the name of the check that it breaks."""

import faulty_rules as faulty
import pytest
from apical import Architecture
from apical.testing import check_rule

DENSE = (Architecture("mlp", (2, 4, 4), hidden=(8, 6)),)

# by fault: the check that must name it, and others that cannot but see it too
FAULTS = {
    faulty.Thawed: ("is_a_frozen_value",),
    faulty.Misspelt: ("its_needs_exist",),
    faulty.Gullible: ("refuses_nonsense",),
    faulty.Curious: ("needs_no_more_than_it_declares",),
    faulty.Greedy: ("uses_all_that_it_declares",),
    faulty.OneSided: ("drive_is_the_gradient", "second_factor_is_the_potential"),
    faulty.OwnRate: ("predictions_are_the_gradient",),
    faulty.Saturated: ("second_factor_is_the_potential",),
    faulty.Neighbour: ("objects_in_any_order", "rows_stand_alone", "second_factor_is_the_potential"),
    faulty.Standardised: ("rows_stand_alone",),
    faulty.Noisy: ("is_deterministic",),
    faulty.Differentiated: ("keeps_no_graph",),
    faulty.Hoarding: ("keeps_nothing_alive",),
    faulty.Overwriting: (
        "leaves_its_signals",
        "objects_in_any_order",
        "is_deterministic",
        "second_factor_is_the_potential",
    ),
    faulty.Single: ("keeps_the_dtype",),
    faulty.AtHome: ("stays_on_the_device",),
    faulty.Cosine: ("silence",),
    faulty.Forgetful: ("hands_its_state_on",),
    faulty.Remembering: ("training_resumes", "is_deterministic", "objects_in_any_order"),
    faulty.Spread: ("other_sizes",),
    faulty.Column: ("shapes", "other_sizes", "recording_opens"),
    faulty.Silent: ("recording_opens", "shapes", "other_sizes"),
}


def test_a_rule_without_a_fault_passes():
    assert check_rule(faulty.Right()) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda kind: kind.__name__)
def test_a_planted_fault_is_found_by_name(fault):
    found = [finding.check for finding in check_rule(fault(), architectures=DENSE)]
    assert sorted(found) == sorted(f"test_{name}" for name in FAULTS[fault])


def test_every_fault_is_named_by_a_check_of_its_own():
    named = [names[0] for names in FAULTS.values()]
    assert len(set(named)) == len(named) >= 10
