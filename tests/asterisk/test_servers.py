"""Several servers: each an Asterisk with its service, all on one PostgreSQL."""

import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from asterisk_siptrunk.call import CallRecord, Evidence, Via
from asterisk_siptrunk.call.lease import KNOWN_SECONDS, LEASE_SECONDS
from asterisk_siptrunk.call.server import ServerState
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import trunk
from tests.lab.fleet import CHANNELS, Fleet, ProxyWay, Site, most, seen
from tests.lab.network import Island, IslandPostgres, Link, own_network
from tests.lab.postgresql import PostgresServer
from tests.lab.promises import Fault, most_at_once, note_down
from tests.lab.sipp import SippCaller
from tests.lab.traffic import Carried, Kind, Placed, placed

pytestmark = [pytest.mark.asterisk, pytest.mark.postgresql, pytest.mark.alone]

Breaking = Callable[[Site], AbstractContextManager[None]]

LOOK = "server list, doctor"
MEANWHILE = "there no more calls than it had, then its share; emergency calls pass"
# Calls a second, and how long each is held: were all in step, one server would take every channel
# that is given back.
A_MIX, ANOTHER_MIX = ((5, 970), (6, 1930)), ((4, 1030), (5, 1870))
NARROW, WIDE, EMERGENCY = Kind.NARROW, Kind.LONG, Kind.EMERGENCY


@pytest.fixture(scope="session")
def started(postgresql: PostgresServer) -> Iterator[Fleet]:
    with Fleet(postgresql, [ProxyWay(postgresql), ProxyWay(postgresql)]) as fleet:
        yield fleet


@pytest.fixture
def fleet(started: Fleet) -> Iterator[Fleet]:
    """Two servers that serve, with nothing in use."""
    yield started
    started.heal()


def verify(site: Site, since: float) -> Any:
    """What `usage verify` says of a server, which must find nothing wrong."""
    began = datetime.fromtimestamp(since, UTC) - timedelta(seconds=1)
    until = datetime.now(UTC) + timedelta(days=1)
    return site.read("usage", "verify", "--from", began.isoformat(), "--to", until.isoformat())


def rows_by_tag(fleet: Fleet, since: float) -> dict[str, list[CallRecord]]:
    found: dict[str, list[CallRecord]] = {}
    for row in fleet.rows(since):
        for tag in (row.callee, row.presented):
            if tag[:6] in set(Kind):
                found.setdefault(tag, []).append(row)
    return found


def tags(caller: SippCaller) -> set[str]:
    return {placed(one).tag for one in caller.calls()}


def test_the_limit_holds_over_two_servers(fleet):
    """20 calls a second, of 1 and of 3 s: four times what the trunk has channels for."""
    since = time.time()
    with fleet.carrier() as carrier, ExitStack() as calling:
        callers = {
            (site.server, hold): calling.enter_context(
                site.calling(NARROW, 30, rate=5, hold_ms=hold)
            )
            for site in fleet.sites
            for hold in (1000, 3000)
        }
        statuses = Counter(status for one in callers.values() for status in one.wait().statuses)
        fleet.until_idle()
        taken = seen(carrier, NARROW)
        placed_at = [(server, tags(caller)) for (server, _), caller in callers.items()]
    assert most(taken) == CHANNELS
    assert set(statuses) == {200, 503}
    assert statuses[200] == len(taken)
    rows = rows_by_tag(fleet, since)
    assert all(len(rows[one.tag]) == 1 for one in taken)
    for server, placed_here in placed_at:
        assert {row.server for tag in placed_here for row in rows[tag]} == {server}
    for site in fleet.sites:
        assert verify(site, since)["differences"] == []


@pytest.mark.soak
@pytest.mark.parametrize("end", ["restarted", "killed"])
def test_each_server_s_calls_are_its_own(fleet, end):
    one, two = fleet.sites
    since = time.time()
    with (
        fleet.carrier() as carrier,
        one.calling(NARROW, 2, hold_ms=5000) as there,
        two.calling(NARROW, 2, hold_ms=5000) as here,
    ):
        one.until(lambda: sum(row.answered_at is not None for row in fleet.rows(since)) == 4)
        before = [row for row in fleet.rows(since) if row.server == one.server]
        if end == "killed":
            two.service.kill()
        else:
            two.stop_serving()
        two.serve()
        assert [row for row in fleet.rows(since) if row.server == one.server] == before
        assert fleet.in_use() == 4
        assert there.wait().statuses == here.wait().statuses == [200, 200]
        fleet.until_idle()
        lasted = {each.tag: each.billable for each in seen(carrier, NARROW)}
    for tag, (row,) in rows_by_tag(fleet, since).items():
        assert abs(row.billable.total_seconds() - lasted[tag]) < 1
        assert row.evidence in {Evidence.AMI, Evidence.JOURNAL}
    for site in fleet.sites:
        assert verify(site, since)["differences"] == []


def test_a_server_that_stops_lets_the_calls_that_ask_hear_their_answer(fleet):
    one, two = fleet.sites
    since = time.time()
    with fleet.carrier(), ExitStack() as calling:
        with transaction(one.engine) as connection:
            connection.execute(select(trunk.c.id).with_for_update())
            asking = calling.enter_context(two.calling(NARROW, 3, hold_ms=1000))
            one.until(lambda: len(two.asterisk.live_channels()) == 3)
            two.service.signal(signal.SIGTERM)
            one.until(lambda: not takes_calls(two))
            assert two.service.running
        assert asking.wait().statuses == [200, 200, 200]
        assert two.service.wait(10) == 0
        assert fleet.known(two).state is ServerState.STOPPED
        asked = tags(asking)
        with two.calling(NARROW, 1) as late, one.calling(NARROW, 1, hold_ms=100) as elsewhere:
            assert late.wait().statuses == [503]
            assert elsewhere.wait().statuses == [200]
    rows = rows_by_tag(fleet, since)
    assert [row.via for tag in asked for row in rows[tag]] == [Via.SERVICE] * 3


def takes_calls(site: Site) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", site.agi_port), 1).close()
        return True
    return False


# --- configuration ---


def has(site: Site, name: str) -> bool:
    return "Unable to find" not in site.asterisk.cli(f"pjsip show endpoint trunk-{name}")


def add_trunk(fleet: Fleet, name: str) -> None:
    address = f"192.0.2.{len(fleet.sites[0].read('trunk', 'list'))}"
    fleet.sites[0].do(
        *("trunk", "add", name, "--customer", "acme", "--channels", "1"),
        *("--kind", "address", "--address", address, "--contact", address),
    )


def test_an_apply_on_one_server_is_an_apply_on_all(fleet):
    one, two = fleet.sites
    add_trunk(fleet, "fresh")
    done = one.run("config", "apply", "--yes")
    assert done.returncode == 0, done.stderr
    assert "follows" in done.stdout
    assert has(one, "fresh")
    assert has(two, "fresh")
    assert [row["follows"] for row in one.read("server", "list")] == [True, True]


@pytest.mark.soak
def test_a_server_that_cannot_follow_keeps_what_it_had_and_says_why(fleet, tmp_path):
    one, two = fleet.sites
    (tmp_path / "extensions_base.conf.j2").write_text("[siptrunk-outbound]\nexten => rubbish\n")
    two.environment["SIPTRUNK_ASTERISK_TEMPLATES"] = str(tmp_path)
    two.stop_serving()
    two.serve()
    add_trunk(fleet, "refused")
    done = one.run("config", "apply", "--yes")
    assert done.returncode == 1
    assert "not on srv2" in done.stderr
    (told,) = [row for row in one.read("server", "list") if row["name"] == "srv2"]
    assert not told["follows"]
    assert "extensions_base.conf" in told["error"]
    assert has(one, "refused")
    assert not has(two, "refused")
    with fleet.carrier(), two.calling(NARROW, 1, hold_ms=100) as call:
        assert call.wait().statuses == [200]
    (tmp_path / "extensions_base.conf.j2").unlink()
    one.do("config", "apply", "--yes")
    assert has(two, "refused")


@pytest.mark.soak
def test_a_server_that_was_away_catches_up(fleet):
    one, two = fleet.sites
    two.stop_serving()
    add_trunk(fleet, "missed")
    assert "will follow when it is back" in one.do("config", "apply", "--yes")
    assert not has(two, "missed")
    two.serve()
    two.until(lambda: has(two, "missed"), 10, "it to catch up")
    two.until(lambda: fleet.known(two).follows)


@pytest.mark.soak
def test_a_rollback_is_of_one_server_and_stays(fleet):
    one, two = fleet.sites
    add_trunk(fleet, "unloved")
    one.do("config", "apply", "--yes")
    done = one.run("config", "rollback", "--yes")
    assert "On this server alone; with what they have: srv2." in done.stderr
    beat = fleet.known(one).beat
    one.until(lambda: fleet.known(one).beat > beat + 2)
    assert not has(one, "unloved")
    assert has(two, "unloved")
    one.do("config", "apply", "--yes")
    assert has(one, "unloved")


# --- a server that is gone ---


def test_a_killed_server_s_channels_are_free_within_15_s(fleet, request):
    one, two = fleet.sites
    since = time.time()
    with (
        fleet.carrier(),
        one.calling(NARROW, 4),
        two.calling(NARROW, 6),
    ):
        one.until(lambda: sum(row.answered_at is not None for row in fleet.rows(since)) == 10)
        two.kill()
        killed = time.monotonic()
        with one.calling(NARROW, 1) as refused:
            assert refused.wait().statuses == [503]
        one.until(lambda: fleet.in_use() == 4, 20, "the channels to be free")
        free_after = time.monotonic() - killed
        assert free_after < 15
        with one.calling(NARROW, 6, hold_ms=500) as again:
            assert again.wait().statuses == [200] * 6
        last_sign = fleet.known(two).beat_at
        assert fleet.known(two).state is ServerState.LOST
        lost = [row for row in fleet.rows(since) if row.server == two.server]
        assert {(row.ended_at, row.evidence) for row in lost} == {
            (max(last_sign, row.started_at, row.answered_at or last_sign), Evidence.RECONCILED)
            for row in lost
        }
        two.asterisk.start()
        two.serve()
        one.until(lambda: fleet.known(two).state is ServerState.SERVING)
        assert fleet.in_use() == 4
        with two.calling(NARROW, 6, hold_ms=500) as back:
            assert back.wait().statuses == [200] * 6
    one.asterisk.cli("channel request hangup all")
    fleet.until_idle()
    rows = rows_by_tag(fleet, since)
    assert all(len(own) == 1 for own in rows.values())
    proof = verify(two, since)
    assert [each["kind"] for each in proof["differences"]] == ["estimated"] * 6
    note_down(
        Fault("a whole server killed", "503 where its channels are missed", LOOK),
        free_after,
        request.node,
    )


# --- a server that is cut off from the database ---


def refused(site: Site) -> AbstractContextManager[None]:
    assert isinstance(site.way, ProxyWay)
    return site.way.refusing()


def swallowed(site: Site) -> AbstractContextManager[None]:
    return site.way.swallowing()


@contextmanager
def frozen(site: Site) -> Iterator[None]:
    site.service.signal(signal.SIGSTOP)
    yield
    site.service.signal(signal.SIGCONT)


@contextmanager
def killed(site: Site) -> Iterator[None]:
    """Its service; its Asterisk goes on."""
    site.service.kill()
    yield
    site.serve()


@dataclass(frozen=True)
class Outage:
    """What was seen while one of two servers was cut off, under more calls than fit.

    `cut_off` are the calls of the small trunk that were placed there; the one that lasts, on
    another trunk, held its channel again at `back`.
    """

    began: float
    ended: float
    back: float
    placed: list[Placed]
    carried: dict[str, Carried]
    rows: dict[str, list[CallRecord]]
    cut_off: set[str]

    @property
    def narrow(self) -> list[Carried]:
        """The calls of the small trunk that the carrier saw."""
        return [one for one in self.carried.values() if one.kind is NARROW]

    def at_most(self, begin: float, end: float, *, cut_off: bool) -> int:
        """How many of them were up at once in that time, on the one server or on the other."""
        return most_at_once(
            (max(one.answered_at, begin), min(one.ended_at or end, end))
            for one in self.narrow
            if (one.tag in self.cut_off) is cut_off
            and one.answered_at is not None
            and one.answered_at < end
            and (one.ended_at or end) > begin
        )

    @property
    def recovered_after(self) -> float:
        """Seconds from its end until the server decided by the database, on the right count."""
        decided = min(
            one.heard_at or float("inf")
            for one in self.placed
            if one.tag in self.cut_off
            and one.asked_at > self.ended
            and self.rows[one.tag][0].via is Via.SERVICE
        )
        return max(decided, self.back) - self.ended


def endure(fleet: Fleet, seconds: int, breaking: Breaking) -> Outage:
    """Break the second server's way for so long, while both are called."""
    one, two = fleet.sites
    since, whole = time.time(), 3 + seconds + 5
    with fleet.carrier() as carrier, ExitStack() as calling:
        begin = calling.enter_context
        lasting = begin(two.calling(WIDE, 1, hold_ms=(whole + 2) * 1000))
        emergencies = begin(two.calling(EMERGENCY, whole, rate=1, hold_ms=300))
        there, here = (
            [
                begin(site.calling(NARROW, rate * whole, rate=rate, hold_ms=hold))
                for rate, hold in mix
            ]
            for site, mix in ((one, A_MIX), (two, ANOTHER_MIX))
        )
        time.sleep(3)
        began = time.time()
        with breaking(two):
            time.sleep(seconds)
            assert fleet.known(two).state is ServerState.LOST
        ended = time.time()
        (tag,) = tags(lasting)
        one.until(lambda: rows_by_tag(fleet, since)[tag][0].ended_at is None, 5, "its call")
        back = time.time()
        callers = [*there, *here, emergencies, lasting]
        for caller in callers:
            caller.wait(60)
        fleet.until_idle()
        return Outage(
            began=began,
            ended=ended,
            back=back,
            placed=[placed(each) for caller in callers for each in caller.calls()],
            carried={each.tag: each for each in seen(carrier, *Kind)},
            rows=rows_by_tag(fleet, since),
            cut_off={tag for caller in here for tag in tags(caller)},
        )


def assert_limits(told: Outage, share: int) -> None:
    """Never more than the limit; alone no more than the share, and that is left free."""
    assert most(told.narrow) <= CHANNELS
    settled = told.began + (KNOWN_SECONDS if share else LEASE_SECONDS) + 2.5
    alone = CHANNELS * share // 100
    assert told.at_most(settled, told.ended, cut_off=True) == alone
    assert told.at_most(settled, told.ended, cut_off=False) == CHANNELS - alone


def assert_calls(told: Outage) -> None:
    """Each is answered in time, none is cut, and each has its one row with its duration."""
    assert not [each.tag for each in told.placed if each.cut]
    assert max(each.waited for each in told.placed) < 3.5
    assert {each.status for each in told.placed if each.kind is EMERGENCY} == {200}
    for tag, each in told.carried.items():
        (row,) = told.rows[tag]
        assert abs(row.billable.total_seconds() - each.billable) < 1
        assert row.evidence in {Evidence.AMI, Evidence.JOURNAL}


def hold_to_promises(fleet: Fleet, share: int, seconds: int, breaking: Breaking) -> float:
    """Have a server endure an outage; gives the seconds that it takes to recover."""
    for site in fleet.sites:
        site.share(share)
    since = time.time()
    told = endure(fleet, seconds, breaking)
    assert_limits(told, share)
    assert_calls(told)
    for site in fleet.sites:
        assert verify(site, since)["differences"] == []
    return told.recovered_after


@pytest.mark.parametrize(
    ("share", "seconds", "breaking"),
    [
        pytest.param(0, 14, swallowed),
        pytest.param(0, 16, refused, marks=pytest.mark.soak),
        pytest.param(0, 16, frozen, marks=pytest.mark.soak),
        pytest.param(0, 16, killed, marks=pytest.mark.soak),
        pytest.param(50, 26, swallowed, marks=pytest.mark.soak),
        pytest.param(50, 26, refused, marks=pytest.mark.soak),
    ],
)
def test_a_server_that_cannot_reach_the_database(fleet, share, seconds, breaking, request):
    recovered_after = hold_to_promises(fleet, share, seconds, breaking)
    fault = f"a server cut off, its database {breaking.__name__}, share {share}"
    if breaking in {frozen, killed}:
        fault = f"a server's service {breaking.__name__} for longer than its lease"
    note_down(Fault(fault, MEANWHILE, LOOK), recovered_after, request.node)
    assert recovered_after < 2.5


@pytest.mark.soak
@pytest.mark.parametrize(("share", "seconds"), [(0, 16), (50, 26)])
def test_a_server_whose_network_is_cut(share, seconds, tmp_path, request):
    with (
        own_network(),
        Island(tmp_path) as island,
        IslandPostgres(island) as database,
        Fleet(database, [Link(database, 1), Link(database, 2)]) as fleet,
    ):
        recovered_after = hold_to_promises(fleet, share, seconds, swallowed)
    fault = f"a server's network to the database cut, share {share}"
    note_down(Fault(fault, MEANWHILE, LOOK), recovered_after, request.node)
    assert recovered_after < 2.5
