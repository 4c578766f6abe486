"""The checks of `siptrunk doctor` on what is sold: paper, invoices, payments, rates."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.billing.catalogue import in_force
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.bootstrap import (
    Invoice,
    UnassignedPayment,
    catalogues,
    invoices,
    payments,
    rates,
    renewals,
    subscriptions,
)
from asterisk_siptrunk.cli.desk import Desk
from asterisk_siptrunk.cli.finding import Finding, Health

_MORNING = timedelta(days=1)
"""Whoever bills every morning has billed by then what was due on the day before."""


def seller(desk: Desk) -> Iterator[Finding]:
    """Whether invoices can say whose they are."""
    with desk.reading() as connection:
        sold = subscriptions.every(connection, desk.zone)
    if sold and (empty := empty_of_seller(desk)):
        said = f"Invoices do not say all of the seller: {empty}."
        advice = f"Fill in {desk.file}, before the next invoice: none is ever changed."
        yield Finding("seller", Health.WARN, said, advice)
    else:
        yield Finding("seller", Health.OK, "Invoices say whose they are." if sold else _NOTHING)


def empty_of_seller(desk: Desk) -> str:
    """Which settings are empty that invoices name the seller by, in words; "" where none is."""
    billing = desk.settings.billing
    keys = {"address": billing.address, "tax_id": billing.tax_id}
    empty = [key for key, value in keys.items() if not value]
    verb = "is" if len(empty) == 1 else "are"
    return f"{' and '.join(empty)} of [billing] {verb} empty" if empty else ""


def late_invoices(desk: Desk) -> Iterator[Finding]:
    """Whether what was due is invoiced."""
    business = bootstrap.business(desk.settings)
    with desk.reading() as connection:
        late = renewals.due(connection, business, desk.today - _MORNING)
    if not late:
        yield Finding("invoices", Health.OK, "No invoice is late.")
        return
    oldest = late[0]
    said = (
        f"Invoices that are late: {len(late)}; the oldest was due on {oldest.first}, of trunk "
        f"{oldest.subscription.trunk}."
    )
    advice = (
        "'siptrunk billing run' writes them, or says why not. It is to run every day: "
        "'siptrunk service install --billing-timer' has systemd do it."
    )
    yield Finding("invoices", Health.WARN, said, advice)


def loose_payments(desk: Desk) -> Iterator[Finding]:
    """Whether money is to be given back."""
    with desk.reading() as connection:
        found = payments.unassigned(connection)
        notes = invoices.to_give_back(connection)
    if not found and not notes:
        yield Finding("payments", Health.OK, "No money is to be given back.")
    if found:
        yield _payments_to_give_back(found)
    if notes:
        yield _credit_notes_to_give_back(notes)


def _payments_to_give_back(found: Sequence[UnassignedPayment]) -> Finding:
    first = found[0]
    said = (
        f"Payments to be given back: {len(found)}; {first.reference} of "
        f"{shown(first.amount, first.currency)} came first. {first.words}"
    )
    return Finding("payments", Health.WARN, said, _GIVE_BACK.format("PAYMENT"))


def _credit_notes_to_give_back(found: Sequence[Invoice]) -> Finding:
    first = found[0]
    said = (
        f"Credit notes of paid invoices whose money is to be given back: {len(found)}; "
        f"{first.number} of {shown(first.to_give_back, first.totals.currency)} came first."
    )
    return Finding("payments", Health.WARN, said, _GIVE_BACK.format("CREDIT-NOTE"))


def decks(desk: Desk) -> Iterator[Finding]:
    """Whether calls can be charged."""
    with desk.reading() as connection:
        known = [one for one in catalogues.every(connection) if one.valid_from <= desk.today]
        named = in_force(known, desk.today).decks if known else frozenset()
        empty = sorted(named.difference(rates.decks(connection)))
    if empty:
        said = f"Offers in force charge calls by rates that are not there: {', '.join(empty)}."
        advice = f"siptrunk rate load FILE --deck {empty[0]}; without rates no period is invoiced."
        yield Finding("rates", Health.WARN, said, advice)
    else:
        yield Finding("rates", Health.OK, "Every deck has rates." if named else _NOTHING)


_GIVE_BACK = "See 'siptrunk billing status'; 'siptrunk billing given-back {}' says it is done."
_NOTHING = "Nothing is sold here yet; see 'siptrunk offer load'."
