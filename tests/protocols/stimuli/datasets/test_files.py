"""A folder of data sets that was given and is not the right one: what is wrong with it is said."""

import pytest
from apical.protocols.stimuli.datasets.files import locate
from apical.protocols.stimuli.errors import StimulusError


def refusal(name, root) -> str:
    with pytest.raises(StimulusError) as caught:
        locate(name, root)
    assert "set APICAL_DATA" not in str(caught.value)
    return str(caught.value)


def test_a_folder_that_does_not_exist(tmp_path):
    told = refusal("cifar10", tmp_path / "no")
    assert told == (
        f"cifar10: expected a folder of data sets, got {tmp_path / 'no'}, which does not exist; correct --data-dir or APICAL_DATA"
    )


def test_a_folder_without_the_data_set(tmp_path):
    told = refusal("stl10", tmp_path)
    assert (
        f"the official files in {tmp_path / 'stl10_binary'}, got no such folder; give the folder that holds stl10_binary, or run"
        in told
    )
    assert told.endswith(f"`apical data fetch stl10 --data-dir {tmp_path}`")


@pytest.mark.parametrize(("name", "inner"), [("cifar10", "cifar-10-batches-py"), ("mnist", "MNIST/raw")])
def test_one_folder_too_deep(tmp_path, name, inner):
    (tmp_path / inner).mkdir(parents=True)
    assert refusal(name, tmp_path / inner).endswith(f"give the folder above it, {tmp_path}")
    assert locate(name, tmp_path)[1] == tmp_path / inner
