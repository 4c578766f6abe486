"""Several servers of one provider on one PostgreSQL, and the carrier that all of them call."""

from __future__ import annotations

import itertools
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from asterisk_siptrunk.database import servers
from asterisk_siptrunk.database.engine import reading
from tests.lab.processes import Child, Running, free_ports
from tests.lab.promises import most_at_once
from tests.lab.provider import Provider
from tests.lab.proxy import Proxy
from tests.lab.sipp import Call, SippAnswerer, SippCaller
from tests.lab.traffic import Kind, carried

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from asterisk_siptrunk.call import CallRecord
    from asterisk_siptrunk.call.server import ServerRecord
    from tests.lab.postgresql import PostgresServer
    from tests.lab.traffic import Carried

CARRIER_HOST, NARROW_HOST, WIDE_HOST = "127.0.0.2", "127.0.0.3", "127.0.0.5"
NARROW_NUMBER, WIDE_NUMBER = "+33123450001", "+33123450002"
CHANNELS = 10
"""Of the trunk `narrow`, whose limit is tried; `wide` is never full."""
DATABASE = "fleet"
_tags = itertools.count(1)


class Way(Protocol):
    """How a server reaches the database, until that way is broken."""

    def url(self, name: str) -> str:
        """The URL of a database by this way."""

    def begin(self) -> None:
        """Open it."""

    def close(self) -> None:
        """Close it."""

    def swallowing(self) -> AbstractContextManager[None]:
        """It takes whatever comes, and carries nothing."""


class ProxyWay(Proxy):
    """By a proxy: it may refuse, too."""

    def __init__(self, database: PostgresServer) -> None:
        super().__init__(database.port)
        self._database = database

    def url(self, name: str) -> str:
        """The URL of a database by this way."""
        return self._database.url(name).replace(f":{self._database.port}/", f":{self.port}/")


class Site(Provider):
    """One server; its service goes to the database by `way`, and who looks at it does not."""

    def __init__(self, name: str, database_url: str, way: Way) -> None:
        super().__init__(database_url=database_url, server=name)
        self.way = way
        self.environment["SIPTRUNK_DATABASE_URL"] = way.url(DATABASE)

    def close(self) -> None:
        """End all of it."""
        super().close()
        self.way.close()

    @property
    def service(self) -> Child:
        """Its `siptrunk serve`, which was started."""
        assert self.daemon is not None
        return self.daemon

    def kill(self) -> None:
        """The whole server is gone, as in a power cut."""
        self.asterisk.kill9()
        self.service.kill()

    def share(self, percent: int) -> None:
        """Have it use so much of each trunk alone, and serve by that."""
        self.stop_serving()
        self.environment["SIPTRUNK_ASTERISK_ALONE_SHARE"] = str(percent)
        self.do("config", "apply", "--here", "--yes")
        self.serve()

    def calling(
        self, kind: Kind, count: int, *, rate: int = 0, hold_ms: int = 60_000
    ) -> SippCaller:
        """Place calls here, each with a number of its own."""
        tags = [f"{kind}{next(_tags):06}" for _ in range(count)]
        narrow = kind is not Kind.LONG
        caller = NARROW_NUMBER if narrow else WIDE_NUMBER
        calls = [
            Call(tag, "112") if kind is Kind.EMERGENCY else Call(caller, f"0{tag[3:]}")
            for tag in tags
        ]
        return SippCaller(
            self.asterisk.sip_address,
            calls,
            host=NARROW_HOST if narrow else WIDE_HOST,
            rate=rate,
            hold_ms=hold_ms,
            arguments=("-recv_timeout", "70000"),
        )


class Fleet(Running):
    """The servers, described and serving; none of them may use anything alone."""

    def __init__(self, database: PostgresServer, ways: Sequence[Way]) -> None:
        database.create_database(DATABASE)
        for way in ways:
            way.begin()
        url = ways[0].url(DATABASE)
        self.sites = [Site(f"srv{number}", url, way) for number, way in enumerate(ways, 1)]
        (self._port,) = free_ports(1)
        self._stack = ExitStack()

    def begin(self) -> None:
        """Start all, with two trunks and a carrier."""
        for site in self.sites:
            site.environment["SIPTRUNK_ASTERISK_ALONE_SHARE"] = "0"
            self._stack.enter_context(site)
        self._describe(self.sites[0])
        for site in self.sites:
            site.do("config", "apply", "--here", "--yes")
            site.serve()

    def close(self) -> None:
        """End all."""
        self._stack.close()

    def carrier(self) -> SippAnswerer:
        """Who takes the calls of all servers."""
        return SippAnswerer(port=self._port, host=CARRIER_HOST)

    def rows(self, since: float = 0.0) -> list[CallRecord]:
        """The rows of all servers' calls that began since then."""
        return [row for row in self.sites[0].calls() if row.started_at.timestamp() >= since]

    def in_use(self) -> int:
        """Channels of all servers that are in use."""
        return len(self.sites[0].live())

    def known(self, site: Site) -> ServerRecord:
        """What the database knows of a server."""
        with reading(self.sites[0].engine) as connection:
            return next(one for one in servers.every(connection) if one.name == site.server)

    def until_idle(self) -> None:
        """Wait until no call holds a channel."""
        self.sites[0].until_idle(20)

    def heal(self) -> None:
        """Have every server serve again, with nothing under way."""
        for site in self.sites:
            if not site.asterisk.running:
                site.asterisk.start()
            if site.daemon is None or not site.daemon.running:
                site.serve()
            site.asterisk.cli("channel request hangup all")
        self.until_idle()

    def _describe(self, site: Site) -> None:
        site.do("customer", "add", "acme")
        for name, channels, host, number in (
            ("narrow", CHANNELS, NARROW_HOST, NARROW_NUMBER),
            ("wide", 100, WIDE_HOST, WIDE_NUMBER),
        ):
            site.do(
                *("trunk", "add", name, "--customer", "acme", "--channels", str(channels)),
                *("--kind", "address", "--address", host, "--number", number),
                *("--contact", host),
            )
        site.do(
            *("carrier", "add", "telco", "--profile", "generic", "--qualify", "0"),
            *("--server", f"{CARRIER_HOST}:{self._port}", "--match", CARRIER_HOST),
        )


def seen(carrier: SippAnswerer, *kinds: Kind) -> list[Carried]:
    """The calls of these kinds that the carrier saw."""
    # The end of a call that an earlier carrier took may be heard by this one.
    begun = (one for one in carrier.calls() if one.messages[0].method == "INVITE")
    return [one for one in map(carried, begun) if one.kind in kinds]


def most(calls: Iterable[Carried]) -> int:
    """How many of these the carrier had up at once.

    From their answers on: Asterisk sends the end of one call and the INVITE of the next by
    different threads, and may overtake itself by some milliseconds.
    """
    now = time.time()
    return most_at_once(
        (one.answered_at, one.ended_at or now) for one in calls if one.answered_at is not None
    )
