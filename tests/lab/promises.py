"""What the service promises in any fault, held against what both sides of the traffic saw.

1. A trunk never has more calls at once, as the carrier counts them, than it has channels
   (emergency calls apart).
2. Each call that was carried is in the usage database once, with its duration; only where
   Asterisk itself was killed, its end may be an estimate, and is marked as one.
3. No call is cut, and each new one is answered within 3 s.
4. Emergency calls pass.
5. From 2 s after the fault on no call is refused while a channel is free.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asterisk_siptrunk.call import Evidence, Via
from tests.lab.traffic import NARROW_CHANNELS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    from asterisk_siptrunk.call import CallRecord
    from tests.lab.provider import Provider
    from tests.lab.traffic import Carried, Placed, Told

RESULTS = Path("build/faults")
ANSWER_SECONDS = 3.0
LAB_SECONDS = 0.8
"""What SIPp, Asterisk and the tests themselves may add where two cores do it all."""
FREE_SECONDS = 2.0
RECOVERY_SECONDS = 10.0
"""Until the count is right again at the latest: a call that nobody noted when it began is known
when it ends, or by a look at the channels once it is 10 s old."""
NEAR_SECONDS = 0.4
"""How far apart the two sides may see one event: a row is written before its INVITE goes out."""
DURATION_SECONDS = 1.0
_MOST_SHOWN = 8
_OUTCOMES = {
    Kind.SHORT: {200},
    Kind.LONG: {200},
    Kind.NARROW: {200, 503},
    Kind.BUSY: {486},
    Kind.CANCELLED: {487},
    Kind.EMERGENCY: {200},
    Kind.INBOUND: {200},
}
_TRUNKS = {
    "narrow": {Kind.NARROW, Kind.EMERGENCY},
    "wide": {Kind.SHORT, Kind.LONG, Kind.BUSY, Kind.CANCELLED, Kind.INBOUND},
}
Span = tuple[float, float]


def broken_promises(
    told: Told, *, asterisk_died: bool = False, asterisk_cut: bool = False
) -> list[str]:
    """Everything that was not as promised, in words.

    With `asterisk_cut` the fault had Asterisk itself end calls: those that were under way, or
    asked before it was over, are excused from promises 3 and 4. With `asterisk_died` their ends
    may be estimates, too.
    """
    return [
        *_untried(told),
        *_too_many(told),
        *_miscounted(told, asterisk_died=asterisk_died),
        *_cut_or_late(told, excused=asterisk_died or asterisk_cut),
        *_refused_while_free(told),
    ]


def hold_to_promises(  # noqa: PLR0913 - what was seen, and what is excused
    provider: Provider,
    told: Told,
    fault: Fault,
    test: pytest.Item,
    *,
    asterisk_died: bool = False,
    asterisk_cut: bool = False,
    bad_lines: int = 0,
) -> None:
    """Fail with everything that was not as promised, or late; keep the fault for the matrix.

    `usage verify` has its say, too: it objects to nothing but so many bad lines of the journal.
    """
    found = broken_promises(told, asterisk_died=asterisk_died, asterisk_cut=asterisk_cut)
    found += _unproven(provider, told, asterisk_died=asterisk_died, bad_lines=bad_lines)
    shown = "\n".join(found[:_MOST_SHOWN])
    assert not found, f"{len(found)} promises broken:\n{shown}\n{provider.daemon_log[-2000:]}"
    seconds = recovered_after(told)
    note_down(fault, seconds, test)
    assert seconds < RECOVERY_SECONDS


def _untried(told: Told) -> Iterator[str]:
    """A limit that nobody ran into proves nothing."""
    answers = {one.status for one in told.placed if one.kind is Kind.NARROW}
    if not answers >= _OUTCOMES[Kind.NARROW]:
        yield f"the limit was not tried: calls of the small trunk heard {answers} only"


# --- 1. the limit ---


def _too_many(told: Told) -> Iterator[str]:
    spans = [
        (one.answered_at, one.ended_at or told.fault_began)
        for one in told.carried
        if one.kind is Kind.NARROW and one.answered_at is not None
    ]
    most = most_at_once(spans)
    if most > NARROW_CHANNELS:
        yield f"1: the carrier saw {most} calls at once of a trunk with {NARROW_CHANNELS} channels"


def most_at_once(spans: Iterable[Span]) -> int:
    """How many of these spans overlap at most; one that ends as another begins does not."""
    changes = [change for begin, end in spans for change in ((begin, 1), (end, -1))]
    most = now = 0
    for _, step in sorted(changes):
        now += step
        most = max(most, now)
    return most


# --- 2. usage ---


def _miscounted(told: Told, *, asterisk_died: bool) -> Iterator[str]:
    for one in told.carried:
        own = told.rows_by_tag.get(one.tag, [])
        if len(own) != 1:
            yield f"2: {len(own)} rows of the call {one.tag} that was carried"
        else:
            yield from _misjudged(one, own[0], told, asterisk_died=asterisk_died)


def _misjudged(one: Carried, row: CallRecord, told: Told, *, asterisk_died: bool) -> Iterator[str]:
    if row.ended_at is None:
        yield f"2: {one.tag} is over, and its row still holds a channel"
        return
    estimated = row.evidence is Evidence.RECONCILED
    real = one.billable
    if one.answered_at is not None and one.ended_at is None:
        real = told.fault_began - one.answered_at
    if abs(row.billable.total_seconds() - real) > DURATION_SECONDS:
        yield f"2: {one.tag} lasted {real:.1f} s, its row {row.billable.total_seconds():.1f} s"
    if estimated and not asterisk_died:
        yield f"2: the end of {one.tag} is an estimate, though its Asterisk lived on"


def _unproven(
    provider: Provider, told: Told, *, asterisk_died: bool, bad_lines: int
) -> Iterator[str]:
    period = ("--from", told.since.isoformat(), "--to", told.until.isoformat())
    done = provider.run("usage", "verify", *period, "--format", "json")
    if done.returncode != bool(bad_lines):
        yield f"2: usage verify ended with {done.returncode}: {done.stdout}{done.stderr}"
        return
    proof = json.loads(done.stdout)
    apart = {"estimated", "clock-set"}
    unproven = [one for one in proof["differences"] if one["kind"] not in apart]
    if unproven or proof["bad_lines"] != bad_lines:
        yield f"2: usage verify tells of {unproven}, bad lines {proof['bad_lines']}"
    if proof["estimated"] and not asterisk_died:
        yield f"2: usage verify tells of {proof['estimated']} estimates"


# --- 3 and 4. calls go on ---


def _cut_or_late(told: Told, *, excused: bool) -> Iterator[str]:
    for one in told.placed:
        if excused and _was_taken_along(one, told):
            continue
        number = 4 if one.kind is Kind.EMERGENCY else 3
        at = f"{one.tag} {one.asked_at - told.began_at:.1f} s on"
        if one.status not in _OUTCOMES[one.kind]:
            yield f"{number}: {at} heard {one.status or 'nothing'}"
        if one.cut:
            yield f"{number}: {at} was cut"
        if one.waited > ANSWER_SECONDS + LAB_SECONDS:
            yield f"{number}: {at} waited {one.waited:.1f} s"


def _was_taken_along(one: Placed, told: Told) -> bool:
    return one.asked_at < told.fault_ended and (one.ended_at or told.fault_ended) > told.fault_began


# --- 5. free again ---


def _refused_while_free(told: Told) -> Iterator[str]:
    spans = _spans(told, "narrow")
    due = told.fault_ended + FREE_SECONDS + LAB_SECONDS
    for one in told.placed:
        if one.kind is Kind.NARROW and one.status == 503 and one.heard_at and one.asked_at > due:
            most = _most_within(spans, one.heard_at - FREE_SECONDS - NEAR_SECONDS, one.heard_at)
            if most < NARROW_CHANNELS:
                late = one.asked_at - told.fault_ended
                yield (
                    f"5: {one.tag} refused {late:.1f} s after the fault, with {most} channels in "
                    f"use at most in the {FREE_SECONDS:g} s before"
                )


def _most_within(spans: Iterable[Span], since: float, until: float) -> int:
    """How many of these overlap at most in a stretch of time."""
    return most_at_once(
        (max(begin, since), min(end, until))
        for begin, end in spans
        if begin < until and end + NEAR_SECONDS > since
    )


def _spans(told: Told, trunk: str) -> list[Span]:
    return [
        (one.invited_at, one.ended_at or told.fault_began)
        for one in told.carried
        if one.kind in _TRUNKS[trunk]
    ]


def _range(spans: Iterable[Span], at: float) -> tuple[int, int]:
    """How many of these may have been in use about then: for certain, and at most."""
    most = sum(begin - NEAR_SECONDS < at < end + NEAR_SECONDS for begin, end in spans)
    least = sum(begin + NEAR_SECONDS < at < end - NEAR_SECONDS for begin, end in spans)
    return least, most


# --- how soon ---


def recovered_after(told: Told) -> float:
    """Seconds from the fault's end until the service decided, and its count was right again."""
    decided = min(
        (
            one.heard_at
            for one in told.placed
            if one.asked_at >= told.fault_ended and one.heard_at and _by_service(one, told)
        ),
        default=float("inf"),
    )
    spans = {trunk: _spans(told, trunk) for trunk in _TRUNKS}
    later = [sample for sample in told.samples if sample.at >= told.fault_ended]
    right = [
        all(
            least <= sample.in_use.get(trunk, 0) <= most
            for trunk in _TRUNKS
            for least, most in [_range(spans[trunk], sample.at)]
        )
        for sample in later
    ]
    good = (one.at for one, now, then in zip(later, right, right[1:], strict=False) if now and then)
    return max(decided, next(good, float("inf"))) - told.fault_ended


def _by_service(one: Placed, told: Told) -> bool:
    return any(row.via is Via.SERVICE for row in told.rows_by_tag.get(one.tag, []))


@dataclass(frozen=True)
class Fault:
    """One line of the README's matrix."""

    name: str
    callers: str
    admins: str


def note_down(fault: Fault, seconds: float, test: pytest.Item) -> None:
    """Keep a line of the matrix."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept = {**asdict(fault), "test": test.nodeid, "recovered_after": round(seconds, 2)}
    name = re.sub(r"[^a-z0-9]+", "-", fault.name.lower()).strip("-")
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n")
