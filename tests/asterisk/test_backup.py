"""Backup and restore beside a real daemon, with real calls: what ended since comes back."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.asterisk.conftest import Acme

pytestmark = pytest.mark.asterisk

MOBILE, PREMIUM = "0612345678", "0899123456"


def test_a_database_that_is_lost_comes_back_from_its_backup_and_the_journal(acme: Acme):
    provider, begun = acme.provider, datetime.now(UTC)
    file, place = provider.folder / "backup.db", provider.folder / "siptrunk.db"
    with acme.carrier():
        calls = [acme.call_of(MOBILE)] * 40
        with acme.calling(calls, rate=20, hold_ms=300) as load:
            provider.until(acme.live)
            assert "written, and checked" in provider.do("backup", str(file))
            assert load.wait().statuses.count(200) == 40
        acme.call(PREMIUM)
        provider.until_idle()
        told = provider.run("restore", str(file), "--yes")
        assert (told.returncode, "is in use" in told.stderr) == (1, True)

        before = {row.uniqueid: row for row in provider.calls()}
        place.unlink()  # under the running daemon: its calls go on by the dialplan's own rules
        assert acme.call(MOBILE).statuses == [200]
        provider.stop_serving()
        provider.engine.dispose()  # this process has it open, too
        provider.do("restore", str(file), "--yes")
        assert len(provider.calls()) < len(before)

    provider.serve()
    provider.until(lambda: len(provider.calls()) == len(before) + 1, what="the journal")
    provider.until_idle()
    after = {row.uniqueid: row for row in provider.calls()}
    assert before.keys() < after.keys()
    for uniqueid, was in before.items():
        row = after[uniqueid]
        assert (row.trunk, row.verdict) == (was.trunk, was.verdict)
        assert abs(row.billable - was.billable) < timedelta(seconds=0.1)
    period = ("--from", begun.isoformat(), "--to", (begun + timedelta(days=1)).isoformat())
    verified = provider.read("usage", "verify", *period)
    assert verified["complete"]
    assert abs(verified["billable_difference"]) < 0.1
    assert acme.call(PREMIUM).statuses == [403]
