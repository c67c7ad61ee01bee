"""Help of `apical record`, which answers without torch, says what there is."""

import re

import pytest
from apical.models.recorder.spec import FACTORS, REDUCTIONS, USUAL
from apical.protocols.command.main import main
from apical.protocols.command.record import STIMULI
from apical.protocols.stimuli.shown.table import KINDS, told
from click.testing import CliRunner


@pytest.mark.parametrize("name", KINDS)
def test_help_tells_the_settings_of_every_kind(name):
    start = "own, cifar10" if name == "images" else name
    line = next(line for line in STIMULI.splitlines() if line.strip().startswith(start))
    words = set(re.findall(r"[a-z_]+", line))
    assert {setting for setting in told(KINDS[name]) if setting not in (KINDS[name].own, "name")} <= words


def test_help_tells_variables_and_reductions():
    text = " ".join(CliRunner().invoke(main, ["record", "--help"]).output.split())
    assert ", ".join(USUAL) in text
    assert ", ".join(FACTORS) in text
    assert ", ".join(REDUCTIONS) in text
