"""One way of reading a network out, whoever asks, and the table that it is chosen from."""

from dataclasses import replace

import pytest
import torch
from apical.models.engine import Architecture, build_network
from apical.plasticity import ClappPP, ForwardForward
from apical.protocols.errors import ConfigError, NotFiniteError, ProtocolError
from apical.protocols.lesion.run import lesion
from apical.protocols.probe.run import probe
from apical.protocols.readouts.kinds import OfNetworks, OfRates, read_out_of
from apical.protocols.readouts.reading import check, read_out, read_out_pixels
from apical.protocols.readouts.table import FITTED, READ_OUTS
from apical.protocols.runs.folder import RunFolder
from apical.protocols.runs.reading import reading_of
from apical.protocols.runs.streams import stream
from apical.protocols.settings.load import ProbeConfig, load
from apical.protocols.stimuli import load as load_stimulus
from small_runs import make_run


@pytest.fixture(scope="module")
def stimulus():
    return load_stimulus("shapes", image_size=16, n_train=60, n_test=30, seed=0)


@pytest.fixture(scope="module")
def network():
    return build_network(
        Architecture("vgg6", (3, 16, 16), 0.03125, (), (4, 2, 2, 2, 1, 1)), ClappPP(), seed=0, classes=10
    )


def reading(stimulus, rule=None, **words):
    return reading_of(load("demo"), rule or ClappPP(), stimulus, field="here", **words)


@pytest.mark.parametrize("word", READ_OUTS)
def test_a_row_fits_its_home(word):
    row = READ_OUTS[word]
    assert isinstance(read_out_of(word), OfRates if row.fitted else OfNetworks)
    assert set(row.settings) < set(ProbeConfig.model_fields)
    assert not row.variant or row.variant in row.settings


def test_settings_choose_among_those_that_every_network_has():
    assert FITTED == ("linear", "knn")
    with pytest.raises(ConfigError, match=r"probe.read_out: expected one of linear, knn, got 'goodness'"):
        load("demo", ["probe.read_out=goodness"])


def test_lesion_reads_out_as_probe_does(tmp_path):
    """Also where the builder's maps are read in a way of its own."""
    run = make_run(
        tmp_path / "run", recording__enabled=False, network__builder="scff", rule__grids=[4, 2, 1],
    )  # fmt: skip
    looked = lesion(run, "apical_block", seeds=[0], steps=1, progress=False)
    before = looked["conditions"]["sham"]["measures"]["accuracy"]["before"]["values"]
    assert before == [probe(run, layers=["conv3"], progress=False)["layers"]["conv3"]["accuracy"]]


@pytest.mark.parametrize("kind", FITTED)
def test_populations_for_themselves_and_together(network, stimulus, kind):
    told = []
    how = reading(stimulus, n_train=40, read_out=kind)
    found = read_out(network, how, ["conv1", "conv6"], ["conv1", "conv6"], told.append)
    assert told == list(found) == ["conv1", "conv6", "all"]
    assert read_out(network, how, ["conv6"])["conv6"] == found["conv6"]
    assert list(read_out(network, how, ["conv6"])) == ["conv6"]
    x, y = (how.seen(network, images, ["conv1", "conv6"]).matrix for images in (how.train, how.test))
    assert found["all"] == how.fit(x, how.train.labels, y, how.test.labels)
    assert (len(how.train), len(how.test)) == (40, 30)
    assert 0 <= read_out_pixels(how).accuracy <= 100


def test_every_fit_draws_anew_from_one_seed(stimulus):
    how = reading(stimulus)
    expected = torch.rand(3, generator=stream(load("demo").seed, "read-out"))
    for _ in range(2):
        assert torch.equal(torch.rand(3, generator=how.draws()), expected)


def test_a_read_out_is_handed_what_its_row_names(stimulus):
    assert reading(stimulus, read_out="knn", neighbours=3).chosen == {"neighbours": 3, "temperature": 0.07}
    assert reading(stimulus).title == "linear (ridge)"
    assert reading(stimulus, read_out="knn").title == "knn"


def test_more_images_than_there_are_means_all(stimulus):
    assert reading(stimulus, n_train=1000).train is stimulus.train
    assert len(reading(stimulus, n_test=7).test) == 7


def test_unlabelled_images_are_refused(stimulus):
    blind = replace(stimulus, test=replace(stimulus.test, labels=torch.full_like(stimulus.test.labels, -1)))
    with pytest.raises(
        ProtocolError, match=r"^here: expected labelled images, got 60 for training and 0 for testing; "
    ):
        reading(blind)


def test_a_network_that_diverged_is_told_from_others(stimulus):
    network = build_network(Architecture("mlp", (3, 16, 16), hidden=(5,)), ClappPP(), seed=0, classes=10)
    network.populations[0].bias.fill_(torch.inf)
    with pytest.raises(NotFiniteError, match="the network has diverged"):
        read_out(network, reading(stimulus), ["dense1"])


def test_goodness_needs_its_rule_and_no_sum(stimulus):
    rule = ForwardForward()
    network = build_network(Architecture("mlp", (3, 16, 16), hidden=(5, 4)), rule, seed=0, classes=10)
    how = reading(stimulus, rule, read_out="goodness")
    assert list(read_out(network, how, ["dense2"])) == ["dense2"]
    assert list(read_out(network, how, ["dense2"], ["dense2"])) == ["dense2", "all"]
    assert how.together(network.names) == ["dense2"]
    with pytest.raises(ConfigError, match=r"expected linear or knn for ClappPP with glances, got goodness"):
        check(network, replace(how, rule=ClappPP()), ["dense2"], ["dense2"])


def test_an_unknown_read_out_is_refused_and_not_taken_for_a_linear_one(tmp_path):
    run = make_run(tmp_path / "run", recording__enabled=False)
    with pytest.raises(
        ConfigError, match=r"probe.read_out: expected one of linear, knn, goodness, got 'linaer'; did you mean linear\?"
    ):
        probe(run, read_out="linaer", progress=False)


def test_the_rule_of_a_run_is_made_once(tmp_path, monkeypatch):
    made = []
    begin = ClappPP.__post_init__
    monkeypatch.setattr(ClappPP, "__post_init__", lambda rule: (made.append(rule), begin(rule))[1])
    run = make_run(tmp_path / "run", recording__enabled=False)
    in_all = len(made)
    load(str(tmp_path / "run.yaml"))
    checked = len(made) - in_all
    assert in_all == checked + 1
    made.clear()
    RunFolder(run).settings()
    checked = len(made)
    probe(run, layers=["conv6"], progress=False)
    assert len(made) == 2 * checked + 1
