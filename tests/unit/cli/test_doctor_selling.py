"""`siptrunk doctor` on what is sold."""

from datetime import UTC, datetime, timedelta

import pytest

from asterisk_siptrunk.cli.desk import Desk
from tests.unit.cli.doctoring import ill

SELLER = {
    "SIPTRUNK_BILLING_ADDRESS": "12 rue de la Paix, 75002 Paris",
    "SIPTRUNK_BILLING_TAX_ID": "FR12345678901",
}


def load(run, tmp_path, what, *words):
    file = tmp_path / f"{what}.txt"
    file.write_text(run(what, "export", "--example").stdout)
    run(what, "load", str(file), *words)


@pytest.fixture
def selling(well, tmp_path):
    """The provider that lacks nothing, with the example's prices and acme's subscription."""
    well.environment |= SELLER
    load(well, tmp_path, "offer")
    load(well, tmp_path, "rate", "--deck", "world")
    well.order = well.json("order", "place", "--trunk", "acme-paris", "--channels", "5", "--yes")
    well("order", "pay", well.order["reference"], "--payment", "bank-1")
    # The number that the dialplan goes by alone is that of the last apply.
    well("config", "apply", "--yes")
    return well


def test_a_provider_who_sells_and_lacks_nothing(selling):
    assert ill(selling) == {}


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["ADDRESS"], "address of [billing] is empty."),
        (["TAX_ID"], "tax_id of [billing] is empty."),
        (["ADDRESS", "TAX_ID"], "address and tax_id of [billing] are empty."),
    ],
)
def test_invoices_that_do_not_say_whose_they_are(selling, missing, said):
    for key in missing:
        selling.environment[f"SIPTRUNK_BILLING_{key}"] = ""
    state, found = ill(selling)["seller"]
    assert (state, said in found) == ("warn", True)


def test_who_sells_nothing_need_not_say_it(well):
    assert "seller" not in ill(well)


@pytest.mark.parametrize(("late", "count"), [(0, 0), (1, 1), (40, 2)])
def test_an_invoice_that_is_more_than_a_day_late(selling, monkeypatch, late, count):
    """The second period begins a month after today; the third one about 31 days later."""
    (sold,) = selling.json("subscription", "list")
    begins = datetime.fromisoformat(sold["next_period"]).date()
    monkeypatch.setattr(Desk, "today", begins + timedelta(days=late))
    found = ill(selling).get("invoices")
    if not count:
        assert found is None
    else:
        said = f"Invoices that are late: {count}; the oldest was due on {begins}, of trunk acme"
        assert found is not None
        assert (found[0], said in found[1]) == ("warn", True)


def test_money_to_give_back_until_it_is(selling):
    paid = selling.order["reference"]
    selling("order", "pay", paid, "--payment", "bank-2", fails=1)
    state, found = ill(selling)["payments"]
    assert (state, "Payments to be given back: 1; bank-2 of" in found) == ("warn", True)
    told = selling("billing", "given-back", "bank-2")
    assert "The money of bank-2 was given back." in told.stderr
    assert "payments" not in ill(selling)
    assert selling.json("billing", "status")["payments_to_give_back"] == []


def test_the_money_of_a_credit_note_until_it_went_back(selling):
    (paid,) = selling.json("invoice", "list")
    selling("invoice", "credit", paid["number"], "--reason", "x", "--yes")
    number = selling.json("invoice", "list")[-1]["number"]
    state, found = ill(selling)["payments"]
    said = f"is to be given back: 1; {number} of {paid['gross']} EUR came first."
    assert (state, said in found) == ("warn", True)
    selling("billing", "given-back", number)
    assert "payments" not in ill(selling)


@pytest.mark.parametrize("reference", ["bank-1", "bank-2", "no-such"])
def test_only_what_pays_for_nothing_is_given_back_and_once(selling, reference):
    selling("order", "pay", selling.order["reference"], "--payment", "bank-2", fails=1)
    selling("billing", "given-back", "bank-2")
    told = selling("billing", "given-back", reference, fails=1)
    assert f"No payment {reference} is to be given back" in told.stderr


def test_a_deck_without_rates(well, tmp_path):
    assert "rates" not in ill(well)
    load(well, tmp_path, "offer")
    assert ill(well)["rates"] == (
        "warn",
        "Offers in force charge calls by rates that are not there: world.",
    )
    load(well, tmp_path, "rate", "--deck", "world")
    assert "rates" not in ill(well)


def test_a_deck_of_an_offer_that_is_still_to_come_is_no_matter_yet(well, tmp_path):
    file = tmp_path / "offers.toml"
    later = (datetime.now(UTC) + timedelta(days=9)).date()
    text = well("offer", "export", "--example").stdout
    file.write_text(text.replace("2026-01-01", str(later)))
    well("offer", "load", str(file))
    assert "rates" not in ill(well)
