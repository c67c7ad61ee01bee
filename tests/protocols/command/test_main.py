"""The command line: what it passes on, how it answers, and what it does not import."""

import errno
import json
import sys
import types
from pathlib import Path

import pytest
import torch
from apical.models import ModelError
from apical.plasticity import RuleError
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError, Interrupted, ReadOutError
from apical.protocols.settings.load import load, to_yaml
from apical.recordings import RecordingError, Shown
from click.testing import CliRunner, Result


def apical(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def failure(result: Result, code: int) -> str:
    """The one line on stderr of a command that failed with this code."""
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").strip()


class Spy:
    """Stands in for the function a command calls; keeps the call, gives a result or raises."""

    def __init__(self, result):
        self.result = result

    def __call__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """Put a spy in the place of `apical.protocols.<module>.<function>`, and work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APICAL_DATA", raising=False)
    monkeypatch.delenv("APICAL_TRACEBACK", raising=False)

    fakes: dict[str, types.ModuleType] = {}

    def place(module: str, function: str, result):
        spy = Spy(result)
        fake = fakes.setdefault(module, types.ModuleType(f"apical.protocols.{module}"))
        setattr(fake, function, spy)
        monkeypatch.setitem(sys.modules, fake.__name__, fake)
        return spy

    return place


def test_help_lists_the_presets():
    assert "cifar10-both-narrow" in apical("train", "--help").stdout


def test_version():
    assert apical("--version").stdout.startswith("apical, version 0.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing command; see apical --help"),
        (["config"], "Missing command; see apical config --help"),
        (["trian"], "No such command 'trian'. Did you mean 'train'?"),
        (["train", "demo", "--sed", "3"], "--sed"),
        (["train", "demo", "--seed", "-1"], "Invalid value for '--seed'"),
        (["train", "demo", "--seed", "x"], "Invalid value for '--seed'"),
        (["train"], "PRESET|FILE: expected a preset or a file, got none; or continue with --resume --out RUN"),
        (["train", "--resume"], "PRESET|FILE: expected a preset or a file, got none"),
        (["train", "dem"], "did you mean demo?"),
        (["train", "demo", "--set", "rule.context=latral"], "did you mean lateral?"),
        (["train", "demo", "--data", "cifar"], "did you mean cifar10?"),
        (["train", "demo", "--device", "gpu"], "training.device: expected one of auto, cpu, cuda, got 'gpu'"),
        (["train", "demo", "--epochs", "0"], "training.epochs: expected at least 1, got 0"),
        (["train", "--resume", "--out", "none"], "none/config.yaml: expected the settings of a run, got no such file"),
        (["probe"], "Missing argument 'RUN'; see apical probe --help"),
        (["probe", "nowhere"], "nowhere"),
        (["probe", ".", "--layers", "conv1,,conv2"], "--layers: expected names between commas"),
        (["probe", ".", "--device", "gpu"], "Invalid value for '--device'"),
        (["align", ".", "--device", "gpu"], "Invalid value for '--device'"),
        (["inspect", "nowhere"], "nowhere"),
        (["inspect", ".", "--units", "a"], "--units: expected a number of units"),
        (["inspect", ".", "--out", "page.html"], "--out: expected several runs"),
        (["data", "fetch"], "Missing argument 'NAME...'; see apical data fetch --help"),
        (["bench", "engine", "--batch", "1"], "Invalid value for '--batch'"),
        (["config", "show", "demo", "--set", "x"], "--set x: expected a.b=value"),
    ],
)
def test_misuse_is_one_line_and_2(stand_in, arguments, message):
    assert message in failure(apical(*arguments), 2)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ConfigError("rule.x: no"), 2, "rule.x: no"),
        (RuleError("rule.y: no"), 2, "rule.y: no"),
        (ModelError("model.z: no"), 2, "model.z: no"),
        (RecordingError("recording.a: no"), 1, "recording.a: no"),
        (ReadOutError("first\nsecond"), 1, "first second"),
        (OSError(errno.ENOSPC, "No space left on device", "run/x"), 1, "run/x: No space left on device; free some"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "/x: Permission denied; choose a place"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "y"), 1, "y: No such file or directory"),
        (ConnectionError("unreachable"), 1, "unreachable"),
        (MemoryError(), 1, "out of memory"),
        (torch.OutOfMemoryError("wanted 9 GiB"), 1, "out of memory: wanted 9 GiB; lower training.batch"),
        (RuntimeError("[x] DefaultCPUAllocator: can't allocate memory: you tried"), 1, "out of memory: [x] Default"),
        (RuntimeError("[x] DefaultCPUAllocator: not enough memory: you tried"), 1, "lower training.batch"),
        (Interrupted("interrupted; go on with this"), 130, "interrupted; go on with this"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_failure_is_one_line(stand_in, error, code, message):
    stand_in("train.run", "train", error)
    assert message in failure(apical("train", "demo"), code)


def test_interrupted_command_without_resume_promises_none(stand_in, tmp_path):
    stand_in("probe.run", "probe", KeyboardInterrupt())
    assert apical("probe", str(tmp_path)).stderr.strip() == "Error: interrupted"
    assert apical("probe", str(tmp_path)).exit_code == 130


def test_traceback_on_request(stand_in, monkeypatch):
    stand_in("train.run", "train", RuleError("rule.y: no"))
    monkeypatch.setenv("APICAL_TRACEBACK", "1")
    result = apical("train", "demo")
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("Error: rule.y: no\n")
    assert result.exit_code == 2


@pytest.mark.parametrize("defect", [ZeroDivisionError("a defect"), RuntimeError("a defect")])
def test_defect_keeps_its_traceback(stand_in, defect):
    stand_in("train.run", "train", defect)
    assert apical("train", "demo").exception is defect


def test_train_passes_everything_on(stand_in, tmp_path):
    spy = stand_in("train.run", "train", {"run": Path("r"), "loss": float("nan"), "losses": torch.tensor([1.0, 2.0])})
    result = apical(
        *("train", "demo", "--data", "mnist", "--data-dir", str(tmp_path), "--out", "r", "--set", "rule.context=both"),
        *("--seed", "4", "--epochs", "3", "--device", "cpu", "--quiet", "--json"),
    )
    assert result.exit_code == 0, result.output
    settings, out = spy.args
    assert out == Path("r")
    assert (settings.stimulus.name, settings.rule.context, settings.seed) == ("mnist", "both", 4)
    assert (settings.training.epochs, settings.training.device) == (3, "cpu")
    assert spy.kwargs == {"data_dir": tmp_path, "resume": False, "progress": False}
    assert json.loads(result.stdout.splitlines()[-1]) == {"run": "r", "loss": None, "losses": [1.0, 2.0]}


def test_option_wins_over_set(stand_in):
    spy = stand_in("train.run", "train", {})
    apical("train", "demo", "--set", "seed=1", "--seed", "2")
    assert spy.args[0].seed == 2


def test_default_run_folder(stand_in):
    spy = stand_in("train.run", "train", {})
    apical("train", "cifar10-narrow", "--seed", "7")
    assert spy.args[1] == Path("runs/cifar10-narrow-seed7")


def test_data_dir_from_the_environment(stand_in, monkeypatch, tmp_path):
    spy = stand_in("train.run", "train", {})
    monkeypatch.setenv("APICAL_DATA", str(tmp_path))
    apical("train", "demo")
    assert spy.kwargs["data_dir"] == tmp_path


@pytest.mark.parametrize("arguments", [["--out", "r"], ["demo", "--out", "r", "--set", "training.batch=16"]])
def test_resume_with_and_without_the_preset(stand_in, tmp_path, arguments):
    spy = stand_in("train.run", "train", {})
    settings = load("demo", ["training.batch=16"])
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "config.yaml").write_text(to_yaml(settings))
    assert apical("train", *arguments, "--resume").exit_code == 0
    assert spy.args == (settings, Path("r"))
    assert spy.kwargs["resume"] is True
    assert "seed: expected 0" in failure(apical("train", *arguments, "--resume", "--seed", "1"), 2)


def test_probe_passes_everything_on(stand_in, tmp_path):
    spy = stand_in("probe.run", "probe", {"accuracy": 50.0})
    more = ("--set", "probe.n_train=9", "--set", "probe.neighbours=3", "--device", "cpu")
    result = apical("probe", str(tmp_path), "--read-out", "knn", "--layers", "conv1, conv6", *more, "--json")
    assert spy.args == (tmp_path,)
    assert spy.kwargs == {
        "read_out": "knn",
        "layers": ["conv1", "conv6"],
        "data_dir": None,
        "data": None,
        "other": False,
        "normalisation": None,
        "resize": False,
        "progress": True,
        "corruptions": None,
        "overrides": ("probe.n_train=9", "probe.neighbours=3"),
        "device": "cpu",
    }
    assert json.loads(result.stdout) == {"accuracy": 50.0}


def test_inspect_and_demo_pass_everything_on(stand_in, tmp_path):
    inspect, demo = stand_in("inspect", "inspect_run", {}), stand_in("demo", "demo", {})
    assert apical("inspect", str(tmp_path)).exit_code == 0
    assert inspect.args == (tmp_path, Shown())
    chosen = ("--population", "conv1", "--units", "7,", "--trials", "9", "--first", "3")
    assert apical("inspect", str(tmp_path), *chosen).exit_code == 0
    assert inspect.args == (tmp_path, Shown(populations=("conv1",), units=[7], trials=9, first=3))
    several = stand_in("inspect", "inspect_runs", {})
    assert apical("inspect", str(tmp_path), str(tmp_path), "--units", "2", "--out", "page.html").exit_code == 0
    assert several.args == ((tmp_path, tmp_path), Path("page.html"), Shown(units=2))
    assert apical("demo", "--seed", "3", "--out", "d", "--quiet").exit_code == 0
    assert demo.args == (Path("d"), 3, False)


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (False, 1)])
def test_data_verify_answers_by_its_exit_code_too(stand_in, tmp_path, ok, code):
    sets = [{"name": "mnist", "status": "present"}, {"name": "cifar10", "status": "absent"}]
    stand_in("stimuli.datasets.fetch", "list_datasets", sets)
    spy = stand_in("stimuli.datasets.fetch", "verify", {"name": "mnist", "ok": ok})
    for names in ((), ("mnist",)):
        result = apical("data", "verify", *names, "--data-dir", str(tmp_path), "--json")
        assert spy.args == ("mnist", tmp_path)
        assert json.loads(result.stdout) == {"ok": ok, "datasets": [{"name": "mnist", "ok": ok}]}
        assert result.exit_code == code


def test_data_fetch_passes_everything_on(stand_in):
    spy = stand_in("stimuli.datasets.fetch", "fetch", Path("here"))
    result = apical("data", "fetch", "mnist", "--quiet", "--json")
    assert spy.args == ("mnist", None, False)
    assert json.loads(result.stdout) == {"datasets": [{"name": "mnist", "path": "here"}]}


def test_data_list_names_the_embedded_one():
    listed = json.loads(apical("data", "list", "--json").stdout)["datasets"]
    assert {entry["name"]: entry["status"] for entry in listed}["shapes"] == "embedded"


def test_unknown_data_set_is_misuse(stand_in, tmp_path):
    assert "mnist" in failure(apical("data", "verify", "mnits", "--data-dir", str(tmp_path)), 2)


def test_bench_passes_everything_on(stand_in):
    engine = stand_in("bench", "engine", {})
    assert apical("bench", "engine", "--context", "dfb", "--batch", "8", "--width", "0.25", "--quiet").exit_code == 0
    assert engine.kwargs.pop("contexts") == ("dfb",)
    assert engine.kwargs == {
        "batch": 8, "width": 0.25, "steps": 5, "rounds": 3, "device": "cpu", "threads": None, "progress": False
    }  # fmt: skip
    memory = stand_in("bench", "memory", {})
    assert (
        apical("bench", "memory", "--case", "VGG-6, 96 px", "--engine", "dfb", "--no-check", "--quiet").exit_code == 0
    )
    assert memory.kwargs == {
        "cases": ("VGG-6, 96 px",), "engines": ("dfb",), "precisions": ("float32", "bf16"), "check": False, "progress": False
    }  # fmt: skip
    recording = stand_in("bench", "recording", {})
    assert apical("bench", "recording").exit_code == 0
    assert recording.kwargs == {"progress": True}


def test_result_as_text(stand_in):
    result = {"accuracy": 61.234, "layers": {"conv1": 0.5}, "rows": [{"rule": "a", "x": 1}, {"rule": "b", "x": None}]}
    result["rows"][1]["files"] = [{"name": "f", "ok": True}]
    stand_in("demo", "demo", result)
    text = apical("demo").stdout.splitlines()
    assert [line.split() for line in text] == [
        ["accuracy", "61.23"],
        ["layers"],
        ["conv1", "0.5"],
        ["rows"],
        ["rule", "a", "x", "1"],
        ["rule", "b", "x", "-"],
        ["files"],
        ["name", "f", "ok", "True"],
    ]


def test_config_show_can_be_run_again(tmp_path):
    shown = apical("config", "show", "cifar10-dfb", "--set", "seed=3")
    path = tmp_path / "shown.yaml"
    path.write_text(shown.stdout)
    assert load(str(path)) == load("cifar10-dfb", ["seed=3"])
    asked = json.loads(apical("config", "show", "cifar10-dfb", "--set", "seed=3", "--json").stdout)
    assert shown.stdout.startswith(f"# sha256 {asked['config_sha256']}\n")
    assert asked["config"]["rule"]["context"] == "dfb"


def test_config_schema_is_json():
    assert json.loads(apical("config", "schema").stdout) == json.loads(apical("config", "schema", "--json").stdout)


def test_a_comparison_with_a_failed_run_ends_with_1_after_its_result(stand_in):
    rows = [{"rule": "lpl", "seed": 0, "seconds": 1.0}, {"rule": "pixels", "seed": 0}]
    stand_in("compare.run", "compare", {"rows": rows, "failed": {"clapp++-seed0": "why"}})
    result = apical("compare", "--out", "there", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["failed"] == {"clapp++-seed0": "why"}
    assert result.stderr == (
        "Error: there: expected 2 finished runs, got 1 failed: clapp++-seed0; compare.json says why\n"
    )


def test_every_preset_and_rule_is_listed_once_in_its_group():
    from apical.plasticity import RULES
    from apical.protocols.settings.yaml import presets

    found = json.loads(apical("config", "list", "--json").stdout)
    for known, groups in ((presets(), found["presets"]), (list(RULES), found["rules"])):
        assert sorted(name for names in groups.values() for name in names) == sorted(known)
    assert found["presets"]["demo"] == ["demo"]
    assert found["rules"]["from explicit factors, supervised"] == ["dfa", "fa", "sal"]
    assert "forward-forward" in found["rules"]["from explicit factors"]
    assert found["rules"]["autograd inside a block"] == ["blockwise-barlow", "blockwise-simclr", "blockwise-vicreg"]
    assert set(found["rules"]["end-to-end backpropagation"]) >= {"bp-clapp++", "hinge-cpc"}
    text = apical("config", "list").stdout
    assert "  demo: demo" in text
    assert max(map(len, text.splitlines())) <= 100
