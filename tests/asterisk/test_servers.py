"""Several servers: each an Asterisk with its service, all on one PostgreSQL."""

import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
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
from tests.lab.promises import most_at_once
from tests.lab.sipp import SippCaller
from tests.lab.traffic import Carried, Kind, placed

pytestmark = [pytest.mark.asterisk, pytest.mark.postgresql]

Fault = Callable[[Site], AbstractContextManager[None]]

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
    began = time.monotonic()
    done = one.run("config", "apply", "--yes")
    print(f"apply on two servers took {time.monotonic() - began:.1f} s")
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


def test_a_killed_server_s_channels_are_free_within_15_s(fleet):
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
        print(f"free after {time.monotonic() - killed:.1f} s")
        assert time.monotonic() - killed < 15
        with one.calling(NARROW, 6, hold_ms=500) as again:
            assert again.wait().statuses == [200] * 6
        last_sign = fleet.known(two).beat_at
        assert fleet.known(two).state is ServerState.LOST
        lost = [row for row in fleet.rows(since) if row.server == two.server]
        assert {(row.ended_at, row.evidence) for row in lost} == {
            (max(last_sign, row.started_at), Evidence.RECONCILED) for row in lost
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


def at_most(calls: list[Carried], begin: float, end: float) -> int:
    """How many of these were up at once in that time."""
    return most_at_once(
        (max(one.invited_at, begin), min(one.ended_at or end, end))
        for one in calls
        if one.invited_at < end and (one.ended_at or end) > begin
    )


@pytest.mark.parametrize(
    ("share", "seconds", "fault"),
    [
        pytest.param(0, 14, swallowed),
        pytest.param(0, 16, refused, marks=pytest.mark.soak),
        pytest.param(0, 16, frozen, marks=pytest.mark.soak),
        pytest.param(0, 16, killed, marks=pytest.mark.soak),
        pytest.param(50, 26, swallowed, marks=pytest.mark.soak),
        pytest.param(50, 26, refused, marks=pytest.mark.soak),
    ],
)
def test_a_server_that_cannot_reach_the_database(fleet, share, seconds, fault):
    cut_off(fleet, share, seconds, fault)


@pytest.mark.soak
@pytest.mark.parametrize(("share", "seconds"), [(0, 16), (50, 26)])
def test_a_server_whose_network_is_cut(share, seconds, tmp_path):
    with (
        own_network(),
        Island(tmp_path) as island,
        IslandPostgres(island) as database,
        Fleet(database, [Link(database, 1), Link(database, 2)]) as fleet,
    ):
        cut_off(fleet, share, seconds, swallowed)


def cut_off(fleet: Fleet, share: int, seconds: int, fault: Fault) -> None:
    """One of two servers loses the database for so long, under more calls than fit."""
    one, two = fleet.sites
    for site in fleet.sites:
        site.share(share)
    since, whole = time.time(), 3 + seconds + 5
    with fleet.carrier() as carrier, ExitStack() as calling:
        long = calling.enter_context(two.calling(WIDE, 1, hold_ms=(whole + 2) * 1000))
        emergencies = calling.enter_context(two.calling(EMERGENCY, whole, rate=1, hold_ms=300))
        streams = {
            (site.server, hold): calling.enter_context(
                site.calling(NARROW, 5 * whole, rate=5, hold_ms=hold)
            )
            for site in fleet.sites
            for hold in (1000, 2000)
        }
        time.sleep(3)
        began = time.time()
        with fault(two):
            time.sleep(seconds)
            assert fleet.known(two).state is ServerState.LOST
        ended = time.time()
        (tag,) = tags(long)
        one.until(lambda: not rows_by_tag(fleet, since)[tag][0].ended_at, 5, "its call is back")
        print(f"the call that lasts holds its channel again after {time.time() - ended:.1f} s")
        for caller in (*streams.values(), emergencies, long):
            caller.wait(60)
        fleet.until_idle()
        taken = {each.tag: each for each in seen(carrier, *Kind)}
        narrow = seen(carrier, NARROW)
        mine = [
            taken[tag]
            for (server, _), caller in streams.items()
            if server == two.server
            for tag in tags(caller)
            if tag in taken
        ]
        heard = [
            placed(each)
            for caller in (*streams.values(), emergencies, long)
            for each in caller.calls()
        ]
    others = [each for each in narrow if each not in mine]
    assert most(narrow) <= CHANNELS
    assert not [each.tag for each in heard if each.cut]
    assert max(each.waited for each in heard) < 3.5
    assert {each.status for each in heard if each.kind is EMERGENCY} == {200}
    alone = (began + LEASE_SECONDS + 2.5, ended)
    if share:
        alone = (began + KNOWN_SECONDS + 2.5, ended)
        assert at_most(mine, *alone) == at_most(others, *alone) == CHANNELS // 2
    else:
        assert at_most(mine, *alone) == 0
        assert at_most(others, *alone) == CHANNELS
    assert at_most(mine, ended + 2, time.time()) > 0
    rows = rows_by_tag(fleet, since)
    for tag, each in taken.items():
        (row,) = rows[tag]
        assert abs(row.billable.total_seconds() - each.billable) < 1
        assert row.evidence in {Evidence.AMI, Evidence.JOURNAL}
    for site in fleet.sites:
        assert verify(site, since)["differences"] == []
