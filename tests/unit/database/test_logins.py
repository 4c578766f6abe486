"""Registrations and attempts as the watch sees them: each once, and what stands is nothing new."""

from datetime import timedelta

import pytest

from asterisk_siptrunk.anomaly import LoginKind, read_countries
from asterisk_siptrunk.call import RegistrationChange
from asterisk_siptrunk.call.security import SecurityCount
from asterisk_siptrunk.database import security, usage
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.logins import MOST_AT_ONCE, LoginFeed, network_of
from tests.unit.database.builders import NOON, provide

MINUTE = timedelta(minutes=1)
COUNTRIES = read_countries(["192.0.2.0/24,FR"], "a.csv")


@pytest.fixture
def connection(engine):
    provide(engine)
    with transaction(engine) as connection:
        yield connection


def tried(connection, kind="ChallengeResponseFailed", count=1, minutes=0):
    at = NOON + minutes * MINUTE
    event = ("192.0.2.7", "trunk-acme-paris", "acme-paris", kind)
    security.record(connection, "lab", [SecurityCount(NOON, *event, count, at, at)])


def registers(connection, address="192.0.2.10:5060", agent="FPBX", minutes=0):
    change = RegistrationChange("acme-paris", True, NOON + minutes * MINUTE, address, agent)  # noqa: FBT003
    usage.note_registrations(connection, "lab", [change])


def looked(feed, connection):
    return [
        (each.kind, each.source, each.trunk) for each in feed.look(connection, NOON + 30 * MINUTE)
    ]


def test_each_attempt_is_seen_once_and_those_before_the_start_never(connection):
    feed = LoginFeed(COUNTRIES)
    tried(connection, count=3)
    assert feed.begin(connection, NOON) == []
    tried(connection, count=2, minutes=5)
    tried(connection, "InvalidAccountID", minutes=6)
    tried(connection, "FailedACL")
    wrong = (LoginKind.PASSWORD, "192.0.2.7", "acme-paris")
    assert looked(feed, connection) == [
        *(wrong, wrong, (LoginKind.UNKNOWN, "192.0.2.7", "acme-paris")),
    ]
    assert looked(feed, connection) == []


def test_a_flood_is_told_in_pieces(connection):
    feed = LoginFeed(COUNTRIES)
    tried(connection, count=5 * MOST_AT_ONCE)
    assert len(looked(feed, connection)) == MOST_AT_ONCE


def test_a_registration_is_seen_when_its_place_or_its_program_is_another(connection):
    feed = LoginFeed(COUNTRIES)
    registers(connection)
    (stands,) = feed.begin(connection, NOON)
    assert (stands.network, stands.country, stands.user_agent) == ("192.0.2.0/24", "FR", "FPBX")
    assert looked(feed, connection) == []
    registers(connection, "198.51.100.4:5060", minutes=1)
    assert looked(feed, connection) == [(LoginKind.REGISTERED, "198.51.100.4", "acme-paris")]
    registers(connection, "198.51.100.4:5060", "sipvicious", minutes=2)
    assert len(looked(feed, connection)) == 1


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ("pbx.example", ""),
    ],
)
def test_the_network_of_an_address(source, network):
    assert network_of(source) == network
