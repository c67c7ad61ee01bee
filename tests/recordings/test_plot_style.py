import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from apical.recordings import RecordingError
from apical.recordings.plot_style import (
    COLOURS,
    STYLE,
    colours,
    label,
    needed,
    panels,
    save,
    stacked_label,
    styled,
    trend,
)


def described(**attributes):
    return xr.DataArray(0.0, attrs=attributes)


def test_labels_carry_symbol_and_units():
    basal = described(long_name="basal potential", symbol="a", units="1")
    assert label(basal) == "basal potential a"
    assert label(described(long_name="basal potential", units="mV")) == "basal potential (mV)"
    assert stacked_label(basal) == "basal potential\na"
    assert stacked_label(described(long_name="rate (feedback)", symbol="z", units="Hz")) == "rate\nz, feedback\n(Hz)"
    assert stacked_label(described(long_name="change, |ΔB| (feedback)")) == "change\n|ΔB|, feedback"


@pytest.mark.parametrize("count", [1, len(COLOURS), len(COLOURS) + 1, 40])
def test_every_population_has_its_own_colour(count):
    assert len(set(colours(count))) == count


def test_the_users_style_is_neither_used_nor_changed():
    @styled
    def size():
        return mpl.rcParams["font.size"]

    with mpl.rc_context({"font.size": 31}):
        assert size() == 9
        assert mpl.rcParams["font.size"] == 31


@pytest.mark.parametrize("steps", [1, 40, 60, 5000])
def test_a_trend_keeps_the_mean_whatever_the_length(steps):
    _, (axes,) = panels(1)
    trend(axes, np.arange(steps), np.full(steps, 3.0), color="black", label="x")
    assert all(np.allclose(line.get_ydata(), 3.0) for line in axes.lines)
    assert all(len(line.get_xdata()) <= 2500 for line in axes.lines)
    assert [line.get_label() for line in axes.lines][-1] == "x"


def test_small_multiples_hide_what_is_spare():
    figure, axes = panels(4)
    assert len(axes) == 4
    assert [panel.get_visible() for panel in figure.axes] == [True] * 4 + [False] * 2


def test_what_a_figure_needs_is_checked():
    table = xr.Dataset({"loss": ("step", np.zeros(1))})
    needed(table, "metrics", ["loss"])
    with pytest.raises(RecordingError, match=r"^metrics\.gate: expected this variable"):
        needed(table, "metrics", ["loss", "gate"])
    with pytest.raises(RecordingError, match=r"^metrics: expected at least 2 committed rows, got 1"):
        needed(table, "metrics", ["loss"], rows=2)


def test_text_in_a_pdf_stays_text_and_no_engine_lays_it_out_again(tmp_path, monkeypatch):
    monkeypatch.setitem(STYLE, "pdf.fonttype", 42)
    figure, (axes,) = panels(1)
    axes.set_title("potential")
    path = save(figure, tmp_path / "text").with_suffix(".pdf")
    assert b"/FontFile2" in path.read_bytes()
    assert figure.get_layout_engine() is None
    assert axes.get_position().x0 > 0


def test_saving_gives_png_and_pdf_and_the_same_bytes_again(tmp_path):
    def drawn(name):
        figure, (axes,) = panels(1)
        axes.plot([0, 1], [1, 0])
        return save(figure, tmp_path / "figures" / name)

    first, second = drawn("a"), drawn("b")
    assert first == tmp_path / "figures" / "a.png"
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes()[:4] == b"\x89PNG"
    assert first.with_suffix(".pdf").read_bytes() == second.with_suffix(".pdf").read_bytes()
