"""What an addition costs: one of each kind is added to a copy of the rooms as files and rows, counted, trained, recorded and read out.

Another kind is another entry of `ADDITIONS`, and a line of `SCRIPT` that uses it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True)
class Addition:
    """One thing that a word chooses.

    Attributes:
        files: new files by their path from the root.
        rows: in existing files, lines that go before the first line that begins with some text: (path, text, lines).
        most: source files that may be touched.
    """

    files: dict[str, str]
    rows: tuple[tuple[str, str, str], ...]
    most: int


_, OJA = re.findall(r"```python\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.S)
SHALLOW = '''"""Two populations, the upper one of a share of the channels of the lower."""

from collections.abc import Sequence

import torch

from .columns import conv_network
from .network import Network


def shallow(
    shape: tuple[int, int, int], grids: Sequence[int], *, generator: torch.Generator, share: float, width: float = 1.0
) -> Network:
    """The network."""
    channels = round(8 * width)
    return conv_network(shape, ((channels, True), (round(share * channels), False)), grids, generator=generator)
'''
SIGNS = '''"""Steps of one size along the sign of the change."""

from collections.abc import Mapping

from torch import Tensor

from .base import rate_of


class Signs:
    """w <- (1 - fade) w + lr sign(change)."""

    def __init__(self, *, learning_rate: float, fade: float, factors: Mapping[str, float] | None = None) -> None:
        self.learning_rate, self.fade, self.factors = learning_rate, fade, dict(factors or {})

    def register(self, name: str, weight: Tensor) -> None:
        """Nothing to prepare."""

    def advance(self) -> None:
        """Nothing depends on the step."""

    def tensors(self) -> dict[str, Tensor]:
        """Nothing is remembered."""
        return {}

    def restore(self, step: int) -> None:
        """Nothing to restore."""

    def apply(self, name: str, weight: Tensor, change: Tensor, block: slice | None = None) -> None:
        """Move the weight, or a block of its rows."""
        target = weight if block is None else weight[block]
        target.mul_(1 - self.fade).add_(change.sign(), alpha=rate_of(name, self.learning_rate, self.factors))
'''

ADDITIONS = {
    "rule": Addition(
        {"plasticity/oja.py": OJA},
        (
            ("plasticity/__init__.py", "from .outer import", "from .oja import Oja\n"),
            ("plasticity/__init__.py", '    "clapp++": ClappPP', '    "oja": Oja,\n'),
        ),
        most=2,
    ),
    "context source": Addition(
        {},
        (
            (
                "models/networks/contexts.py",
                '    "dfb": Context(',
                '    "above": Context(lambda own, count: min(own + 1, count - 1), suffix="above"),\n',
            ),
            ("plasticity/clapp.py", "SOURCES", ""),
        ),
        most=2,
    ),
    "builder": Addition(
        {"models/networks/shallow.py": SHALLOW},
        (
            ("models/networks/table.py", '    "vgg6": Builder(', '    "shallow": Builder("shallow:shallow", ("width", "share", "grids"), (2, 2)),\n'),
            ("models/networks/table.py", "    radius: float = setting", '    share: float = setting(0.5, above=0, at_most=2, said="of shallow")\n'),
        ),
        most=2,
    ),
    "optimiser": Addition(
        {"models/optimisers/signs.py": SIGNS},
        (
            ("models/optimisers/table.py", '    "adamw": Row(', '    "signs": Row("signs:Signs", ("fade",)),\n'),
            ("models/optimisers/table.py", '    "weight_decay": Setting', '    "fade": Setting(default=0.0, at_least=0, below=1),\n'),
        ),
        most=2,
    ),
}  # fmt: skip
WORD = ' "upward": ("above", "lateral"),'

SCRIPT = """
import json, sys
from pathlib import Path
import apical.models
from safetensors import safe_open
from apical.protocols.errors import ConfigError
from apical.protocols.probe.run import probe
from apical.protocols.settings.load import load, schema
from apical.protocols.train.run import train
from apical.recordings import open as open_recording

def settings(*more):
    tiny = ["network.builder=shallow", "network.width=1.0", "rule.grids=[2, 2]", "training.epochs=1", "stimulus.n_train=64",
            "stimulus.n_test=32", "training.batch=16", "recording.rows=4", "recording.every=1", "probe.n_train=null"]
    return load("demo", [*tiny, *more])

def refusal(*more):
    try:
        settings(*more)
    except ConfigError as error:
        return str(error)

found = {"home": apical.models.__file__, "words": {
    group: schema()["$defs"][f"{group}Config"]["properties"][name]
    for group, name in (("Network", "builder"), ("Optimiser", "name"), ("Rule", "context"))
}}
found["words"] = {group: (told["anyOf"][0] if "anyOf" in told else told)["enum"] for group, told in found["words"].items()}
runs = {
    "hebb": settings("rule={name: oja, context: lateral}", "network.share=1.5", "optimiser={name: signs, fade: 0.1}"),
    "upward": settings("rule.context=upward", "training.epochs=2"),
}
for name, config in runs.items():
    folder = Path(name)
    status = train(config, folder, progress=False)["status"]
    recording = open_recording(folder)
    found[name] = {
        "status": status,
        "accuracy": probe(folder, progress=False)["accuracy"],
        "channels": recording["activity/conv2"].attrs["population_shape"][0],
        "variables": sorted(str(v) for v in recording["activity/conv1"].to_dataset() if "apical" in str(v)),
        "stored": sorted(
            key for file in max((folder / "checkpoints").iterdir()).glob("*.safetensors")
            for key in safe_open(file, "pt").keys() if key.endswith("above.apical")
        ),
    }
found["refusals"] = [
    refusal("network.share=3.0"), refusal("network={builder: vgg6, share: 0.7}", "rule.grids=[8, 4, 4, 4, 2, 2]"),
    refusal("optimiser.fade=0.1"), refusal("rule.context=upwards"), refusal("network.builder=shalow"),
]
print(json.dumps(found))
"""


def rooms() -> dict[str, str]:
    """Where pyproject.toml says that each package lies, the face of all first."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    return dict(sorted(found.items()))


def copied(place: Path) -> Path:
    """A copy of the rooms that `import apical` finds with `place` on the path; returns `place/apical`."""
    for package, folder in rooms().items():
        shutil.copytree(ROOT / folder, place.joinpath(*package.split(".")), ignore=LEFT_OUT, dirs_exist_ok=True)
    return place / "apical"


def add(addition: Addition, copy: Path) -> None:
    for path, text in addition.files.items():
        assert not (copy / path).exists()
        (copy / path).write_text(text)
    for path, before, lines in addition.rows:
        text = (copy / path).read_text()
        if lines:
            found = text.index(f"\n{before}") + 1
            (copy / path).write_text(text[:found] + lines + text[found:])
        else:  # a further word of CLAPP++'s context
            found = re.search(r"^SOURCES.*\{", text, re.M)
            (copy / path).write_text(text[: found.end()] + WORD + text[found.end() :])


def touched(copy: Path) -> set[str]:
    """Source files of the copy that the rooms lack or have otherwise."""
    found = set()
    for package, folder in rooms().items():
        if package != "apical":
            inside = copy.joinpath(*package.split(".")[1:])
            for path in (p for p in inside.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
                original = ROOT / folder / path.relative_to(inside)
                if not original.is_file() or original.read_bytes() != path.read_bytes():
                    found.add(str(original.relative_to(ROOT)))
    return found


@pytest.mark.parametrize("kind", ADDITIONS)
def test_an_addition_touches_few_files(kind, tmp_path):
    copy, addition = copied(tmp_path), ADDITIONS[kind]
    assert touched(copy) == set()
    add(addition, copy)
    found = touched(copy)
    assert found == {*addition.files, *(path for path, _, _ in addition.rows)}
    assert len(found) <= addition.most


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """What a process finds that has everything added, and uses it."""
    place = tmp_path_factory.mktemp("copy")
    for addition in ADDITIONS.values():
        add(addition, copied(place) if not (place / "apical").exists() else place / "apical")
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, cwd=tmp_path_factory.mktemp("runs"),
        env=os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return place, json.loads(found.stdout.splitlines()[-1])


@pytest.mark.slow
def test_it_is_the_copy_that_is_used(used):
    place, found = used
    assert Path(found["home"]) == place / "apical" / "models" / "__init__.py"


@pytest.mark.slow
def test_settings_and_schema_know_the_words(used):
    _, found = used
    assert "shallow" in found["words"]["Network"]
    assert "signs" in found["words"]["Optimiser"]
    assert "upward" in found["words"]["Rule"]


@pytest.mark.slow
def test_a_rule_a_builder_and_an_optimiser_train_record_and_are_read_out(used):
    run = used[1]["hebb"]
    assert run["status"] == "complete"
    assert 0 <= run["accuracy"] <= 100
    assert run["channels"] == 12  # 1.5 times the lower population's 8
    assert run["variables"] == []


@pytest.mark.slow
def test_a_context_source_trains_records_and_is_read_out(used):
    run = used[1]["upward"]
    assert run["status"] == "complete"
    assert 0 <= run["accuracy"] <= 100
    assert run["variables"] == ["apical", "apical_above"]
    assert run["channels"] == 4
    assert run["stored"] == ["conv1.above.apical", "conv2.above.apical"]


@pytest.mark.slow
def test_what_contradicts_them_is_refused_in_their_words(used):
    bound, unread, other, context, builder = used[1]["refusals"]
    assert bound.startswith("network.share: expected at most 2.0, got 3.0")
    assert unread == "network.share: expected none, since vgg6 reads no share, got 0.7; set network.share=0.5"
    assert other == "optimiser.fade: expected none, since adamw reads no fade, got 0.1; remove optimiser.fade"
    assert context.endswith("got 'upwards'; did you mean upward?")
    assert builder.endswith("got 'shalow'; did you mean shallow?")
