"""What Asterisk's security events tell, and that counts wait for the database."""

import asyncio
from datetime import UTC, datetime
from itertools import chain

import pytest

from asterisk_siptrunk.asterisk import security as module
from asterisk_siptrunk.asterisk.events import EVENT_FILTERS, SECURITY_EVENTS, UNREAD_EVENTS
from asterisk_siptrunk.asterisk.message import AmiEvent
from asterisk_siptrunk.asterisk.security import SecurityWatch, security_event
from asterisk_siptrunk.call.security import SecurityEvent
from asterisk_siptrunk.errors import DatabaseUnavailable

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def event(name="ChallengeResponseFailed", *, ambiguous=False, **fields):
    known = {"AccountID": "trunk-acme", "RemoteAddress": "IPV4/UDP/192.0.2.7/5060"}
    return AmiEvent(name, {"Event": name} | known | fields, NOW, ambiguous)


def test_a_wrong_password_is_one_on_the_trunks_account():
    assert security_event(event()) == SecurityEvent(
        "192.0.2.7", "trunk-acme", "acme", "ChallengeResponseFailed", NOW
    )


def test_a_name_that_the_attacker_chose_is_no_trunks():
    found = security_event(event("InvalidAccountID"))
    assert found is not None
    assert (found.account, found.trunk) == ("trunk-acme", "")


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("IPV6/TLS/2001:db8::7/5061", "2001:db8::7"),
        ("IPV4/UDP/192.0.2.7/5060\r", ""),
        ("anything", ""),
    ],
)
def test_sources(address, source):
    found = security_event(event(RemoteAddress=address))
    assert found is not None
    assert found.source == source


def test_what_an_attacker_writes_steers_no_terminal_and_has_an_end():
    found = security_event(event(AccountID="\x1b[2J" + "x" * 500))
    assert found is not None
    assert found.account == ("[2J" + "x" * 40)[:40]


def test_a_forged_account_is_no_trunks():
    found = security_event(event(ambiguous=True))
    assert found is not None
    assert found.trunk == ""


def test_other_events_tell_of_no_attempt():
    assert security_event(event("SuccessfulAuth")) is None


def test_they_are_asked_for_and_never_switched_off():
    assert {f"eventfilter(name({name})) =" for name in SECURITY_EVENTS} <= set(EVENT_FILTERS)
    assert not set(SECURITY_EVENTS) & set(UNREAD_EVENTS)


def test_counts_wait_for_the_database_and_come_in_pieces(monkeypatch):
    monkeypatch.setattr(module, "STORE_SECONDS", 0.001)
    monkeypatch.setattr(module, "MOST_TOGETHER", 2)
    batches, away, enough = [], [True, True], asyncio.Event()

    class Store:
        async def security(self, counts):
            if away:
                away.pop()
                raise DatabaseUnavailable("away")
            batches.append([(count.source, count.count) for count in counts])
            if len(batches) == 2:
                enough.set()

    async def flood():
        watch = SecurityWatch(Store())  # type: ignore[arg-type]
        for last in (1, 2, 3, 1):
            watch.note(SecurityEvent(f"192.0.2.{last}", "a", "", "FailedACL", NOW))
        running = asyncio.create_task(watch.run())
        async with asyncio.timeout(5):
            await enough.wait()
        running.cancel()

    asyncio.run(flood())
    assert sorted(chain.from_iterable(batches)) == [
        ("192.0.2.1", 2),
        ("192.0.2.2", 1),
        ("192.0.2.3", 1),
    ]
    assert [len(batch) for batch in batches] == [2, 1]
