"""Rows of calls, as the daemon would have written them."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def record(number: int, **changes: Any) -> dict[str, Any]:
    """An outbound call that lasts, begun a minute after the one before it."""
    started = changes.get("started_at", NOON + timedelta(minutes=number))
    values: dict[str, Any] = {
        "server": "lab",
        "uniqueid": f"lab-{number}.1",
        "sip_call_id": f"{number}@pbx",
        "trunk_id": 1,
        "carrier_id": 1,
        "direction": "outbound",
        "caller": "+33123456789",
        "presented": "0123456789",
        "withheld": False,
        "dialled": "0612345678",
        "callee": "+33612345678",
        "zone": "fr:mobile",
        "verdict": "admitted",
        "reason": "admitted",
        "facts": "0 of 3 channels in use (0 outbound, 0 inbound)",
        "via": "service",
        "user_agent": "PBX",
        "codec": "alaw",
        "started_at": started,
        "ringing_at": None,
        "answered_at": None,
        "ended_at": None,
        "hangup_cause": None,
        "evidence": None,
    }
    return values | changes


def ended(number: int, **changes: Any) -> dict[str, Any]:
    """The same, rung after 1 s, answered after 3 s, ended after 63.5 s."""
    start = NOON + timedelta(minutes=number)
    return (
        record(
            number,
            ringing_at=start + timedelta(seconds=1),
            answered_at=start + timedelta(seconds=3),
            ended_at=start + timedelta(seconds=63.5),
            hangup_cause=16,
            evidence="ami",
        )
        | changes
    )


def refused(number: int, **changes: Any) -> dict[str, Any]:
    """A blocked one."""
    start = NOON + timedelta(minutes=number)
    return (
        record(
            number,
            caller="",
            callee="+33899123456",
            zone="fr:premium",
            carrier_id=None,
            verdict="refused",
            reason="destination-blocked",
            facts="by *:premium",
            ended_at=start,
            hangup_cause=21,
            evidence="admission",
        )
        | changes
    )
