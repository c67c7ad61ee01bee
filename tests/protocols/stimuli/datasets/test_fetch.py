"""`apical data`: listing, fetching and verifying."""

import io
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pooch
import pytest
from apical.protocols.stimuli.datasets import fetch as data
from apical.protocols.stimuli.datasets import files
from apical.protocols.stimuli.datasets.row import Download
from apical.protocols.stimuli.datasets.table import DATASETS
from apical.protocols.stimuli.errors import StimulusError


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A small world: contents of both data sets, tables that expect them, and an internet that is a folder."""
    internet = tmp_path / "internet"
    internet.mkdir()
    contents = {
        name: {file: f"{name} {file}".encode() for file in DATASETS[name].layouts[0].md5}
        for name in ("cifar10", "mnist")
    }
    for name, parts in contents.items():
        row = DATASETS[name]
        layout = replace(row.layouts[0], md5={f: files.md5_of(c) for f, c in parts.items()}, size={})
        monkeypatch.setitem(DATASETS, name, replace(row, layouts=(layout,)))
    write_archive(internet / "cifar.tar.gz", {f"cifar-10-batches-bin/{f}": c for f, c in contents["cifar10"].items()})
    for file, content in contents["mnist"].items():
        (internet / file).write_bytes(content)
    publish(monkeypatch, internet)
    requests: list[str] = []

    def retrieve(url, known_hash, fname, path, downloader):
        requests.append(url)
        source = internet / url.rsplit("/", 1)[-1]
        if not source.exists():
            raise ConnectionError("Network is unreachable")
        target = Path(path) / fname
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        algorithm, expected = known_hash.split(":")
        if pooch.file_hash(str(target), alg=algorithm) != expected:
            target.unlink()
            raise ValueError(f"{algorithm} hash of downloaded file does not match the known hash")
        return str(target)

    monkeypatch.setattr(data.pooch, "retrieve", retrieve)
    return internet, tmp_path / "data", requests


def publish(monkeypatch, internet: Path) -> None:
    sums = {path.name: files.md5_of(path.read_bytes()) for path in internet.iterdir()}
    addresses = {"cifar10": ["cifar.tar.gz"], "mnist": sorted(DATASETS["mnist"].layouts[0].md5)}
    for name, parts in addresses.items():
        downloads = tuple(
            Download(f"https://example.org/{part}", sums[part], archive=part.endswith("tar.gz")) for part in parts
        )
        monkeypatch.setitem(DATASETS, name, replace(DATASETS[name], downloads=downloads))


def write_archive(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def status(folder) -> dict[str, str]:
    return {entry["name"]: entry["status"] for entry in data.list_datasets(folder)}


@pytest.mark.parametrize("name", ["cifar10", "mnist"])
def test_fetch_list_and_verify(world, name):
    _, folder, requests = world
    assert status(folder)[name] == "absent" and status(folder)["shapes"] == "embedded"
    path = data.fetch(name, folder, progress=False)
    assert path == folder / DATASETS[name].layouts[0].folders[0]
    assert status(folder)[name] == "present"
    report = data.verify(name, folder)
    assert report["ok"] and report["path"] == str(path) and all(f["problem"] is None for f in report["files"])
    before = len(requests)
    assert data.fetch(name, folder, progress=False) == path
    assert len(requests) == before, "complete data are not fetched again"
    assert not list(folder.glob("*.tar.gz"))


def test_verify_names_the_damaged_file_and_fetch_repairs_it(world):
    _, folder, _ = world
    path = data.fetch("cifar10", folder, progress=False)
    (path / "data_batch_2.bin").write_bytes(b"damaged")
    (path / "test_batch.bin").unlink()
    assert status(folder)["cifar10"] == "incomplete"
    report = data.verify("cifar10", folder)
    assert not report["ok"]
    problems = {f["name"]: f["problem"] for f in report["files"] if not f["ok"]}
    assert set(problems) == {"data_batch_2.bin", "test_batch.bin"}
    assert "expected MD5" in problems["data_batch_2.bin"] and "got none" in problems["test_batch.bin"]
    data.fetch("cifar10", folder, progress=False)
    assert data.verify("cifar10", folder)["ok"]


def test_offline_is_one_sentence(world):
    internet, folder, _ = world
    shutil.rmtree(internet)
    with pytest.raises(
        StimulusError, match=r"^data\.mnist: expected https://.*, got ConnectionError: Network is unreachable; connect"
    ) as caught:
        data.fetch("mnist", folder, progress=False)
    assert caught.value.exit_code == 1 and "\n" not in str(caught.value)


def test_another_archive_than_the_official_one_is_refused(world):
    internet, folder, _ = world
    write_archive(internet / "cifar.tar.gz", {"cifar-10-batches-bin/data_batch_1.bin": b"forged"})
    with pytest.raises(StimulusError, match=r"^data\.cifar10: .*does not match the known hash"):
        data.fetch("cifar10", folder, progress=False)
    assert status(folder)["cifar10"] == "absent"


@pytest.mark.parametrize("member", ["../outside.txt", "ABSOLUTE/outside.txt", "cifar-10-batches-bin/../../outside.txt"])
def test_an_archive_cannot_write_outside_its_folder(world, monkeypatch, member):
    internet, folder, _ = world
    write_archive(internet / "cifar.tar.gz", {member.replace("ABSOLUTE", str(folder.parent)): b"x"})
    publish(monkeypatch, internet)
    with pytest.raises(StimulusError, match=r"^data\.cifar10: expected https://"):
        data.fetch("cifar10", folder, progress=False)
    assert not list(folder.parent.glob("outside*"))


def test_links_out_of_the_archive_are_refused(world, monkeypatch):
    internet, folder, _ = world
    with tarfile.open(internet / "cifar.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo("cifar-10-batches-bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    publish(monkeypatch, internet)
    with pytest.raises(StimulusError, match=r"^data\.cifar10: expected https://"):
        data.fetch("cifar10", folder, progress=False)


def test_unknown_and_embedded_names(tmp_path):
    for call in (data.fetch, data.verify):
        with pytest.raises(
            StimulusError, match=r"^data: expected one of .* got 'cifar'; did you mean 'cifar10'"
        ) as caught:
            call("cifar", tmp_path)
        assert caught.value.exit_code == 2
    assert data.verify("shapes", tmp_path)["ok"]
    with pytest.raises(StimulusError, match=r"^data\.shapes: expected a data set with files") as caught:
        data.fetch("shapes", tmp_path)
    assert caught.value.exit_code == 2
    with pytest.raises(StimulusError, match=r"^mnist: expected the official files"):
        data.verify("mnist", tmp_path)


def test_the_user_s_own_data_are_none_of_its_business(tmp_path):
    assert "folder" not in status(tmp_path) and "npz" not in status(tmp_path)
    with pytest.raises(StimulusError, match=r"^data: expected one of .* got 'npz'"):
        data.fetch("npz", tmp_path)
