"""A network of one's own from end to end: trained, read out, aligned, shown stimuli, lesioned and replayed; and the run of `vgg6` where it spells it."""

import pytest
from apical.models.engine.checkpoint import stored_weights
from apical.protocols.align import Plan, align
from apical.protocols.errors import ConfigError
from apical.protocols.lesion.run import lesion
from apical.protocols.probe.run import probe
from apical.protocols.record import RecordSettings, record
from apical.protocols.replay import ReplaySettings, replay_run
from apical.protocols.runs.trained import open_run
from apical.recordings import open as open_recording
from small_runs import make_run
from tolerances import assert_exact

OWN = [
    {"conv": 6, "kernel": 5, "stride": 2, "rim": "reflect"},
    {"conv": 8, "kernel": 2, "padding": 1, "pool": 3, "pool_kind": "mean"},
    {"conv": 8, "kernel": 1, "grid": 1},
    {"dense": 12},
]
FREE = {"rule__grids": [], "network__builder": "layers", "network__width": 1.0}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("layers") / "run", **FREE, network__layers=OWN)


def test_it_is_recorded_and_opened(run):
    network = open_run(run).network()
    assert network.names == ["conv1", "conv2", "conv3", "dense1"]
    assert [population.shape for population in network.populations] == [(6, 8, 8), (8, 3, 3), (8, 3, 3), (12,)]
    with open_recording(run) as recording:
        assert list(recording["activity"].children) == network.names
        assert recording["activity/dense1/apical"].shape[1] == 8


def test_it_is_read_out_and_aligned(run):
    found = probe(run, progress=False)
    assert list(found["layers"]) == ["conv1", "conv2", "conv3", "dense1"]
    told = align([run], Plan(batches=2), progress=False)
    assert "dense1" in str(told)


def test_it_is_shown_gratings_with_the_synapses_that_a_stride_reaches(run):
    settings = RecordSettings(
        stimulus="gratings", units=("conv1=all", "dense1=all"), variables=("rate", "eligibility"), synapses=2
    )
    assert record(run, settings, progress=False)["units"] == {"conv1": 384, "dense1": 12}


def test_it_is_lesioned(run):
    assert lesion(run, "apical_block", seeds=[0], steps=4, progress=False)["protocol"] == "apical_block"


@pytest.mark.slow
def test_it_is_replayed(run):
    pytest.importorskip("brian2", reason="the bridge needs brian2")
    settings = ReplaySettings(quick=True, units=4, trials=8, duration=60.0, population="conv2")
    checks = {check["name"]: check["passed"] for check in replay_run(run, settings, progress=False)["checks"]}
    assert checks["C0"], "the circuit's factors are not the engine's"


def test_layers_that_spell_vgg6_make_its_run(tmp_path):
    grids, pools = (4, 2, 2, 2, 1, 1), (0, 1, 0, 1, 1, 1)
    spelt = [
        {"conv": channels, "pool": 2 * pool, "grid": grid}
        for channels, pool, grid in zip((4, 8, 8, 16, 32, 32), pools, grids, strict=True)
    ]
    theirs = make_run(tmp_path / "vgg6")
    ours = make_run(tmp_path / "layers", **FREE, network__layers=spelt)
    newest = [stored_weights(open_run(folder).newest()) for folder in (theirs, ours)]
    assert_exact(*newest)
    first, second = (open_recording(folder).load() for folder in (theirs, ours))
    assert first["activity"].identical(second["activity"])


def test_dense_layers_cannot_be_read_out_on_more_than_they_learnt(tmp_path):
    free = FREE | {"rule__name": "clapp", "rule__context": "lateral", "rule__options": {"presentation": "patches"}}
    with pytest.raises(
        ConfigError,
        match=r"network\.builder: expected one of .* for patches, got 'layers', which cannot be read out on whole",
    ):
        make_run(tmp_path / "dense", **free, stimulus__image_size=32, network__layers=[{"conv": 4}, {"dense": 4}])
    make_run(tmp_path / "maps", **free, stimulus__image_size=32, network__layers=[{"conv": 4}])
