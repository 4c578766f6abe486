"""The calls of a period, added up: what the lines of an invoice are made of."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from asterisk_siptrunk.billing.line import Line, LineKind
from asterisk_siptrunk.billing.money import PRICE_DIGITS, rounded
from asterisk_siptrunk.billing.period import BillingPeriod
from asterisk_siptrunk.billing.rating import MINUTE, RatedCall, Unrated

_PRICE = Decimal(1).scaleb(-PRICE_DIGITS)
_PARTS = Decimal(MINUTE).scaleb(PRICE_DIGITS)


@dataclass(slots=True)
class RateUse:
    """The calls of one rate's name.

    Attributes:
        calls: how many; `connections` those of them that a fee was charged for.
        seconds: as charged; `included` those that the plan's price includes.
        cost: exact, in sixtieths of a millionth of the currency.
        fees: the part of it that is for connections.
    """

    calls: int = 0
    connections: int = 0
    seconds: int = 0
    included: int = 0
    cost: int = 0
    fees: int = 0

    def add(self, call: RatedCall) -> None:
        """Count one more."""
        self.calls += 1
        self.connections += bool(call.fee)
        self.seconds += call.seconds
        self.included += call.included
        self.cost += call.cost
        self.fees += call.fee


@dataclass(slots=True)
class Missing:
    """Calls to one zone that there is no rate for; `example` is the number of one."""

    example: str
    calls: int = 0


@dataclass(slots=True)
class UsageTotals:
    """The calls of a period by the name of their rate, and by zone those without one."""

    rates: dict[str, RateUse] = field(default_factory=dict)
    unrated: dict[str, Missing] = field(default_factory=dict)

    def add(self, call: RatedCall | Unrated) -> None:
        """Count one more."""
        if isinstance(call, RatedCall):
            self.rates.setdefault(call.rate, RateUse()).add(call)
        else:
            self.unrated.setdefault(call.zone, Missing(call.callee)).calls += 1

    @property
    def calls(self) -> int:
        """How many have a rate."""
        return sum(use.calls for use in self.rates.values())

    @property
    def cost(self) -> Decimal:
        """Of all of them, without tax, not rounded to coins."""
        return amount_of(sum(use.cost for use in self.rates.values()))


def amount_of(cost: int) -> Decimal:
    """A cost in the currency itself."""
    return Decimal(cost) / _PARTS


def lines(totals: UsageTotals, period: BillingPeriod, currency: str) -> list[Line]:
    """A line for the minutes of each rate's name, and one for its connections where they cost.

    So each is a number times a price, which anyone can check; each is rounded once.
    """
    return [
        line
        for name, use in sorted(totals.rates.items())
        for line in _lines_of(name, use, period, currency)
    ]


def _lines_of(name: str, use: RateUse, period: BillingPeriod, currency: str) -> Iterator[Line]:
    price, is_one = _each(use.cost - use.fees, use.seconds)
    minutes = (Decimal(use.seconds) / MINUTE).quantize(_PRICE)
    text = f"{name}: {_said(use)}{'' if is_one else ', at an average price'}"
    yield _line(LineKind.CALLS, text, minutes, price, use.cost - use.fees, period, currency)
    if use.connections:
        fee, is_one = _each(use.fees, use.connections * MINUTE)
        text = f"{name}: connections{'' if is_one else ', at an average price'}"
        count = Decimal(use.connections)
        yield _line(LineKind.CONNECTION, text, count, fee, use.fees, period, currency)


def _line(  # noqa: PLR0913, PLR0917 - a line has so many parts
    kind: LineKind,
    text: str,
    quantity: Decimal,
    price: Decimal,
    cost: int,
    period: BillingPeriod,
    currency: str,
) -> Line:
    since, until = period.first, period.next
    return Line(kind, text, quantity, price, None, since, until, rounded(amount_of(cost), currency))


def _each(cost: int, seconds: int) -> tuple[Decimal, bool]:
    """The price of a minute, and whether it is exact: it is where all calls had the same."""
    if not seconds:
        return Decimal(0), True
    price = (Decimal(cost) / seconds).scaleb(-PRICE_DIGITS).quantize(_PRICE)
    return price, cost % seconds == 0


def _said(use: RateUse) -> str:
    calls = "1 call" if use.calls == 1 else f"{use.calls} calls"
    included = f"; included in the plan: {duration(use.included)}" if use.included else ""
    return f"{calls}, {duration(use.seconds)}{included}"


def duration(seconds: int) -> str:
    """For people: "34 min 20 s"."""
    minutes, rest = divmod(seconds, MINUTE)
    return f"{minutes} min {rest} s"
