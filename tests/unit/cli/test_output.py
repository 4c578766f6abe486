"""Tables on terminals: what is narrow folds sentences and drops columns, and breaks no word."""

import csv
import io
import json
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, insert

from asterisk_siptrunk.cli import output
from asterisk_siptrunk.database.tables import call
from tests.unit.cli.records import ended, refused


@pytest.fixture
def narrow(monkeypatch):
    monkeypatch.setattr(output, "_width", lambda: 100)


@pytest.fixture
def busy(acme, sqlite_url):
    """Calls, and a trunk with a long name and two suspensions."""
    acme(
        *("trunk", "add", "acme-headquarters-second", "--customer", "acme", "--channels", "10"),
        *("--number", "0145678901"),
    )
    for scope in ("international", "inbound"):
        acme("trunk", "suspend", "acme-headquarters-second", "--scope", scope, "--reason", "x")
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(insert(call), [ended(1, id=10_001), refused(2, id=10_002)])
    engine.dispose()
    return acme


def test_in_csv_a_pbx_s_name_is_no_formula_and_a_number_stays_one():
    row: output.Row = {
        "user_agent": "=1+1",
        "caller": "+33123456789",
        "sip_call_id": "@x",
        "billable": -1,
    }
    assert output.csv_cells(row, row) == ["'=1+1", "+33123456789", "@x", "-1"]


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize(
    ("words", "whole"),
    [
        (("call", "list"), ("10001", "2026-11-23 13:01:00 CET", "acme-paris", "+33612345678")),
        (("call", "list"), ("destination-blocked",)),
        (("trunk", "list"), ("acme-headquarters-second", "+33145678901", "suspended: inbound")),
        (("carrier", "list"), ("192.0.2.10", "generic")),
        (("carrier", "profiles"), ("siptrunk.ovh.net",)),
        (("trunk", "history", "acme-headquarters-second"), ("alice", "added for acme")),
        (("number", "list"), ("+33145678901", "acme-headquarters-second")),
    ],
)
def test_a_table_of_100_columns_breaks_no_word(busy, words, whole):
    lines = busy(*words).stdout.splitlines()
    assert max(map(len, lines)) <= 100
    for text in whole:
        assert any(text in line for line in lines), text


@pytest.mark.usefixtures("narrow")
def test_what_has_no_room_is_told_and_stays_for_programs(busy):
    done = busy("call", "list")
    assert "Not shown, for want of room: " in done.stderr
    assert "zone" in done.stderr
    rows = csv.DictReader(io.StringIO(busy("call", "list", "--format", "csv").stdout))
    assert next(rows)["zone"] == "fr:premium"


def test_a_pipe_has_room_for_all(busy):
    done = busy("call", "list")
    assert done.stderr == ""
    assert "fr:premium" in done.stdout


def test_programs_get_the_columns_that_a_table_of_trunks_leaves_out(busy):
    rows = csv.DictReader(io.StringIO(busy("trunk", "list", "--format", "csv").stdout))
    assert {"country", "registered_since", "registered_from", "user_agent"} <= set(next(rows))
    assert "registered since" not in busy("trunk", "list").stdout


def test_a_table_of_few_columns_keeps_them_all(siptrunk, monkeypatch):
    monkeypatch.setattr(output, "_width", lambda: 50)
    done = siptrunk("doctor", fails=1)
    assert "state" in done.stdout.splitlines()[1]
    assert "Not shown" not in done.stderr


def test_a_terminal_too_narrow_for_anything_folds(busy, monkeypatch):
    monkeypatch.setattr(output, "_width", lambda: 30)
    lines = busy("call", "list").stdout.splitlines()
    assert max(map(len, lines)) <= 30


@pytest.mark.parametrize("form", output.Form)
def test_what_people_and_programs_read_differently(capsys, form):
    row: output.Row = {
        "name": "one",
        "price": output.TwoWays("1.00 EUR", "1.00"),
        "currency": output.TwoWays(None, "EUR"),
        "asked": output.TwoWays("+5", 5),
        "when": output.TwoWays("when it is paid", None),
    }
    output.show_rows([row], list(row), form, ZoneInfo("UTC"))
    said = capsys.readouterr().out
    if form is output.Form.TABLE:
        assert [text in said for text in ("1.00 EUR", "+5", "when it is paid")] == [True] * 3
        assert "currency" not in said
    elif form is output.Form.CSV:
        assert said.splitlines()[1] == "one,1.00,EUR,5,"
    else:
        (read,) = json.loads(said)
        assert [read[key] for key in ("price", "currency", "asked", "when")] == [
            *("1.00", "EUR", 5),
            None,
        ]
