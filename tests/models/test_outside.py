"""Words from outside: what each form finds, and the sentence of everything that cannot be found."""

import pickle
import sys
from pathlib import Path

import pytest
from apical.models.errors import ModelError
from apical.models.imported import Unfit, asked, of_file
from apical.models.keywords import Takes, takes
from apical.models.outside import Open, OutsideError, is_reference, placed, thing_of, unplaced

GROUP = "apical.tested"


def adopted(thing, word):
    if not isinstance(thing, int):
        raise Unfit(f"expected a number, got {word}, which is {type(thing).__name__}; give one")
    return thing


def table():
    return Open({"one": 1, "two": 2}, group=GROUP, field="some.number", adopt=adopted)


def installed(place: Path, name: str, entries: str, version: str = "1.0") -> None:
    """What an installer leaves of a distribution."""
    folder = place / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (folder / "entry_points.txt").write_text(f"[{GROUP}]\n{entries}\n")


def test_iterated_it_is_its_own_rows(tmp_path, monkeypatch):
    installed(tmp_path, "broken", "three = no_such_module:THREE\none = no_such_module:ONE")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = table()
    assert (list(found), len(found), dict(found.items())) == (["one", "two"], 2, {"one": 1, "two": 2})
    # own words win, and what is installed is listed without being imported
    assert found.words() == ["one", "two", "three"]
    assert found["one"] == 1
    assert "three" in found
    with pytest.raises(
        OutsideError, match=r"some.number: expected a module that can be imported, got no module 'no_such_module'"
    ):
        found["three"]


def test_an_unknown_word_is_unknown():
    found = table()
    assert "six" not in found
    assert found.get("six") is None
    assert found.get("six", 6) == 6
    assert 3 not in found
    with pytest.raises(KeyError):
        found["six"]


def test_a_file_a_package_and_an_entry_point_name_the_same_kind(tmp_path, monkeypatch):
    (tmp_path / "numbers_outside.py").write_text("SEVEN = 7\nclass Deep:\n    NINE = 9\n")
    installed(tmp_path, "numbers", "seven = numbers_outside:SEVEN")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = table()
    words = ["numbers_outside.py:SEVEN", f"{tmp_path}/numbers_outside.py:SEVEN", "numbers_outside:SEVEN", "seven"]
    assert [found[word] for word in words] == [7] * 4
    assert found["numbers_outside.py:Deep.NINE"] == 9


def test_a_file_is_loaded_once_for_its_content(tmp_path):
    path = tmp_path / "a thing-1.py"
    path.write_text("from dataclasses import dataclass\n\n@dataclass\nclass Thing:\n    x: int = 1\n")
    first = of_file(path)
    assert of_file(path) is first
    thing = first.Thing()
    assert pickle.loads(pickle.dumps(thing)) == thing
    assert sys.modules[first.__name__] is first
    path.write_text(path.read_text().replace("= 1", "= 2"))  # of the same size, within the same second
    second = of_file(path)
    assert (first.Thing().x, second.Thing().x) == (1, 2)
    assert first.__name__ != second.__name__


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import no_such_thing\n", "ModuleNotFoundError: No module named 'no_such_thing' ({path}, line 1); correct it"),
        (
            "import beside\n",
            "({path}, line 1); a file that is named by its path stands alone: put its folder on PYTHONPATH",
        ),
        ("\ndef f(:\n", "SyntaxError: invalid syntax ({path}, line 2); correct it"),
        ("\n\nx = 1 / 0\n", "ZeroDivisionError: division by zero ({path}, line 3); correct it"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3 ({path}, line 2); correct it"),
        ("import json\njson.loads('{')\n", "line 1 column 2 (char 1) ({path}, line 2); correct it"),
        ("x = '\0'\n", "source code string cannot contain null bytes"),
    ],
)
def test_a_file_that_raises_is_told_with_what_and_where(tmp_path, text, said):
    path = tmp_path / "bad.py"
    path.write_text(text)
    (tmp_path / "beside.py").write_text("")
    with pytest.raises(OutsideError) as caught:
        table()[f"{path}:X"]
    assert str(caught.value).startswith(f"some.number: expected {path} to be imported, got ")
    assert said.format(path=path) in str(caught.value)
    assert not [module for module in sys.modules.values() if getattr(module, "__file__", None) == str(path)]
    path.write_text("X = 4\n")  # mended
    assert table()[f"{path}:X"] == 4


def test_somebody_who_asks_to_stop_is_heard(tmp_path):
    (tmp_path / "stops.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        table()[f"{tmp_path}/stops.py:X"]


def test_a_package_that_raises_is_told_with_what_and_where(tmp_path, monkeypatch):
    package = tmp_path / "package_that_raises"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text("import nothing_of_that_name\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(OutsideError) as caught:
        table()["package_that_raises.inner:X"]
    said = f"ModuleNotFoundError: No module named 'nothing_of_that_name' ({package / 'inner.py'}, line 1)"
    assert said in str(caught.value)
    with pytest.raises(OutsideError, match=r"got no module 'package_that_raises.outer'; install it"):
        table()["package_that_raises.outer:X"]


def test_what_is_misspelt_is_answered_with_the_nearest(tmp_path):
    (tmp_path / "mine.py").write_text("SEVEN = 7\n")
    found = table()
    with pytest.raises(OutsideError, match=f"expected a name in {tmp_path}/mine.py, got 'SEVNE'; did you mean SEVEN?"):
        found[f"{tmp_path}/mine.py:SEVNE"]
    with pytest.raises(
        OutsideError, match=f"expected a Python file at {tmp_path}/min.py, got no such file; did you mean mine.py?"
    ):
        found[f"{tmp_path}/min.py:SEVEN"]
    with pytest.raises(OutsideError, match="got no such file; correct the path"):
        found["/no/such/folder/mine.py:SEVEN"]
    (tmp_path / "folder.py").mkdir()
    with pytest.raises(OutsideError, match="got Is a directory"):
        found[f"{tmp_path}/folder.py:SEVEN"]


def test_what_is_of_another_kind_is_refused(tmp_path):
    (tmp_path / "mine.py").write_text("SEVEN = 'seven'\n")
    with pytest.raises(
        OutsideError, match=r"some.number: expected a number, got .*mine.py:SEVEN, which is str; give one"
    ) as caught:
        table()[f"{tmp_path}/mine.py:SEVEN"]
    assert caught.value.exit_code == 2
    assert caught.value.sentence.startswith("expected a number")


def test_two_entry_points_of_one_name_are_refused_by_both_distributions(tmp_path, monkeypatch):
    installed(tmp_path, "first", "seven = first.rules:SEVEN")
    installed(tmp_path, "second", "seven = second:SEVEN", version="2.1")
    monkeypatch.syspath_prepend(str(tmp_path))
    said = "expected one entry point 'seven' of apical.tested, got "
    with pytest.raises(OutsideError, match=said) as caught:
        table()["seven"]
    assert "first.rules:SEVEN of first 1.0" in str(caught.value)
    assert "second:SEVEN of second 2.1" in str(caught.value)


def test_an_entry_point_that_is_installed_later_is_found(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    found = table()
    assert "late" not in found
    installed(tmp_path, "later", "late = numbers:X")
    assert "late" in found


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a/b.py:C", True), ("b.py:C.d", True), ("a.b:C", True), ("a:b", True), ("C:\\x\\y.py:Z", True), ("ä/ö.py:Ü", True),
        ("clapp++", False), ("npz:a/b.npz", False), ("folder:/x", False), ("a.py", False), ("a.py:", False), (":x", False), ("a-b:C", False),
        ("folder:a.py:C", False), ("1a:b", False), ("", False),
    ],
)  # fmt: skip
def test_the_form_of_a_reference(word, expected):
    assert is_reference(word) is expected


def test_paths_become_absolute_and_leave_a_digest_again():
    settings = {"a": ["x/../m.py:N", 3, None], "b": {"c": "p.q:N", "d": "text m.py:N:"}, "e": ("folder:m.py",)}
    there = placed(settings, Path("/home/me"))
    assert there == {"a": ["/home/me/m.py:N", 3, None], "b": {"c": "p.q:N", "d": "text m.py:N:"}, "e": ("folder:m.py",)}
    assert placed(there, Path("/other")) == there
    assert unplaced(there)["a"][0] == "m.py:N"
    assert placed("~/m.py:N", Path("/other")) == f"{Path.home()}/m.py:N"
    assert unplaced("C:\\x\\m.py:N") == "m.py:N"


def test_the_keywords_of_a_function():
    def build(shape, grids, *, generator, width=1.0, **more): ...

    assert takes(build, 1) == Takes(("grids", "generator", "width"), ("grids", "generator"), True)
    assert takes(lambda *shape: 0, 1) == Takes(())
    assert takes(dict) == Takes((), (), True)  # of C, which does not say
    with pytest.raises(Unfit, match="expected a function of 1 or more arguments, got one of 0"):
        takes(lambda: 0, 1)


def test_a_group_that_nobody_extends_gives_nothing():
    with pytest.raises(KeyError):
        table()["nobody"]
    with pytest.raises(Unfit):
        thing_of("os:no_such_name", GROUP)


def raising(error):
    def call():
        raise error

    return call


@pytest.mark.parametrize("error", [ValueError("no\nsuch thing"), SystemExit("no such thing")])
def test_what_foreign_code_raises_is_told_in_one_sentence(error):
    sentence = rf"expected mine to be made, got {type(error).__name__}: no such thing \(.*test_outside.py, line \d+\); correct it"
    with pytest.raises(Unfit, match=sentence) as told:
        asked("mine", raising(error), "made", Unfit)
    assert told.value.__cause__ is error


@pytest.mark.parametrize(
    "error", [ModelError("own: expected 1, got 2"), TypeError("told elsewhere"), KeyboardInterrupt()]
)
def test_own_errors_of_foreign_code_and_an_interruption_pass(error):
    with pytest.raises(type(error)) as passed:
        asked("mine", raising(error), "made", Unfit, passing=(TypeError,))
    assert passed.value is error


def test_what_foreign_code_gives_is_given():
    assert asked("mine", lambda: 7, "made", Unfit) == 7
