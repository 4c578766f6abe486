"""What each call costs: the rate of its destination, after what a plan's price includes.

**Which rate.** The narrowest that holds on the day the call began, the provider's day: the longest
prefix, or the short number itself; then country and kind, kind, country, `international`, `all`.
Here a prefix is always narrower than a name, as in the price lists that carriers publish; a policy
of destinations takes a prefix that is a whole country's code for that country. A number that nobody
could read (such calls may pass while the service is away) has the rate of `all`. A call that no
rate is for is `Unrated`: it has to be told, since it would be free and nobody would know.

**How long.** From the answer to the end, in whole seconds, a begun one counted whole; never less
than the rate's first increment, even where both sides hung up at once: an answered call is charged.

**What a plan includes** is used up in the order in which calls began, in seconds as they would be
charged, by the inclusions in the plan's order. A call in which they run out is charged for the
rest. A call that costs nothing uses up nothing. A target wider than a kind ("fr", "international",
"all") includes ordinary destinations only: a plan with calls to France has no premium numbers in
it unless it names them.

**How much.** The connection fee, unless the whole call is included, and the price of the seconds:
exact, in sixtieths of a millionth of the currency, because a price is one of a minute and has six
digits. Nothing is rounded before the invoice's line.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from asterisk_siptrunk.billing.catalogue import Inclusion
from asterisk_siptrunk.billing.money import PRICE_DIGITS
from asterisk_siptrunk.billing.period import local_day
from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.destination import ORDINARY
from asterisk_siptrunk.destination.model import plan_of

MINUTE = 60
"""Seconds in it; also how many parts a millionth of the currency has in a cost."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class BillableCall:
    """A call that may cost something: it went out, was admitted and answered, and has ended.

    Emergency calls are none: they are free, and on no bill.

    Attributes:
        callee: E.164 with its plus, or a short number as it was dialled; "" where nobody could
            read it.
        zone: country and kind ("fr:mobile"); "" likewise.
        billable: from the answer to the end.
    """

    id: int
    callee: str
    zone: str
    started_at: datetime
    billable: timedelta


@dataclass(frozen=True, slots=True)
class RatedCall:
    """What a call costs.

    Attributes:
        rate: its name, as the invoice has it.
        seconds: that are charged; `included` those that the plan's price includes.
        cost: in sixtieths of a millionth of the currency, without tax.
        fee: the part of it that is for the connection.
    """

    call_id: int
    rate: str
    seconds: int
    included: int
    cost: int
    fee: int


@dataclass(frozen=True, slots=True)
class Unrated:
    """A call that there is no rate for."""

    call_id: int
    callee: str
    zone: str


class RateTable:
    """The rates of a deck, for calls from a country `home` ("FR")."""

    __slots__ = ("_held", "_home", "_rates", "_turns")

    def __init__(self, rates: Iterable[Rate], home: str) -> None:
        self._home = plan_of(home.upper())
        # Of two rates for one target on one day the later one would hold.
        self._rates = sorted(rates, key=lambda rate: rate.valid_from)
        ends = {rate.valid_until for rate in self._rates if rate.valid_until is not None}
        self._turns = sorted({rate.valid_from for rate in self._rates} | ends)
        self._held: dict[int, Mapping[str, Rate]] = {}

    def find(self, callee: str, zone: str, day: date) -> Rate | None:
        """The rate of a call that begins on a day of the provider's; None where there is none.

        `callee` and `zone` are as in a `BillableCall`.
        """
        held = self._held_on(day)
        return next((held[name] for name in self.names(callee, zone) if name in held), None)

    def names(self, callee: str, zone: str) -> list[str]:
        """All targets that a destination is in, from the narrowest to the widest."""
        names = _numbers(callee)
        if not zone:
            return [*names, "all"]  # Where nobody could read the number, it may be anywhere.
        country, _, kind = zone.partition(":")
        names += zone, f"*:{kind}", country
        if plan_of(country.upper()) != self._home:
            names.append("international")
        names.append("all")
        return names

    def _held_on(self, day: date) -> Mapping[str, Rate]:
        """The rates of a day by their targets, made once for all days between two changes."""
        span = bisect_right(self._turns, day)
        if span not in self._held:
            self._held[span] = {
                rate.target: rate
                for rate in self._rates
                if rate.valid_from <= day and (rate.valid_until is None or day < rate.valid_until)
            }
        return self._held[span]


def _numbers(callee: str) -> list[str]:
    """A number and its prefixes, the longest first."""
    if callee.startswith("+"):
        return [callee[:end] for end in range(len(callee), 1, -1)]
    return [callee] if callee else []


def charged_seconds(billable: timedelta, rate: Rate) -> int:
    """How many seconds of a call are charged, by the rate's first increment and its steps."""
    beyond = max(0, -(-billable // _SECOND) - rate.first)
    return rate.first + -(-beyond // rate.step) * rate.step


class Rater:
    """Rates the calls of one period, in the order of their start, then of their numbers.

    Args:
        inclusions: the plan's, for this period; `channels` are those that they are counted for.
        zone: the provider's, which says on which day a call began.
    """

    def __init__(
        self, table: RateTable, inclusions: Sequence[Inclusion], channels: int, zone: ZoneInfo
    ) -> None:
        self._table = table
        self._allowances = [_Allowance(each, channels) for each in inclusions]
        self._zone = zone

    def rate(self, call: BillableCall) -> RatedCall | Unrated:
        """What the next call costs."""
        day = local_day(call.started_at, self._zone)
        rate = self._table.find(call.callee, call.zone, day)
        if rate is None:
            return Unrated(call.id, call.callee, call.zone)
        seconds = charged_seconds(call.billable, rate)
        costs = bool(rate.fee or rate.price)
        included = self._include(call, seconds) if costs and self._allowances else 0
        rest = seconds - included
        fee = _millionths(rate.fee) * MINUTE if rest else 0
        cost = fee + _millionths(rate.price) * rest
        return RatedCall(call.id, rate.name, rest, included, cost, fee)

    def _include(self, call: BillableCall, seconds: int) -> int:
        """Take what there is for a call; gives how many of its seconds are included."""
        names = _including(self._table.names(call.callee, call.zone), call.zone)
        wanted = seconds
        for allowance in self._allowances:
            if not allowance.targets.isdisjoint(names):
                wanted -= allowance.take(wanted)
        return seconds - wanted


class _Allowance:
    """What is left of an inclusion in the period."""

    def __init__(self, inclusion: Inclusion, channels: int) -> None:
        self.targets = frozenset(inclusion.targets)
        minutes = inclusion.minutes
        self._left = None if minutes is None else minutes * MINUTE * channels

    def take(self, seconds: int) -> int:
        """Use up so many seconds, or what is left; gives how many that were."""
        if self._left is None:
            return seconds
        taken = min(seconds, self._left)
        self._left -= taken
        return taken


def _including(names: list[str], zone: str) -> list[str]:
    """Those of a call's names by which it may be included: by a wide one ordinary kinds only."""
    if zone.partition(":")[2] in ORDINARY:
        return names
    return [name for name in names if ":" in name or name[0] in "+0123456789"]


def _millionths(price: Decimal) -> int:
    return int(price.scaleb(PRICE_DIGITS))
