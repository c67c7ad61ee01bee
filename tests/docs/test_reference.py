"""The reference names everything: faces, commands, settings, words. Pages are written from the tables, so that only their writer can forget."""

import doctest
from importlib import import_module

import pytest

pytest.importorskip("sphinx", reason="the site needs the extra docs")
docstrings = import_module("docstrings")
faces = import_module("faces")
vocabulary = import_module("vocabulary")


@pytest.mark.parametrize("module", [docstrings, vocabulary], ids=lambda module: module.__name__)
def test_examples(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("face", faces.PAGES)
def test_every_public_name_has_an_entry(face):
    lines = {line.split(":: ")[-1] for line in faces.page(face).splitlines() if line.startswith(".. ")}
    assert {f"{face}.{name}" for name in import_module(face).__all__} <= lines


def test_every_face_is_there():
    assert set(faces.PAGES) == set(faces.FACES)


def test_every_setting_has_a_row():
    from apical.protocols.settings.load import load

    text = vocabulary.settings()
    demo = load("demo").model_dump(mode="json")
    paths = [f"{group}.{name}" for group, held in demo.items() if isinstance(held, dict) for name in held]
    assert [path for path in paths if f"`{path}`" not in text] == []


def test_every_command_has_a_heading():
    from apical.protocols.command.main import main

    text = vocabulary.commands()
    assert [name for name in main.commands if f"### apical {name}" not in text] == []


def test_every_event_measure_preset_and_word_is_told():
    from apical.plasticity import RULES
    from apical.protocols.lesion.events import EVENTS
    from apical.protocols.lesion.quantities import MEASURES
    from apical.protocols.settings.yaml import presets

    lesions, words, told = vocabulary.lesions(), vocabulary.words(), vocabulary.presets()
    assert [word for word in (*EVENTS, *MEASURES) if word not in lesions] == []
    assert [word for word in RULES if f"`{word}`" not in words] == []
    assert [name for name in presets() if f"`{name}`" not in told] == []
