import pytest
from apical.recordings import RecordingError, draw_all
from apical.recordings.figures import read_probe


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


@pytest.mark.parametrize("text", ["{", "[1]", '"x"'])
def test_a_damaged_read_out_is_refused(tmp_path, text):
    (tmp_path / "probe.json").write_text(text)
    with pytest.raises(RecordingError, match=r"run\.probe: expected"):
        read_probe(tmp_path)


def test_a_folder_without_a_recording_is_refused(tmp_path):
    with pytest.raises(RecordingError, match=r"expected a recording\.zarr or a run folder"):
        draw_all(tmp_path)
