"""Cells of a sweep: settings, names and identities."""

import pytest
from apical.protocols.errors import ConfigError
from apical.protocols.sweep import plan as plans
from apical.protocols.sweep.dry import samples_of
from apical.protocols.sweep.spec import load, with_workers
from tiny_sweeps import spec


def cells(axes=None, overrides=(), workers=1, **more):
    return with_workers(load(spec(axes, **more), overrides), workers).cells()


def hashes(*args, **more):
    return [cell.hash for cell in cells(*args, **more)]


def test_cells_go_seed_by_seed_and_bear_their_labels():
    found = cells({"optimiser.learning_rate": [0.001, 0.01], "network.hidden": [[4, 4], [6, 4]]}, seeds=2)
    assert [cell.at["seed"] for cell in found] == [0] * 4 + [1] * 4
    assert found[0].at == {"optimiser.learning_rate": 0.001, "network.hidden": "[4, 4]", "seed": 0}
    assert (found[0].config.optimiser.learning_rate, found[0].config.network.hidden, found[0].config.seed) == (
        0.001,
        (4, 4),
        0,
    )
    assert cells(seeds=2)[3].name == "learning_rate=0.01-seed1"


def test_names_are_names_of_folders():
    entries = {"clapp++": {"training.batch": 8}, "my rule/2": {"training.batch": 4}, "x" * 200: {"training.batch": 2}}
    plain, odd, long = (cell.name for cell in cells({"rule": {"entries": entries}}))
    assert plain == "clapp++-seed0"
    assert odd.startswith("my-rule-2-seed0-")
    assert len(long) < 100
    assert len({plain, odd, long}) == 3


def test_names_that_one_file_system_cannot_tell_are_refused():
    with pytest.raises(
        ConfigError, match="expected labels that differ in more than their case and type, got a-seed0 and A-seed0"
    ):
        cells({"rule": {"entries": {"a": {"training.batch": 8}, "A": {"training.batch": 4}}}})


def test_a_hash_is_that_of_what_is_computed():
    first = hashes()
    assert first == hashes(seeds=1, overrides=["training.threads=2", "training.checkpoint_every=1"])
    assert first == hashes({"optimiser.learning_rate": [0.001, 0.01]}, name="other")
    assert hashes({"optimiser.learning_rate": [0.001, 0.01, 0.1]})[:2] == first
    for change in (
        {"overrides": ["training.batch=8"]}, {"overrides": ["probe.solver=logistic"]}, {"budget": {"epochs": 2}}, {"do": ["train"]},
        {"budget": {"seconds": 1}},
    ):  # fmt: skip
        assert not set(hashes(**change)) & set(first), change
    assert hashes(budget={"seconds": 1}) != hashes(budget={"seconds": 1}, workers=2)
    assert hashes(budget={"epochs": 2}) == hashes(budget={"epochs": 2}, workers=2)


def test_sources_of_foreign_words_are_part_of_the_hash_and_their_place_is_not(tmp_path):
    text = "from apical.plasticity import ClappPP\n\n\nclass Mine(ClappPP):\n    'By another name.'\n"

    def written(folder, text):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "mine.py").write_text(text)
        return cells({"rule.name": ["clapp++", f"{tmp_path}/{folder}/mine.py:Mine"]})

    ours, mine = written("a", text)
    assert mine.at["rule.name"] == "mine.py:Mine"
    assert mine.name.startswith("name=mine.py-Mine-seed0-")
    assert plans.sources_of(ours.config) == {}
    assert [cell.hash for cell in written("b", text)] == [ours.hash, mine.hash]
    again, changed = written("a", f"{text}\n\n# changed\n")
    assert again.hash == ours.hash
    assert changed.hash != mine.hash


def test_some_cells_have_settings_of_their_own():
    change = {"where": {"optimiser.learning_rate": 0.01, "seed": 1}, "set": {"training.batch": 8}}
    assert [cell.config.training.batch for cell in cells(seeds=2, cells=[change])] == [16, 16, 16, 8]


def test_samples_are_whole_passes():
    found = cells({"training.batch": [16, 24]}, budget={"samples": 200})
    assert [cell.config.training.epochs for cell in found] == [3, 4]  # of 64 and of 48 images
    many = cells(budget={"samples": 200}, overrides=["training.batch=16", "training.repeats=3"])[0].config
    assert (many.training.epochs, samples_of(many)) == (
        1,
        192,
    )  # every step counts, those on a batch that is kept as well
    assert cells(budget={"samples": 1})[0].config.training.epochs == 1
    with pytest.raises(ConfigError, match=r"budget\.samples: expected stimulus.n_train, .* got null"):
        cells(budget={"samples": 1}, overrides=["stimulus.n_train=null"])


@pytest.mark.parametrize(
    ("axes", "more", "message"),
    [
        ({"optimiser.learning_rat": [1]}, {}, r"^axes.optimiser.learning_rat = 1: optimiser.learning_rat: expected one of .*did you mean"),
        ({"optimiser.learning_rate": [0.1, -1.0]}, {}, r"^axes.optimiser.learning_rate = -1.0: optimiser.learning_rate: expected"),
        ({"size": {"list": [{"training.batch": 8}, {"training.batch": "x"}]}}, {}, r"^axes.size = 1: training.batch: expected an integer"),
        ({"rule": {"entries": {"odd": {"rule": {"name": "clap"}}}}}, {}, r"^axes.rule = odd: rule.name: expected a rule"),
        ({"stimulus.n_train": [8]}, {}, r"^cell with stimulus.n_train = 8, seed = 0: training.batch: expected at most stimulus.n_train"),
        ({"seed": [1, 2]}, {}, r"axes.seed: expected settings that nothing else sets, got seed, which seeds sets"),
        ({"training.epochs": [1, 2]}, {"budget": {"epochs": 3}}, "got training.epochs, which budget sets; remove one"),
        ({"training.max_seconds": [1, 2]}, {}, "got training.max_seconds, which budget.seconds sets"),
        (
            {"training.batch": [8], "x": {"list": [{"training.batch": 8}]}}, {},
            "axes.x: expected settings that nothing else sets, got training.batch, which axes.training.batch sets",
        ),
        ({"training.batch": [8]}, {"overrides": ["training.batch=4"]}, "--set training.batch: expected a setting that nothing else sets, got one that axes.training.batch sets"),
        ({"training.threads": [1, 2]}, {}, "expected cells of different settings, got threads=1-seed0 and threads=2-seed0, which are one run"),
        ({"optimiser.learning_rate": [k / 1e5 for k in range(1, 5001)]}, {"seeds": 3}, "expected at most 10,000 cells, got 15,000"),
    ],
)  # fmt: skip
def test_what_no_cell_could_have_is_refused_with_its_axis(axes, more, message):
    with pytest.raises(ConfigError, match=message):
        cells(axes, **more)


def test_epochs_may_be_an_axis_where_there_is_no_budget():
    assert [cell.config.training.epochs for cell in cells({"training.epochs": [1, 2]})] == [1, 2]


def test_a_start_counts_by_its_checkpoint_and_not_by_its_place(tmp_path):
    import shutil

    from apical.protocols.train.run import train

    run = tmp_path / "run"
    train(cells()[0].config, run, progress=False)

    def mark(place):
        return hashes({"optimiser.learning_rate": [0.01]}, overrides=[f"training.start={place}"])

    first = mark(run)
    shutil.copytree(run, tmp_path / "copy")
    assert mark(tmp_path / "copy") == first != hashes({"optimiser.learning_rate": [0.01]})
    other = cells(overrides=["training.epochs=2"])[0].config
    shutil.rmtree(run)
    train(other, run, progress=False)
    assert mark(run) != first
