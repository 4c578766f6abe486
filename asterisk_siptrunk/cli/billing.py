"""`siptrunk billing`."""

from datetime import UTC, date, datetime
from decimal import Decimal

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.billing.dunning import Step
from asterisk_siptrunk.billing.invoicing import DueInvoice
from asterisk_siptrunk.billing.money import PRICE_DIGITS
from asterisk_siptrunk.billing.usage import RateUse, amount_of, duration
from asterisk_siptrunk.bootstrap import (
    Bill,
    BillingRun,
    Ears,
    Rating,
    Refusal,
    invoices,
    payments,
    renewals,
    selling,
)
from asterisk_siptrunk.cli.complete import trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.money import for_programs_only, line_rows, money
from asterisk_siptrunk.cli.options import confirm, form_option, yes_option
from asterisk_siptrunk.cli.output import (
    Form,
    Row,
    TwoWays,
    say,
    show_each,
    show_row,
    show_rows,
    warn,
)
from asterisk_siptrunk.cli.progress import gone_through
from asterisk_siptrunk.cli.proof import prover
from asterisk_siptrunk.cli.values import DAY
from asterisk_siptrunk.errors import InvalidInput

_STEPS = {
    Step.NONE: "nothing yet",
    Step.REMINDER: "a reminder is sent",
    Step.OUTBOUND: "outbound calls are suspended",
    Step.ALL: "all calls are suspended",
}
_COLUMNS = (
    *("trunk", "customer", "period", "last", "invoice", "net", "gross", "currency", "outcome"),
)
_FOR_PEOPLE = ("trunk", "customer", "period", "invoice", "net", "gross", "outcome")


@click.group()
def command() -> None:
    """What is due: rated, invoiced, reminded of."""


@command.command()
@click.option("--date", "day", type=DAY, help="What is due on this day.  [default: today]")
@click.option("--dry-run", is_flag=True, help="Show it with its lines, and write nothing.")
@form_option
@click.pass_context
@pass_desk
def run(desk: Desk, context: click.Context, day: date | None, form: Form, *, dry_run: bool) -> None:
    """Invoice all that is due; the exit status is 1 if some of it could not be.

    A period is due once it is over: its invoice charges the calls of it, and packs, options and
    numbers of the period that begins. Before that, the usage of this server is compared with its
    journal ('siptrunk usage verify'); other servers do so themselves. A period that is not proven
    complete on every server, or has a call without a rate, is refused, and the others are billed.

    It also has cuts take effect that are due, closes orders that were not paid in time, and sends
    reminders of unpaid invoices, or suspends their trunks.

    It can be run as often as one likes, and again after it was killed: what is there already is
    left alone. A timer that runs it every morning is all that is needed.

    \b
    Examples:
      siptrunk billing run --dry-run
      siptrunk billing run --date 2026-12-01
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    day = day or desk.today
    if day > desk.today and not dry_run:
        raise InvalidInput(f"{day} is still to come: with --dry-run it can be looked at.")
    found = _run(desk, day)
    done = list(found.preview() if dry_run else found.bill())
    if dry_run:
        show_each([(_line(one), _lines_of(one)) for one in done], _COLUMNS, form, desk.zone)
    else:
        show_rows([_line(one) for one in done], _COLUMNS, form, desk.zone, _FOR_PEOPLE)
    refused = [one for one in done if isinstance(one, Refusal)]
    if not done:
        say(f"Nothing is to be invoiced on {day}.")
    if refused:
        warn(f"{len(refused)} of {len(done)} are not invoiced; what is said of each comes first.")
    if not dry_run:
        for number, step in found.remind():
            say(f"Invoice {number} is not paid: {_STEPS[step]}.")
    context.exit(bool(refused))


def _run(desk: Desk, day: date) -> BillingRun:
    ears = Ears(lambda trunk: gone_through(f"Rating {trunk}"), warn)
    business = bootstrap.business(desk.settings)
    return BillingRun(desk.engine, business, prover(desk), day, ears)


@command.command()
@form_option
@pass_desk
def status(desk: Desk, form: Form) -> None:
    """Show what is due today, what is unpaid, and money that is to be given back.

    Example: siptrunk billing status
    """
    business = bootstrap.business(desk.settings)
    with desk.reading() as connection:
        found = selling.status(connection, business, datetime.now(UTC))
    overdue = found.overdue
    show_row(
        {
            "today": str(found.day),
            "invoices_due": len(found.due),
            "orders_waiting": len(found.waiting),
            "invoices_unpaid": len(found.unpaid),
            "invoices_overdue": len(overdue),
            "payments_to_give_back": len(found.payments),
            "credit_notes_to_give_back": len(found.notes),
        },
        form,
        desk.zone,
        due=[_due_row(one) for one in found.due],
        overdue=[
            {
                "invoice": one.number,
                "customer": one.customer,
                "trunk": one.trunk,
                "due": str(one.due),
                "unpaid": money(one.unpaid, one.totals.currency),
                "currency": for_programs_only(one.totals.currency),
                "step": _STEPS[Step(one.reminded)],
            }
            for one in overdue
        ],
        payments_to_give_back=[
            {
                "payment": one.reference,
                "amount": money(one.amount, one.currency),
                "currency": for_programs_only(one.currency),
                "what": one.words,
            }
            for one in found.payments
        ],
        credit_notes_to_give_back=[
            {
                "credit_note": one.number,
                "invoice": one.credits,
                "customer": one.customer,
                "amount": money(one.to_give_back, one.totals.currency),
                "currency": for_programs_only(one.totals.currency),
                "reason": one.reason,
            }
            for one in found.notes
        ],
    )


@command.command("given-back")
@click.argument("name", metavar="PAYMENT|CREDIT-NOTE")
@pass_desk
def given_back(desk: Desk, name: str) -> None:
    """Say that money went back: a payment that paid for nothing, or that of a credit note.

    \b
    Examples:
      siptrunk billing given-back bank-20261124-17
      siptrunk billing given-back 2026-000019
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with desk.changing() as (connection, by):
        if not invoices.give_back(connection, by, name):
            payments.give_back(connection, by, name)
    say(f"The money of {name} was given back.")


@command.command()
@click.argument("trunk", shell_complete=trunk_names)
@click.option("--period", "first", type=DAY, help="The first day of the period to rate.")
@click.option("--apply", "keep", is_flag=True, help="Keep the new costs, after a question.")
@yes_option
@form_option
@pass_desk
def rerate(  # noqa: PLR0913 - one argument an option
    desk: Desk, trunk: str, first: date | None, form: Form, *, keep: bool, yes: bool
) -> None:
    """Rate a period's calls again, by the rates as they are now, and show the difference.

    A period that was invoiced is only shown: 'siptrunk invoice credit' takes its invoice back.
    Without --period the periods are listed.

    \b
    Examples:
      siptrunk billing rerate acme-paris
      siptrunk billing rerate acme-paris --period 2026-11-12
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if first is None:
        _list_periods(desk, trunk, form, keep=keep)
        return
    rater = bootstrap.rerating(desk.settings, desk.engine, trunk, first)
    with gone_through(f"Rating {trunk}") as watch:
        found = rater.compute(watch)
    show_row(_summary(found), form, desk.zone, rates=_rate_rows(found, rater.currency))
    if not keep:
        return
    if not found.differs:
        say("Nothing differs.")
        return
    confirm(f"Keep the new costs of {trunk}, period {first}?", yes=yes)
    with gone_through(f"Rating {trunk}") as watch:
        rater.store(watch)
    say(f"The calls of trunk {trunk} in the period from {first} are rated anew.")


def _list_periods(desk: Desk, trunk: str, form: Form, *, keep: bool) -> None:
    if keep:
        raise click.UsageError("Say which period by --period: --apply keeps the costs of one.")
    business = bootstrap.business(desk.settings)
    with desk.reading() as connection:
        found = renewals.rated_periods(connection, business, trunk, desk.today)
    rows: list[Row] = [
        {"period": str(one.first), "rated_calls": one.calls, "invoiced": one.invoiced}
        for one in found
    ]
    show_rows(rows, ("period", "rated_calls", "invoiced"), form, desk.zone)


def _summary(found: Rating) -> Row:
    return {
        "calls": found.totals.calls,
        "without_rate": sum(one.calls for one in found.totals.unrated.values()),
        "still_open": found.open,
        "added": found.added,
        "altered": found.altered,
        "removed": found.removed,
    }


def _rate_rows(found: Rating, currency: str) -> list[Row]:
    names = sorted(set(found.before) | set(found.totals.rates))
    return [_rate_row(name, found, currency) for name in names]


def _rate_row(name: str, found: Rating, currency: str) -> Row:
    before, now = found.before.get(name, RateUse()), found.totals.rates.get(name, RateUse())
    return {
        "rate": name,
        "calls_before": before.calls,
        "calls": now.calls,
        "minutes": duration(now.seconds),
        "cost_before": money(_exact(before), currency),
        "cost": money(_exact(now), currency),
        "difference": money(_exact(now) - _exact(before), currency),
        "currency": for_programs_only(currency),
    }


def _exact(use: RateUse) -> Decimal:
    return round(amount_of(use.cost), PRICE_DIGITS)


def _line(one: Bill | Refusal) -> Row:
    row = _due_row(one.due)
    currency = one.due.subscription.currency
    if isinstance(one, Refusal):
        none = dict.fromkeys(("invoice", "net", "gross"))
        return {**row, **none, "currency": for_programs_only(currency), "outcome": one.words}
    return {
        **row,
        "invoice": one.number or None,
        "net": money(one.totals.net, currency),
        "gross": money(one.totals.gross, currency),
        "currency": for_programs_only(currency),
        "outcome": "written" if one.number else "would be written",
    }


def _lines_of(one: Bill | Refusal) -> dict[str, list[Row]]:
    lines = () if isinstance(one, Refusal) else one.lines
    return {"lines": line_rows(lines, one.due.subscription.currency)}


def _due_row(one: DueInvoice) -> Row:
    return {
        "trunk": one.subscription.trunk,
        "customer": one.subscription.customer,
        "period": TwoWays(f"{one.first}, the last" if one.last else str(one.first), str(one.first)),
        "last": TwoWays(None, one.last),
    }
