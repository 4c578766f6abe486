"""What a period that still goes on has come to, as far as no invoice says it yet."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Engine

from asterisk_siptrunk.billing.line import Line, Totals
from asterisk_siptrunk.billing.period import BillingPeriod
from asterisk_siptrunk.billing.renewal import added_lines
from asterisk_siptrunk.billing.subscription import Subscription
from asterisk_siptrunk.billing.usage import lines
from asterisk_siptrunk.database import rating, subscriptions
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.renewals import usage_of


@dataclass(frozen=True, slots=True)
class SoFar:
    """An estimate: calls that still last, and rates that are loaded later, may change it.

    Attributes:
        calls: how many are in it; None where they are too many to be rated for a look.
        unrated: calls that no rate is for.
        lines: of calls, and of options and numbers that came in the period.
        net: what these come to, without tax.
    """

    trunk: str
    period: BillingPeriod
    currency: str
    calls: int | None
    unrated: int
    lines: tuple[Line, ...]
    net: Decimal


def so_far(
    engine: Engine, business: Business, agreed: Subscription, period: BillingPeriod, most: int
) -> SoFar:
    """Rate a period's calls until now, `most` of them, and write nothing.

    Raises:
        InvalidInput: calls of the period were pruned.
    """
    usage = usage_of(engine, business, agreed, period)
    with reading(engine) as connection:
        ground = subscriptions.ground(connection, business.office.zone)
        too_many = rating.count(connection, usage, most + 1) > most
    charged, currency = list(added_lines(agreed, period, ground)), agreed.currency
    calls, unrated = None, 0
    if not too_many:
        totals = rating.compute(engine, usage, lambda _: None).totals
        charged += lines(totals, period, currency)
        calls = totals.calls
        unrated = sum(missing.calls for missing in totals.unrated.values())
    net = Totals.of(charged, Decimal(0), currency).net
    return SoFar(agreed.trunk, period, currency, calls, unrated, tuple(charged), net)
