"""The call journal: lines, positions, and calls of several lines."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.asterisk import journal
from asterisk_siptrunk.asterisk.journal import fold, read_journal
from asterisk_siptrunk.asterisk.variables import JOURNAL_FIELDS
from asterisk_siptrunk.call import Direction
from tests.unit.asterisk.lines import START, at, failed, row


def calls_of(*rows: bytes):
    block = b"".join(line + b"\n" for line in rows)
    lines, bad, done = journal.parse_lines(block)
    assert (bad, done) == (0, len(block))
    return fold(lines)


# --- one call ---


def test_a_line_is_a_call():
    (call,) = calls_of(row())
    assert (call.direction, call.trunk, call.carrier) == (Direction.OUTBOUND, "acme", "ovh")
    assert (call.started_at, call.answered_at, call.ended_at) == (at(0), at(2.5), at(9.25))
    assert (call.caller, call.dialled) == ("0123456789", "+33612345678")
    assert (call.disposition, call.reason) == ("ANSWERED", "admitted")


@pytest.mark.parametrize("answer", ["0.000000", "", "never"])
def test_a_call_nobody_answered(answer):
    (call,) = calls_of(row(answer=answer, disposition="NO ANSWER"))
    assert call.answered_at is None


def test_an_inbound_call_bears_its_trunks_account_once_it_is_admitted():
    inbound = {
        "channel": "PJSIP/carrier-ovh-00000000",
        "dstchannel": "PJSIP/trunk-acme-00000001",
        "dcontext": "siptrunk-call-in",
    }
    (call,) = calls_of(row(**inbound))
    assert (call.direction, call.trunk, call.carrier) == (Direction.INBOUND, "acme", "ovh")
    (lost,) = calls_of(row(**inbound | {"accountcode": "ovh", "dstchannel": ""}))
    assert (lost.trunk, lost.carrier) == ("", "ovh")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_attempts_of_a_call_are_one_call(order):
    again = row(sequence="1", start=f"{START + 1}.000000", dialled="again")
    rows = (failed(), again)
    (call,) = calls_of(*(rows[index] for index in order))
    assert (call.started_at, call.answered_at, call.ended_at) == (at(0), at(2.5), at(9.25))
    assert (call.carrier, call.disposition) == ("ovh", "ANSWERED")
    assert call.dialled == "+33612345678"


def test_with_no_answer_the_last_attempt_tells_the_carrier():
    (call,) = calls_of(failed(), failed(sequence="1", dstchannel="PJSIP/carrier-ovh-00000002"))
    assert call.carrier == "ovh"
    assert call.answered_at is None


def test_calls_of_others_are_left_out():
    assert calls_of(row(dcontext="from-internal")) == ()


# --- bad lines ---


@pytest.mark.parametrize(
    "bad",
    [
        b"garbage",
        b'"unfinished',
        b'"a"b,"c"',
        b"\xff\xfe\x00",
        b",".join([b""] * len(JOURNAL_FIELDS)),
        row(start="yesterday"),
        row(end="0.000000"),
        row(sequence="-1"),
        row(uniqueid="lab 1"),
        row(uniqueid=""),
        row() + b',"one more"',
        row(userfield="x" * journal.LONGEST_LINE),
    ],
)
def test_a_bad_line_is_counted_and_the_next_one_read(bad):
    lines, count, _ = journal.parse_lines(bad + b"\n" + row() + b"\n")
    assert (len(lines), count) == (1, 1)


def test_a_number_with_line_breaks_is_still_one_record():
    """Seen: From `sip:12%0D%0AUniqueid@...`, with a dialplan that does not filter."""
    (call,) = calls_of(row(src="12\r\n\nUniqueid"))
    assert (call.uniqueid, call.caller) == ("lab-1.0", "")


@pytest.mark.parametrize(
    "forged", [row(uniqueid="forged"), b",".join([b"forged"] * len(JOURNAL_FIELDS)), b'",""', b'"']
)
def test_a_record_forged_in_a_number_is_none(forged):
    lines, bad, _ = journal.parse_lines(row(src=f"12\n{forged.decode()}\n") + b"\n" + row() + b"\n")
    assert [line.uniqueid for line in lines] == ["lab-1.0", "lab-1.0"]
    assert not bad


def test_a_torn_record_costs_no_other():
    """Asterisk was killed in mid-line, and started again."""
    lines, bad, _ = journal.parse_lines(row()[:50] + b"\n" + row(uniqueid="lab-2.0") + b"\n")
    assert ([line.uniqueid for line in lines], bad) == (["lab-2.0"], 1)


@pytest.mark.parametrize("left", range(1, len(row(src='a "quoted" one'))))
def test_what_is_written_behind_half_a_record_is_read(left: int):
    """Asterisk was killed in mid-line, and goes on behind it: no line break stands between."""
    half = row(src='a "quoted" one')[:left]
    lines, bad, _ = journal.parse_lines(half + row(uniqueid="lab-2.0") + b"\n" + row() + b"\n")
    assert ([line.uniqueid for line in lines], bad) == (["lab-2.0", "lab-1.0"], 1)


def test_a_torn_record_at_the_end_of_a_piece_takes_no_line_along():
    torn = b'"' + b"x" * (journal.LONGEST_LINE - 100) + b"\n"
    good = row(uniqueid="lab-2.0") + b"\n"
    _, bad, done = journal.parse_lines(torn + good[:150])
    assert (bad, done) == (1, len(torn))
    assert [line.uniqueid for line in journal.parse_lines(good)[0]] == ["lab-2.0"]


@given(st.binary())
def test_no_line_does_harm(text):
    journal.parse_lines(text + b"\n" + row() + b"\n")


@given(
    st.dictionaries(
        st.sampled_from([field for field in JOURNAL_FIELDS if field != "uniqueid"]),
        st.text(st.sampled_from('",\n\r x1\0é')),
    )
)
def test_no_text_in_a_line_becomes_another_line(fields):
    lines, bad, _ = journal.parse_lines(row(**fields) + b"\n" + row(uniqueid="lab-2.0") + b"\n")
    assert lines[-1].uniqueid == "lab-2.0"
    assert len(lines) + bad == 2
    fold(lines)


# --- the file ---


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "siptrunk.csv"


def test_no_journal_yet(file):
    assert read_journal(file, None).position is None


def test_reading_goes_on_where_it_stopped(file):
    file.write_bytes(row() + b"\n")
    first = read_journal(file, None)
    with file.open("ab") as more:
        more.write(row(uniqueid="lab-2.0") + b"\n")
    second = read_journal(file, first.position)
    assert [line.uniqueid for line in first.lines + second.lines] == ["lab-1.0", "lab-2.0"]
    assert read_journal(file, second.position).lines == ()


def test_half_a_line_waits_for_its_other_half(file):
    file.write_bytes(row() + b"\n" + row(uniqueid="lab-2.0")[:40])
    first = read_journal(file, None)
    assert [line.uniqueid for line in first.lines] == ["lab-1.0"]
    assert not first.more
    file.write_bytes(row() + b"\n" + row(uniqueid="lab-2.0") + b"\n")
    assert [line.uniqueid for line in read_journal(file, first.position).lines] == ["lab-2.0"]


def read_on(file, position):
    """Read until there is no more; the calls, and where it stopped."""
    found, more = [], True
    while more:
        reading = read_journal(file, position)
        found += [line.uniqueid for line in reading.lines]
        position, more = reading.position, reading.more
    return found, position


def lines(*uniqueids):
    return b"".join(row(uniqueid=uniqueid) + b"\n" for uniqueid in uniqueids)


def rotate(file, *, old, new):
    """Rename as logrotate does, `old` written before it and `new` after it."""
    with file.open("ab") as more:
        more.write(old)
    for number in (2, 1):
        if (rotated := Path(f"{file}.{number}")).exists():
            rotated.rename(f"{file}.{number + 1}")
    file.rename(f"{file}.1")
    file.write_bytes(new)


def test_what_was_not_read_before_a_rotation_is_read_after_it(file):
    file.write_bytes(lines("a", "b"))
    _, position = read_on(file, None)
    rotate(file, old=lines("c") + row()[:50], new=lines("d"))
    found, position = read_on(file, position)
    assert found == ["c", "d"]
    rotate(file, old=lines("e"), new=b"")
    rotate(file, old=lines("f"), new=lines("g"))
    found, position = read_on(file, position)
    assert found == ["e", "f", "g"]
    assert read_on(file, position) == ([], position)


def test_a_journal_that_is_renamed_and_not_made_anew_yet_is_read_where_it_is(file):
    file.write_bytes(lines("a"))
    _, position = read_on(file, None)
    file.write_bytes(lines("a", "b"))
    file.rename(f"{file}-20261124")
    found, position = read_on(file, position)
    assert found == ["b"]
    file.write_bytes(lines("c"))
    assert read_on(file, position)[0] == ["c"]


def test_a_plain_journal_behind_a_compressed_one_is_still_read(file):
    """Two nights without the service, with logrotate's delaycompress."""
    file.write_bytes(lines("a"))
    _, position = read_on(file, None)
    rotate(file, old=lines("b"), new=lines("c"))
    Path(f"{file}.1").rename(f"{file}.2.gz")
    rotate(file, old=b"", new=lines("d"))
    assert read_on(file, position)[0] == ["c", "d"]


def test_a_journal_that_was_compressed_before_it_was_read_is_told(file, caplog):
    file.write_bytes(lines("a"))
    _, position = read_on(file, None)
    rotate(file, old=lines("b"), new=lines("c"))
    Path(f"{file}.1").rename(f"{file}.1.gz")
    assert read_on(file, position)[0] == ["c"]
    assert "usage verify" in caplog.text


def test_a_file_that_became_shorter_is_read_from_its_start(file):
    file.write_bytes((row() + b"\n") * 3)
    position = read_journal(file, None).position
    file.write_bytes(row(uniqueid="lab-2.0") + b"\n")
    assert [line.uniqueid for line in read_journal(file, position).lines] == ["lab-2.0"]


def test_a_file_that_was_copied_and_emptied_is_read_on_in_its_copy(file):
    """logrotate with `copytruncate`; the service was away."""
    file.write_bytes(lines("a", "b"))
    _, position = read_on(file, None)
    Path(f"{file}.1").write_bytes(lines("a", "b", "c"))
    file.write_bytes(lines("d"))
    found, position = read_on(file, position)
    assert found == ["c", "d"]
    file.write_bytes(lines("d", "e"))
    assert read_on(file, position)[0] == ["e"]


def test_one_that_grew_beyond_where_we_stopped_before_we_looked_is_no_other(file):
    file.write_bytes(lines("a"))
    _, position = read_on(file, None)
    Path(f"{file}.1").write_bytes(lines("a", "b"))
    file.write_bytes(lines("longer-than-that", "d"))
    assert read_on(file, position)[0] == ["b", "longer-than-that", "d"]


def test_a_backlog_comes_in_pieces(file, monkeypatch):
    monkeypatch.setattr(journal, "READ_BYTES", 3 * len(row()))
    file.write_bytes((row() + b"\n") * 5)
    reading = read_journal(file, None)
    pieces = [len(reading.lines)]
    while reading.more:
        reading = read_journal(file, reading.position)
        pieces.append(len(reading.lines))
    assert pieces == [2, 2, 1]


def test_a_line_that_never_ends_is_passed_over(file, monkeypatch):
    monkeypatch.setattr(journal, "READ_BYTES", 2 * journal.LONGEST_LINE)
    file.write_bytes(b"x" * 5 * journal.LONGEST_LINE + b"\n" + row() + b"\n")
    reading = read_journal(file, None)
    while reading.more:
        reading = read_journal(file, reading.position)
    assert [line.uniqueid for line in reading.lines] == ["lab-1.0"]
