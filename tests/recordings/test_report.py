import base64
import json
import os
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from apical.recordings import RecordingError, Writer, draw_all, metrics_table, write_report
from apical.recordings.captions import caption
from apical.recordings.figures import Figures


class Balanced(HTMLParser):
    """Checks that every tag is closed in order, and keeps the names seen."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def reported(make_run, tmp_path_factory):
    """The report of a run with two small populations."""
    names = ("conv1", "conv2")
    folder = make_run(tmp_path_factory.mktemp("r") / "run", populations=names, steps=10, trials=10, units=3)
    figures = draw_all(folder)
    return write_report(folder, figures), figures


def test_the_report_is_well_formed_and_stands_alone(reported):
    html = reported[0].read_text(encoding="utf-8")
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert "script" not in parser.seen
    assert not re.search(r'(src|href)="(?!data:image/png;base64,)', html)


def test_every_figure_is_in_it_with_its_caption(reported):
    path, figures = reported
    html = path.read_text(encoding="utf-8")
    images = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert [base64.b64decode(image) for image in images] == [png.read_bytes() for png in figures.values()]
    for name in figures:
        assert str(caption(name)) in html


def test_what_was_run_is_escaped(reported):
    html = reported[0].read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in html
    assert "apical train shapes --out runs/&lt;demo&gt;" in html
    assert "commit f86211b, dirty yes" in html


def test_results_stand_in_tables(reported):
    html = reported[0].read_text(encoding="utf-8")
    assert "<td>all layers</td><td>75.00</td><td>30.00</td>" in html
    assert "<td>pixels</td><td>20.00</td>" in html
    assert "5,000 training and 1,000 test images" in html
    assert html.count('<th scope="col">P(fixation &gt; saccade)</th>') == 1


def test_a_run_of_one_step_has_a_report_that_says_what_is_missing(tmp_path):
    with Writer.create(tmp_path / "recording.zarr", [metrics_table(["<l1>"], 3)], attributes={}) as writer:
        step = np.array([0])
        loss = {"learning_rate": np.array([0.1]), "loss": np.array([[0.123456]], "f4")}
        writer.append("metrics", {"step": step, "epoch": step / 4, "samples": step, **loss})
    html = write_report(tmp_path).read_text(encoding="utf-8")
    assert "<td>&lt;l1&gt;</td><td>0.123</td><td>0.123</td>" in html
    assert "<b>gates</b>: recording.updates: expected at least one population" in html
    (tmp_path / "probe.json").write_text(json.dumps({"accuracy": "<i>"}))
    assert "expected 0 to 100 per cent, got &#39;&lt;i&gt;&#39;" in write_report(tmp_path).read_text(encoding="utf-8")


def made_report(folder, **documents):
    """The report of an empty run with these documents beside its recording."""
    store = folder / "recording.zarr"
    if not store.exists():
        Writer.create(store, [metrics_table(["l1"], 3)], attributes={}).close("interrupted")
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return write_report(folder, Figures()).read_text(encoding="utf-8")


def test_layers_that_are_read_together_are_named_where_they_are_not_all(tmp_path):
    layers = {name: {"accuracy": 50.0, "accuracy_random": 25.0} for name in ("conv1", "conv2")}
    probe = {"accuracy": 75.0, "accuracy_random": 30.0, "layers": layers}
    for more, told in (
        ({}, "all layers"),
        ({"together": ["conv1", "conv2"]}, "all layers"),
        ({"together": ["conv2"]}, "together: conv2"),
        ({"together": ["conv1", "conv2"], "populations": ["conv1", "conv2", "conv3"]}, "together: conv1, conv2"),
    ):
        assert f"<td>{told}</td><td>75.00</td><td>30.00</td>" in made_report(tmp_path, probe=probe | more)


@pytest.mark.parametrize("replay", [{}, {"checks": [{}]}, {"checks": 3}, {"checks": [], "circuit": [], "settings": {}}])
def test_a_replay_of_another_shape_is_one_sentence(tmp_path, replay):
    with pytest.raises(
        RecordingError, match=r"run\.replay: expected checks, circuit, settings and risks in .*replay\.json"
    ):
        made_report(tmp_path, replay=replay)


def test_every_part_of_a_resumed_run_is_told(tmp_path):
    assert "resumed at step" not in made_report(tmp_path)
    for step in (3, 8):
        part = {"step": step, "device": "cuda", "host": {"name": "elsewhere"}}
        Writer.resume(tmp_path / "recording.zarr", {"metrics": 0}, part=part).close("interrupted")
    html = made_report(tmp_path)
    for step in (3, 8):
        assert (
            f'<th scope="row">resumed at step {step}</th><td>step {step}, device cuda, host name elsewhere</td>' in html
        )


def test_an_empty_recording_has_a_report(tmp_path):
    Writer.create(tmp_path / "recording.zarr", [metrics_table(["l1"], 3)], attributes={}).close("interrupted")
    html = write_report(tmp_path).read_text(encoding="utf-8")
    assert "No steps are recorded." in html
    assert "interrupted" in html


def test_a_report_that_cannot_be_written_is_an_error(reported, tmp_path):
    (reported[0].parent / f".report.html.{os.getpid()}.partial").mkdir()
    with pytest.raises(RecordingError, match=r"report\.path: expected to write .*report\.html"):
        write_report(reported[0].parent, reported[1])


def test_captions_name_the_feedback_dendrite():
    assert "top population" in caption("scores_feedback")
    assert "top population" not in caption("scores")
    assert caption("traces_conv1_feedback").startswith("Single units")
