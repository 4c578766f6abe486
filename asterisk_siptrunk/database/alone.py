"""Admission by what the service remembers, while the database is away.

The same decision on the same terms: those of trunks that called since the service began. The open
calls are counted in memory; what other servers may have in use meanwhile is left free (`Lease`).
What is decided so is written when the database is back: each decision gives that work along.
"""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from asterisk_siptrunk.call import (
    Admit,
    Attempt,
    Chance,
    Decision,
    Direction,
    Load,
    Pace,
    Terms,
    Via,
    Way,
    decide,
    order,
    with_room,
)
from asterisk_siptrunk.call.lease import Lease
from asterisk_siptrunk.call.memory import CallMemory, Count
from asterisk_siptrunk.database.admission import readable, remember, untried
from asterisk_siptrunk.database.call_row import Ruling, insert_once, put_on, rule, take_over
from asterisk_siptrunk.database.terms import TermsMemory
from asterisk_siptrunk.trunk import Carrier, Trunk

Later = Callable[[Connection], None]
"""Work for when the database is back."""


class AloneAdmission:
    """Decides without a database; `cut` is called whenever it goes away."""

    def __init__(
        self, country: str, chance: Chance, calls: CallMemory, terms: TermsMemory, lease: Lease
    ) -> None:
        self._country = country
        self._chance = chance
        self._calls = calls
        self._terms = terms
        self._lease = lease
        self._then = replace(lease)
        self._held = Count()

    def cut(self, asking: frozenset[str]) -> None:
        """Keep what this server holds now: as much as that the others count for it.

        Not what is `asking`, by UniqueID: whether the database has stored that nobody knows. Nor
        emergency calls: they may be more than the limit, and others in their place must not.
        """
        self._held = self._calls.count(but=asking | self._calls.emergencies())

    def admit(self, attempt: Attempt, now: float) -> tuple[Ruling, Later] | None:
        """Decide on a call; None where the trunk is not remembered.

        `now` is monotonic, in seconds.
        """
        everyone = self._terms.remembered_carriers()
        asked = readable(attempt, everyone, self._country)
        outbound = attempt.direction is Direction.OUTBOUND
        terms = self._terms.remembered(attempt.entry if outbound else asked.dialled)
        if terms is None:
            return None
        pace = self._pace(attempt, terms.trunk)
        decision = decide(asked, terms, self._load(attempt, terms, pace, now), self._chance)
        if pace is not None and isinstance(decision, Admit):
            self._calls.keep_pace(terms.trunk.id, pace.less_one())
        ruling = rule(attempt, terms, _marked(decision), everyone)
        remember(self._calls, attempt, ruling)
        return ruling, lambda connection: _write(connection, attempt, ruling)

    def reroute(
        self, server: str, uniqueid: str, now: float
    ) -> tuple[Way | None, Later | None] | None:
        """Put a call that its carrier failed to the next one; None where it is not remembered."""
        held = self._calls.get(uniqueid)
        if held is None:
            return None
        left = untried(held, self._terms.remembered_carriers())
        if not held.emergency:
            left = with_room(
                left, self._carrier_load(left, self._calls.count(but=(uniqueid,)), now)
            )
        if not left:
            return None, None
        next_one, way = held.put_to(order(left, self._chance)[0])
        self._calls.take(uniqueid, next_one)
        return way, lambda connection: put_on(connection, server, uniqueid, next_one)

    def _pace(self, attempt: Attempt, trunk: Trunk) -> Pace | None:
        if trunk.calls_per_second is None:
            return None
        return self._calls.pace(trunk.id, trunk.calls_per_second, attempt.at.timestamp())

    def _load(self, attempt: Attempt, terms: Terms, pace: Pace | None, now: float) -> Load:
        trunk, count = terms.trunk, self._calls.count(but=(attempt.uniqueid,))
        limit = self._then.limit(trunk.channels, self._held.of_trunk(trunk.id), now)
        return Load(
            outbound=count.trunks[trunk.id, Direction.OUTBOUND],
            inbound=count.trunks[trunk.id, Direction.INBOUND],
            elsewhere=trunk.channels - min(limit, trunk.channels),
            tokens=None if pace is None else pace.tokens,
            carriers=self._carrier_load(terms.carriers, count, now),
        )

    def _carrier_load(
        self, carriers: tuple[Carrier, ...], count: Count, now: float
    ) -> dict[int, int]:
        load = {}
        for one in carriers:
            if one.channels is not None:
                limit = self._then.limit(one.channels, self._held.carriers[one.id], now)
                # What was held before its limit was lowered is no new limit.
                load[one.id] = count.carriers[one.id] + one.channels - min(limit, one.channels)
        return load


def _marked(decision: Decision) -> Decision:
    facts = f"{decision.facts}; " if decision.facts else ""
    return replace(decision, facts=f"{facts}by memory: the database was away")


def _write(connection: Connection, attempt: Attempt, ruling: Ruling) -> None:
    """Write what was told; a row that the database wrote too late to be heard gives way."""
    if not insert_once(connection, attempt, ruling, Via.MEMORY):
        take_over(connection, attempt, ruling, Via.MEMORY)
