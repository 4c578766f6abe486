"""The listener between a scripted AMI peer and a store in memory."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asterisk_siptrunk.asterisk import events, registrations
from asterisk_siptrunk.asterisk import listener as module
from asterisk_siptrunk.asterisk.ami import AmiClient, AmiLogin
from asterisk_siptrunk.asterisk.listener import Listener
from asterisk_siptrunk.asterisk.message import AmiEvent
from asterisk_siptrunk.call import (
    Answered,
    CallChange,
    Contact,
    Ended,
    LiveChannel,
    OpenCall,
    RegistrationChange,
    Ringing,
    Spoken,
)
from asterisk_siptrunk.call.security import SecurityCount
from asterisk_siptrunk.call.witness import JournalCall, JournalPosition
from asterisk_siptrunk.errors import DatabaseUnavailable
from tests.replay.peer import Peer, message, success
from tests.unit.asterisk.lines import row

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
UPTIME = 600
BEGAN = NOW - timedelta(seconds=UPTIME)
LATELY = NOW - timedelta(seconds=60)


class MemoryStore:
    """Keeps what it is told; `away` has it refuse that many times."""

    def __init__(self, rows: Sequence[OpenCall] = ()) -> None:
        self.rows = list(rows)
        self.batches: list[list[CallChange]] = []
        self.adopted: list[LiveChannel] = []
        self.gone: dict[str, datetime] = {}
        self.journal: list[JournalCall] = []
        self.changed_registrations: list[RegistrationChange] = []
        self.there: list[Contact] = []
        self.attempts: list[SecurityCount] = []
        self.position: JournalPosition | None = None
        self.looks = self.lists = 0
        self.seen_at: set[datetime] = set()
        self.away = 0
        self.heard: list[str] = []
        self._told = asyncio.Event()

    def ended(self, uniqueid: str) -> None:
        self.heard.append(uniqueid)

    async def until(self, met: Callable[[], object]) -> None:
        """Wait until something that it was told makes `met` true."""
        async with asyncio.timeout(5):
            while not met():
                self._told.clear()
                await self._told.wait()

    @property
    def changes(self) -> list[CallChange]:
        return [change for batch in self.batches for change in batch]

    def _tell(self) -> None:
        self._told.set()
        if self.away:
            self.away -= 1
            raise DatabaseUnavailable("away")

    async def apply(self, changes: Sequence[CallChange]) -> None:
        self._tell()
        self.batches.append(list(changes))

    async def open_calls(self) -> Sequence[OpenCall]:
        self._tell()
        self.looks += 1
        return self.rows

    async def adopt(self, channels: Sequence[LiveChannel], at: datetime) -> None:
        self.seen_at.add(at)
        self._tell()
        self.adopted += channels

    async def close_gone(self, ends: Mapping[str, datetime]) -> None:
        self._tell()
        self.gone |= ends
        self.rows = [one for one in self.rows if one.uniqueid not in ends]

    async def journal_position(self) -> JournalPosition | None:
        return self.position

    async def record_journal(self, calls: Sequence[JournalCall], position: JournalPosition) -> None:
        self._tell()
        self.journal += calls
        self.position = position

    async def registrations(self, changes: Sequence[RegistrationChange]) -> None:
        self._tell()
        self.changed_registrations += changes

    async def security(self, counts: Sequence[SecurityCount]) -> None:
        self._tell()
        self.attempts += counts

    async def registered(self) -> Sequence[Contact]:
        self.lists += 1
        self._tell()
        return self.there


class Scene:
    """A listener that runs, with its peer and its store."""

    def __init__(
        self, peer: Peer, store: MemoryStore, listener: Listener, contacts: list[Contact]
    ) -> None:
        self.contacts = contacts
        self.peer = peer
        self.store = store
        self.listener = listener
        self.until = store.until


def channel(uniqueid: str, **fields: str) -> bytes:
    known = {
        "Event": "CoreShowChannel",
        "Channel": "PJSIP/trunk-acme-00000000",
        "ChannelState": "6",
        "CallerIDNum": "0123456789",
        "AccountCode": "acme",
        "Context": "siptrunk-call-out",
        "Exten": "dial",
        "Uniqueid": uniqueid,
        "Linkedid": uniqueid,
        "Duration": "00:00:30",
    }
    return message(**known | fields)


def of_call(name: str, **fields: str) -> bytes:
    known = {
        "Event": name,
        "Channel": "PJSIP/trunk-acme-00000000",
        "Context": "siptrunk-call-out",
        "Uniqueid": "lab-1.0",
        "Linkedid": "lab-1.0",
        "DestChannel": "PJSIP/carrier-ovh-00000001",
    }
    return message(**known | fields)


RINGING = of_call("DialState", DialStatus="RINGING")
ANSWERED = of_call("DialEnd", DialStatus="ANSWER")
ENDED = of_call("Hangup", Cause="16")
BOOTED = message(Event="FullyBooted", Uptime=str(UPTIME))


def answering(*channels: bytes, boots: bool = True) -> Callable[[dict[str, str]], bytes]:
    """A peer that has these channels, and whose callers all speak alaw."""

    def answer(action: dict[str, str]) -> bytes:
        number = f"ActionID: {action['ActionID']}\r\n".encode()
        if action["Action"] == "CoreShowChannels":
            items = b"".join(one.replace(b"\r\n", b"\r\n" + number, 1) for one in channels)
            complete = message(
                Event="CoreShowChannelsComplete",
                ActionID=action["ActionID"],
                ListItems=str(len(channels)),
            )
            return success(action) + items + complete
        if action["Action"] == "Login" and boots:
            return success(action) + BOOTED
        return success(action, Value="alaw")

    return answer


def play(
    use: Callable[[Scene], Awaitable[None]],
    *channels: bytes,
    rows: Sequence[OpenCall] = (),
    journal: Path = Path("/nowhere"),
    boots: bool = True,
    seen_until: datetime | None = None,
) -> MemoryStore:
    async def scene() -> MemoryStore:
        store = MemoryStore(rows)
        contacts: list[Contact] = []

        async def listed() -> list[Contact]:
            return contacts

        async with Peer(answering(*channels, boots=boots)) as peer:
            client = AmiClient(AmiLogin("127.0.0.1", peer.port, "u", "s"), clock=lambda: NOW)
            listener = Listener(client, store, journal, listed, clock=lambda: NOW)
            if seen_until is not None:
                listener.seen_until(seen_until)
            running = asyncio.create_task(listener.run())
            await store.until(lambda: store.looks or not boots)
            await use(Scene(peer, store, listener, contacts))
            listener.stop()
            await running
        return store

    return asyncio.run(scene())


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(module, "SOONEST_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "JOURNAL_SECONDS", 0.01)
    monkeypatch.setattr(registrations, "GATHER_SECONDS", 0.01)
    monkeypatch.setattr(registrations, "SOONEST_LIST_SECONDS", 0.01)


def test_a_call_from_ringing_to_its_end():
    async def use(scene: Scene) -> None:
        scene.peer.send(RINGING + ANSWERED)
        await scene.until(lambda: any(isinstance(one, Spoken) for one in scene.store.changes))
        scene.peer.send(ENDED)
        await scene.until(lambda: any(isinstance(one, Ended) for one in scene.store.changes))

    changes = play(use).changes
    assert [type(change) for change in changes] == [Ringing, Answered, Spoken, Ended]
    assert changes[2] == Spoken("lab-1.0", "alaw")


def test_a_burst_is_one_batch():
    async def use(scene: Scene) -> None:
        scene.peer.send(ENDED * 200)
        await scene.until(lambda: len(scene.store.changes) == 200)

    assert len(play(use).batches) < 5


def test_an_end_takes_along_what_lingers():
    async def use(scene: Scene) -> None:
        scene.peer.send(RINGING + ENDED)
        await scene.until(lambda: scene.store.batches)

    assert [type(change) for change in play(use).batches[0]] == [Ringing, Ended]


def test_at_each_connection_rows_and_channels_are_compared():
    async def use(scene: Scene) -> None:
        await scene.until(lambda: scene.store.gone)

    store = play(
        use,
        channel("lab-2.0"),
        channel("lab-3.0"),
        rows=[OpenCall("lab-1.0", LATELY), OpenCall("lab-2.0", LATELY)],
    )
    assert store.gone == {"lab-1.0": NOW}
    assert store.seen_at == {NOW}
    assert [one.uniqueid for one in store.adopted] == ["lab-3.0"]
    assert store.adopted[0].age == timedelta(seconds=30)
    assert store.changes == [Answered("lab-2.0", NOW)]


def test_a_call_that_asterisk_took_with_it_ended_before_it_began_anew():
    earlier = OpenCall("lab-1.0", BEGAN - timedelta(seconds=60))

    async def use(scene: Scene) -> None:
        await scene.until(lambda: scene.store.gone)

    assert play(use, rows=[earlier]).gone == {"lab-1.0": BEGAN}


def test_a_call_of_a_machine_that_went_down_ended_when_it_was_seen_last():
    """And not when the machine was up again, days later perhaps: it would be charged for them."""
    seen = BEGAN - timedelta(days=3)
    earlier = OpenCall("lab-1.0", seen - timedelta(seconds=60))

    async def use(scene: Scene) -> None:
        await scene.until(lambda: scene.store.gone)

    assert play(use, rows=[earlier], seen_until=seen).gone == {"lab-1.0": seen}


@pytest.mark.parametrize(
    "said", [message(Event="FullyBooted"), ENDED.replace(b"Uniqueid:", b"Uniqueid: x\r\nUniqueid:")]
)
def test_what_may_have_been_missed_is_looked_for(said):
    async def use(scene: Scene) -> None:
        scene.peer.send(said)
        await scene.until(lambda: scene.store.looks > 1)

    assert play(use).changes == []


def test_a_call_that_the_dialplan_let_pass_alone_is_looked_for():
    async def use(scene: Scene) -> None:
        scene.peer.send(of_call("DialState", DialStatus="RINGING", Context="siptrunk-away"))
        await scene.until(lambda: scene.store.looks > 1)

    play(use)


def test_a_call_that_may_still_be_asking_is_looked_at_again(monkeypatch):
    monkeypatch.setattr(module, "GRACE", timedelta(seconds=0.05))

    async def use(scene: Scene) -> None:
        await scene.until(lambda: scene.store.looks > 1)

    assert play(use, channel("lab-3.0", Duration="00:00:00")).adopted == []


def test_an_end_is_heard_of_before_it_can_be_stored():
    async def use(scene: Scene) -> None:
        scene.store.away = 3
        scene.peer.send(ENDED)
        await scene.until(lambda: scene.store.changes)

    assert play(use).heard == ["lab-1.0"]


def test_an_asterisk_that_is_not_booted_is_not_looked_at():
    """It answers already, and has no channel: no call of before ended at that moment."""
    earlier = OpenCall("lab-1.0", BEGAN - timedelta(seconds=60))

    async def use(scene: Scene) -> None:
        await scene.until(lambda: scene.store.lists)
        scene.peer.send(RINGING)
        await scene.until(lambda: scene.store.batches)
        assert not scene.store.looks
        scene.peer.send(BOOTED)
        await scene.until(lambda: scene.store.gone)

    assert play(use, rows=[earlier], boots=False).gone == {"lab-1.0": BEGAN}


def test_the_journal_is_read_on_from_where_the_database_stands(tmp_path):
    """Also when that is further back than it was: a backup was put in its place."""
    journal = tmp_path / "siptrunk.csv"
    lines = [row(uniqueid=f"lab-{number}.0") + b"\n" for number in range(4)]
    journal.write_bytes(b"".join(lines))

    async def use(scene: Scene) -> None:
        await scene.until(lambda: len(scene.store.journal) == 4)
        scene.store.position = JournalPosition(journal.stat().st_ino, len(lines[0]))
        await scene.until(lambda: len(scene.store.journal) == 7)

    told = [call.uniqueid for call in play(use, journal=journal).journal]
    assert told[4:] == ["lab-1.0", "lab-2.0", "lab-3.0"]


def test_a_stalled_asterisk_does_not_keep_the_journal_from_being_read(tmp_path):
    """It has said that it is there, and does not list its channels: they end all the same."""
    journal = tmp_path / "siptrunk.csv"
    answer = answering()

    def stalled(action: dict[str, str]) -> bytes:
        return b"" if action["Action"] == "CoreShowChannels" else answer(action)

    async def scene() -> None:
        store = MemoryStore()

        async def listed() -> list[Contact]:
            return []

        async with Peer(stalled) as peer:
            client = AmiClient(AmiLogin("127.0.0.1", peer.port, "u", "s"), clock=lambda: NOW)
            listener = Listener(client, store, journal, listed, clock=lambda: NOW)
            running = asyncio.create_task(listener.run())
            await store.until(lambda: store.looks)
            journal.write_bytes(row() + b"\n")
            await store.until(lambda: store.journal)  # within 5 s
            listener.stop()
            await running

    asyncio.run(scene())


def test_a_look_may_be_asked_for():
    async def use(scene: Scene) -> None:
        scene.listener.resync()
        await scene.until(lambda: scene.store.looks > 1)

    play(use)


def test_a_lost_connection_is_made_again_and_followed_by_a_look():
    async def use(scene: Scene) -> None:
        scene.peer.cut()
        await scene.until(lambda: scene.store.looks > 1)

    play(use)


def test_changes_wait_for_the_database_and_come_once():
    async def use(scene: Scene) -> None:
        scene.store.away = 3
        scene.peer.send(ENDED)
        await scene.until(lambda: scene.store.changes)

    assert [type(change) for change in play(use).changes] == [Ended]


def test_changes_that_would_fill_the_memory_are_let_go(monkeypatch):
    monkeypatch.setattr(module, "MOST_CHANGES", 10)

    async def use(scene: Scene) -> None:
        scene.store.away = 1
        scene.peer.send(ENDED * 15)
        await scene.until(lambda: scene.store.looks > 1 and scene.store.changes)

    assert len(play(use).changes) <= 10


def contact_status(status: str) -> bytes:
    return message(
        Event="ContactStatus",
        ContactStatus=status,
        EndpointName="trunk-acme",
        URI="sip:a@192.0.2.7:5060",
    )


ACME = Contact("acme", "192.0.2.7:5060", "PBX 1")


def test_registrations_are_noted():
    async def use(scene: Scene) -> None:
        scene.peer.send(contact_status("Reachable"))
        await scene.until(lambda: scene.store.changed_registrations)

    (change,) = play(use).changed_registrations
    assert (change.trunk, change.registered, change.contact) == ("acme", True, "192.0.2.7:5060")


@pytest.mark.parametrize(
    "said", [message(Event="FullyBooted"), contact_status("NonQualified"), b"", None]
)
def test_who_is_registered_is_read_again(said):
    """After an event, at the first connection, and at the next one."""

    async def use(scene: Scene) -> None:
        scene.contacts.append(ACME)
        if said is None:
            scene.peer.cut()
        elif said:
            await scene.until(lambda: scene.store.changed_registrations)
            scene.store.changed_registrations.clear()
            scene.peer.send(said)
        await scene.until(
            lambda: "PBX 1" in {one.user_agent for one in scene.store.changed_registrations}
        )

    play(use)


def test_a_contact_that_only_answers_again_asks_for_no_list():
    assert [
        status
        for status in ("NonQualified", "Created", "Removed", "Reachable", "Unreachable")
        if events.is_of_list(AmiEvent("ContactStatus", {"ContactStatus": status}, NOW))
    ] == ["NonQualified", "Created", "Removed"]


def test_registrations_that_would_fill_the_memory_are_let_go(monkeypatch):
    monkeypatch.setattr(module, "MOST_CHANGES", 10)

    async def use(scene: Scene) -> None:
        scene.store.away = 1
        scene.peer.send(contact_status("Reachable") * 25)
        scene.contacts.append(ACME)
        await scene.until(
            lambda: "PBX 1" in {one.user_agent for one in scene.store.changed_registrations}
        )

    assert len(play(use).changed_registrations) <= 20


def test_the_journal_is_read_as_it_grows(tmp_path):
    journal = tmp_path / "siptrunk.csv"
    journal.write_bytes(row() + b"\n")

    async def use(scene: Scene) -> None:
        await scene.until(lambda: scene.store.journal)
        with journal.open("ab") as more:
            more.write(row(uniqueid="lab-2.0") + b"\n")
        await scene.until(lambda: len(scene.store.journal) == 2)

    store = play(use, journal=journal)
    assert [one.uniqueid for one in store.journal] == ["lab-1.0", "lab-2.0"]
    assert store.position == JournalPosition(journal.stat().st_ino, journal.stat().st_size)


def test_a_journal_that_cannot_be_read_stops_nothing(tmp_path, caplog):
    async def use(scene: Scene) -> None:
        scene.peer.send(ENDED)
        await scene.until(lambda: scene.store.changes)

    play(use, journal=tmp_path)  # a folder
    assert "cannot be read" in caplog.text


def test_the_end_stores_what_still_waits():
    async def use(scene: Scene) -> None:
        scene.listener._note(Ringing("lab-1.0", NOW))

    assert play(use).changes == [Ringing("lab-1.0", NOW)]
