"""docs/protocols.md: its example runs, and its tables are those of the code."""

import re
from pathlib import Path

import pytest
from apical.protocols.lesion import protocol as spec
from apical.protocols.lesion.events import OWN as EVENTS
from apical.protocols.lesion.events import Event
from apical.protocols.lesion.protocol import ConditionSettings, Head
from apical.protocols.lesion.quantities import OWN as MEASURES
from apical.protocols.lesion.run import lesion
from apical.protocols.replay.foreign import CHECKS

TEXT = (Path(__file__).parents[3] / "docs" / "protocols.md").read_text()
CODE = re.findall(r"```py\n(.*?)```", TEXT, re.S)
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.S)


def test_the_example_runs_and_meets_its_expectations(dfb, tmp_path):
    (tmp_path / "mine.py").write_text(CODE[0])
    (tmp_path / "mine.yaml").write_text(EXAMPLE)
    found = lesion(dfb, str(tmp_path / "mine.yaml"), seeds=[0], progress=False)
    assert found["expected"], found["expectations"]


def test_the_check_of_the_example_is_one(tmp_path):
    (tmp_path / "mine.py").write_text(CODE[1])
    assert callable(CHECKS[f"{tmp_path}/mine.py:fires"])


@pytest.mark.parametrize("word", EVENTS)
def test_every_event_stands_with_its_settings(word):
    kind: type[Event] = EVENTS[word]
    (part,) = re.findall(rf"### `{word}`\n(.*?)(?=\n##)", TEXT, re.S)
    assert re.findall(r"^\| `(\w+)`", part, re.M) == list(kind.model_fields)
    assert all(f"`{stage}`" in part for stage in kind.where)
    assert all((f.description or "").replace("|", r"\|") in part for f in kind.model_fields.values())


def test_every_measure_stands():
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", TEXT[TEXT.index("## Measures") :], re.M))
    assert rows == {name: row.stage for name, row in MEASURES.items()}
    assert all(row.label.replace("|", r"\|") in TEXT for row in MEASURES.values())


def test_every_key_of_the_file_stands():
    head = TEXT[: TEXT.index("## Statements")]
    assert all(
        f"`{key}" in head for key in (*Head.model_fields, *ConditionSettings.model_fields, "conditions", "events")
    )
    assert len(spec.known()) == 16
    assert "sixteen that come with Apical" in head
