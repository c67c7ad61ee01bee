"""The folder of a run: who may train it."""

import errno

import pytest
from apical.protocols.runs.folder import RunFolder


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP])
def test_where_there_are_no_locks_the_run_goes_on_and_says_so(number, tmp_path, monkeypatch, capsys):
    asked = []

    def flock(file, _):
        asked.append(file.writable())
        raise OSError(number, "no locks")

    monkeypatch.setattr("apical.protocols.locks.fcntl.flock", flock)
    with RunFolder(tmp_path).alone():
        assert asked == [True]  # NFS locks no file that is open for reading
    assert capsys.readouterr().err.count("this file system has no locks") == 1


def test_a_lock_that_fails_otherwise_is_an_error(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr("apical.protocols.locks.fcntl.flock", flock)
    with pytest.raises(OSError, match="broken"), RunFolder(tmp_path).alone():
        pass
