"""The whole journal: rotated and compressed files, calls in parts, lines that are bad."""

import bz2
import gzip
import lzma
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.asterisk import archive
from asterisk_siptrunk.asterisk.archive import JournalArchive
from asterisk_siptrunk.call.verify import BadLines
from asterisk_siptrunk.errors import JournalUnreadable
from tests.unit.asterisk.lines import START, at, failed, row


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "siptrunk.csv"


def line(name, end=9.0, **fields):
    return row(uniqueid=name, end=f"{START + int(end)}.000000", **fields) + b"\n"


def read(file, since=0.0):
    return list(JournalArchive(file, at(since)).read(lambda _done: None))


def names(file, since=0.0):
    return sorted(one.uniqueid for one in read(file, since))


def bad(file):
    return [one for one in read(file) if isinstance(one, BadLines)]


def written(path, seconds):
    os.utime(path, (START + seconds, START + seconds))


def test_every_file_is_read_whatever_it_is_packed_in(file):
    file.write_bytes(line("now"))
    Path(f"{file}.1").write_bytes(line("one"))
    Path(f"{file}-20261101").write_bytes(line("dated"))
    Path(f"{file}.2.gz").write_bytes(gzip.compress(line("two")))
    Path(f"{file}.3.bz2").write_bytes(bz2.compress(line("three")))
    Path(f"{file}.4.xz").write_bytes(lzma.compress(line("four")))
    file.with_name("other.csv").write_bytes(line("none"))
    assert names(file) == ["dated", "four", "now", "one", "three", "two"]


def test_a_file_that_was_last_written_before_is_not_read(file):
    file.write_bytes(line("now"))
    old = Path(f"{file}.1.zst")
    old.write_bytes(b"whatever")
    written(old, -1)
    assert names(file) == ["now"]
    written(old, 0)
    with pytest.raises(JournalUnreadable, match=r"siptrunk\.csv\.1\.zst .* uncompress it"):
        read(file)


def test_the_lines_of_a_call_may_be_in_two_files(file):
    Path(f"{file}.1").write_bytes(failed(uniqueid="a") + b"\n")
    file.write_bytes(line("a", sequence="1"))
    written(f"{file}.1", 5)
    first, second = read(file)
    assert (first.answered_at, second.answered_at) == (None, at(2.5))


@pytest.mark.parametrize("size", [1, 7, 500, 1000])
def test_where_the_pieces_end_is_of_no_account(file, size, monkeypatch):
    monkeypatch.setattr(archive, "READ_BYTES", size)
    file.write_bytes(line("a") + b"bad\n" + line("b") + line("c", src="1\n2") + line("d"))
    assert [one.uniqueid for one in read(file) if not isinstance(one, BadLines)] == list("abcd")
    assert [one.count for one in bad(file)] == [1]


def test_calls_of_others_are_none_of_ours(file):
    file.write_bytes(line("a", dcontext="from-internal") + line("b"))
    assert names(file) == ["b"]


def test_bad_lines_are_placed_between_good_ones(file):
    file.write_bytes(
        b"bad\n" + line("a", 9) + b"bad\n" + b"\n" + b'"bad"\n' + line("b", 8) + row()[:40]
    )
    assert bad(file) == [
        BadLines(file.name, 1, None, at(9)),
        # Two that follow each other are one torn record, for all that can be known.
        BadLines(file.name, 1, at(9), at(8)),
        BadLines(file.name, 1, at(9), None),
    ]


def test_the_last_line_need_not_have_an_end(file):
    file.write_bytes(line("a") + line("b")[:-1])
    assert names(file) == ["a", "b"]


@given(st.integers(1, len(line("b")) - 2), st.booleans())
def test_a_torn_line_is_told_wherever_it_was_torn(tmp_path_factory, place, begun):
    file = tmp_path_factory.mktemp("torn") / "siptrunk.csv"
    middle = line("b")
    file.write_bytes(line("a") + (middle[:place] if begun else middle[place:]) + line("c"))
    assert bad(file)


def test_progress_is_told_in_bytes_on_disk(file):
    file.write_bytes(line("a"))
    Path(f"{file}.1.gz").write_bytes(gzip.compress(line("b")))
    written(f"{file}.1.gz", 1)
    told: list[int] = []
    journal = JournalArchive(file, at(0))
    list(journal.read(told.append))
    assert told == sorted(told)
    assert told[-1] == journal.size == sum(each.stat().st_size for each in file.parent.iterdir())


# --- journals that prove nothing ---


def test_no_journal_is_an_error(file):
    with pytest.raises(JournalUnreadable, match=r"siptrunk\.csv is not there"):
        read(file)


def test_a_folder_that_cannot_be_looked_into_is_an_error(file, monkeypatch):
    def refuse(_file):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(archive, "all_journals", refuse)
    with pytest.raises(JournalUnreadable, match=r"Permission denied.*right to read it"):
        read(file)


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: b"x" + text])
@pytest.mark.parametrize("pack", [gzip, bz2, lzma])
def test_a_compressed_file_that_is_damaged_is_an_error(file, pack, damage):
    end = {gzip: "gz", bz2: "bz2", lzma: "xz"}[pack]
    Path(f"{file}.1.{end}").write_bytes(damage(pack.compress(line("a"))))
    with pytest.raises(JournalUnreadable, match=rf"\.1\.{end} cannot be read to its end"):
        read(file)


def test_a_damaged_stream_inside_is_an_error(file):
    text = bytearray(gzip.compress(b"".join(line(str(n)) for n in range(200))))
    text[40:60] = b"\xff" * 20
    Path(f"{file}.1.gz").write_bytes(text)
    with pytest.raises(JournalUnreadable, match="cannot be read to its end"):
        read(file)


@pytest.mark.parametrize("happens", ["rotated", "removed"])
def test_a_rotation_meanwhile_is_an_error(file, happens):
    file.write_bytes(line("a"))
    Path(f"{file}.1").write_bytes(line("b"))
    reading = JournalArchive(file, at(0)).read(lambda _done: None)
    next(reading)
    if happens == "rotated":
        Path(f"{file}.1").rename(f"{file}.2")
        file.rename(f"{file}.1")
        file.write_bytes(b"")
    else:
        Path(f"{file}.1").unlink()
    with pytest.raises(JournalUnreadable, match=r"rotated or removed|No such file"):
        list(reading)
