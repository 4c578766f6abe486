"""A file has its name when it is whole, and not before."""

import pytest

from asterisk_siptrunk.whole_file import whole_file


def mode(path):
    return path.stat().st_mode & 0o777


def write_half_of(target):
    with whole_file(target) as fresh:
        fresh.write_text("half")
        raise KeyboardInterrupt


@pytest.mark.parametrize("before", [None, "old"])
def test_it_takes_the_name_after_the_block(tmp_path, before):
    target = tmp_path / "usage.csv"
    if before is not None:
        target.write_text(before)
    with whole_file(target) as fresh:
        assert mode(fresh) == 0o600
        fresh.write_text("new")
        assert target.exists() == (before is not None)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("usage.csv", "new")]


@pytest.mark.parametrize("before", [None, "old"])
def test_what_fails_leaves_the_target_as_it_was_and_nothing_else(tmp_path, before):
    target = tmp_path / "usage.csv"
    if before is not None:
        target.write_text(before)
    with pytest.raises(KeyboardInterrupt):
        write_half_of(target)
    left = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert left == ({} if before is None else {"usage.csv": before})


def test_it_is_on_the_disk_before_it_has_the_name(tmp_path, monkeypatch):
    synced = []
    target = tmp_path / "usage.csv"
    monkeypatch.setattr("os.fsync", lambda _: synced.append(target.exists()))
    with whole_file(target) as fresh:
        fresh.write_text("new")
    assert synced == [False, True]  # the file, then the folder with its new name


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "gone" / "usage.csv"):
        pytest.fail("there is no folder for it")
