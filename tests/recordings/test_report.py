import base64
import os
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from apical.recordings import (
    PLAIN,
    Drawing,
    RecordingError,
    Section,
    TextTable,
    Writer,
    draw_all,
    metrics_table,
    write_report,
    write_section,
)  # fmt: skip
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
    assert not re.search(r'(src|href)="(?!data:image/png;base64,|#)', html)


def test_every_figure_is_in_it_with_its_caption(reported):
    path, figures = reported
    html = path.read_text(encoding="utf-8")
    images = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert [base64.b64decode(image) for image in images] == [png.read_bytes() for png in figures.values()]
    for name in figures:
        assert str(caption(name, figures.words, figures.smoothed)) in html


def test_what_was_run_is_escaped(reported):
    html = reported[0].read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in html
    assert "apical train shapes --out runs/&lt;demo&gt;" in html
    assert "commit f86211b, dirty yes" in html


def test_results_stand_in_a_table(reported):
    html = reported[0].read_text(encoding="utf-8")
    assert html.count('<th scope="col">P(fixation &gt; saccade)</th>') == 1
    assert html.count("<tr><td>conv1</td>") == 1


def test_every_heading_is_reached_from_the_contents(reported):
    html = reported[0].read_text(encoding="utf-8")
    targets = re.findall(r'<li><a href="#([^"]+)">', html)
    assert targets == re.findall(r'<h2 id="([^"]+)">', html)
    assert targets == ["results", "run", "figures", "recording", "configuration"]


def test_sections_of_analyses_are_laid_out(reported, tmp_path):
    folder = shutil.copytree(reported[0].parent, tmp_path / "run", ignore=shutil.ignore_patterns(".*"))
    table = TextTable(head=("what", "value"), rows=(("<b>", "7"),), title="Numbers", folded=True)
    drawing = Drawing(name="gone", title="A lost figure")
    for name in ("replay-a", "replay-b"):
        write_section(
            folder,
            Section(name=name, title=f"Title {name}", summary=(f"Done as {name}, <var>z</var> < 1.",), command="apical x",
                    tables=(table,), figures=(drawing,), notes=("A limit.",)),
        )  # fmt: skip
    html = write_report(folder, reported[1]).read_text(encoding="utf-8")
    for name in ("replay-a", "replay-b"):
        assert f'<h2 id="{name}">Title {name}</h2>' in html
        assert f"<p>Title {name}: Done as {name}, <var>z</var> &lt; 1.</p>" in html  # in the summary of the run
    assert html.count("<summary>Numbers</summary>") == 2
    assert html.count("<td>&lt;b&gt;</td><td>7</td>") == 2
    assert html.count("A lost figure is left out") == 2


def test_a_report_uses_the_words_of_its_rule(tmp_path, make_run):
    words = {
        "first": "positive",
        "second": "negative",
        "score": "g, goodness",
        "modulator": "γ = σ(−g)",
        "gate": "",
        "apical": "",
    }
    folder = make_run(tmp_path / "run", populations=("conv1",), steps=4, trials=8, units=2, words=words)
    html = write_report(folder).read_text(encoding="utf-8")
    text = html[html.index("<body>") : html.index('id="configuration"')]
    assert "P(positive &gt; negative)" in text
    assert "γ = σ(−g)" in text
    assert "Shaded: negative." in text
    for foreign in ("fixation", "saccade", "margin", "glance"):
        assert foreign not in text


def test_a_run_of_one_step_has_a_report_that_says_what_is_missing(tmp_path):
    with Writer.create(tmp_path / "recording.zarr", [metrics_table(["<l1>"], 3)], attributes={}) as writer:
        step = np.array([0])
        loss = {"learning_rate": np.array([0.1]), "loss": np.array([[0.123456]], "f4")}
        writer.append("metrics", {"step": step, "epoch": step / 4, "samples": step, **loss})
    html = write_report(tmp_path).read_text(encoding="utf-8")
    assert "<td>&lt;l1&gt;</td><td>0.123</td><td>0.123</td>" in html
    assert "gates is left out: recording.updates: expected at least one population" in html


def made_report(folder):
    """The report of an empty run."""
    store = folder / "recording.zarr"
    if not store.exists():
        Writer.create(store, [metrics_table(["l1"], 3)], attributes={}).close("interrupted")
    return write_report(folder, Figures()).read_text(encoding="utf-8")


def test_every_part_of_a_resumed_run_is_told(tmp_path):
    assert "resumed at step" not in made_report(tmp_path)
    for step in (3, 8):
        part = {"step": step, "device": "cuda", "host": {"name": "elsewhere"}}
        Writer.resume(tmp_path / "recording.zarr", {"metrics": 0}, part=part).close("interrupted")
    html = made_report(tmp_path)
    for step in (3, 8):
        assert f"<td>resumed at step {step}</td><td>step {step}, device cuda, host name elsewhere</td>" in html


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
    assert "top population" in caption("scores_feedback", PLAIN, False)
    assert "top population" not in caption("scores", PLAIN, False)
    assert caption("traces_conv1_feedback", PLAIN, False).startswith("Single units")


def test_captions_speak_of_smoothing_where_there_is_some():
    assert "running" not in caption("learning", PLAIN, False) and "mean over a fiftieth" not in caption(
        "learning", PLAIN, False
    )
    assert "mean over a fiftieth" in caption("learning", PLAIN, True)
    assert "mean over a fiftieth" not in caption("potentials", PLAIN, True)


def test_texts_of_others_are_escaped():
    assert caption("gates", {**PLAIN, "modulator": "<script>"}, False).count("&lt;script&gt;") == 1


def test_own_recordings_are_listed(reported, tmp_path, make_run):
    folder = shutil.copytree(reported[0].parent, tmp_path / "run", ignore=shutil.ignore_patterns(".*"))
    made = make_run(tmp_path / "other", populations=("conv1",), steps=4, trials=8, units=2)
    shutil.copytree(made / "recording.zarr", folder / "recordings" / "gratings.zarr")
    shutil.copytree(made / "recording.zarr", folder / "recordings" / "noise.zarr")
    (folder / "recordings" / "noise.zarr" / "activity" / "conv1" / "zarr.json").write_text("{")
    html = write_report(folder, reported[1]).read_text(encoding="utf-8")
    assert "<td>gratings</td><td>complete</td><td>8</td><td>conv1 (2)</td>" in html
    assert "<td>noise</td><td>damaged</td>" in html
    assert "Own recordings" not in reported[0].read_text(encoding="utf-8")
