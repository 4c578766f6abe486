"""`siptrunk order`, and the subscription that comes of it."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from asterisk_siptrunk.bootstrap import TakenPayment
from asterisk_siptrunk.cli import order as order_command
from asterisk_siptrunk.database import orders
from asterisk_siptrunk.database.engine import open_engine
from asterisk_siptrunk.database.tables import channel_order
from tests.unit.database.shop import CATALOGUE, Shop, dump

LYON = ("--trunk", "acme-lyon")
NEW = (*LYON, "--customer", "acme")
FIVE = ("--channels", "5")


@pytest.fixture
def shop(sqlite_url):
    """The database of `siptrunk`, with a customer and a catalogue."""
    engine = open_engine(sqlite_url)
    catalogue = replace(CATALOGUE, valid_from=date(2025, 1, 1))
    yield Shop.opened(engine, catalogue=catalogue, now=datetime.now(UTC))
    engine.dispose()


@pytest.fixture
def run(siptrunk, shop):
    assert shop.trunk() is None
    return siptrunk


def place(run, *words):
    return run.json("order", "place", *words, "--yes")["reference"]


def pay(run, reference, name="bank-1", **fails):
    return run("order", "pay", reference, "--payment", name, **fails)


@pytest.fixture
def subscribed(run):
    """With a trunk of 5 channels since today."""
    pay(run, place(run, *NEW, *FIVE))
    return run


def test_a_quote_says_all_and_writes_nothing(run, shop):
    before = dump(shop.engine)
    shown = run.json("order", "quote", *NEW, *FIVE, "--option", "fax", "--number", "0123456789")
    lines, next_lines = shown.pop("lines"), shown.pop("next_lines")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", shown.pop("next_period"))
    assert shown == {
        "order": "first",
        "channels": 5,
        "takes_effect": "when it is paid",
        # 18.00 for the pack, 2.00 for the fax and 1.00 for the number
        "net": "21.00 EUR",
        "tax": "4.20 EUR (20 %)",
        "to_pay": "25.20 EUR",
        "next_channels": 5,
        "next_price": "21.00 EUR",
        "next_to_pay": "25.20 EUR",
        "notes": "",
    }
    assert [line["what"] for line in lines] == [
        "Pack five, 5 channels",
        "Fax",
        "Telephone numbers",
    ]
    assert [line["amount"] for line in next_lines] == ["18.00 EUR", "2.00 EUR", "1.00 EUR"]
    assert dump(shop.engine) == before


def test_people_are_told_of_channels_beyond_the_order(run):
    said = run("order", "quote", *NEW, "--channels", "9").stdout
    assert "The cheapest packs for 9 channels come to 10" in " ".join(said.split())


def test_place_pay_and_the_secret_once(run, shop):
    done = run("order", "place", *NEW, *FIVE, "--number", "0123456789", "--yes")
    assert "Nothing has changed yet. Next: siptrunk order pay O-" in done.stderr
    (row,) = run.json("order", "list", "--open")
    assert (row["state"], row["kind"], row["asked"], row["to_pay"]) == (
        *("placed", "first", "+5"),
        "22.80 EUR",
    )
    assert shop.trunk() is None
    paid = pay(run, row["reference"])
    assert "username" in paid.stdout
    assert "this secret is shown once" in paid.stderr
    assert "siptrunk config apply" in paid.stderr
    assert (shop.trunk().channels, shop.trunk().numbers) == (5, ("+33123456789",))
    again = pay(run, row["reference"])
    assert "secret" not in again.stdout + again.stderr
    assert "came before" in again.stderr
    assert run.json("order", "list", "--open") == []
    assert run.json("order", "list", "--trunk", "acme-lyon")[0]["state"] == "paid"


def test_a_secret_is_neither_logged_nor_part_of_what_is_printed_of_a_payment(run):
    reference = place(run, *NEW, *FIVE)
    row = run.json("order", "pay", reference, "--payment", "bank-1")
    assert set(row) == {"order", "trunk", "payment", "username", "secret"}
    assert row["secret"] not in repr(TakenPayment(None, None, row["secret"]))  # type: ignore[arg-type]
    history = run("trunk", "history", "acme-lyon", "--format", "json").stdout
    assert row["secret"] not in history


def test_a_raise_and_a_cut(subscribed, shop):
    raised = place(subscribed, *LYON, "--channels", "8")
    shown = subscribed.json("order", "show", raised)
    assert (shown["kind"], shown["to_pay"], shown["takes_effect"]) == (
        *("raise", "14.40 EUR"),
        "when it is paid",
    )
    pay(subscribed, raised, "bank-2")
    assert shop.trunk().channels == 8
    done = subscribed("order", "place", *LYON, "--channels", "6", "--yes")
    assert "takes it back" in done.stderr
    assert shop.trunk().channels == 8
    (row,) = subscribed.json("subscription", "list")
    assert (row["channels"], row["next_channels"], row["next_price"]) == (8, 6, "22.00 EUR")
    cut = subscribed.json("order", "list")[-1]["reference"]
    subscribed("order", "cancel", cut, "--yes")
    assert subscribed.json("subscription", "list")[0]["next_channels"] == 8


def test_it_asks_first_and_without_a_terminal_says_so(run, shop):
    words = ("order", "place", *NEW, *FIVE)
    assert "Order it?" in run(*words, stdin="n\n", fails=1).stderr
    assert "There is no terminal to ask at: give --yes." in run(*words, fails=1).stderr
    assert run.json("order", "list") == []
    asked = " ".join(run(*words, stdin="y\n").stderr.split())
    assert "First of trunk acme-lyon: 5 channels when it is paid, 21.60 EUR to pay" in asked
    (row,) = run.json("order", "list")
    assert "no terminal" in run("order", "cancel", row["reference"], fails=1).stderr
    assert shop.trunk() is None


def test_what_was_agreed_to_is_what_is_ordered(run, shop, monkeypatch):
    """The question may stand for long, and what it said must not have changed meanwhile."""

    def answer(_question, *, yes):
        assert not yes
        shop.subscribe()

    monkeypatch.setattr(order_command, "confirm", answer)
    done = run("order", "place", *NEW, "--channels", "8", fails=1)
    assert "has changed meanwhile: order it again" in done.stderr
    assert [row["kind"] for row in run.json("order", "list")] == ["first"]


def test_late_orders_are_shown_as_expired(run, shop):
    reference = place(run, *NEW, *FIVE)
    with shop.changing() as connection:
        late = update(channel_order).values(expires_at=shop.now - timedelta(hours=1))
        connection.execute(late)
    assert run.json("order", "show", reference)["state"] == "expired"
    assert run.json("order", "list", "--open") == []
    done = pay(run, reference, fails=1)
    assert "is expired. The payment is kept, to be given back." in done.stderr
    assert run.json("billing", "status")["payments_to_give_back"][0]["payment"] == "bank-1"


def test_no_secret_of_a_trunk_that_was_not_made(run, shop):
    reference = place(run, *NEW, *FIVE, "--number", "0123456789")
    shop.subscribe(5, "acme-nice", numbers=("+33123456789",))
    done = pay(run, reference, fails=1)
    assert "belongs to trunk acme-nice already" in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert shop.trunk() is None


REFUSED = [
    (("quote", *LYON, *FIVE), 1, "say whose it is to be (--customer)"),
    (("quote", *NEW, "--channels", "0"), 2, "give a whole number, 1 to"),
    (("quote", *NEW, "--channels", "101"), 1, "too many: Packs has 100 at most"),
    (("quote", *NEW, *FIVE, "--option", "no"), 1, "has no option no; it has fax, site"),
    (("quote", *NEW, *FIVE, "--number", "12"), 1, "no telephone number"),
    (("quote", *NEW, *FIVE, "--country", "XX"), 2, "XX"),
    (("pay", "O-1", "--payment", "x"), 1, "There is no order O-1; 'siptrunk order list'"),
    (("pay", "O-1", "--payment", "x" * 81), 2, "80 are the most"),
    (("pay", "O-1", "--payment", " "), 2, "this is empty"),
    (("pay", "O-1", "--payment", "a\x1b"), 2, "cannot stand in it"),
    (("show", "O-1"), 1, "There is no order O-1"),
    (("cancel", "O-1", "--yes"), 1, "There is no order O-1"),
]


@pytest.mark.parametrize(("words", "status", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_is_said_in_a_sentence(run, words, status, said):
    assert said in " ".join(run("order", *words, fails=status).stderr.split())


def test_an_order_is_paid_whole(run, shop):
    reference = place(run, *NEW, *FIVE)
    done = run("order", "pay", reference, "--payment", "x", "--amount", "21.59", fails=1)
    assert f"Order {reference} costs 21.60 EUR: it is paid whole." in done.stderr
    run("order", "pay", reference, "--payment", "x", "--amount", "21.6")
    assert shop.trunk() is not None


def test_a_payment_of_that_name_is_another_one(run):
    first = place(run, *NEW, *FIVE)
    pay(run, first)
    second = place(run, "--trunk", "acme-nice", "--customer", "acme", *FIVE)
    said = pay(run, second, fails=1).stderr
    assert f"There is a payment bank-1 already, of 21.60 EUR for {first}" in said


# --- subscription ---


def test_a_subscription_is_shown_whole(subscribed):
    shown = subscribed.json("subscription", "show", "acme-lyon")
    assert (shown["offer"], shown["plan"], shown["channels"], shown["period"]) == (
        *("packs", "", 5),
        "anniversary",
    )
    assert [(one["what"], one["channels"]) for one in shown["changes"]] == [("first", "+5")]
    assert [line["amount"] for line in shown["next_lines"]] == ["18.00 EUR"]
    (row,) = subscribed.json("subscription", "list", "--customer", "acme")
    assert (row["trunk"], row["next_price"]) == ("acme-lyon", "18.00 EUR")
    assert subscribed.json("subscription", "list", "--customer", "beta") == []


def test_options_come_and_go(subscribed):
    subscribed("subscription", "add-option", "acme-lyon", "fax")
    shown = subscribed.json("subscription", "show", "acme-lyon")
    assert [one["name"] for one in shown["options"]] == ["fax"]
    done = subscribed("subscription", "remove-option", "acme-lyon", "fax")
    assert "ends on" in done.stderr
    said = subscribed("subscription", "add-option", "acme-lyon", "no", fails=1).stderr
    assert "There is no option no; there are fax, site." in said


def test_an_end_is_asked_for_and_withdrawn(subscribed):
    assert "no terminal" in subscribed("subscription", "end", "acme-lyon", fails=1).stderr
    subscribed("subscription", "end", "acme-lyon", "--yes")
    (row,) = subscribed.json("subscription", "list")
    assert row["ends"] == row["next_period"]
    assert (row["next_channels"], row["next_price"]) == (None, "")
    assert subscribed.json("subscription", "show", "acme-lyon")["next_lines"] == []
    said = subscribed("order", "quote", *LYON, "--channels", "8", fails=1).stderr
    assert "'siptrunk subscription withdraw'" in said
    subscribed("subscription", "withdraw", "acme-lyon")
    assert not subscribed.json("subscription", "list")[0]["ends"]
    assert "does not end" in subscribed("subscription", "withdraw", "acme-lyon", fails=1).stderr


def test_what_has_none(acme):
    for words in (("show",), ("end", "--yes"), ("withdraw",)):
        said = acme("subscription", words[0], "acme-paris", *words[1:], fails=1).stderr
        assert "Trunk acme-paris has no subscription" in said
    assert acme.json("subscription", "list") == []


def test_channels_are_ordered_and_not_set(subscribed):
    said = subscribed("trunk", "set", "acme-lyon", "--channels", "9", fails=1).stderr
    assert "'siptrunk order place --trunk acme-lyon --channels N'" in said
    assert "end acme-lyon" in said


def test_what_an_order_comes_to_is_kept(run, shop):
    reference = place(run, *NEW, *FIVE)
    with shop.changing() as connection:
        assert orders.get(connection, reference).gross == Decimal("21.60")
        assert orders.get(connection, reference).author == "alice"
