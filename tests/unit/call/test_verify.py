"""Rows of a period against the journal: what proves usage complete, and what refutes it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.call import Direction, Evidence
from asterisk_siptrunk.call.verify import BadLines, Kind, Period, Times, UsageRow, verify
from asterisk_siptrunk.call.witness import JournalCall

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
DAY = 86_400.0
PERIOD = Period(MIDNIGHT, MIDNIGHT + timedelta(days=1))
LATER = MIDNIGHT + timedelta(days=3)
NOON = DAY / 2


def at(seconds):
    return None if seconds is None else MIDNIGHT + timedelta(seconds=seconds)


def row(start=NOON, answer=NOON + 3, end=NOON + 63, name="a", evidence=Evidence.AMI):
    return UsageRow(name, Times(at(start), at(answer), at(end)), evidence)


def told(start=NOON, answer=NOON + 3, end=NOON + 63, name="a"):
    return JournalCall(
        uniqueid=name,
        direction=Direction.OUTBOUND,
        trunk="acme",
        carrier="one",
        caller="",
        dialled="",
        started_at=at(start),
        answered_at=at(answer),
        ended_at=at(end),
        disposition="",
        reason="",
    )


def check(rows, journal, looked_at=LATER):
    return verify(rows, journal, PERIOD, looked_at)


def kinds(found):
    return [difference.kind for difference in found.differences]


def test_no_calls_on_either_side_are_complete():
    found = check([], [])
    assert (found.is_complete, found.rows, found.journal_calls) == (True, 0, 0)


def test_counts_and_sums():
    found = check(
        [row(), row(name="b"), row(name="c", evidence=Evidence.RECONCILED), row(name="d")],
        [told(), told(end=NOON + 64, name="b"), told(name="e")],
    )
    assert (found.rows, found.journal_calls, found.agreed) == (4, 3, 2)
    assert found.billable == timedelta(seconds=180)
    assert found.journal_billable == timedelta(seconds=181)
    assert found.estimated_billable == timedelta(seconds=60)
    assert found.counts == {Kind.ESTIMATED: 1, Kind.NOT_IN_JOURNAL: 1, Kind.NO_ROW: 1}


def test_a_call_during_which_the_clock_was_set_is_counted_apart():
    found = check([row(evidence=Evidence.STEADY)], [told(end=NOON + 3663)])
    assert found.is_complete
    assert found.counts == {Kind.CLOCK_SET: 1}
    assert found.billable == found.journal_billable == timedelta(seconds=60)
    assert "by a steady clock" in found.differences[0].words
    assert not check([row(evidence=Evidence.STEADY)], []).is_complete


BY_ROW = "2026-11-23T12:01:03.000Z by its row"
ANSWERED = "2026-11-23T12:00:03.000Z by the journal"


@pytest.mark.parametrize(
    ("ours", "theirs", "kind", "words"),
    [
        (row(), told(), None, ""),
        (row(start=NOON + 0.02), told(end=NOON + 64), None, "a second apart at most"),
        (row(answer=None), told(answer=None), None, ""),
        (
            row(answer=None, end=NOON, evidence=Evidence.ADMISSION),
            told(answer=None, end=NOON + 4),
            None,
            "a refusal has no duration, however long it took",
        ),
        (
            row(),
            told(end=NOON + 65.5),
            Kind.TIMES,
            f"ended {BY_ROW}, 2026-11-23T12:01:05.500Z by the journal",
        ),
        (
            row(answer=NOON + 5),
            told(end=NOON + 65.5),
            Kind.TIMES,
            (
                f"answered 2026-11-23T12:00:05.000Z by its row, {ANSWERED}; "
                f"ended {BY_ROW}, 2026-11-23T12:01:05.500Z by the journal"
            ),
        ),
        (
            row(evidence=Evidence.RECONCILED),
            told(end=NOON + 60),
            Kind.TIMES,
            f"ended {BY_ROW}, 2026-11-23T12:01:00.000Z by the journal",
        ),
        (
            row(answer=None),
            told(),
            Kind.ANSWERED_ONCE,
            f"answered never by its row, {ANSWERED}",
        ),
        (
            row(),
            told(answer=None),
            Kind.ANSWERED_ONCE,
            "answered 2026-11-23T12:00:03.000Z by its row, never by the journal",
        ),
        (
            row(answer=None, end=NOON, evidence=Evidence.ADMISSION),
            told(),
            Kind.ANSWERED_ONCE,
            (
                f"answered never by its row, {ANSWERED}; "
                "ended 2026-11-23T12:00:00.000Z by its row, 2026-11-23T12:01:03.000Z by the journal"
            ),
        ),
        (row(), None, Kind.NOT_IN_JOURNAL, f"ended {BY_ROW}; the journal has no line of it"),
        (
            row(answer=None, end=NOON, evidence=Evidence.ADMISSION),
            None,
            Kind.NOT_IN_JOURNAL,
            "ended 2026-11-23T12:00:00.000Z by its row; the journal has no line of it",
        ),
        (
            None,
            told(),
            Kind.NO_ROW,
            "ended 2026-11-23T12:01:03.000Z by the journal; there is no row of it",
        ),
        (
            row(end=None, evidence=None),
            told(),
            Kind.NOT_ENDED,
            "ended 2026-11-23T12:01:03.000Z by the journal; its row is still open",
        ),
        (
            row(end=None, evidence=None),
            None,
            Kind.OPEN,
            "had not ended when the journal was read",
        ),
    ],
)
def test_one_call_and_how_it_differs(ours, theirs, kind, words):
    found = check([ours] if ours else [], [theirs] if theirs else [])
    assert found.agreed == (kind is None)
    assert found.is_complete is (kind is None)
    if kind:
        (difference,) = found.differences
        assert (difference.kind, difference.words, difference.uniqueid) == (kind, words, "a")
        assert difference.started_at == at(NOON)


def test_an_estimated_end_contradicts_nothing_and_is_listed():
    found = check([row(evidence=Evidence.RECONCILED)], [])
    assert found.is_complete
    (difference,) = found.differences
    assert difference.words == (
        "ended 2026-11-23T12:01:03.000Z by estimate; the journal has no line of it"
    )


def test_an_end_without_an_answer_before_it_bills_nothing():
    assert Times(at(0), at(5), at(4)).billable == timedelta()


# --- the border of the period ---


@pytest.mark.parametrize(
    ("by_row", "by_journal", "inside"),
    [
        (-0.01, 0.0, False),
        (0.0, -0.01, True),
        (DAY - 0.01, DAY, True),
        (DAY, DAY - 0.01, False),
        (1000.0, -2600.0, True),
    ],
)
def test_a_call_at_the_border_is_of_the_period_that_its_row_began_in(by_row, by_journal, inside):
    found = check([row(by_row, by_row + 3, by_row + 9)], [told(by_journal, by_row + 3, by_row + 9)])
    assert found.is_complete
    assert (found.rows, found.journal_calls, found.agreed) == (inside, inside, inside)


@pytest.mark.parametrize(
    ("start", "inside"), [(-0.01, False), (0.0, True), (DAY - 1, True), (DAY, False)]
)
def test_a_call_without_a_row_is_of_the_period_that_it_began_in(start, inside):
    assert check([], [told(start, start + 3, start + 9)]).is_complete is not inside


def test_a_call_of_another_period_may_differ():
    assert check([row(-60, -57, -50)], [told(-60, -57, -9), told(DAY, None, DAY, "b")]).rows == 0


# --- a call in several parts ---


def test_the_parts_of_a_call_are_one_span():
    parts = [
        told(NOON, None, NOON + 2),
        told(NOON + 2, NOON + 3, NOON + 30),
        told(NOON + 30, NOON + 31, NOON + 63),
    ]
    assert check([row()], parts).agreed == 1
    assert check([row()], parts[::-1]).agreed == 1


def test_a_part_beyond_the_period_belongs_to_a_call_that_began_in_it():
    parts = [told(DAY - 5, None, DAY + 2), told(DAY + 9_000, DAY + 9_001, DAY + 9_060)]
    assert check([row(DAY - 5, DAY + 9_001, DAY + 9_060)], parts).is_complete


# --- calls that last ---


@pytest.mark.parametrize(("looked_at", "complete"), [(DAY - 1, True), (DAY, False)])
def test_an_open_call_leaves_only_a_period_that_is_over_incomplete(looked_at, complete):
    found = check([row(end=None, evidence=None)], [], at(looked_at))
    assert (found.is_complete, found.over) == (complete, not complete)
    assert (found.rows, kinds(found)) == (1, [Kind.OPEN])


@pytest.mark.parametrize(
    ("ours", "journal", "looked_at", "kind"),
    [
        (row(), [], NOON + 62, Kind.OPEN),
        (row(), [], NOON + 67.9, Kind.OPEN),
        (row(), [], NOON + 68, Kind.NOT_IN_JOURNAL),
        (row(evidence=Evidence.RECONCILED), [], NOON + 67, Kind.OPEN),
        (row(end=None), [told()], NOON + 67, Kind.OPEN),
        (row(end=None), [told()], NOON + 68, Kind.NOT_ENDED),
    ],
)
def test_what_ends_while_it_is_looked_at_is_not_judged(ours, journal, looked_at, kind):
    found = check([ours], journal, at(looked_at))
    assert kinds(found) == [kind]
    if kind is Kind.OPEN:
        assert (found.billable, found.journal_calls) == (timedelta(), 0)


def test_the_journal_is_read_to_its_end_before_the_rows():
    """A call that begins between the looks has a row then, and not only a line."""
    looks = []

    def look(name):
        looks.append(name)
        yield from ()

    check(look("rows"), look("journal"))
    assert looks == ["journal", "rows"]


# --- bad lines ---


@pytest.mark.parametrize(
    ("after", "before", "matters", "why"),
    [
        (None, None, True, "nothing is known of when it was written"),
        (NOON, NOON + 60, True, "in the period"),
        (None, -DAY - 1, False, "long before the period"),
        (None, -DAY, True, "a call as long as the longest may have been written after it"),
        (2 * DAY, None, True, "a call that lasted a day into the next period"),
        (2 * DAY + 1, None, False, "no call of the period lasted as long"),
    ],
)
def test_bad_lines_matter_where_they_may_hide_a_call(after, before, matters, why):
    bad = BadLines("siptrunk.csv.1", 3, at(after), at(before))
    found = check([row()], [bad, told()])
    assert found.bad_lines == ({"siptrunk.csv.1": 3} if matters else {}), why
    assert found.is_complete is not matters, why


def test_bad_lines_are_told_by_file():
    found = check([], [BadLines("one", 1), BadLines("two", 1), BadLines("one", 2)])
    assert found.objections == (
        "lines of one that cannot be read: 3",
        "lines of two that cannot be read: 1",
    )


def test_objections_count_the_calls_of_each_kind():
    rows = [row(name=name) for name in "abc"]
    rows.append(row(name="o", end=None, evidence=None))
    journal = [told(name="c", answer=None), told(name="x"), told(name="y", start=NOON - 9)]
    found = check(rows, journal)
    assert found.objections == (
        "2 calls in the journal without a row",
        "2 calls ended without a line in the journal",
        "1 call answered on one side only",
        "1 call not ended yet",
    )
    assert found.differences[0].uniqueid == "y"


# --- whatever the calls ---


@st.composite
def journals(draw):
    """Journal calls in the period and around it, each with a name of its own."""
    offsets = st.floats(-2 * DAY, 2 * DAY) | st.sampled_from([0.0, DAY])
    lengths = st.floats(0, 9000)
    calls = []
    for number, start in enumerate(draw(st.lists(offsets, max_size=12))):
        answer = draw(st.none() | lengths)
        end = start + (answer or 0) + draw(lengths)
        calls.append(told(start, None if answer is None else start + answer, end, name=str(number)))
    return draw(st.permutations(calls))


def rows_of(journal, late=0.0):
    """The rows of exactly these calls, as the border of the period has them read."""
    rows = [
        UsageRow(
            one.uniqueid,
            Times(one.started_at + timedelta(seconds=late), one.answered_at, one.ended_at),
            Evidence.JOURNAL,
        )
        for one in journal
    ]
    return [one for one in rows if one.times.started_at in PERIOD.with_border()]


@given(journals(), st.floats(0, 2))
def test_a_database_of_exactly_the_journals_calls_is_complete(journal, late):
    found = check(rows_of(journal, late), journal)
    assert found.is_complete
    assert found.rows == found.journal_calls == found.agreed
    assert found.billable == found.journal_billable


@given(journals(), st.data())
def test_without_any_one_of_its_calls_it_is_not(journal, data):
    rows = rows_of(journal)
    inside = [one.uniqueid for one in rows if one.times.started_at in PERIOD]
    if not inside:
        return
    lost = data.draw(st.sampled_from(inside))
    fewer_rows = check([one for one in rows if one.uniqueid != lost], journal)
    fewer_lines = check(rows, [one for one in journal if one.uniqueid != lost])
    assert kinds(fewer_rows) == [Kind.NO_ROW]
    assert kinds(fewer_lines) == [Kind.NOT_IN_JOURNAL]
    assert not fewer_rows.is_complete
    assert not fewer_lines.is_complete
    assert [one.uniqueid for one in fewer_rows.differences] == [lost]


@given(journals(), journals(), st.data())
def test_every_row_agrees_or_differs(ours, theirs, data):
    evidence = st.sampled_from([*Evidence])
    rows = [UsageRow(one.uniqueid, one.times, data.draw(evidence)) for one in rows_of(ours)]
    found = check(rows, theirs)
    lone = found.counts[Kind.NO_ROW]
    assert found.rows == found.agreed + len(found.differences) - lone
    assert found.journal_calls == found.rows + lone - sum(
        found.counts[kind] for kind in (Kind.NOT_IN_JOURNAL, Kind.ESTIMATED)
    )
