"""The best price: which packs cover a number of channels for the least money, exactly.

Each pack may be taken any number of times, and what is taken must reach the number. Of all such
mixes the best is, in this order:

1. the cheapest;
2. of the fewest packs;
3. of the most channels: what costs the same may as well be more;
4. of the most of its largest pack, then of the next one: mixes that differ in nothing above are
   told apart by a rule, so that every run picks the same.

The first three are one whole number, a pack's weight, and weights add up; so the search, which goes
from one channel to all of them, compares single numbers.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from operator import add, itemgetter

from asterisk_siptrunk.billing.catalogue import Pack


@dataclass(frozen=True, slots=True)
class Mix:
    """Packs, each with how many times it is taken, the largest first."""

    packs: tuple[tuple[Pack, int], ...] = ()

    @property
    def channels(self) -> int:
        """How many channels they are together."""
        return sum(pack.channels * times for pack, times in self.packs)

    @property
    def price(self) -> Decimal:
        """A month, without tax."""
        return sum((pack.price * times for pack, times in self.packs), Decimal(0))

    @property
    def count(self) -> int:
        """How many packs they are."""
        return sum(times for _, times in self.packs)


@dataclass(frozen=True, slots=True)
class _Item:
    pack: Pack
    size: int
    weight: int


def best_mix(packs: Iterable[Pack], channels: int) -> Mix:
    """The best mix of packs that covers so many channels; the module says which that is.

    Raises:
        ValueError: there is no pack to cover them with.
    """
    if channels <= 0:
        return Mix()
    items = _useful(_weighed(list(packs), channels), channels)
    thriftiest = min(items, key=lambda item: Fraction(item.weight, item.size))
    taken = Counter({thriftiest: _surely_taken(thriftiest, items, channels)})
    taken.update(_search(items, channels - taken[thriftiest] * thriftiest.size))
    return Mix(tuple((item.pack, taken[item]) for item in items if taken[item]))


def _weighed(packs: Sequence[Pack], channels: int) -> list[_Item]:
    """Packs with their weights.

    A factor is larger than all that a mix can have of what comes after it: a mix from which no pack
    can be left out has fewer channels than asked and one more pack, and no more packs than that.
    """
    if not packs:
        raise ValueError("no pack, so nothing is covered")
    largest = max(pack.channels for pack in packs)
    a_pack = channels + 3 * largest
    a_coin = a_pack * (channels + 2 * largest)
    digits = max(-int(pack.price.as_tuple().exponent) for pack in packs)
    return [
        _Item(
            pack,
            pack.channels,
            int(pack.price.scaleb(digits)) * a_coin + a_pack - pack.channels,
        )
        for pack in packs
    ]


def _useful(items: Iterable[_Item], channels: int) -> list[_Item]:
    """The items that may be in the best mix, the largest first.

    Not those that one larger pack, or several of one smaller pack, replace for less.
    """
    kept: list[_Item] = []
    for item in sorted(items, key=lambda item: (-item.size, item.weight, item.pack.name)):
        if kept and item.weight >= kept[-1].weight:
            continue
        if item.size >= channels:  # one is enough, and those before cost more
            kept.clear()
        kept.append(item)
    return [item for item in kept if not any(_replaces(other, item) for other in kept)]


def _replaces(smaller: _Item, item: _Item) -> bool:
    times = -(-item.size // smaller.size)
    return times * smaller.weight < item.weight


def _surely_taken(thriftiest: _Item, items: Iterable[_Item], channels: int) -> int:
    """How many times the pack of the lowest price a channel is in the best mix at least.

    Of the others it has fewer than the thriftiest has channels: among as many, some together have a
    multiple of its channels (the pigeonhole principle), and would be cheaper as packs of it.
    """
    largest = max((item.size for item in items if item is not thriftiest), default=0)
    left_to_others = (thriftiest.size - 1) * largest
    return max(0, -((left_to_others - channels) // thriftiest.size))


def _search(items: Sequence[_Item], channels: int) -> Iterator[_Item]:
    """The items of the best mix for so many channels, the largest first."""
    largest = items[0].size
    weights = [item.weight for item in items]
    before = itemgetter(*(-item.size for item in items))
    least = [0] * largest  # what it takes to cover no channel, or fewer
    for _ in range(channels):
        least.append(min(map(add, weights, before(least))))
    place = len(least) - 1
    for item in items:
        while place >= largest and least[place] == item.weight + least[place - item.size]:
            yield item
            place -= item.size
