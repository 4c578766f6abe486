"""`siptrunk security`."""

import csv
import io
from datetime import timedelta

import pytest

from asterisk_siptrunk.call.security import SecurityCount
from asterisk_siptrunk.database import security
from asterisk_siptrunk.database.engine import open_engine, transaction
from tests.unit.cli.records import NOON


@pytest.fixture
def attacked(acme, sqlite_url):
    """Two sources: one tried the trunk's password, one a name with a trick in it."""
    later = NOON + timedelta(hours=1)
    wrong = ("192.0.2.7", "trunk-acme-paris", "acme-paris", "ChallengeResponseFailed", 12)
    unknown = ("192.0.2.8", "[red]nobody", "", "InvalidAccountID", 30)
    counts = [SecurityCount(NOON, *wrong, NOON, NOON), SecurityCount(later, *unknown, later, later)]
    engine = open_engine(sqlite_url)
    with transaction(engine) as connection:
        security.record(connection, "lab", counts)
    engine.dispose()
    return acme


def test_the_most_frequent_comes_first(attacked):
    rows = attacked.json("security", "list")
    assert [(row["source"], row["count"]) for row in rows] == [("192.0.2.8", 30), ("192.0.2.7", 12)]
    assert rows[1]["first_at"] == "2026-11-23T12:00:00.000000Z"


@pytest.mark.parametrize(
    ("options", "sources"),
    [
        (("--trunk", "acme-paris"), ["192.0.2.7"]),
        (("--since", "2026-11-23T13:30"), ["192.0.2.8"]),
        (("--since", "2026-11-24"), []),
        (("--limit", "1"), ["192.0.2.8"]),
    ],
)
def test_a_part_of_them(attacked, options, sources):
    assert [row["source"] for row in attacked.json("security", "list", *options)] == sources


def test_for_people_and_for_spreadsheets(attacked):
    assert "[red]nobody" in attacked("security", "list").stdout
    rows = list(csv.DictReader(io.StringIO(attacked("security", "list", "--format", "csv").stdout)))
    assert rows[1]["trunk"] == "acme-paris"


@pytest.mark.parametrize(
    ("account", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1-1", "'+1-1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("trunk-acme-paris", "trunk-acme-paris"),
    ],
)
def test_no_account_is_a_formula_to_a_spreadsheet(acme, sqlite_url, account, cell):
    tried = SecurityCount(NOON, "192.0.2.7", account, "", "InvalidAccountID", 1, NOON, NOON)
    engine = open_engine(sqlite_url)
    with transaction(engine) as connection:
        security.record(connection, "lab", [tried])
    engine.dispose()
    written = acme("security", "list", "--format", "csv").stdout
    (row,) = csv.DictReader(io.StringIO(written))
    assert row["account"] == cell
    assert acme.json("security", "list")[0]["account"] == account


def test_a_trunk_that_nobody_has(attacked):
    assert "nobody" in attacked("security", "list", "--trunk", "nobody", fails=1).stderr


def test_rules_for_the_firewall_are_all_that_is_written(acme):
    done = acme("security", "firewall", "--invites", "20", "--exempt", "198.51.100.0/24")
    assert done.stdout.startswith("# How much SIP one address may send")
    assert "ip saddr { 192.0.2.10/32 } accept" in done.stdout  # the carrier's server
    assert "ip saddr { 198.51.100.0/24 } accept" in done.stdout
    assert "limit rate over 20/second" in done.stdout
    assert done.stderr == ""


def test_a_carrier_that_would_be_limited_is_named(acme):
    acme(
        *("carrier", "add", "two", "--profile", "generic", "--server", "sip.example"),
        *("--username", "us", "--secret-file", "-"),
        stdin="carrier-secret\n",
    )
    told = acme("security", "firewall").stderr
    assert "Carrier two: its addresses are not known" in told
    assert "Carrier one" not in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--exempt", "192.0.2.1/24; drop"), "no IP address or network"),
        (("--port", "5060 } accept"), "--port"),
        (("--invites", "0"), "--invites"),
    ],
)
def test_only_numbers_and_networks_go_into_rules(acme, options, told):
    assert told in acme("security", "firewall", *options, fails=2).stderr


def test_ports_of_transports_that_are_not_ours_are_asked_for(acme):
    acme.environment["SIPTRUNK_ASTERISK_SIP_PORT"] = "0"
    assert "--port" in acme("security", "firewall", fails=1).stderr
    assert "udp dport { 5160 }" in acme("security", "firewall", "--port", "5160").stdout
