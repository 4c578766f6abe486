"""What witnesses tell, on the rows of their server."""

from datetime import timedelta

import pytest

from asterisk_siptrunk.call import (
    Answered,
    Contact,
    Direction,
    Ended,
    Evidence,
    LiveChannel,
    Reason,
    RegistrationChange,
    Ringing,
    Spoken,
    State,
    Via,
)
from asterisk_siptrunk.call.verify import Period, Times, UsageRow
from asterisk_siptrunk.call.witness import JournalCall, JournalPosition
from asterisk_siptrunk.database import calls, usage
from asterisk_siptrunk.database.calls import CallFilter
from asterisk_siptrunk.database.engine import reading, transaction
from tests.unit.database.builders import (
    NOON,
    admission,
    ask,
    carrier,
    open_calls,
    outbound,
    provide,
)

SERVER = "lab"


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def tell(engine, *changes, server=SERVER):
    with transaction(engine) as connection:
        usage.apply(connection, server, changes)


def the_record(engine):
    with reading(engine) as connection:
        (record,) = calls.every(connection, CallFilter())
    return record


@pytest.fixture
def call(engine):
    """The id of a call that was admitted at noon."""
    provide(engine)
    attempt = outbound()
    ask(engine, admission(), attempt)
    return attempt.uniqueid


def journalled(uniqueid, **changes):
    values = {
        "uniqueid": uniqueid,
        "direction": Direction.OUTBOUND,
        "trunk": "acme-paris",
        "carrier": "one",
        "caller": "+33123456789",
        "dialled": "0612345678",
        "started_at": NOON,
        "answered_at": after(3),
        "ended_at": after(60),
        "disposition": "ANSWERED",
        "reason": "admitted",
    }
    return JournalCall(**(values | changes))


def record_journal(engine, *found, offset=1):
    with transaction(engine) as connection:
        usage.record_journal(connection, SERVER, found, JournalPosition(7, offset))


def live(uniqueid, **changes):
    values = {
        "uniqueid": uniqueid,
        "direction": Direction.OUTBOUND,
        "trunk": "acme-paris",
        "carrier": "",
        "dialled": "0612345678",
        "caller": "+33123456789",
        "up": True,
        "age": timedelta(seconds=10),
    }
    return LiveChannel(**(values | changes))


def adopt(engine, *channels, at=NOON):
    with transaction(engine) as connection:
        usage.adopt(connection, SERVER, channels, at)


def test_a_call_told_to_its_end(engine, call):
    tell(engine, Ringing(call, after(1)), Answered(call, after(3)), Spoken(call, "alaw"))
    assert the_record(engine).state is State.UP
    tell(engine, Ended(call, after(60.5), 16))
    record = the_record(engine)
    assert (record.duration, record.billable) == (timedelta(seconds=60.5), timedelta(seconds=57.5))
    assert (record.hangup_cause, record.evidence) == (16, Evidence.AMI)
    assert record.codec == "alaw"


def test_what_is_told_twice_counts_once(engine, call):
    tell(engine, Answered(call, after(3)), Answered(call, after(9)))
    tell(engine, Ended(call, after(60), 16), Ended(call, after(90), 17))
    record = the_record(engine)
    assert (record.answered_at, record.ended_at, record.hangup_cause) == (after(3), after(60), 16)


def test_another_server_s_words_change_nothing(engine, call):
    tell(engine, Ended(call, after(60), 16), server="other")
    tell(engine, Ended("unknown", after(60), 16))
    assert the_record(engine).state is State.ASKED


def test_a_refused_call_stays_as_it_was(engine):
    provide(engine)
    attempt = outbound("0899123456")
    ask(engine, admission(), attempt)
    before = the_record(engine)
    tell(engine, Ended(attempt.uniqueid, after(1), 21), Spoken(attempt.uniqueid, "alaw"))
    record_journal(engine, journalled(attempt.uniqueid))
    adopt(engine, live(attempt.uniqueid))
    assert the_record(engine) == before


def test_an_estimated_end_gives_way_to_the_exact_one(engine, call):
    with transaction(engine) as connection:
        usage.close_gone(connection, SERVER, {call: after(90)})
    assert the_record(engine).evidence is Evidence.RECONCILED
    assert open_calls(engine) == 0
    tell(engine, Ended(call, after(60), 16))
    assert (the_record(engine).ended_at, the_record(engine).evidence) == (after(60), Evidence.AMI)


def test_a_false_end_is_taken_back_when_the_call_lives(engine, call):
    with transaction(engine) as connection:
        usage.close_gone(connection, SERVER, {call: after(5)})
    adopt(engine, live(call), at=after(10))
    assert open_calls(engine) == 1


def test_a_living_call_without_a_row_gets_one(engine):
    provide(engine)
    adopt(engine, live("away-1"))
    record = the_record(engine)
    assert (record.trunk, record.callee, record.via) == ("acme-paris", "+33612345678", Via.AWAY)
    assert (record.reason, record.started_at) == (Reason.AWAY_ADMITTED, after(-10))
    adopt(engine, live("away-1"))
    assert open_calls(engine) == 1


@pytest.mark.parametrize("ends_first", [False, True])
def test_the_journal_tells_what_a_call_was_that_was_only_seen_alive(engine, ends_first):
    """The dialplan let it pass alone: while it lives, nobody says which number it called."""
    provide(engine)
    adopt(engine, live("away-1", dialled="", caller="", age=timedelta()))
    if ends_first:
        tell(engine, Ended("away-1", after(60), 16))
    told = journalled("away-1", reason="emergency", dialled="112", caller="0123456789")
    record_journal(engine, told)
    record = the_record(engine)
    assert (record.dialled, record.callee, record.reason) == ("112", "112", Reason.EMERGENCY)
    assert (record.caller, record.carrier) == ("0123456789", told.carrier or None)
    assert record.evidence is (Evidence.AMI if ends_first else Evidence.JOURNAL)


def test_the_journal_closes_what_was_left_open(engine, call):
    record_journal(engine, journalled(call))
    record = the_record(engine)
    assert (record.answered_at, record.ended_at) == (after(3), after(60))
    assert record.evidence is Evidence.JOURNAL


def test_the_journal_leaves_an_exact_end(engine, call):
    tell(engine, Ended(call, after(60), 16))
    record_journal(engine, journalled(call, ended_at=after(61)))
    assert the_record(engine).ended_at == after(60)


@pytest.mark.parametrize("journal_first", [True, False])
def test_where_the_clock_was_set_the_journal_has_no_say(engine, call, journal_first):
    def journal() -> None:
        record_journal(engine, journalled(call, ended_at=after(3660)))

    tell(engine, Answered(call, after(3)))
    if journal_first:
        journal()
    tell(engine, Ended(call, after(60), 16, clock_was_set=True))
    journal()
    record = the_record(engine)
    assert (record.ended_at, record.hangup_cause) == (after(60), 16)
    assert record.evidence is Evidence.STEADY


# The journal says: answered 3 s after noon.
@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ([], 3),  # nobody listened when it was answered
        ([after(8)], 3),  # a look found it answered, later
        ([after(3.004)], 3.004),  # the event itself: as good as the journal
    ],
)
def test_the_journal_puts_an_answer_right_that_was_seen_late(engine, call, told, kept):
    tell(engine, *(Answered(call, at) for at in told), Ended(call, after(60), 16))
    record_journal(engine, journalled(call))
    record = the_record(engine)
    assert (record.answered_at, record.evidence) == (after(kept), Evidence.AMI)


def test_a_call_that_was_never_answered_gets_no_answer(engine, call):
    tell(engine, Ended(call, after(60), 17))
    record_journal(engine, journalled(call, answered_at=None, disposition="BUSY"))
    assert the_record(engine).answered_at is None


@pytest.mark.parametrize(
    ("found", "reason", "verdict"),
    [
        ({"reason": "away-admitted"}, "away-admitted", "admitted"),
        ({"reason": "away-refused", "answered_at": None}, "away-refused", "refused"),
        ({"reason": "emergency"}, "emergency", "admitted"),
        # What came from the network's side is believed as far as it is ours to have written.
        ({"reason": "nonsense"}, "away-admitted", "admitted"),
        ({"reason": "", "carrier": "", "answered_at": None}, "away-refused", "refused"),
        ({"trunk": "gone"}, "away-admitted", "admitted"),
    ],
)
def test_a_call_that_only_the_journal_knows_gets_a_row(engine, found, reason, verdict):
    provide(engine)
    record_journal(engine, journalled("away-1", **found))
    record = the_record(engine)
    assert (record.reason, record.verdict, record.state) == (reason, verdict, State.ENDED)


def test_lines_of_one_call_in_two_readings_are_one_call(engine):
    provide(engine)
    record_journal(engine, journalled("away-1", answered_at=None, ended_at=after(5)))
    record_journal(engine, journalled("away-1", started_at=after(5), answered_at=after(8)))
    record = the_record(engine)
    assert (record.started_at, record.answered_at, record.ended_at) == (NOON, after(8), after(60))


def test_the_journal_read_again_changes_nothing(engine):
    provide(engine)
    for offset in (5, 9):
        record_journal(engine, journalled("away-1"), offset=offset)
    assert the_record(engine).billable == timedelta(seconds=57)
    with reading(engine) as connection:
        assert usage.position(connection, SERVER) == JournalPosition(7, 9)
        assert usage.position(connection, "other") is None


def pbx(contact="192.0.2.1:5060", *, registered=True, at=NOON, **facts) -> RegistrationChange:
    return RegistrationChange(
        facts.pop("trunk", "acme-paris"), registered=registered, at=at, contact=contact, **facts
    )


def noted(engine, *changes: RegistrationChange):
    """The registration of the one trunk at SERVER, after these changes."""
    provide(engine)
    with transaction(engine) as connection:
        usage.note_registrations(connection, SERVER, changes)
        return next(iter(calls.registrations(connection)), None)


def test_registrations_are_kept_by_server(engine):
    provide(engine)
    with transaction(engine) as connection:
        for server, change in (
            (SERVER, pbx()),
            ("other", pbx(user_agent="PBX 1")),
            (SERVER, pbx(registered=False, at=after(9))),
            (SERVER, pbx(trunk="nobody")),
        ):
            usage.note_registrations(connection, server, [change])
        found = calls.registrations(connection)
        assert usage.registered(connection, SERVER) == []
        assert usage.registered(connection, "other") == [
            Contact("acme-paris", "192.0.2.1:5060", "PBX 1")
        ]
    assert [(one.server, one.registered, one.contact, one.changed_at) for one in found] == [
        (SERVER, False, "", after(9)),
        ("other", True, "192.0.2.1:5060", NOON),
    ]


def test_since_when_stays_while_a_pbx_stays(engine):
    one = noted(engine, pbx(), pbx(at=after(5), user_agent="PBX 1"), pbx(at=after(9)))
    assert (one.changed_at, one.user_agent) == (NOON, "PBX 1")


def test_a_pbx_that_moves_is_there_since_then_and_its_name_is_asked_anew(engine):
    one = noted(engine, pbx(user_agent="PBX 1"), pbx("192.0.2.2:5060", at=after(5)))
    assert (one.contact, one.changed_at, one.user_agent) == ("192.0.2.2:5060", after(5), "")


def test_the_old_contact_of_a_pbx_that_moved_goes_last(engine):
    moved = pbx("192.0.2.2:5060", at=after(5))
    one = noted(engine, pbx(), moved, pbx(registered=False, at=after(6)))
    assert (one.registered, one.contact) == (True, "192.0.2.2:5060")


@pytest.mark.parametrize("contact", ["192.0.2.1:5060", ""])
def test_a_pbx_that_went_is_gone_since_it_went(engine, contact):
    gone, again = (pbx(contact, registered=False, at=after(at)) for at in (5, 6))
    one = noted(engine, pbx(user_agent="PBX 1"), gone, again)
    assert (one.registered, one.contact, one.changed_at) == (False, "", after(5))


def test_a_refusal_that_came_too_late_gives_way_to_what_the_dialplan_did(engine):
    provide(engine)
    attempt = outbound(dialled="0899123456")
    ask(engine, admission(), attempt)
    assert the_record(engine).verdict == "refused"
    record_journal(engine, journalled(attempt.uniqueid, reason="away-admitted"))
    record = the_record(engine)
    assert (record.verdict, record.reason, record.via) == ("admitted", Reason.AWAY_ADMITTED, "away")
    assert record.billable == timedelta(seconds=57)


def test_the_cause_is_kept_where_the_journal_was_read_first(engine, call):
    record_journal(engine, journalled(call))
    tell(engine, Ended(call, after(60), 16))
    record = the_record(engine)
    assert (record.hangup_cause, record.evidence) == (16, Evidence.JOURNAL)


def test_a_proof_reads_the_rows_of_one_server_and_counts_those_of_all(engine):
    record_journal(
        engine,
        journalled("first"),
        journalled("last", started_at=after(9.999), answered_at=None, ended_at=after(60)),
        journalled("before", started_at=after(-0.001)),
        journalled("after", started_at=after(10)),
    )
    with transaction(engine) as connection:
        usage.adopt(connection, "other", [live("theirs", up=False)], after(15))
    period = Period(NOON, after(10))
    with reading(engine) as connection:
        rows = list(calls.usage_rows(connection, SERVER, period))
        (theirs,) = calls.usage_rows(connection, "other", period)
        counts = calls.servers(connection, period)
    assert sorted(rows, key=lambda row: row.uniqueid) == [
        UsageRow("first", Times(NOON, after(3), after(60)), Evidence.JOURNAL),
        UsageRow("last", Times(after(9.999), None, after(60)), Evidence.JOURNAL),
    ]
    assert theirs == UsageRow("theirs", Times(after(5), None, None), None)
    assert counts == {SERVER: 2, "other": 1}


def test_a_call_whose_lines_come_in_two_readings_is_its_second_carriers(engine):
    provide(engine, carrier("one"), carrier("two"))
    failed = {"answered_at": None, "ended_at": after(2), "reason": "away-admitted"}
    record_journal(engine, journalled("away-1", **failed, disposition="CONGESTION"))
    record_journal(engine, journalled("away-1", carrier="two", reason="away-admitted"), offset=2)
    record = the_record(engine)
    assert (record.carrier, record.started_at, record.ended_at) == ("two", NOON, after(60))
