"""Registrations and authentications as the watch sees them: what is new in their tables.

Attempts are counted in the database by hour; each that a count has grown by is one that was made
when the last of them was.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from sqlalchemy import Connection, Row, select

from asterisk_siptrunk.anomaly import Countries, Login, LoginKind
from asterisk_siptrunk.database.tables import registration, security_event, trunk

MOST_AT_ONCE = 1000
"""Of one count, in one look: a flood is told as soon by these."""
_KINDS = {
    "ChallengeResponseFailed": LoginKind.PASSWORD,
    "InvalidPassword": LoginKind.PASSWORD,
    "InvalidAccountID": LoginKind.UNKNOWN,
}
_LOOKED_BACK = timedelta(hours=2)
_NETWORK_BITS, _NETWORK_BITS_6 = 24, 48
"""What one customer's line has, about; within it an address may change every day."""
Place = tuple[str, str, str]


class LoginFeed:
    """What is new of them since it was asked last; `countries` tell where they come from."""

    def __init__(self, countries: Countries) -> None:
        self._country_of = countries.of
        self._counts: dict[tuple[Any, ...], int] = {}
        self._places: dict[tuple[str, str], Place] = {}

    def begin(self, connection: Connection, now: datetime) -> list[Login]:
        """The registrations that stand, which are nothing new; what was tried before is not told.

        They say where each trunk usually registers from.
        """
        found = self.look(connection, now)
        return [each for each in found if each.kind is LoginKind.REGISTERED]

    def kept(self) -> Mapping[str, Any]:
        """What it has seen, as JSON can hold it."""
        return {
            "counts": [
                [hour.isoformat(), *rest, tries] for (hour, *rest), tries in self._counts.items()
            ],
            "places": [[list(key), list(place)] for key, place in self._places.items()],
        }

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Go on where one was: what has come since is new."""
        self._counts = {
            (datetime.fromisoformat(hour), *rest): tries for hour, *rest, tries in kept["counts"]
        }
        self._places = {tuple(key): tuple(place) for key, place in kept["places"]}

    def look(self, connection: Connection, now: datetime) -> list[Login]:
        """What was tried, and who registered from elsewhere or with something else, in order."""
        found = [*self._attempts(connection, now), *self._registrations(connection)]
        return sorted(found, key=lambda each: each.at)

    def _attempts(self, connection: Connection, now: datetime) -> Iterator[Login]:
        query = select(security_event, security_event.c.count.label("tries")).where(
            security_event.c.hour >= now - _LOOKED_BACK, security_event.c.kind.in_(_KINDS)
        )
        counts: dict[tuple[Any, ...], int] = {}
        for row in connection.execute(query):
            key = row.hour, row.server, row.source, row.account, row.kind
            counts[key] = row.tries
            grown = min(MOST_AT_ONCE, row.tries - self._counts.get(key, 0))
            login = Login(
                *(_KINDS[row.kind], row.last_at.timestamp(), row.trunk),
                *(row.source, network_of(row.source)),
            )
            yield from [login] * grown
        self._counts = counts

    def _registrations(self, connection: Connection) -> Iterator[Login]:
        query = (
            select(registration, trunk.c.name)
            .join(trunk, trunk.c.id == registration.c.trunk_id)
            .where(registration.c.registered)
        )
        places: dict[tuple[str, str], Place] = {}
        for row in connection.execute(query):
            key, place = (row.name, row.server), _place(row)
            places[key] = place
            if self._places.get(key) != place:
                source, network, agent = place
                at = row.changed_at.timestamp()
                yield Login(
                    *(LoginKind.REGISTERED, at, row.name, source, network),
                    *(self._country_of(source), agent),
                )
        self._places |= places


def network_of(source: str) -> str:
    """The network that an address is in, "" for what is no address."""
    try:
        address = ip_address(source)
    except ValueError:
        return ""
    bits = _NETWORK_BITS_6 if isinstance(address, IPv6Address) else _NETWORK_BITS
    return str(ip_network((address, bits), strict=False))


def _place(row: Row[*tuple[Any, ...]]) -> Place:
    source = row.contact.rpartition(":")[0].strip("[]")
    return source, network_of(source), row.user_agent
