"""`siptrunk billing`: what a person sees of a run, and what a run that only looks leaves alone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from asterisk_siptrunk.asterisk.journal import fold, parse_lines
from asterisk_siptrunk.call.server import Vitals
from asterisk_siptrunk.call.witness import JournalPosition
from asterisk_siptrunk.database import dunning, usage
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.database.servers import beat
from asterisk_siptrunk.database.tables import call, rate
from tests.conftest import SETUP
from tests.unit.asterisk.lines import row
from tests.unit.database.shop import CATALOGUE, Shop, add_call, dump

CALL_DAY = datetime(2025, 1, 20, 10, tzinfo=UTC)
# A fortnight after the last day on which an invoice of February is paid in time.
DAY, LATE = "2025-02-12", "2025-04-01"


@pytest.fixture
def shop(sqlite_url):
    """A trunk of 5 channels since 12 January 2025, on the database of `siptrunk`."""
    engine = open_engine(sqlite_url)
    catalogue = replace(CATALOGUE, valid_from=date(2025, 1, 1))
    shop = Shop.opened(engine, catalogue=catalogue).at("2025-01-12")
    shop.subscribe()
    yield shop
    engine.dispose()


@pytest.fixture
def run(siptrunk, shop, tmp_path):
    """The command, of a server with a journal that is empty."""
    (tmp_path / "journal.csv").touch()
    siptrunk.environment |= {
        "SIPTRUNK_ASTERISK_JOURNAL": str(tmp_path / "journal.csv"),
        "SIPTRUNK_ASTERISK_SERVER": "lab",
    }
    assert shop.trunk() is not None
    return siptrunk


def billed(run, *words, **fails):
    return run("billing", "run", "--date", DAY, "--format", "json", *words, **fails)


def test_a_run_writes_what_is_due(run, shop):
    add_call(shop.engine, CALL_DAY, 90)
    shop.prove()
    done = billed(run)
    assert done.data == [
        {
            "trunk": "acme-lyon",
            "customer": "acme",
            "period": "2025-02-12",
            "last": False,
            "invoice": "2025-000002",
            # 18.00 for the pack, and 90 s at 0.06
            "net": "18.09",
            "gross": "21.71",
            "currency": "EUR",
            "outcome": "written",
        }
    ]
    assert billed(run).data == []
    assert "Nothing is to be invoiced on 2025-02-12." in billed(run).stderr


def test_people_see_a_table(run, shop):
    shop.prove()
    said = run("billing", "run", "--date", DAY).stdout
    assert "2025-000002" in said
    assert "21.60 EUR" in said


def test_a_dry_run_says_the_same_and_writes_nothing(run, shop):
    add_call(shop.engine, CALL_DAY, 90)
    shop.first(3, "late")
    shop.order(3)
    before = dump(shop.engine)
    (row,) = billed(run, "--dry-run").data
    # the cut to 3, and 90 s at 0.06: 12.09 and tax
    assert (row["invoice"], row["gross"], row["outcome"]) == (None, "14.51", "would be written")
    assert [line["amount"] for line in row["lines"]] == ["12.00", "0.09"]
    said = run("billing", "run", "--date", DAY, "--dry-run").stdout
    assert all(text in said for text in ("14.51 EUR", "Pack one, 1 channel", "0.09 EUR"))
    assert dump(shop.engine) == before
    assert run("billing", "run", "--dry-run", "--date", "tomorrow", "--format", "csv").stdout
    assert dump(shop.engine) == before


def test_days_to_come_are_only_looked_at(run):
    said = run("billing", "run", "--date", "tomorrow", fails=1).stderr
    assert "is still to come: with --dry-run it can be looked at." in said
    assert "is no day" in run("billing", "run", "--date", "soon", fails=2).stderr


def test_a_run_proves_the_usage_of_its_own_server_first(run, shop, tmp_path):
    times = {"start": 0, "answer": 3, "end": 63}
    told = {key: f"{CALL_DAY.timestamp() + n:.6f}" for key, n in times.items()}
    line = row(uniqueid=f"lab-{int(CALL_DAY.timestamp())}.1", **told) + b"\n"
    (tmp_path / "journal.csv").write_bytes(line)
    found, *_ = parse_lines(line)
    with transaction(shop.engine) as connection:
        usage.record_journal(connection, "lab", fold(found), JournalPosition(1, 1))
    assert billed(run).data[0]["outcome"] == "written"


def test_what_is_not_complete_is_refused_and_told(run, shop):
    add_call(shop.engine, CALL_DAY)  # the journal knows nothing of it
    done = billed(run, fails=1)
    assert "The usage of server lab is not proven from 2025-01-12" in done.data[0]["outcome"]
    assert "Warning: The usage of lab is not complete: " in done.stderr
    assert "1 of 1 are not invoiced" in done.stderr
    assert shop.numbers() == ["F2025-000001"]


def test_another_server_is_refused_until_it_proves_itself(run, shop):
    told = Vitals(started_at=SETUP.at, link_since=SETUP.at, program="1", share=50, link="up")
    with transaction(shop.engine) as connection:
        beat(connection, "second", told, (), SETUP.at)
    assert "server second is not proven" in billed(run, fails=1).data[0]["outcome"]
    shop.prove("second")
    assert billed(run).data[0]["outcome"] == "written"


def test_a_journal_that_is_not_there_is_told(run, shop, tmp_path):
    add_call(shop.engine, CALL_DAY)
    (tmp_path / "journal.csv").unlink()
    assert "Warning: The usage of lab is not proven: " in billed(run, fails=1).stderr


def test_others_are_billed_beside_what_is_refused(run, shop):
    add_call(shop.engine, CALL_DAY, callee="+4930123456", zone="de:fixed")
    shop.at("2025-01-13").subscribe(1, "acme-nice")
    shop.prove()
    done = run("billing", "run", "--date", "2025-02-13", "--format", "json", fails=1)
    assert [bool(one["invoice"]) for one in done.data] == [False, True]
    assert "have no rate (1)" in done.data[0]["outcome"]
    assert "1 of 2 are not invoiced" in done.stderr


def test_a_run_has_cuts_take_effect_and_closes_late_orders(run, shop):
    shop.order(3)
    late = shop.first(2, "acme-nice")
    shop.prove()
    billed(run)
    assert (shop.trunk().channels, shop.state(late)) == (3, "expired")


def test_a_run_reminds_and_suspends(run, shop):
    shop.prove()
    billed(run)
    said = run("billing", "run", "--date", LATE).stderr
    assert "Invoice 2025-000002 is not paid: outbound calls are suspended." in said
    assert "is not paid" not in run("billing", "run", "--date", LATE).stderr
    assert shop.trunk().status == "suspended: outbound"
    run("invoice", "pay", "2025-000002", "--payment", "bank-1")
    assert shop.trunk().status == "active"


def test_who_pays_while_it_runs_is_not_told_to(run, shop, monkeypatch):
    shop.prove()
    billed(run)
    due = dunning.due

    def paid_after(connection, business, day):
        found = due(connection, business, day)
        connection.rollback()
        if shop.invoice("2025-000002").settled_at is None:
            shop.settle("2025-000002")
        return found

    monkeypatch.setattr(dunning, "due", paid_after)
    assert "is not paid" not in run("billing", "run", "--date", LATE).stderr
    assert shop.trunk().status == "active"


def test_status_says_what_is_to_be_done(run, shop):
    shop.first(2, "acme-nice")
    shown = run.json("billing", "status")
    assert shown["invoices_due"] == len(shown["due"]) > 1
    due = {"trunk": "acme-lyon", "customer": "acme", "period": DAY, "last": False}
    assert shown["due"][0] == due
    assert (shown["orders_waiting"], shown["invoices_unpaid"]) == (0, 0)
    shop.prove()
    billed(run)
    shown = run.json("billing", "status")
    (overdue,) = shown["overdue"]
    assert overdue == {
        "invoice": "2025-000002",
        "customer": "acme",
        "trunk": "acme-lyon",
        "due": "2025-03-14",
        "unpaid": "21.60",
        "currency": "EUR",
        "step": "nothing yet",
    }
    assert (shown["invoices_unpaid"], shown["invoices_overdue"]) == (1, 1)
    assert "2025-000002" in run("billing", "status").stdout


def test_numbers_follow_their_days(run, shop):
    shop.at("2025-02-20").subscribe(1, "acme-nice")
    shop.prove()
    said = billed(run, fails=1).data[0]["outcome"]
    assert "There are invoices of 2025-02-20, and their numbers follow their days" in said


# --- rerate ---

RERATE = ("billing", "rerate", "acme-lyon", "--period", "2025-01-12")


@pytest.fixture
def dearer(run, shop):
    """A call that was rated, and costs ten times as much by the rates as they are now."""
    add_call(shop.engine, CALL_DAY)
    shop.prove()
    shop.rerating(date(2025, 1, 12)).store(lambda _: None)
    with transaction(shop.engine) as connection:
        connection.execute(update(rate).values(price=Decimal("0.60")))
    return run


def test_a_rerate_shows_the_difference_and_keeps_it_when_told_to(dearer, shop):
    before = dump(shop.engine)
    shown = dearer.json(*RERATE)
    (rates,) = shown.pop("rates")
    assert shown == {
        "calls": 1,
        "without_rate": 0,
        "still_open": 0,
        "added": 0,
        "altered": 1,
        "removed": 0,
    }
    assert rates == {
        "rate": "fr:mobile",
        "calls_before": 1,
        "calls": 1,
        "minutes": "1 min 0 s",
        "cost_before": "0.06",
        "cost": "0.60",
        "difference": "0.54",
        "currency": "EUR",
    }
    assert "no terminal" in dearer(*RERATE, "--apply", fails=1).stderr
    dearer(*RERATE, "--apply", stdin="n\n", fails=1)
    assert dump(shop.engine) == before
    assert "are rated anew" in dearer(*RERATE, "--apply", "--yes").stderr
    assert "Nothing differs." in dearer(*RERATE, "--apply", "--yes").stderr
    assert billed(dearer).data[0]["net"] == "18.60"


def test_what_was_invoiced_is_only_shown(dearer, shop):
    with transaction(shop.engine) as connection:
        connection.execute(update(rate).values(price=Decimal("0.06")))
    billed(dearer)
    with transaction(shop.engine) as connection:
        connection.execute(update(rate).values(price=Decimal("0.60")))
    assert dearer.json(*RERATE)["altered"] == 1
    said = dearer(*RERATE, "--apply", "--yes", fails=1).stderr
    assert "are invoiced, and stay as they are: 'siptrunk invoice credit'" in said


def test_only_a_period_can_be_rated(run):
    said = run("billing", "rerate", "acme-lyon", "--period", "2025-01-13", fails=1).stderr
    assert "begins on 2025-01-13, the one before begins on 2025-01-12: 'siptrunk" in said
    said = run("billing", "rerate", "acme-lyon", "--period", "2025-01-11", fails=1).stderr
    assert "begins on 2025-01-11, the first one begins on 2025-01-12" in said
    assert "no trunk no" in run("billing", "rerate", "no", "--period", DAY, fails=1).stderr


def test_without_a_day_the_periods_are_listed(dearer):
    billed(dearer)
    first, second, *_ = dearer.json("billing", "rerate", "acme-lyon")
    assert first == {"period": "2025-01-12", "rated_calls": 1, "invoiced": True}
    assert second == {"period": "2025-02-12", "rated_calls": 0, "invoiced": False}
    assert "which period" in dearer("billing", "rerate", "acme-lyon", "--apply", fails=2).stderr


# --- usage prune ---


def test_a_month_that_is_not_invoiced_is_not_pruned(run, shop):
    add_call(shop.engine, CALL_DAY, trunk_id=None)
    add_call(shop.engine, CALL_DAY + timedelta(hours=1))
    shop.prove()
    prune = ("usage", "prune", "--before", "2025-02", "--yes")
    run("usage", "export", "--from", "2025-01-01", "--to", "2025-02-01")
    said = run(*prune, fails=1).stderr
    assert "Nothing was dropped. The calls of trunk acme-lyon from 2025-01-12 on are not" in said
    billed(run)
    run(*prune)
    with shop.changing() as connection:
        assert connection.execute(call.select()).all() == []
