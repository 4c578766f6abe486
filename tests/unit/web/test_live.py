"""Open pages that follow the channels in use, over a real socket and by the hub alone."""

import asyncio
import json
import threading
from http.client import HTTPConnection

import pytest
from sqlalchemy import update

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.database import accounts, calls, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import call, trunk
from asterisk_siptrunk.errors import DatabaseUnavailable
from asterisk_siptrunk.settings import WebSettings
from asterisk_siptrunk.web import live
from asterisk_siptrunk.web.guard import COOKIE
from asterisk_siptrunk.web.live import Hub
from asterisk_siptrunk.web.server import END_SECONDS, WebServer
from tests.unit.web.conftest import SECONDS, login_of
from tests.unit.web.site.rows import add_carrier, add_live

ACME = "/live/customers/acme"


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch):
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.01)


@pytest.fixture
def server(app):
    server = WebServer(app, WebSettings())
    server.start()
    yield server
    server.stop(SECONDS)
    assert not server._thread.is_alive()


class Stream:
    """What an open page is told."""

    def __init__(self, server, browser, path=ACME):
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=SECONDS)
        cookie = f"{COOKIE}={browser.client.cookies[COOKIE]}"
        self._connection.request("GET", path, headers={"Cookie": cookie})
        self.answer = self._connection.getresponse()

    def next(self):
        """The next event, with its data; None where there is no more."""
        event = None
        for line in self.answer:
            name, _, value = line.decode().strip().partition(": ")
            if name == "event":
                event = value
            elif event and not line.strip():
                return event, None
            elif name == "data":
                self.answer.readline()
                return event, json.loads(value)
            elif name == "data:":
                self.answer.readline()
                return event, None
        return None

    def close(self):
        self.answer.close()
        self._connection.close()


@pytest.fixture
def follow(server):
    """Opens streams, and closes them."""
    opened = []

    def follow(browser, path=ACME):
        opened.append(Stream(server, browser, path))
        return opened[-1]

    yield follow
    for one in opened:
        one.close()


def end_all(house, **values):
    with transaction(house.engine) as connection:
        connection.execute(update(call).values(ended_at=house.now(), **values))


def test_each_hears_all_of_his_once_and_then_what_changes(follow, user, house, clock):
    add_live(house, clock.now, "bolt-paris")
    stream = follow(user)
    headers = stream.answer.headers
    assert headers["content-type"].startswith("text/event-stream")
    assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
    everything = {
        "trunk:acme-paris:in_use": "0",
        "trunk:acme-paris:channels": "10",
        "customer:calls": "0",
    }
    assert stream.next() == ("values", everything)
    add_live(house, clock.now)
    assert stream.next() == ("values", {"trunk:acme-paris:in_use": "1", "customer:calls": "1"})
    with transaction(house.engine) as connection:
        connection.execute(update(trunk).where(trunk.c.name == "acme-paris").values(channels=12))
    assert stream.next() == ("values", {"trunk:acme-paris:channels": "12"})
    end_all(house)
    assert stream.next() == ("values", {"trunk:acme-paris:in_use": "0", "customer:calls": "0"})


def test_the_provider_hears_of_all(follow, support, house, clock):
    add_live(house, clock.now, carrier_id=add_carrier(house, "telco"))
    add_live(house, clock.now, "bolt-paris", server="lab2")
    stream = follow(support, "/live/provider")
    event, values = stream.next()
    assert (event, values) == (
        "values",
        {
            "provider:calls": "2",
            "trunk:acme-paris:in_use": "1",
            "trunk:acme-paris:channels": "10",
            "trunk:bolt-paris:in_use": "1",
            "trunk:bolt-paris:channels": "10",
            "carrier:telco:in_use": "1",
            "server:lab:calls": "1",
            "server:lab2:calls": "1",
        },
    )
    end_all(house)
    _, changed = stream.next()
    assert changed == {key: "0" for key in values if not key.endswith("channels")}


def test_two_pages_of_one_customer(follow, user, admin, house, clock):
    first = follow(user)
    first.next()
    second = follow(admin)
    assert len(second.next()[1]) == 3  # all, though the first knows it
    add_live(house, clock.now)
    assert first.next() == second.next()


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("stranger", ACME, 404),
        ("user", "/live/provider", 403),
        ("admin", "/live/provider", 403),
        ("nobody", ACME, 303),
        ("nobody", "/live/provider", 303),
    ],
)
def test_who_may_not_listen(request, who, path, status):
    assert request.getfixturevalue(who).get(path).status_code == status


def log_out(_house, browser):
    assert browser.post("/logout").status_code == 303


def disable(house, _browser):
    login = login_of(Role.CUSTOMER_USER, "acme")
    with transaction(house.engine) as connection:
        accounts.change(connection, By("x", house.now()), login, disabled=True)


def grow_old(house, _browser):
    house.now.advance(days=8)


@pytest.mark.parametrize("lose", [log_out, disable, grow_old])
def test_who_loses_the_right_hears_no_more(follow, user, house, monkeypatch, lose):
    stream = follow(user)
    stream.next()
    lose(house, user)
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.0)
    assert stream.next() == ("over", None)
    assert stream.next() is None


def test_to_listen_does_not_keep_a_session_alive(follow, user, house, clock, monkeypatch):
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.0)
    stream = follow(user)
    stream.next()
    clock.advance(hours=7)
    add_live(house, clock.now)
    assert stream.next()[0] == "values"
    clock.advance(hours=2)
    assert stream.next() == ("over", None)


def test_the_database_goes_away_and_comes_back(follow, user, house, monkeypatch, caplog):
    stream = follow(user)
    stream.next()
    there = calls.in_use

    def away(_connection):
        raise DatabaseUnavailable("It is away.")

    monkeypatch.setattr(calls, "in_use", away)
    assert stream.next() == ("away", None)
    late = follow(user)
    assert late.next() == ("away", None)
    add_live(house, house.now())
    monkeypatch.setattr(calls, "in_use", there)
    for one in (stream, late):
        event, values = one.next()
        assert (event, len(values), values["customer:calls"]) == ("values", 3, "1")
    assert [record.message for record in caplog.records if "stand still" in record.message] == [
        "The numbers of 1 open pages stand still: It is away."
    ] * 2


def test_a_defect_ends_nothing(follow, user, monkeypatch, caplog):
    stream = follow(user)
    stream.next()
    there = trunks.limits
    monkeypatch.setattr(calls, "in_use", lambda _: 1 // 0)
    assert stream.next() == ("away", None)
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert trunks.limits is there
    assert stream.next()[0] == "values"


def test_no_more_than_there_is_room_for(follow, user, monkeypatch):
    follow(user).next()
    monkeypatch.setattr(live, "MOST_LISTENERS", 1)
    answer = follow(user).answer
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")


def test_one_customer_leaves_room_for_others(follow, user, stranger, monkeypatch):
    follow(user).next()
    monkeypatch.setattr(live, "MOST_OF_ONE", 1)
    assert follow(user).answer.status == 503
    assert follow(stranger, "/live/customers/bolt").answer.status == 200


def test_whoever_goes_makes_room(follow, user, monkeypatch, app):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.01)
    stream = follow(user)
    stream.next()
    assert len(app.state.live._listeners) == 1
    stream.close()
    gone = threading.Event()
    while app.state.live._listeners:
        gone.wait(0.01)


def test_it_says_something_now_and_then(follow, user, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.01)
    stream = follow(user)
    stream.next()
    assert stream.answer.readline() == b":\n"


def test_the_end_of_the_service_ends_them(server, follow, user, caplog):
    stream = follow(user)
    stream.next()
    server.stop(END_SECONDS / 2)
    assert not server._thread.is_alive()
    assert stream.next() is None
    assert "Cancel" not in caplog.text


async def told(hub, count, **given):
    """The first events of a listener."""
    events = hub.events("acme", "", lambda _: True, **given)
    async with asyncio.timeout(SECONDS):
        with_end = [await anext(events) for _ in range(count)]
    return events, with_end


def test_nobody_looks_while_nobody_listens(house, monkeypatch):
    looks = []
    there = calls.in_use

    def look(connection):
        looks.append(connection)
        return there(connection)

    monkeypatch.setattr(calls, "in_use", look)

    async def listen_and_go():
        hub = Hub(house)
        events, _ = await told(hub, 2)
        await events.aclose()
        assert hub._looking is not None
        await hub._looking
        counted = len(looks)
        again, first = await told(hub, 2)
        await again.aclose()
        return counted, first

    counted, first = asyncio.run(listen_and_go())
    assert counted >= 1
    assert first[1].startswith(b"event: values")
    assert len(looks) > counted


def test_who_does_not_read_is_let_go(house):
    async def fall_behind():
        hub = Hub(house)
        events, _ = await told(hub, 2)
        (listener,) = hub._listeners
        for _ in range(live._MOST_WAITING + 1):
            listener.tell(b"x")
        hub._tell_away("a test")  # whoever is over is passed over
        hub._seen = live.Seen({"acme": []})
        await hub._look_once()
        left = set(hub._listeners)
        rest = [one async for one in events]
        return left, rest

    left, rest = asyncio.run(fall_behind())
    assert left == set()
    assert len(rest) == 1


def test_nobody_joins_at_the_end(house):
    async def come_late():
        hub = Hub(house)
        hub.end()
        return [one async for one in hub.events("acme", "", lambda _: True)]

    assert b"".join(asyncio.run(come_late())) == b"retry: 2000\n\n"
