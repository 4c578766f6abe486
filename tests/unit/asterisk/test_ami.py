"""The AMI client against a peer that keeps the rules, and against peers that do not."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import pytest

from asterisk_siptrunk.asterisk import ami
from asterisk_siptrunk.asterisk.ami import AmiClient, AmiConnection, AmiLogin, Link, connect
from asterisk_siptrunk.asterisk.message import AmiEvent, AmiReply
from asterisk_siptrunk.errors import AmiRefused, AmiUnavailable, InvalidInput
from tests.replay.peer import Peer, error, message, success

SECRET = "very-secret"
T = TypeVar("T")


def using(peer: Peer, use: Callable[[AmiConnection], Awaitable[T]]) -> T:
    async def scene() -> T:
        async with peer, connect(login(peer)) as connection:
            return await use(connection)

    return asyncio.run(scene())


def login(peer: Peer) -> AmiLogin:
    return AmiLogin("127.0.0.1", peer.port, "listener", SECRET)


def only_login(action: dict[str, str]) -> bytes | None:
    return success(action) if action["Action"] == "Login" else None


async def all_events(connection: AmiConnection) -> list[AmiEvent]:
    heard: list[AmiEvent] = []
    try:
        while True:
            heard += await connection.events()
    except AmiUnavailable:
        return heard


# --- actions ---


def test_an_action_gives_its_reply():
    peer = Peer(lambda action: success(action, AsteriskVersion="22.10.1"))
    reply = using(peer, lambda connection: connection.action("CoreSettings"))
    assert reply.fields["AsteriskVersion"] == "22.10.1"
    assert [action["Action"] for action in peer.actions] == ["Login", "CoreSettings"]


def test_an_error_is_a_refusal_with_asterisks_words():
    peer = Peer(
        lambda action: only_login(action) or error(action, "Permission denied"),
    )
    with pytest.raises(AmiRefused, match="Reload: Permission denied"):
        using(peer, lambda connection: connection.action("Reload"))


@pytest.mark.parametrize("value", ["a\r\nAction: Originate", "a\nb", "a\rb", "a\0b"])
def test_a_value_cannot_become_a_second_action(value):
    peer = Peer()
    with pytest.raises(InvalidInput, match="line break"):
        using(peer, lambda connection: connection.action("Getvar", Variable=value))
    assert [action["Action"] for action in peer.actions] == ["Login"]


def test_a_value_beyond_ascii_goes_out_and_comes_back_as_utf8():
    peer = Peer(lambda action: success(action, Value=action.get("Variable", "")))
    reply = using(peer, lambda connection: connection.action("Getvar", Variable="Zoë 日本"))
    assert reply.fields["Value"] == "Zoë 日本"


def test_no_answer_in_time_leaves_nothing_behind():
    async def ask(connection: AmiConnection) -> None:
        with pytest.raises(AmiUnavailable, match="no answer to CoreSettings"):
            await connection.action("CoreSettings", seconds=0.05)
        assert not connection._wire.responses

    using(Peer(only_login), ask)


def listing(action: dict[str, str], count: int, *items: bytes) -> bytes:
    number = action["ActionID"]
    start = message(Response="Success", ActionID=number, EventList="start")
    end = message(Event="ListComplete", ActionID=number, ListItems=str(count))
    return start + b"".join(items) + end


def items(action: dict[str, str], *names: str) -> list[bytes]:
    return [message(Event="Item", ActionID=action["ActionID"], Name=name) for name in names]


def test_a_list_gives_its_events():
    peer = Peer(
        lambda action: only_login(action) or listing(action, 2, *items(action, "a", "b")),
    )
    listed = using(peer, lambda connection: connection.action_events("List", "ListComplete"))
    assert [event.fields["Name"] for event in listed] == ["a", "b"]


def test_a_list_that_is_not_whole_is_no_answer():
    peer = Peer(lambda action: only_login(action) or listing(action, 3, *items(action, "a", "b")))
    with pytest.raises(AmiUnavailable, match="not whole"):
        using(peer, lambda connection: connection.action_events("List", "ListComplete"))


def test_a_refused_list_is_a_refusal():
    peer = Peer(lambda action: only_login(action) or error(action, "Permission denied"))
    with pytest.raises(AmiRefused, match="Permission denied"):
        using(peer, lambda connection: connection.action_events("List", "ListComplete"))


def test_a_forged_line_ends_no_list():
    """A caller number `1%0D%0AResponse: Success` stands in a list as a line of its own."""

    def answer(action: dict[str, str]) -> bytes | None:
        forged = message(Event="Item", ActionID=action["ActionID"], Name="1\r\nResponse: Success")
        twice = message(Event="Item", ActionID=action["ActionID"], Name="2\r\nEvent: ListComplete")
        return only_login(action) or listing(action, 3, forged, twice, *items(action, "c"))

    listed = using(
        Peer(answer), lambda connection: connection.action_events("List", "ListComplete")
    )
    assert [event.fields["Name"] for event in listed] == ["1", "2", "c"]
    assert [event.ambiguous for event in listed] == [False, True, False]


def test_an_answer_that_nobody_waits_for_is_handed_over():
    async def ask(connection: AmiConnection) -> AmiReply:
        heard: asyncio.Future[AmiReply] = asyncio.get_running_loop().create_future()
        connection.action_soon("Getvar", heard.set_result, Variable="X")
        return await heard

    assert using(Peer(lambda action: success(action, Value="alaw")), ask).fields["Value"] == "alaw"


# --- events ---


def test_events_come_in_order_however_the_stream_is_cut():
    stream = b"".join(message(Event="Tick", Number=str(n), Name="Zoë") for n in range(50))
    heard = using(Peer(after_login=stream, piece=3), all_events)
    assert [event.fields["Number"] for event in heard] == [str(n) for n in range(50)]
    assert {event.fields["Name"] for event in heard} == {"Zoë"}


def test_an_event_cut_in_the_middle_is_no_event():
    stream = message(Event="Whole") + b"Event: Cut\r\nUniqueid: 1"
    assert [event.name for event in using(Peer(after_login=stream), all_events)] == ["Whole"]


def test_bytes_that_are_not_utf8_disturb_nothing():
    stream = b"Event: Odd\r\nName: \xff\xfe\r\n\r\n" + message(Event="Next")
    assert [event.name for event in using(Peer(after_login=stream), all_events)] == ["Odd", "Next"]


def test_a_key_that_stands_twice_marks_the_event():
    stream = message(Event="Hangup", CallerIDNum="1\r\nUniqueid: forged", Uniqueid="true")
    (event,) = using(Peer(after_login=stream), all_events)
    assert event.ambiguous
    assert event.fields["Uniqueid"] == "true"


def test_a_flood_ends_the_connection_and_what_came_before_is_given_out(monkeypatch):
    monkeypatch.setattr(ami, "MOST_EVENTS", 20)

    async def flood(connection: AmiConnection) -> int:
        await connection._wire.ask(ami._Question("Ping", {}), 5)  # all of it has arrived
        return len(await all_events(connection))

    def answer(action: dict[str, str]) -> bytes:
        return only_login(action) or message(Event="Tick") * 21

    with pytest.raises(AmiUnavailable, match="more than 20 events wait"):
        using(Peer(answer), flood)


def test_a_message_without_an_end_ends_the_connection(monkeypatch):
    monkeypatch.setattr(ami, "LONGEST_MESSAGE", 1000)

    async def listen(connection: AmiConnection) -> None:
        await connection.events()

    with pytest.raises(AmiUnavailable, match="without an end"):
        using(Peer(lambda action: success(action) + b"Event: " + b"x" * 5000), listen)


def test_a_silent_peer_is_noticed(monkeypatch):
    monkeypatch.setattr(ami, "PING_SECONDS", 0.02)
    monkeypatch.setattr(ami, "PONG_SECONDS", 0.05)
    peer = Peer(only_login)
    with pytest.raises(AmiUnavailable, match="gone silent"):
        using(peer, lambda connection: connection.events())
    assert peer.actions[-1]["Action"] == "Ping"


def test_pings_that_are_answered_keep_the_connection(monkeypatch):
    monkeypatch.setattr(ami, "PING_SECONDS", 0.01)
    pings = []

    def answer(action: dict[str, str]) -> bytes:
        pings.append(action["Action"])
        tick = message(Event="Tick") if pings.count("Ping") == 3 else b""
        return success(action) + tick

    (event,) = using(Peer(answer), lambda connection: connection.events())
    assert event.name == "Tick"


# --- connecting ---


def test_a_wrong_secret_is_said_at_once_and_the_secret_is_not():
    peer = Peer(lambda action: error(action, "Authentication failed"))
    with pytest.raises(AmiRefused, match="'listener'") as refused:
        using(peer, lambda connection: connection.events())
    assert SECRET not in str(refused.value)
    assert SECRET not in repr(AmiLogin("h", 1, "u", SECRET))


def test_a_port_where_nobody_listens_is_said():
    async def scene() -> None:
        async with connect(AmiLogin("127.0.0.1", 1, "u", "s")):
            pass

    with pytest.raises(AmiUnavailable, match="cannot be reached: Connection refused"):
        asyncio.run(scene())


def test_a_peer_that_never_answers_the_login_is_given_up(monkeypatch):
    monkeypatch.setattr(ami, "LOGIN_SECONDS", 0.05)
    with pytest.raises(AmiUnavailable, match="no answer to Login"):
        using(Peer(lambda _: None, banner=b""), lambda connection: connection.events())


# --- a client that stays ---


def run_client(peer: Peer, session: Callable[[AmiConnection], Awaitable[None]], pauses: int):
    """Run until the session ends by itself, or after so many pauses; gives client and pauses."""
    slept: list[float] = []

    class Enough(Exception):
        """So many failures were seen."""

    async def pause(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == pauses:
            raise Enough

    async def scene() -> AmiClient:
        async with peer:
            client = AmiClient(login(peer), chance=lambda: 1.0, pause=pause)
            with suppress(Enough):
                await client.run(session)
            return client

    return asyncio.run(scene()), slept


def test_a_wrong_secret_is_tried_ever_more_rarely(caplog):
    async def session(connection: AmiConnection) -> None:
        await connection.events()

    peer = Peer(lambda action: error(action, "Authentication failed"))
    client, slept = run_client(peer, session, 8)
    assert slept == [2, 4, 8, 16, 32, 60, 60, 60]
    assert client.state.link is Link.REFUSED
    assert "secret differs" in client.state.detail
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


def test_a_wrong_secret_is_soon_tried_again_after_cuts():
    """A secret that changed comes with a cut or several, and these count by themselves."""

    async def session(_: AmiConnection) -> None:
        raise AmiUnavailable("cut")

    logins = itertools.count()
    peer = Peer(lambda action: success(action) if next(logins) < 5 else error(action, "No"))
    _, slept = run_client(peer, session, 7)
    assert slept == [0.1, 0.2, 0.4, 0.8, 1.0, 2, 4]


def test_a_lost_connection_is_made_again_soon():
    seen = []

    async def session(connection: AmiConnection) -> None:
        seen.append(await all_events(connection))
        if len(seen) < 3:
            await connection.events()

    peer = Peer(after_login=message(Event="FullyBooted"))
    client, slept = run_client(peer, session, 10)
    assert [len(events) for events in seen] == [1, 1, 1]
    assert slept == [0.1, 0.2]
    assert peer.connections == 3
    assert client.state.link is Link.UP


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 0.5), (1.0, 1.0)])
def test_half_of_a_pause_is_drawn(chance, seconds):
    assert ami._backoff(50, chance, refused=False) == seconds
