"""Read-outs against closed forms, brute force and problems with a known answer."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from apical.protocols.errors import ReadOutError
from apical.protocols.readouts.fitted import linear_read_out, ridge_read_out, standardise
from apical.protocols.readouts.neighbours import knn_read_out
from apical.protocols.readouts.normal_equations import fits
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Thousands of tiny products: threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clusters(n: int, d: int, classes: int, seed: int = 0, distance: float = 6.0, offset: float = 0.0):
    """Rows around one centre per class; the centres are the same for every seed."""
    centres = distance * torch.randn(classes, d, generator=generator(99)) / math.sqrt(d)
    labels = torch.arange(n) % classes
    return centres[labels] + 0.3 * torch.randn(n, d, generator=generator(seed)) + offset, labels


READ_OUTS = {
    "ridge": lambda *data: ridge_read_out(*data, [0.01, 1.0]),
    "linear": lambda *data: linear_read_out(*data, epochs=20, batch=32, learning_rate=0.05),
    "knn": lambda *data: knn_read_out(*data, k=5),
}
every_read_out = pytest.mark.parametrize("read_out", READ_OUTS.values(), ids=READ_OUTS.keys())


@every_read_out
@pytest.mark.parametrize(("n", "d"), [(200, 8), (60, 150)])
def test_separable_clusters_are_read_out(read_out, n, d):
    assert read_out(*clusters(n, d, 3), *clusters(90, d, 3, seed=1)).accuracy == 100.0


@every_read_out
def test_labels_without_relation_stay_at_chance(read_out):
    x = torch.randn(2000, 10, generator=generator())
    y = torch.randint(4, (2000,), generator=generator(1))
    accuracy = read_out(x[:1000], y[:1000], x[1000:], y[1000:]).accuracy
    assert 25 - 6 < accuracy < 25 + 6


@every_read_out
def test_test_labels_decide_nothing_but_the_accuracy(read_out):
    """What is chosen is the same when the test labels are others."""
    train, (x, y) = clusters(100, 6, 3, distance=1.0), clusters(60, 6, 3, seed=1, distance=1.0)
    right, wrong = read_out(*train, x, y), read_out(*train, x, (y + 1) % 3)
    assert (right.choice, right.held_out) == (wrong.choice, wrong.held_out)
    assert right.accuracy != wrong.accuracy


@every_read_out
def test_twice_the_same(read_out):
    data = (*clusters(100, 6, 3, distance=1.0), *clusters(60, 6, 3, seed=1, distance=1.0))
    assert read_out(*data) == read_out(*data)


@every_read_out
def test_inputs_are_left_alone_and_global_randomness_too(read_out):
    data = (*clusters(50, 6, 2), *clusters(20, 6, 2, seed=1))
    before, state = [t.clone() for t in data], torch.random.get_rng_state()
    read_out(*data)
    assert all(torch.equal(a, b) for a, b in zip(before, data, strict=True))
    assert torch.equal(state, torch.random.get_rng_state())


@every_read_out
def test_half_precision_features(read_out):
    (x, y), (x_test, y_test) = clusters(100, 8, 3), clusters(60, 8, 3, seed=1)
    assert read_out(x.bfloat16(), y, x_test.bfloat16(), y_test).accuracy == 100.0


@every_read_out
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d | {"y": d["y"] - 1}, "y_train: expected labels from 0, got -1"),
        (lambda d: d | {"y_test": d["y_test"] - 1}, "y_test: expected labels from 0, got -1"),
        (lambda d: d | {"y": torch.ones_like(d["y"])}, "y_train: expected at least 2 classes, got only 1"),
        (lambda d: d | {"y": d["y"][:-1]}, "y_train: expected 50 int64 labels"),
        (lambda d: d | {"y": d["y"].int()}, "y_train: expected 50 int64 labels"),
        (lambda d: d | {"x_test": d["x_test"][:-1]}, "y_test: expected 19 int64 labels"),
        (lambda d: d | {"x_test": d["x_test"][:, :-1]}, "x_test: expected 6 features as in training, got 5"),
        (lambda d: d | {"x": d["x"][:, :, None]}, "x_train: expected floating-point features"),
        (lambda d: d | {"x": d["x"].long()}, "x_train: expected floating-point features"),
        (lambda d: d | {"x": d["x"][:0], "y": d["y"][:0]}, "x_train: expected floating-point features"),
        (lambda d: d | {"x": d["x"] / 0}, "x_train: expected finite features"),
        (lambda d: d | {"x_test": d["x_test"] * math.nan}, "x_test: expected finite features"),
    ],
)
def test_what_cannot_be_read_out_is_refused(read_out, change, message):
    (x, y), (x_test, y_test) = clusters(50, 6, 2), clusters(20, 6, 2, seed=1)
    data = change({"x": x, "y": y, "x_test": x_test, "y_test": y_test})
    with pytest.raises(ReadOutError, match=message):
        read_out(data["x"], data["y"], data["x_test"], data["y_test"])


# ---- standardise


def test_standardise_has_mean_zero_and_deviation_one():
    x = 50 + 3 * torch.randn(5000, 4, generator=generator())
    train, test = standardise(x, x[:10])
    assert train.dtype == torch.float32
    torch.testing.assert_close(train.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(train.std(0, correction=0), torch.ones(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(test, train[:10])


def test_standardise_silences_constants_in_all_rows():
    train, test = standardise(torch.full((7, 2), 0.1), torch.tensor([[5.0, 0.1]]))
    assert not train.any()
    assert not test.any()


# ---- ridge


@given(seed=st.integers(0, 1000), n=st.integers(6, 40), d=st.integers(1, 40), penalty=st.floats(1e-3, 10))
@settings(max_examples=60, deadline=None)
def test_ridge_weights_solve_the_normal_equations(seed, n, d, penalty):
    """In both forms, the gradient of 1/n |Y - X W - b|² + penalty |W|² is zero at the solution."""
    x = torch.randn(n, d, generator=generator(seed)) + 1
    targets = torch.randn(n, 2, generator=generator(seed + 1)).double()
    rows = torch.randperm(n, generator=generator(seed))
    fit, refit = fits(x, targets, rows[2:], rows[:2])
    for solve, used in ((fit, rows[2:]), (refit, rows)):
        weight, bias = solve(penalty)
        residual = targets[used] - x[used].double() @ weight - bias
        gradient = -x[used].double().T @ residual / len(used) + penalty * weight
        assert gradient.abs().max() < 1e-4
        assert residual.mean(0).abs().max() < 1e-5


def test_ridge_chooses_the_penalty_that_generalises():
    """Many features of noise and one of signal: without a penalty the fit follows the noise."""
    y = torch.randint(2, (600,), generator=generator(5))
    x = torch.randn(600, 250, generator=generator(6))
    x[:, 0] += 3.0 * y
    split = (x[:300], y[:300], x[300:], y[300:])
    chosen = ridge_read_out(*split, [1e-6, 1.0])
    assert chosen.choice == {"penalty": 1.0}
    assert chosen.accuracy > ridge_read_out(*split, [1e-6]).accuracy + 5


def test_ridge_takes_the_strongest_of_equal_penalties():
    data = (*clusters(100, 5, 2), *clusters(20, 5, 2, seed=1))
    assert ridge_read_out(*data, [1e-3, 1e-2, 1e-4]).choice == {"penalty": 1e-2}


def test_ridge_is_at_home_far_from_the_origin():
    data = (*clusters(300, 5, 3, offset=100.0), *clusters(60, 5, 3, seed=1, offset=100.0))
    assert ridge_read_out(*data, [1e-3]).accuracy == 100.0


@pytest.mark.parametrize("penalties", [[], [0.0, 1.0], [-1.0], [math.nan], [math.inf]])
def test_ridge_refuses_what_is_no_penalty(penalties):
    with pytest.raises(ReadOutError, match="penalties: expected positive numbers"):
        ridge_read_out(*clusters(20, 3, 2), *clusters(20, 3, 2), penalties)


def test_ridge_refuses_what_rounding_decides():
    x, y = clusters(40, 2, 2)
    x = torch.cat([x, x], 1) * 1e4
    with pytest.raises(ReadOutError, match="use larger ones or standardised features"):
        for penalty in (1e-12, 1e-13, 1e-14, 1e-15):
            ridge_read_out(x, y, x, y, [penalty])


def test_ridge_leaves_out_penalties_that_rounding_outweighs():
    x, y = clusters(40, 2, 2)
    x = torch.cat([x, x], 1) * 1e4
    tiny = next(p for p in (1e-12, 1e-13, 1e-14, 1e-15) if refused(x, y, p))
    found = ridge_read_out(x, y, x, y, [tiny, 1e6])
    assert found.choice == {"penalty": 1e6, "penalties_left_out": 1}
    assert found == replace(ridge_read_out(x, y, x, y, [1e6]), choice=found.choice)


def refused(x, y, penalty):
    try:
        ridge_read_out(x, y, x, y, [penalty])
    except ReadOutError:
        return True
    return False


def test_ridge_refuses_a_matrix_too_large(monkeypatch):
    monkeypatch.setattr("apical.protocols.readouts.fitted.RIDGE_LIMIT", 10)
    with pytest.raises(ReadOutError, match="choose the logistic solver or fewer rows"):
        ridge_read_out(*clusters(20, 11, 2), *clusters(20, 11, 2), [1.0])


# ---- logistic regression


def by_autograd(x, y, x_test, y_test, epochs: int, batch: int, rate: float, decay: float) -> tuple[float, float, int]:
    """The same regression as one would write it with modules and autograd."""
    draws = generator()
    order = torch.randperm(len(x), generator=draws)
    held, fitted = order[: len(x) // 10], order[len(x) // 10 :]
    model = torch.nn.Linear(x.shape[1], int(y.max()) + 1)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
    found = []
    for epoch in range(1, epochs + 1):
        shuffled = fitted[torch.randperm(len(fitted), generator=draws)]
        for start in range(0, len(fitted), batch):
            rows = shuffled[start : start + batch]
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimiser.step()
        on = [100 * float((model(a).argmax(1) == b).double().mean()) for a, b in ((x[held], y[held]), (x_test, y_test))]
        found.append((on[0], -epoch, on[1]))
    held_out, epoch, accuracy = max(found)
    return accuracy, held_out, -epoch


@pytest.mark.parametrize(("batch", "decay"), [(64, 0.0), (64, 0.5), (1000, 0.0)])
def test_logistic_regression_is_the_one_by_autograd(batch, decay):
    with torch.random.fork_rng():
        data = (*clusters(600, 12, 4, distance=0.8), *clusters(900, 12, 4, seed=1, distance=0.8))
        accuracy, held_out, epoch = by_autograd(*data, 12, batch, 0.02, decay)
    assert 30 < accuracy < 95
    result = linear_read_out(*data, epochs=12, batch=batch, learning_rate=0.02, weight_decay=decay)
    assert result.choice == {"epoch": epoch}
    assert (result.accuracy, result.held_out) == pytest.approx((accuracy, held_out), abs=0.3)


def test_logistic_regression_keeps_the_best_epoch_and_says_which():
    data = (*clusters(200, 5, 3), *clusters(60, 5, 3, seed=1))
    result = linear_read_out(*data, epochs=30, batch=32, learning_rate=0.05)
    assert result.held_out == 100.0
    assert 1 <= result.choice["epoch"] < 30
    # later epochs cannot undo an earliest best
    assert linear_read_out(*data, epochs=5 + int(result.choice["epoch"]), batch=32, learning_rate=0.05) == result


def test_logistic_regression_draws_from_the_given_generator():
    x, y = torch.randn(300, 20, generator=generator()), torch.randint(3, (300,), generator=generator(1))
    held = {linear_read_out(x, y, x, y, epochs=2, generator=generator(seed)).held_out for seed in range(4)}
    assert len(held) > 1


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch": 0}])
def test_logistic_regression_refuses_empty_training(wrong):
    with pytest.raises(ReadOutError, match="expected at least 1"):
        linear_read_out(*clusters(20, 3, 2), *clusters(20, 3, 2), **wrong)


# ---- nearest neighbours


def brute_force(x_train, y_train, x_test, y_test, k, temperature) -> float:
    right = 0
    for x, y in zip(x_test.tolist(), y_test.tolist(), strict=True):
        found = []
        for other, label in zip(x_train.tolist(), y_train.tolist(), strict=True):
            dot = sum(a * b for a, b in zip(x, other, strict=True))
            found.append((dot / (math.hypot(*x) * math.hypot(*other)), label))
        votes: dict[int, float] = {}
        for similarity, label in sorted(found, reverse=True)[:k]:
            votes[label] = votes.get(label, 0.0) + math.exp(similarity / temperature)
        right += max(votes, key=votes.__getitem__) == y
    return 100 * right / len(y_test)


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.07), (7, 0.07), (20, 1.0), (60, 0.5)])
def test_knn_is_the_brute_force(k, temperature):
    (x, y), (x_test, y_test) = clusters(60, 4, 3, distance=1.0), clusters(500, 4, 3, seed=1, distance=1.0)
    expected = brute_force(x, y, x_test, y_test, k, temperature)
    assert 40 < expected < 100
    assert knn_read_out(x, y, x_test, y_test, k=k, temperature=temperature).accuracy == pytest.approx(expected)


def test_knn_temperature_weighs_the_nearest():
    """One very near row of class 1 against two farther ones of class 0."""
    x, y = torch.tensor([[1.0, 0.01], [1.0, 1.0], [1.0, -1.0]]), torch.tensor([1, 0, 0])
    query, label = torch.tensor([[1.0, 0.0]]), torch.tensor([1])
    assert knn_read_out(x, y, query, label, k=3, temperature=0.01).accuracy == 100.0
    assert knn_read_out(x, y, query, label, k=3, temperature=10.0).accuracy == 0.0
    assert knn_read_out(x, y, query, label, k=3, temperature=1e-6).accuracy == 100.0


def test_knn_survives_silent_rows():
    (x, y), (x_test, y_test) = clusters(30, 4, 2), clusters(10, 4, 2, seed=1)
    x[0], x_test[0] = 0, 0
    assert knn_read_out(x, y, x_test, y_test, k=3).accuracy >= 90


@pytest.mark.parametrize(("wrong", "message"), [({"k": 0}, "k: expected 1 to 20"), ({"k": 21}, "k: expected 1 to 20")])
def test_knn_refuses_too_many_neighbours(wrong, message):
    with pytest.raises(ReadOutError, match=message):
        knn_read_out(*clusters(20, 3, 2), *clusters(20, 3, 2), **wrong)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_knn_refuses_a_temperature_without_meaning(temperature):
    with pytest.raises(ReadOutError, match="temperature: expected a number above 0"):
        knn_read_out(*clusters(20, 3, 2), *clusters(20, 3, 2), k=1, temperature=temperature)
