"""CKA: HSIC_1 by brute force, the plain centred form in the limit, and what it must not see."""

from itertools import permutations

import numpy as np
import pytest
from apical.recordings import RecordingError
from apical.recordings.analysis import cka
from apical.recordings.analysis.cka import hsic, kernel

from .signals import signal


def plain(x, y):
    """Centred CKA on all rows (Kornblith et al. 2019), biased."""
    x, y = x - x.mean(0), y - y.mean(0)
    cross = np.linalg.norm(x.T @ y) ** 2
    return cross / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def test_hsic_is_the_mean_over_quadruples():
    """Song et al. 2012: the U-statistic over ordered quadruples of different rows."""
    random = np.random.default_rng(0)
    k, other = (kernel(random.normal(size=(6, 3))) for _ in range(2))
    terms = [k[i, j] * (other[i, j] + other[q, r] - 2 * other[i, q]) for i, j, q, r in permutations(range(6), 4)]
    assert hsic(k, other) == pytest.approx(np.mean(terms))


def test_centring_changes_nothing():
    rows = np.random.default_rng(0).normal(size=(20, 5))
    raw = (rows + 3) @ (rows + 3).T
    np.fill_diagonal(raw, 0)
    other = kernel(np.random.default_rng(1).normal(size=(20, 4)))
    assert hsic(raw, other) == pytest.approx(hsic(kernel(rows), other))


def shared(n=20000, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 6))
    return x, np.tanh(x @ random.normal(size=(6, 4))) + 0.5 * random.normal(size=(n, 4))


@pytest.mark.parametrize("batch", [32, 256])
def test_many_rows_give_the_plain_form(batch):
    x, y = shared()
    found = cka({"x": signal(x, 3000), "y": signal(y, 3000)}, batch=batch)
    assert found.sel(population="x", other_population="y").item() == pytest.approx(plain(x, y), abs=0.01)


def test_itself_is_1_and_the_matrix_symmetric():
    x, y = shared(600)
    found = cka({"x": signal(x), "y": signal(y), "none": signal(np.zeros((600, 2)))}, batch=64).values
    assert np.diag(found)[:2] == pytest.approx(1)
    assert found[0, 1] == found[1, 0]
    assert np.isnan(found[2]).all()


def test_rotation_scale_and_shift_change_nothing():
    x, y = shared(500)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]
    one, other = (cka({"x": signal(a), "y": signal(y)}, batch=100).values[0, 1] for a in (x, 7 * x @ turn - 3))
    assert one == pytest.approx(other, rel=1e-9)


def test_independent_populations_have_0_where_the_plain_form_does_not():
    random = np.random.default_rng(5)
    x, y = random.normal(size=(2000, 200)), random.normal(size=(2000, 200))
    assert plain(x, y) > 0.08
    assert cka({"x": signal(x), "y": signal(y)}, batch=64).values[0, 1] == pytest.approx(0, abs=0.01)


def test_two_networks_and_chosen_rows():
    x, y = shared(800)
    wanted = np.arange(800) % 2 == 0
    found = cka({"x": signal(x)}, {"y": signal(y), "x": signal(x)}, rows=wanted, batch=100)
    both = cka({"x": signal(x[wanted]), "y": signal(y[wanted])}, batch=100)
    assert found.dims == ("population", "other_population")
    assert found.values[0] == pytest.approx([both.values[0, 1], 1.0])


def test_refusals():
    with pytest.raises(RecordingError, match="expected at least 4 rows, got 3"):
        cka({"x": signal(np.ones((9, 2)))}, batch=3)
    with pytest.raises(RecordingError, match="expected at least 4 trials"):
        cka({"x": signal(np.ones((3, 2)))})


def test_sorted_trials_give_what_mixed_ones_give():
    """Trials of one stimulus beside each other: a mini-batch of neighbours would hold no difference between stimuli."""
    x, y = shared(6000)
    order = np.argsort(x[:, 0])
    found, expected = (
        cka({"x": signal(a, 20), "y": signal(b, 20)}, batch=50).values[0, 1] for a, b in ((x[order], y[order]), (x, y))
    )
    assert found == pytest.approx(expected, abs=0.02)
    assert expected == pytest.approx(plain(x, y), abs=0.02)
