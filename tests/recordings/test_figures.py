import pytest
from apical.recordings import RecordingError, draw_all, write_report
from apical.recordings.figures import read_probe, read_replay


@pytest.fixture
def copied(make_run, tmp_path):
    """A run folder that may be written to, with one small population."""

    def make(**options):
        return make_run(tmp_path / "run", populations=("conv1",), steps=10, trials=10, units=3, **options)

    return make


def test_every_figure_of_a_run_is_drawn(copied):
    folder = copied()
    drawn = draw_all(folder)
    assert list(drawn) == ["learning", "read_outs", "scores", "gates", "potentials", "changes", "traces_conv1"]
    assert drawn.skipped == {}
    for name, path in drawn.items():
        assert path == folder / "figures" / f"{name}.png"
        assert path.stat().st_size > 5000
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_what_is_not_recorded_is_skipped_with_a_reason(copied):
    folder = copied(apical=False)
    (folder / "probe.json").unlink()
    drawn = draw_all(folder)
    assert list(drawn) == ["learning", "changes", "traces_conv1"]
    assert set(drawn.skipped) == {"read_outs", "scores", "gates", "potentials"}
    assert "apical probe" in drawn.skipped["read_outs"]
    assert drawn.skipped["gates"].startswith("updates/conv1.gate_fixation: expected this variable, got none")


@pytest.mark.parametrize(
    "text",
    [
        "{", "[1]", '"x"', "{}", '{"layers": {}}', '{"accuracy": 1, "layers": []}', '{"accuracy": 1, "layers": {"conv1": 3}}',
        '{"accuracy": 1, "together": 3}', '{"accuracy": 1, "n_train": "many"}',
    ],
)  # fmt: skip
def test_a_damaged_read_out_is_refused(tmp_path, text):
    (tmp_path / "probe.json").write_text(text)
    with pytest.raises(RecordingError, match=r"run\.probe: expected"):
        read_probe(tmp_path)


@pytest.mark.parametrize("text", ["{", "[1]", '{"figures": 3}'])
def test_a_damaged_replay_is_refused(tmp_path, text):
    (tmp_path / "replay.json").write_text(text)
    with pytest.raises(RecordingError, match=r"run\.replay: expected"):
        read_replay(tmp_path)


def test_signals_that_cannot_be_read_are_skipped_with_a_reason(copied, monkeypatch):
    monkeypatch.setattr("apical.recordings.figures.save", lambda figure, stem: stem)
    folder = copied()
    for path in (folder / "recording.zarr" / "metrics" / "loss" / "c").rglob("*"):
        if path.is_file():
            path.write_bytes(b"damaged")
    drawn = draw_all(folder)
    assert drawn.skipped.keys() == {"learning"}
    assert drawn.skipped["learning"].startswith("recording.metrics/loss: expected the chunk metrics/loss/c/0/0 ")
    with pytest.raises(RecordingError, match="got another checksum"):
        write_report(folder, drawn)


def test_a_folder_without_a_recording_is_refused(tmp_path):
    with pytest.raises(RecordingError, match=r"expected a recording\.zarr or a run folder"):
        draw_all(tmp_path)
