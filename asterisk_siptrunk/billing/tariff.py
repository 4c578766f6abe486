"""What a minute costs in each zone by a deck: a price, or from the lowest to the highest.

A deck has prices for prefixes, for zones, countries and kinds. As in `rating`, the longest prefix
decides, then the narrowest name. What is said here is for people who choose destinations, before a
number is known; a plan's included minutes are left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.destination.digits import Block, literal, subtract, within
from asterisk_siptrunk.destination.zones import Zone, blocks_of, codes_of

_MOST_EXACT = 40
"""Prefixes in one zone up to which the ones that longer ones hide altogether are left out."""


@dataclass(frozen=True, slots=True)
class PriceRange:
    """Prices of a minute, and the highest fee for a connection, without tax."""

    low: Decimal
    high: Decimal
    fee: Decimal


class Tariff:
    """The rates of one day, for calls from a country `home` ("FR"); zones are priced as asked."""

    def __init__(self, rates: Iterable[Rate], home: str) -> None:
        self._home = home.upper()
        self._named: dict[str, Rate] = {}
        self._prefixes: dict[str, list[Rate]] = {}
        self._known: dict[Zone, PriceRange | None] = {}
        for rate in rates:
            if rate.target.startswith("+"):
                # By the first digit: a prefix may be shorter than a country's code.
                self._prefixes.setdefault(rate.target[1], []).append(rate)
            else:
                self._named[rate.target] = rate

    def of(self, zone: Zone) -> PriceRange | None:
        """The prices of a zone; None where calls there have no rate."""
        if zone not in self._known:
            self._known[zone] = self._price(zone)
        return self._known[zone]

    def over(self, zones: Iterable[Zone]) -> PriceRange | None:
        """The prices of several zones together."""
        found = [price for zone in zones if (price := self.of(zone)) is not None]
        if not found:
            return None
        return PriceRange(
            min(one.low for one in found),
            max(one.high for one in found),
            max(one.fee for one in found),
        )

    def _price(self, zone: Zone) -> PriceRange | None:
        rates, left = self._by_prefix(zone)
        base = self._by_name(zone)
        if base is not None and left:
            rates.append(base)
        if not rates:
            return None
        prices = [rate.price for rate in rates]
        return PriceRange(min(prices), max(prices), max(rate.fee for rate in rates))

    def _by_prefix(self, zone: Zone) -> tuple[list[Rate], bool]:
        """The rates of prefixes in a zone, and whether some numbers of it have none."""
        blocks: Iterable[Block] = blocks_of(zone)
        touching = [rate for rate in self._near(zone) if within(blocks, _digits(rate))]
        if len(touching) > _MOST_EXACT:
            return touching, True
        found, left = [], list(blocks)
        for rate in sorted(touching, key=lambda rate: len(rate.target), reverse=True):
            if within(left, _digits(rate)):
                found.append(rate)
                left = subtract(left, [_digits(rate)])
        return found, bool(left) or not blocks

    def _near(self, zone: Zone) -> list[Rate]:
        """The rates of prefixes that begin as the codes of a zone do, or codes that do so."""
        codes = codes_of(zone.country)
        firsts = {code[0] for code in codes}
        rates = (rate for first in sorted(firsts) for rate in self._prefixes.get(first, ()))
        return [rate for rate in rates if _is_near(rate.target[1:], codes)]

    def _by_name(self, zone: Zone) -> Rate | None:
        names = [zone.name, f"*:{zone.kind}", zone.country.lower()]
        if not zone.is_domestic(self._home):
            names.append("international")
        return next((self._named[n] for n in (*names, "all") if n in self._named), None)


def _is_near(digits: str, codes: Iterable[str]) -> bool:
    return any(digits.startswith(code) or code.startswith(digits) for code in codes)


def _digits(rate: Rate) -> Block:
    return literal(rate.target[1:])
