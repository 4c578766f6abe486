"""Open rows against living channels."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from asterisk_siptrunk.call import (
    Direction,
    Lifetime,
    LiveChannel,
    OpenCall,
    Snapshot,
    reconcile,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
GRACE = timedelta(seconds=10)


def channel(uniqueid: str, *, up: bool = True, age: int = 60) -> LiveChannel:
    return LiveChannel(
        uniqueid, Direction.OUTBOUND, "acme", "", "+33", "", up=up, age=timedelta(seconds=age)
    )


def look(*channels: LiveChannel, others: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot(frozenset({*(one.uniqueid for one in channels), *others}), channels)


def test_nothing_to_put_right():
    assert not reconcile([OpenCall("a", NOON, answered=True)], look(channel("a")), GRACE)


def test_a_row_whose_channel_is_no_more_is_gone():
    found = reconcile(
        [OpenCall("a", NOON), OpenCall("b", NOON)], look(channel("b", up=False)), GRACE
    )
    assert [one.uniqueid for one in found.gone] == ["a"]


def test_after_asterisk_restarted_all_rows_are_gone():
    rows = (OpenCall("a", NOON), OpenCall("b", NOON))
    assert reconcile(rows, look(), GRACE).gone == rows


def test_a_call_that_wandered_into_another_dialplan_is_alive():
    assert not reconcile([OpenCall("a", NOON)], look(others=("a",)), GRACE)


def test_a_channel_without_a_row_is_unknown_once_it_had_time_to_be_admitted():
    young, old = channel("young", age=9), channel("old", age=10)
    assert reconcile([], look(young, old), GRACE).unknown == (old,)


def test_a_call_that_the_dialplan_let_pass_alone_is_unknown_at_any_age():
    away = replace(channel("away", age=0), away=True)
    found = reconcile([], look(away), GRACE)
    assert (found.unknown, found.young) == ((away,), 0)


def test_young_channels_without_a_row_are_counted_so_that_they_are_looked_at_again():
    assert (
        reconcile(
            [OpenCall("known", NOON)], look(channel("known"), channel("young", age=9)), GRACE
        ).young
        == 1
    )


def test_a_call_that_ended_between_the_looks_has_no_row_made_for_it():
    """Its row was open at the first look: it is known, whatever happened since."""
    assert not reconcile([OpenCall("a", NOON, answered=True)], look(channel("a")), GRACE).unknown


def test_an_answer_that_nobody_heard_of():
    rows = [OpenCall("up", NOON), OpenCall("known", NOON, answered=True), OpenCall("rings", NOON)]
    live = look(channel("up"), channel("known"), channel("rings", up=False))
    assert reconcile(rows, live, GRACE).answered == ("up",)


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("began", "lost", "latest", "why"),
    [
        (None, None, 900, "nothing is known: it may have lasted until the look"),
        (None, 60, 900, "a lost connection ends no call"),
        (-5, None, 900, "the same Asterisk carried it"),
        (-5, 60, 900, "the same Asterisk, after the connection was lost and made anew"),
        (300, None, 300, "another Asterisk: the call ended before it began"),
        (300, 60, 60, "and when the connection to the one before it was lost"),
        (300, -60, 300, "the connection was lost before the call: it tells nothing of it"),
        (300, 600, 300, "the connection to the new one was lost"),
    ],
)
def test_the_latest_end_of_a_call_that_is_gone(began, lost, latest, why):
    life = Lifetime(began_at=at(began), lost_at=at(lost))
    assert life.latest_end(OpenCall("a", NOON), NOON + timedelta(seconds=900)) == at(latest), why
