"""Counts what Asterisk tells of wrong passwords, unknown names and addresses that may not call."""

import asyncio
import logging
import re
from contextlib import suppress

from asterisk_siptrunk.asterisk.events import SECURITY_EVENTS
from asterisk_siptrunk.asterisk.message import AmiEvent
from asterisk_siptrunk.asterisk.variables import TRUNK_PREFIX
from asterisk_siptrunk.call.security import SecurityEvent, SecurityTally
from asterisk_siptrunk.call.witness import UsageStore
from asterisk_siptrunk.errors import DatabaseUnavailable

STORE_SECONDS = 5.0
"""Between two times that counts are stored; nobody's call depends on them."""
MOST_TOGETHER = 25
"""Counts in one transaction, some milliseconds: admissions wait for its end."""

_LONGEST_ACCOUNT = 40
# `IPV4/UDP/192.0.2.7/5060` (main/security_events.c); the address is the packet's, not SIP's.
_ADDRESS = re.compile(r"IPV[46]/[A-Z]{2,4}/([0-9A-Fa-f.:]{2,45})/\d{1,5}", re.ASCII)
_INVENTED = "InvalidAccountID"
"""Whoever asks chose its account; that of the others is an endpoint's name."""

log = logging.getLogger(__name__)


def security_event(event: AmiEvent) -> SecurityEvent | None:
    """What an event tells of an attempt; None where it tells of none."""
    if event.name not in SECURITY_EVENTS:
        return None
    found = _ADDRESS.fullmatch(event.fields.get("RemoteAddress", ""))
    account = "".join(c for c in event.fields.get("AccountID", "") if c.isprintable())
    known = account.startswith(TRUNK_PREFIX) and event.name != _INVENTED and not event.ambiguous
    return SecurityEvent(
        source=found[1] if found else "",
        account=account[:_LONGEST_ACCOUNT],
        trunk=account.removeprefix(TRUNK_PREFIX) if known else "",
        kind=event.name,
        at=event.received_at,
    )


class SecurityWatch:
    """Counts as events come, and stores in its own time; `run` goes on until cancelled."""

    def __init__(self, store: UsageStore) -> None:
        self._store = store
        self._tally = SecurityTally()

    def note(self, event: SecurityEvent) -> None:
        """Count one."""
        self._tally.note(event)

    async def run(self) -> None:
        """Store what was counted, every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(STORE_SECONDS)
            try:
                await self.store()
            except Exception:
                # A defect here must not end the watch over calls.
                log.exception("Security events could not be stored")

    async def store(self) -> None:
        """Store all that was counted; what the database does not take waits for the next time."""
        with suppress(DatabaseUnavailable):
            while counts := self._tally.take(MOST_TOGETHER):
                try:
                    await self._store.security(counts)
                except DatabaseUnavailable:
                    self._tally.give_back(counts)
                    raise
