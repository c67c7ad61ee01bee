"""Measures, events, objects and contingencies from outside, and single populations."""

import json
from hashlib import sha256

import pytest
import yaml
from apical.models.outside import OutsideError
from apical.protocols.command.main import main
from apical.protocols.errors import ConfigError, ProtocolError
from apical.protocols.lesion import protocol as spec
from apical.protocols.lesion.foreign import named
from apical.protocols.lesion.quantities import MEASURES
from apical.recordings import open as open_recording
from apical.recordings.sections import read_section

OWN = '''
import torch
from apical.protocols.lesion.events import Act
from apical.protocols.lesion.quantities import Measure


def weight_norm(subject) -> dict[str, float]:
    """Length of the basal weights."""
    return {name: float(weight.norm()) for name, weight in subject.weights().items()}


def top_rate(subject) -> float:
    """Mean pooled rate of the top population at one batch of glances."""
    from apical.models.engine import rates
    return float(rates(subject.network, subject.glances("probe", 0).images)[-1].mean())


halves = Measure("half of the steps done", units="steps", find=lambda subject: subject.steps_done / 2)
last = Measure("change at the last lag", stage="synapse", find=lambda curve: curve.y[-1])


def silence(subject, *, populations: tuple[str, ...] = (), share: float = 1.0) -> None:
    """Weights of a share of the channels are cut."""
    for population in subject.network.populations:
        if population.name in populations:
            population.weight[: round(share * len(population.weight))] = 0


class Scale(Act):
    plain = "by"
    by: float = 2.0

    def act(self, subject):
        for population in subject.network.populations:
            population.weight.mul_(self.by)


def stripes(number, *, shape, generator):
    """Bars whose place is their number's."""
    images = torch.zeros(len(number), *shape)
    for row, of in enumerate(number.tolist()):
        images[row, :, of % shape[1]] = torch.rand(1, generator=generator)
    return images


def backwards(objects, *, generator):
    return list(range(objects))[::-1]


def wrong(subject) -> float:
    return subject.nothing


def text(subject) -> float:
    return "many"


def partly(subject) -> dict[str, float]:
    return {"conv1": 1.0}


def unsaid(subject):
    return 1.0


def greedy(subject, other) -> float:
    return 1.0


def burning(subject, *, by: float) -> None:
    raise ValueError(f"too hot by {by}")


def leaving(subject) -> float:
    raise SystemExit(0)


def starred(subject, *names):
    pass


def dark(number, *, shape, generator):
    return torch.zeros(1)


def loud(number, *, shape, generator):
    return torch.full((len(number), *shape), 7.0)


def stuck(objects, *, generator):
    return [0] * objects


def rate(subject) -> float:
    return 0.0


class Nothing(Act):
    pass


class Other:
    pass


number = 3
blind = Measure("nothing")
'''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def write(folder, **document):
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return str(path)


def one(*events, **head):
    """A protocol of one condition."""
    events = [*events, "probe"] if "probe" not in events else list(events)
    return {"measures": ["moved"], "conditions": {"only": {"events": events}}, **head}


def values(result, condition, measure, probe="after"):
    return result["conditions"][condition]["measures"][measure][probe]["values"]


def test_a_protocol_of_ones_own_runs_from_a_file(dfb, folder, capsys):
    """Every kind of word at once, by the command, from another folder than the current one."""
    looking = [{"contingency": {"follows": "own.py:backwards"}}, {"probe": "before"}]
    path = write(
        folder,
        title="Of my own",
        steps=2,
        stimuli={"objects": "own.py:stripes", "count": 8},
        measures=["moved", "own.py:weight_norm", "own.py:top_rate", "own.py:halves"],
        conditions={
            "cut": {"events": [*looking, {"own.py:silence": {"populations": ["conv1"], "share": 1.0}}, "fixation", "probe"]},
            "doubled": {"events": [*looking, {"own.py:Scale": 3.0}, "probe"]},
            "intact": {"control": True, "events": [*looking, "fixation", "probe"]},
        },
        expect=["doubled.weight_norm between 2.99 * doubled.weight_norm.before and 3.01 * doubled.weight_norm.before", "intact.halves = 1"],
    )  # fmt: skip
    # a key is a word as well: yaml keeps it, the protocol makes its path absolute
    with pytest.raises(SystemExit) as left:
        main.main(
            args=["lesion", str(dfb), "--protocol", path, "--seeds", "0", "--quiet", "--json"], prog_name="apical"
        )
    out, err = capsys.readouterr()
    assert left.value.code == 0, err
    result = json.loads(out.splitlines()[-1])
    assert result["expected"]
    kept = {word.rpartition(":")[2] for word in result["sources"]}
    assert kept == {"weight_norm", "top_rate", "halves", "silence", "Scale", "backwards", "stripes"}
    assert {told["sha256"] for told in result["sources"].values()} == {sha256(OWN.encode()).hexdigest()}
    assert values(result, "cut", "halves") == [1.0]
    assert values(result, "intact", "weight_norm", "before") == values(result, "cut", "weight_norm", "before")
    found = open_recording(dfb / "recording.zarr")["lesion_mine"].dataset
    assert found["weight_norm"].dims == ("seed", "condition", "probe", "population")
    assert found["weight_norm"].attrs["long_name"] == "length of the basal weights"
    assert found["halves"].attrs["units"] == "steps"
    norms = found["weight_norm"].sel(seed=0, probe="after", population="conv1")
    assert norms.sel(condition="cut") < 0.2 * norms.sel(condition="intact")
    (table,) = [
        t for t in read_section(dfb / "sections" / "lesion-mine.json").tables if t.title.startswith("At the last probe")
    ]
    assert "halves (steps)" in table.head


def test_own_measures_are_asked_of_a_curve(folder):
    chosen = spec.load(write(folder, stage="synapse", measures=["change", "own.py:last"], conditions={"a": {"events": [{"pairing": {"lag": [5.0, 10.0]}}, "probe"]}}))  # fmt: skip
    from apical.protocols.lesion.stages import SynapseStage

    (found,) = SynapseStage(chosen).live(chosen.conditions[0], 0, lambda: None).values()
    assert found.values["last"] == found.y[-1]
    assert {"change", "last"} <= found.values.keys()


@pytest.mark.parametrize(
    "event", [{"apical": {"scale": 0.0}}, {"gamma": {"clamp": 0.0}}, {"apical": {"lesion": "all"}}]
)
def test_an_event_reaches_single_populations(dfb, event):
    ((word, settings),) = event.items()
    document = {
        "steps": 2,
        "measures": ["moved", "gate"],
        "conditions": {
            "one": {"events": [{"probe": "before"}, {word: {**settings, "populations": ["conv2", "conv5"]}}, "fixation", "probe"]},
            "none": {"events": [{"probe": "before"}, "fixation", "probe"]},
        },
    }  # fmt: skip
    chosen = spec.build("single", document)
    result = run(dfb, chosen)
    moved = {label: result[label, 0]["after"]["moved"] for label in ("one", "none")}
    assert [name for name, value in moved["one"].items() if value == 0] == ["conv2", "conv5"]
    assert all(value > 0 for value in moved["none"].values())


def run(folder, chosen):
    """Everything that the conditions of a protocol find with seed 0."""
    from apical.plasticity import ClappPP
    from apical.protocols.lesion.stages import NetworkStage, Origin
    from apical.protocols.runs.trained import describe

    opened = describe(folder, rule=ClappPP).open(progress=False)
    stage = NetworkStage(Origin(opened, opened.newest(), chosen), chosen.head.steps)
    return {(c.label, 0): stage.live(c, 0, lambda: None) for c in chosen.conditions}


def test_a_scaled_population_comes_back_alone(dfb):
    """`scale: 1` of the same populations undoes theirs, and no other."""
    back = [
        {"apical": {"scale": 0.0}},
        {"apical": {"scale": 0.0, "populations": ["conv1"]}},
        {"apical": {"scale": 1.0, "populations": ["conv1"]}},
    ]
    found = run(
        dfb, spec.build("back", {"measures": ["score_same"], "conditions": {"a": {"events": [*back, "probe"]}}})
    )
    assert set(found["a", 0]["after"]["score_same"].values()) == {0.0}


@pytest.mark.parametrize(("document", "message"), [
    (one(measures=["own.py:nothing_here"]), r"measures: expected a name in .*own.py, got 'nothing_here'"),
    (one(measures=["own.py:unsaid"]), r"expected a measure that says `-> float` or `-> dict\[str, float\]`.*annotate it"),
    (one(measures=["own.py:greedy"]), r"expected a measure of the subject alone, got .*greedy, which asks for other too; give a default"),
    (one(measures=["own.py:number"]), r"expected a measure, a function of the subject, got .*number, which is int"),
    (one(measures=["own.py:blind"]), r"expected a Measure with `find`, got .*blind without"),
    (one(measures=["own.py:rate"]), r"expected measures of different names, got .*rate' for 'rate' again; rename the function"),
    (one(measures=["own.py:top_rate", "own.py:top_rate"]), r"measures of different names"),
    (one(measures=["absent.py:x"]), r"measures: expected a Python file at .*absent.py, got no such file"),
    (one(measures=["ratte"]), r"expected names among .*, got 'ratte'; did you mean rate"),
    (one(published={"nothing": [0.0, 1.0]}), r"published: expected a measure and its range"),
    (one({"own.py:Other": {}}), r"events\[0\]: expected an event, a function of the subject or a subclass of Act, got the class"),
    (one({"own.py:Nothing": {}}), r"expected an event with a method `act`, got .*Nothing without"),
    (one({"own.py:number": {}}), r"expected an event, a function of the subject, got .*number, which is int"),
    (one({"own.py:starred": {}}), r"expected an event of named settings, got .*starred with \*names; name them"),
    (one({"own.py:burning": {}}), r"events\[0\].*burning.by: expected a value"),
    (one({"own.py:silence": {"sahre": 1.0}}), r"sahre.*share"),
    (one({"own.py:Scale": "much"}), r"Scale.by: expected a number, got 'much'"),
    (one({"blink": {}}), r"events\[0\]: expected one of fixation, .*, got 'blink'"),
    (one({"own.py:Scale": 1.0}, stage="synapse", measures=["change"]), r"expected an event of stage synapse, got .*Scale, which belongs to network"),
    (one(stimuli={"objects": "own.py:number"}), r"stimuli.objects: expected objects, a function of 1 argument and shape, generator"),
    (one(stimuli={"objects": "own.py:backwards"}), r"stimuli.objects: expected objects, .* without shape"),
    (one(stimuli={"objects": "cubes"}), r"stimuli.objects: expected one of stream, .*, got 'cubes'"),
    (one({"contingency": {"follows": "own.py:silence"}}), r"contingency.follows: expected a contingency, .* without generator"),
])  # fmt: skip
def test_misuse_is_refused_when_the_protocol_is_read(folder, document, message):
    with pytest.raises(ConfigError, match=message):
        spec.load(write(folder, **document))


@pytest.mark.parametrize(("document", "message"), [
    (one(measures=["own.py:wrong"]), r"measures: expected wrong to be measured, got AttributeError: .*own.py, line \d+"),
    (one(measures=["own.py:leaving"]), r"measures: expected leaving to be measured, got SystemExit: 0"),
    (one(measures=["own.py:text"]), r"measures: expected a number from text, got 'many'; return a float"),
    (one(measures=["own.py:partly"]), r"expected a number for each of conv1, conv2, .* from partly, got conv1; give them in that order"),
    (one({"own.py:burning": 2.0}), r"events: expected burning to be done, got ValueError: too hot by 2.0"),
    (one("fixation", stimuli={"objects": "own.py:dark", "count": 4}, steps=1), r"expected images of shape \(8, 3, .*, got \(1,\)"),
    (one("fixation", stimuli={"objects": "own.py:loud", "count": 4}, steps=1), r"expected uint8 images, or numbers from 0 to 1"),
    (one({"contingency": {"follows": "own.py:stuck"}}, "fixation", steps=1), r"expected every object from 0 to \d+ once"),
    (one({"gamma": {"clamp": 0.0, "populations": ["conv9"]}}), r"conditions.only.events\[0\].populations: expected names among conv1, .*, got 'conv9'"),
])  # fmt: skip
def test_what_fails_later_is_told_in_a_sentence(dfb, folder, document, message):
    with pytest.raises((OutsideError, ProtocolError), match=message):
        run(dfb, spec.load(write(folder, **document)))


def test_names_of_words():
    assert named("a.b.measures:inner.sparse") == "sparse"
    assert named("my-own") == "my_own"
    assert MEASURES.group == "apical.measures"
