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


def test_a_trunk_that_nobody_has(attacked):
    assert "nobody" in attacked("security", "list", "--trunk", "nobody", fails=1).stderr
