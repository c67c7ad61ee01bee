"""The worked example of CONTRIBUTING.md: a rule in one file works everywhere."""

import json
import re
import shlex
import sys
import types
from pathlib import Path

import apical.plasticity
import pytest
import torch
from apical.models import SGD, mlp
from apical.models.engine import LocalEngine
from apical.models.populations.transfer import IDENTITY
from apical.plasticity import RULES, RuleError
from apical.protocols.errors import ConfigError
from apical.protocols.probe.run import probe
from apical.protocols.settings.load import load
from apical.protocols.train.run import train
from apical.testing import check_rule

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
OUTSIDE, EXAMPLE = re.findall(r"```python\n(.*?)```", TEXT, re.S)
TINY = [
    "rule={name: oja, options: {forgetting: 2.0}}", "network.width=0.016", "training.epochs=1", "stimulus.n_train=64", "stimulus.n_test=32",
    "training.batch=16", "recording.rows=8", "recording.every=1", "probe.n_train=null",
]  # fmt: skip


@pytest.fixture
def oja(monkeypatch):
    """Step 1 and 2: the file and its line in the table."""
    module = types.ModuleType("apical.plasticity.oja")
    module.__package__ = "apical.plasticity"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(EXAMPLE, "oja.py", "exec"), module.__dict__)
    monkeypatch.setitem(apical.plasticity.RULES, "oja", module.Oja)
    return module.Oja


def settings(*more):
    demo = load("demo").model_dump(mode="json")
    demo["rule"] = {}
    path = "demo.yaml"
    Path(path).write_text(json.dumps(demo))
    return load(path, [*TINY, *more])


def test_it_finds_the_first_principal_component(oja):
    draws = torch.Generator().manual_seed(0)
    spread = torch.diag(torch.tensor([3.0, 1.0, 0.5, 0.3], dtype=torch.float64))
    images = (torch.randn(512, 4, generator=draws, dtype=torch.float64) @ spread).view(512, 1, 2, 2)
    network = mlp((1, 2, 2), (2,), generator=draws, transfer=IDENTITY).to(torch.device("cpu"), torch.float64)
    network.populations[0].bias.zero_()
    engine = LocalEngine(network, oja(), SGD(learning_rate=0.02, momentum=0.0))
    for _ in range(400):
        engine.step(images, None)
    weight = network.populations[0].weight
    _, vectors = torch.linalg.eigh(images.flatten(1).T @ images.flatten(1))
    torch.testing.assert_close(weight.norm(dim=1), torch.ones(2, dtype=torch.float64), atol=1e-3, rtol=0)
    assert (weight @ vectors[:, -1]).abs().min() > 0.999


def test_the_command_line_trains_records_and_reads_it_out(oja, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = train(settings(), tmp_path / "run", progress=False)
    assert result["status"] == "complete"
    assert (tmp_path / "run" / "recording.zarr" / "activity" / "conv6").is_dir()
    assert 0 <= probe(tmp_path / "run", progress=False)["accuracy"] <= 100


def test_it_passes_the_battery(oja):
    assert check_rule(oja(forgetting=2.0)) == []


def test_its_hyperparameters_are_options_that_are_checked(oja, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text, message in (
        ("rule.options={forgeting: 1.0}", "did you mean forgetting"),
        ("rule.options={forgetting: -1.0}", "expected a number above 0"),
        ("rule.context=dfb", "reads no context"),
    ):
        with pytest.raises(ConfigError, match=message):
            settings(text)
    with pytest.raises(RuleError, match=r"Oja\.forgetting"):
        oja(forgetting=0)


def test_outside_the_fixture_there_is_no_such_rule():
    assert "oja" not in RULES


def test_a_file_of_ones_own_is_used_without_a_line_in_apical(tmp_path, monkeypatch):
    """The command that stands in its first line, on less."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(OUTSIDE)
    words = shlex.split(OUTSIDE.splitlines()[0].partition(": ")[2])
    assert words[:3] == ["apical", "train", "demo"]
    changes = [text for text in words if "=" in text] + [
        "stimulus.image_size=null",
        "stimulus.n_train=64",
        "training.epochs=1",
        "training.batch=16",
        "recording.rows=8",
    ]
    config = load(
        "demo",
        [
            *changes,
            f"stimulus.name={words[words.index('--data') + 1]}",
            "rule.options.forgetting=0.5",
            "network.options.top=4",
            "stimulus.options.count=96",
        ],
    )
    assert train(config, tmp_path / "run", progress=False)["status"] == "complete"
    assert sorted(path.name for path in (tmp_path / "run" / "sources").iterdir()) == ["mine.py"]
    assert 0 <= probe(tmp_path / "run", progress=False)["accuracy"] <= 100
