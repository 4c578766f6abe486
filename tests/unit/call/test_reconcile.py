"""Open rows against living channels."""

from datetime import timedelta

from asterisk_siptrunk.call import Direction, LiveChannel, OpenCall, Snapshot, reconcile

GRACE = timedelta(seconds=10)


def channel(uniqueid: str, *, up: bool = True, age: int = 60) -> LiveChannel:
    return LiveChannel(
        uniqueid, Direction.OUTBOUND, "acme", "", "+33", "", up=up, age=timedelta(seconds=age)
    )


def look(*channels: LiveChannel, others: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot(frozenset({*(one.uniqueid for one in channels), *others}), channels)


def test_nothing_to_put_right():
    assert not reconcile([OpenCall("a", answered=True)], look(channel("a")), GRACE)


def test_a_row_whose_channel_is_no_more_is_gone():
    found = reconcile([OpenCall("a"), OpenCall("b")], look(channel("b", up=False)), GRACE)
    assert found.gone == ("a",)


def test_after_asterisk_restarted_all_rows_are_gone():
    assert reconcile([OpenCall("a"), OpenCall("b")], look(), GRACE).gone == ("a", "b")


def test_a_call_that_wandered_into_another_dialplan_is_alive():
    assert not reconcile([OpenCall("a")], look(others=("a",)), GRACE)


def test_a_channel_without_a_row_is_unknown_once_it_had_time_to_be_admitted():
    young, old = channel("young", age=9), channel("old", age=10)
    assert reconcile([], look(young, old), GRACE).unknown == (old,)


def test_a_call_that_ended_between_the_looks_has_no_row_made_for_it():
    """Its row was open at the first look: it is known, whatever happened since."""
    assert not reconcile([OpenCall("a", answered=True)], look(channel("a")), GRACE).unknown


def test_an_answer_that_nobody_heard_of():
    rows = [OpenCall("up"), OpenCall("known", answered=True), OpenCall("rings")]
    live = look(channel("up"), channel("known"), channel("rings", up=False))
    assert reconcile(rows, live, GRACE).answered == ("up",)
