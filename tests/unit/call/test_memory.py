"""What a service remembers of its open calls."""

from dataclasses import replace

from asterisk_siptrunk.call import Direction, Pace
from asterisk_siptrunk.call.memory import CallMemory, Held
from tests.unit.call.builders import BACKUP, CARRIER, MAIN, number

OUT = Held(1, Direction.OUTBOUND, CARRIER.id, number("0612345678"), MAIN)
IN = replace(OUT, direction=Direction.INBOUND)
OTHER = replace(OUT, trunk=2, carrier=BACKUP.id)


def remembering(**held: Held) -> CallMemory:
    calls = CallMemory()
    for uniqueid, one in held.items():
        calls.take(uniqueid, one)
    return calls


def test_calls_are_counted_by_trunk_and_direction_and_by_carrier():
    count = remembering(a=OUT, b=OUT, c=IN, d=OTHER).count()
    assert count.trunks[1, Direction.OUTBOUND] == 2
    assert (count.of_trunk(1), count.of_trunk(2), count.of_trunk(3)) == (3, 1, 0)
    assert (count.carriers[CARRIER.id], count.carriers[BACKUP.id]) == (3, 1)


def test_whoever_asks_does_not_count():
    assert remembering(a=OUT, b=OUT).count(but=("a",)).of_trunk(1) == 1


def test_a_call_that_ended_holds_nothing():
    calls = remembering(a=OUT)
    calls.end("a")
    calls.end("never heard of")
    assert (len(calls), calls.get("a"), calls.alive()) == (0, None, [])


def test_the_rows_are_right_in_what_is_older_than_they_are():
    calls = remembering(leaked=OUT, known=OUT)
    calls.mark()
    calls.compare({"known": OUT, "missed": IN})
    assert sorted(calls.alive()) == ["known", "missed"]


def test_what_happened_while_the_rows_were_read_is_newer():
    calls = remembering(ends=OUT)
    calls.mark()
    calls.take("begins", OUT)
    calls.end("ends")
    calls.compare({"ends": OUT})
    assert calls.alive() == ["begins"]


def test_a_call_that_its_carrier_failed_goes_to_the_next_one():
    held, way = OUT.put_to(BACKUP)
    assert (held.carrier, held.tried) == (BACKUP.id, frozenset({CARRIER.id}))
    assert (way.carrier, way.callee, way.caller) == (BACKUP, OUT.callee, MAIN)
    first, _ = replace(OUT, carrier=None).put_to(CARRIER)
    assert first.tried == frozenset()


def test_a_trunk_s_pace_is_kept_and_fills_again():
    calls = CallMemory()
    assert calls.pace(1, 2, 100.0) == Pace(2.0, 100.0)
    calls.keep_pace(1, Pace(0.0, 100.0))
    assert calls.pace(1, 2, 100.5).tokens == 1.0


def test_it_does_not_grow_by_calls_that_ended_while_nobody_can_compare():
    calls = remembering(a=OUT)
    calls.mark()
    calls.compare({"a": OUT})
    before = kept_by(calls)
    for serial in range(1000):
        calls.take(f"lab-{serial}.1", OUT)
        calls.end(f"lab-{serial}.1")
    assert kept_by(calls) == before


def kept_by(calls: CallMemory) -> int:
    """How many things it keeps hold of, in all its containers."""
    return sum(len(kept) for kept in vars(calls).values() if kept is not None)
