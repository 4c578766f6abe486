"""The checks of `siptrunk doctor` on what is sold: paper, invoices, payments, rates."""

from collections.abc import Iterator
from datetime import timedelta

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.billing.catalogue import in_force
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.bootstrap import catalogues, payments, rates, renewals, subscriptions
from asterisk_siptrunk.cli.desk import Desk
from asterisk_siptrunk.cli.finding import Finding, Health

_MORNING = timedelta(days=1)
"""Whoever bills every morning has billed by then what was due on the day before."""


def seller(desk: Desk) -> Iterator[Finding]:
    """Whether invoices can say whose they are."""
    with desk.reading() as connection:
        sold = subscriptions.every(connection, desk.zone)
    billing = desk.settings.billing
    keys = {"address": billing.address, "tax_id": billing.tax_id}
    empty = [key for key, value in keys.items() if not value]
    if sold and empty:
        said = (
            f"Invoices do not say all of the seller: {' and '.join(empty)} of [billing] is empty."
        )
        advice = f"Fill it in in {desk.file}, before the next invoice: none is ever changed."
        yield Finding("seller", Health.WARN, said, advice)
    else:
        yield Finding("seller", Health.OK, "Invoices say whose they are." if sold else _NOTHING)


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
    if not found:
        yield Finding("payments", Health.OK, "No payment is to be given back.")
        return
    first = found[0]
    said = (
        f"Payments to be given back: {len(found)}; {first.reference} of "
        f"{shown(first.amount, first.currency)} came first. {first.words}"
    )
    advice = "See 'siptrunk billing status'; 'siptrunk billing given-back PAYMENT' says it is done."
    yield Finding("payments", Health.WARN, said, advice)


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


_NOTHING = "Nothing is sold here yet; see 'siptrunk offer load'."
