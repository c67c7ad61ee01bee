import pytest
from apical.recordings import RecordingError, Shown, draw_all, write_report


@pytest.fixture
def copied(make_run, tmp_path):
    """A run folder that may be written to, with one small population."""

    def make(**options):
        return make_run(tmp_path / "run", populations=("conv1",), steps=10, trials=10, units=3, **options)

    return make


def test_every_figure_of_a_run_is_drawn(copied):
    folder = copied()
    drawn = draw_all(folder)
    assert list(drawn) == ["learning", "scores", "gates", "potentials", "changes", "drives", "traces_conv1"]
    assert drawn.skipped == {}
    for name, path in drawn.items():
        assert path == folder / "figures" / f"{name}.png"
        assert path.stat().st_size > 5000
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_what_is_not_recorded_is_skipped_with_a_reason(copied):
    folder = copied(apical=False)
    drawn = draw_all(folder)
    assert list(drawn) == ["learning", "changes", "drives", "traces_conv1"]
    assert set(drawn.skipped) == {"scores", "gates", "potentials"}
    assert drawn.skipped["gates"].startswith("updates/conv1.gate_fixation: expected this variable, got none")


def test_populations_units_and_trials_can_be_chosen(copied, monkeypatch):
    folder = copied()
    drawn = {}
    monkeypatch.setattr("apical.recordings.figures.save", lambda figure, stem: drawn.setdefault(stem.name, figure))
    assert "traces_conv1" in draw_all(folder, Shown(populations=["conv1"], units=[2], trials=4, first=3))
    figure = drawn["traces_conv1"]
    assert figure.axes[0].lines[0].get_xdata().tolist() == [3, 4, 5, 6]
    assert "1 of 3 recorded units, trials 3 to 6" in figure.get_suptitle()
    skipped = draw_all(folder, Shown(first=99)).skipped
    assert "expected at least one of 0 to 9" in skipped["traces_conv1"]
    with pytest.raises(RecordingError, match=r"inspect\.population: .*conv1"):
        draw_all(folder, Shown(populations=["conv9"]))


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
