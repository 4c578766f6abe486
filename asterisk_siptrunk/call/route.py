"""Which carriers a call is put to, and in which order."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from asterisk_siptrunk.destination import Destination
from asterisk_siptrunk.trunk import Carrier

Chance = Callable[[], float]
"""Gives a number in [0, 1): `random.random`, or a table in a test."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way for a call: the carrier, the number to call there, the number to present."""

    carrier: Carrier
    callee: Destination
    caller: str


def order(carriers: Iterable[Carrier], chance: Chance) -> tuple[Carrier, ...]:
    """Put carriers in the order of trial: by priority, then drawn by weight.

    The draw is that of SRV records (RFC 2782): a carrier of weight 30 comes before one of
    weight 10 three times out of four.
    """
    by_priority = sorted(carriers, key=lambda carrier: (carrier.priority, carrier.name))
    groups = groupby(by_priority, key=lambda carrier: carrier.priority)
    return tuple(carrier for _, group in groups for carrier in _drawn(list(group), chance))


def _drawn(left: list[Carrier], chance: Chance) -> Iterator[Carrier]:
    while left:
        yield left.pop(_pick(left, chance() * sum(carrier.weight for carrier in left)))


def _pick(carriers: list[Carrier], point: float) -> int:
    for index, carrier in enumerate(carriers):
        point -= carrier.weight
        if point < 0:
            return index
    return len(carriers) - 1  # rounding left the point on the upper edge


def with_room(carriers: Iterable[Carrier], in_use: Mapping[int, int]) -> tuple[Carrier, ...]:
    """Leave out the carriers whose channels are all taken; `in_use` is by carrier id."""
    return tuple(
        carrier
        for carrier in carriers
        if carrier.channels is None or in_use.get(carrier.id, 0) < carrier.channels
    )
