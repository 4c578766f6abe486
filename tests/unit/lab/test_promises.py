"""The judges of the fault tests are judged: each promise, broken, is noticed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from asterisk_siptrunk.call import CallRecord, Direction, Evidence, Reason, Verdict, Via
from tests.lab.promises import broken_promises, most_at_once, recovered_after
from tests.lab.traffic import NARROW_CHANNELS, Carried, Kind, Placed, Sample, Told

BEGAN, FAULT, OVER = 1000.0, 1002.0, 1003.0


def tag(kind: Kind, number: int) -> str:
    return f"{kind}{number:06}"


def row(carried: Carried, **values: object) -> CallRecord:
    """The row that a call should have."""

    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    started = at(carried.invited_at)
    assert started is not None
    record = CallRecord(
        id=1,
        server="lab",
        uniqueid=carried.tag,
        sip_call_id="",
        trunk="narrow",
        carrier="telco",
        direction=Direction.OUTBOUND,
        caller="",
        presented="",
        withheld=False,
        dialled="",
        callee=carried.tag,
        zone="",
        verdict=Verdict.ADMITTED,
        reason=Reason.ADMITTED,
        facts="",
        via=Via.SERVICE,
        user_agent="",
        codec="",
        started_at=started,
        answered_at=at(carried.answered_at),
        ended_at=at(carried.ended_at),
        evidence=Evidence.AMI,
    )
    return replace(record, **values)  # type: ignore[arg-type]


def carried(kind: Kind, number: int, begin: float, seconds: float = 2.0) -> Carried:
    return Carried(tag(kind, number), begin, begin, begin + seconds)


def placed(one: Carried, status: int = 200) -> Placed:
    return Placed(one.tag, one.invited_at, one.invited_at + 0.01, status, one.ended_at, cut=False)


def refused(number: int, at: float) -> Placed:
    return Placed(tag(Kind.NARROW, number), at, at + 0.01, 503, at + 0.01, cut=False)


@pytest.fixture
def told() -> Told:
    """The small trunk full all the time, by calls one behind the other, and one refused."""
    calls = [
        carried(Kind.NARROW, channel * 10 + turn, BEGAN + turn * 2 + channel * 0.1, 1.95)
        for channel in range(NARROW_CHANNELS)
        for turn in range(5)
    ]
    return Told(
        placed=[*map(placed, calls), refused(99, BEGAN + 1)],
        carried=calls,
        rows=[row(one) for one in calls],
        samples=[Sample(BEGAN + n * 0.5, {"narrow": NARROW_CHANNELS}) for n in range(1, 19)],
        began_at=BEGAN,
        fault_began=FAULT,
        fault_ended=OVER,
        since=datetime.fromtimestamp(BEGAN, UTC),
        until=datetime.fromtimestamp(BEGAN, UTC) + timedelta(days=1),
    )


def test_promises_that_are_kept(told: Told):
    assert broken_promises(told) == []
    assert recovered_after(told) == pytest.approx(1.01)


@pytest.mark.parametrize(("spans", "most"), [([], 0), ([(0, 1), (1, 2)], 1), ([(0, 2), (1, 3)], 2)])
def test_calls_at_once_are_counted(spans: list[tuple[float, float]], most: int):
    assert most_at_once(spans) == most


def test_one_call_too_many_is_noticed(told: Told):
    one = carried(Kind.NARROW, 77, BEGAN + 0.5)
    told.carried.append(one)
    told.rows.append(row(one))
    (said,) = broken_promises(told)
    assert said == "1: the carrier saw 4 calls at once of a trunk with 3 channels"


def test_an_emergency_call_is_beyond_the_limit(told: Told):
    one = carried(Kind.EMERGENCY, 77, BEGAN + 0.5)
    told.carried.append(one)
    told.rows.append(row(one))
    told.placed.append(placed(one))
    assert broken_promises(told) == []


def test_a_limit_that_nobody_met_proves_nothing(told: Told):
    told.placed.pop()
    assert "was not tried" in broken_promises(told)[0]


def test_a_call_without_a_row_and_one_with_two_are_noticed(told: Told):
    told.rows[0] = told.rows[1]
    said = broken_promises(told)
    assert [one[:10] for one in said] == ["2: 0 rows ", "2: 2 rows "]


def test_a_wrong_duration_and_an_estimate_are_noticed(told: Told):
    end = told.rows[0].ended_at
    assert end is not None
    told.rows[0] = replace(told.rows[0], ended_at=end + timedelta(seconds=1.5))
    told.rows[1] = replace(told.rows[1], evidence=Evidence.RECONCILED)
    first, second = broken_promises(told)
    assert "lasted 1.9 s, its row 3.5 s" in first or "lasted 2.0 s, its row 3.5 s" in first
    assert "is an estimate" in second


def test_calls_that_asterisk_took_along_may_be_estimates(told: Told):
    for number, one in enumerate(told.carried):
        if one.ended_at is not None and one.invited_at < FAULT < one.ended_at:
            told.carried[number] = replace(one, ended_at=None)
            told.rows[number] = row(replace(one, ended_at=FAULT), evidence=Evidence.RECONCILED)
            told.placed[number] = replace(told.placed[number], cut=True)
    assert broken_promises(told, asterisk_died=True) == []
    assert broken_promises(told)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cut": True}, "was cut"),
        ({"status": 480}, "heard 480"),
        ({"status": 0, "heard_at": None}, "heard nothing"),
        ({"heard_at": BEGAN + 4.0}, "waited 4.0 s"),
    ],
)
def test_a_call_that_does_not_go_on_is_noticed(told: Told, change, said: str):
    told.placed[0] = replace(told.placed[0], **change)
    assert said in " ".join(broken_promises(told))


def test_an_emergency_call_that_is_refused_is_noticed(told: Told):
    told.placed.append(replace(refused(1, BEGAN + 1), tag=tag(Kind.EMERGENCY, 1)))
    assert broken_promises(told)[0].startswith("4: ")


def test_a_channel_that_stays_taken_is_noticed(told: Told):
    """Nobody calls on one channel any more, and still a call is refused."""
    gone = {one.tag for one in told.carried if one.tag[-2:-1] == "2" and one.invited_at > OVER}
    told.carried[:] = [one for one in told.carried if one.tag not in gone]
    told.placed += [refused(97, OVER + 2.1), refused(98, OVER + 5)]
    (said,) = broken_promises(told)
    assert said.startswith(f"5: {tag(Kind.NARROW, 98)} refused 5.0 s after the fault, with 2 ")


def test_recovery_waits_for_the_service_and_for_a_right_count(told: Told):
    for number, sample in enumerate(told.samples):
        if sample.at < OVER + 2.4:
            told.samples[number] = Sample(sample.at, {"narrow": 0})
    assert recovered_after(told) == pytest.approx(2.5)
    told.rows[:] = [replace(one, via=Via.AWAY) for one in told.rows]
    told.__dict__.pop("rows_by_tag", None)
    assert recovered_after(told) == float("inf")
