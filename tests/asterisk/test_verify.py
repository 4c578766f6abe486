"""The proof of usage, on calls that were real."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import call
from tests.asterisk.conftest import CARRIER_HOST, MAIN, OUTSIDE, Acme
from tests.lab.sipp import Call, SippCaller

pytestmark = pytest.mark.asterisk

MOBILE, PREMIUM = "0612345678", "0899123456"


def calls_of_every_kind(acme: Acme) -> list[list[int]]:
    """Answered, refused, busy and cancelled: four calls; what each heard."""
    with acme.carrier():
        heard = [acme.call(MOBILE, hold_ms=300).statuses, acme.call(PREMIUM).statuses]
    with acme.carrier("uas_refuse", status="486 Busy Here"):
        heard.append(acme.call(MOBILE).statuses)
    with acme.carrier("uas_ring_forever"):
        heard.append(acme.call(MOBILE, scenario="uac_cancel", ring_ms=300).statuses)
    return heard


@contextmanager
def without_row(acme: Acme, uniqueid: str) -> Iterator[None]:
    """Take a row away by SQL, and put it back."""
    of_call = call.c.uniqueid == uniqueid
    with transaction(acme.provider.engine) as connection:
        row = connection.execute(select(call).where(of_call)).mappings().one()
        connection.execute(delete(call).where(of_call))
    yield
    with transaction(acme.provider.engine) as connection:
        connection.execute(insert(call).values(**row))


@contextmanager
def without_line(acme: Acme, uniqueid: str) -> Iterator[None]:
    """Take the lines of a call out of the journal, and put them back."""
    journal = acme.provider.asterisk.cdr_custom / "siptrunk.csv"
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(f'"{uniqueid}"'.encode())]
    assert len(kept) < len(lines)
    journal.write_bytes(b"".join(kept))
    yield
    journal.write_bytes(whole)


def test_real_calls_verify_and_each_that_is_lost_is_found(acme: Acme):
    begun, before = datetime.now(UTC), len(acme.provider.calls())

    def verified(until: datetime | None = None, *, fails: int = 0) -> Any:
        to = (until or begun + timedelta(days=1)).isoformat()
        period = ("--from", begun.isoformat(), "--to", to)
        done = acme.provider.run("usage", "verify", *period, "--format", "json")
        assert done.returncode == fails, done.stdout + done.stderr
        return json.loads(done.stdout)

    inbound = SippCaller(
        acme.provider.asterisk.sip_address,
        [Call(OUTSIDE, MAIN)],
        host=CARRIER_HOST,
        hold_ms=9000,
    )
    with acme.registered(), inbound as lasting:
        acme.provider.until(lambda: acme.live() == 1)
        served = calls_of_every_kind(acme)
        acme.provider.stop_serving()
        away = calls_of_every_kind(acme)
        acme.provider.serve()
        so_far = verified()
        assert lasting.wait().statuses == [200]
    acme.provider.until_idle()
    acme.provider.until(lambda: len(acme.provider.calls()) == before + 9, what="the journal")

    assert served == [[200], [403], [486], [487]]
    assert away == [[200], [403], [486], [487]]
    assert so_far["open"] == 1
    for found in (verified(), verified(datetime.now(UTC))):
        assert (found["rows"], found["journal_calls"], found["agreed"]) == (9, 9, 9)
        assert abs(found["billable"] - 9.6) < 1.0
        assert abs(found["billable_difference"]) < 0.1
        assert found["complete"]

    acme.provider.stop_serving()  # it would put right what is spoiled here
    # The first one has only just ended, which is left open for some seconds.
    _, *rows = acme.provider.calls()[before:]
    for row in rows[:4]:
        with without_row(acme, row.uniqueid):
            (lost,) = verified(fails=1)["differences"]
        assert (lost["uniqueid"], lost["kind"]) == (row.uniqueid, "no-row")
        with without_line(acme, row.uniqueid):
            (lost,) = verified(fails=1)["differences"]
        assert (lost["uniqueid"], lost["kind"]) == (row.uniqueid, "not-in-journal")
    assert verified()["agreed"] == 9


def test_whatever_other_tests_did_usage_is_complete(acme: Acme):
    """The server is that of all tests of calls: forged, frozen, and with Asterisk killed."""
    with acme.carrier():
        acme.call(MOBILE)
    acme.provider.until_idle()
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert "is complete so far" in acme.provider.do(
        "usage", "verify", "--from", "yesterday", "--to", tomorrow
    )
