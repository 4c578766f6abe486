"""Calls searched piece by piece, added up and counted, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from asterisk_siptrunk.call import Reason, Verdict
from asterisk_siptrunk.database import calls, trunks
from asterisk_siptrunk.database.calls import CallFilter, Place
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import call
from tests.unit.cli.records import record
from tests.unit.database.builders import NOON, provide


@pytest.fixture
def filled(engine):
    """Six calls, a minute between them; two of one moment; the third and the last were refused."""
    provide(engine)
    began = [NOON + timedelta(minutes=minute) for minute in (0, 1, 2, 2, 3, 40 * 24 * 60)]
    with transaction(engine) as connection:
        for number, at in enumerate(began, 1):
            refused = number in {3, 6}
            ended = at if refused else at + timedelta(seconds=60)
            row = record(number, carrier_id=None, started_at=at, ended_at=ended)
            row |= {
                "uniqueid": f"lab-{int(at.timestamp())}.{number}",
                "verdict": Verdict.REFUSED if refused else Verdict.ADMITTED,
                "reason": Reason.CHANNELS_FULL if refused else Reason.ADMITTED,
                "answered_at": None if refused else at,
                "callee": f"+3312345678{number}",
                "dialled": "",
            }
            connection.execute(insert(call).values({**row, "epoch": int(at.timestamp())}))
    return engine


def numbered(engine):
    """The calls' ends of numbers, by our own number of them."""
    with reading(engine) as connection:
        rows = connection.execute(select(call.c.id, call.c.callee))
        return {row.id: int(row.callee[-1]) for row in rows}


def gone_through(engine, wanted, limit):
    """Each piece, as the ends of its calls' numbers."""
    names, found, place = numbered(engine), [], wanted.before
    while True:
        with reading(engine) as connection:
            piece = calls.search(connection, CallFilter(**_of(wanted), before=place), limit)
        found.append([names[one.id] for one in piece.records])
        place = piece.next
        if place is None:
            return found


def _of(wanted):
    fields = ("trunk", "reasons", "since", "until")
    return {name: getattr(wanted, name) for name in fields}


def test_pieces_leave_nothing_out_and_tell_nothing_twice(filled):
    wanted = CallFilter(trunk="acme-paris")
    assert gone_through(filled, wanted, 2) == [[6, 5], [4, 3], [2, 1]]
    assert gone_through(filled, wanted, 10) == [[6, 5, 4, 3, 2, 1]]
    within = CallFilter(trunk="acme-paris", since=NOON, until=NOON + timedelta(minutes=3))
    assert gone_through(filled, within, 3) == [[4, 3, 2], [1]]


def test_what_is_rare_is_searched_by_steps(filled, monkeypatch):
    monkeypatch.setattr(calls, "_SEARCHED_AT_ONCE", 2)
    rare = CallFilter(trunk="acme-paris", reasons={Reason.CHANNELS_FULL})
    # Two by two: 6 and 5, 4 and 3, 2 and 1, and then no more.
    assert gone_through(filled, rare, 10) == [[6], [3], [], []]


def test_sums_are_of_what_a_search_reads(filled, monkeypatch):
    wanted = CallFilter(trunk="acme-paris")
    with reading(filled) as connection:
        sums = calls.sums(connection, wanted, 10)
        assert (sums.calls, sums.refused, sums.asr) == (6, 2, 1)
        assert sums.acd == timedelta(seconds=60)
        assert calls.sums(connection, wanted, 2).calls == 2
        monkeypatch.setattr(calls, "_SEARCHED_AT_ONCE", 2)
        rare = CallFilter(trunk="acme-paris", reasons={Reason.CHANNELS_FULL})
        assert calls.sums(connection, rare, 10).calls == 1


def test_counts_and_uses_of_a_trunk(filled):
    with reading(filled) as connection:
        trunk_id = trunks.get(connection, "acme-paris").id
        counted = calls.counted(connection, [trunk_id], NOON, NOON + timedelta(minutes=2))
        counts = {(one.reason, one.late): one.calls for one in counted}
        assert counts == {
            (Reason.ADMITTED, False): 2,
            (Reason.ADMITTED, True): 2,
            (Reason.CHANNELS_FULL, True): 2,
        }
        # The second one held its channel until minute 2, and the third was refused.
        since = NOON + timedelta(seconds=90)
        uses = calls.uses(connection, trunk_id, since, NOON + timedelta(minutes=3))
    assert [(one.callee[-1], one.full) for one in uses] == [("2", False), ("3", True), ("4", False)]


def test_a_call_by_its_number(filled):
    with reading(filled) as connection:
        (place,) = calls.search(connection, CallFilter(trunk="acme-paris"), 1).records
        assert calls.by_number(connection, place.id) == place
        assert calls.by_number(connection, place.id + 1) is None
        nothing = CallFilter(trunk="acme-paris", before=Place(NOON, 0))
        assert calls.search(connection, nothing, 10) == calls.Piece([], None)
