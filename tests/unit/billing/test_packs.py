"""Which packs cover a number of channels for the least money."""

from decimal import Decimal
from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.billing.catalogue import Pack
from asterisk_siptrunk.billing.packs import Mix, best_mix

# Channels and price of each pack.
ROUND = {1: "4", 5: "18", 10: "30", 20: "55"}
EVEN = {1: "4", 2: "8", 4: "16"}
# Several of the small ones are always cheaper, or fewer.
ODD = {3: "3", 4: "4", 5: "5"}


def packs(prices):
    return tuple(Pack(f"p{size}", size, Decimal(price)) for size, price in prices.items())


def taken(mix):
    return {pack.channels: times for pack, times in mix.packs}


@pytest.mark.parametrize(
    ("prices", "channels", "best", "price"),
    [
        pytest.param(ROUND, 0, {}, "0", id="nothing"),
        pytest.param(ROUND, -1, {}, "0", id="less-than-nothing"),
        pytest.param(ROUND, 4, {1: 4}, "16", id="4x4=16, one of 5 is 18"),
        pytest.param(ROUND, 5, {5: 1}, "18", id="18, 5x4=20"),
        pytest.param(ROUND, 8, {10: 1}, "30", id="30, 18+3x4=30: one pack"),
        pytest.param(ROUND, 9, {10: 1}, "30", id="30, 18+4x4=34"),
        pytest.param(ROUND, 12, {10: 1, 1: 2}, "38", id="30+2x4=38"),
        pytest.param(ROUND, 17, {20: 1}, "55", id="55, 30+18+2x4=56"),
        pytest.param(ROUND, 65, {20: 3, 5: 1}, "183", id="3x55+18=183, 2x55+3x30=200"),
        pytest.param(ROUND, 69, {20: 3, 10: 1}, "195", id="3x55+30=195, 3x55+18+4x4=199"),
        pytest.param(EVEN, 7, {4: 1, 2: 1, 1: 1}, "28", id="16+8+4=28, 4x8=32"),
        pytest.param({1: "4", 3: "8"}, 2, {3: 1}, "8", id="8=2x4, one pack, 3 channels"),
        pytest.param({2: "4", 3: "4"}, 2, {3: 1}, "4", id="equal-price-more-channels"),
        pytest.param({1: "1", 3: "3", 4: "3", 6: "6"}, 7, {4: 2}, "6", id="2x3=6, 1+6=7, 3+4: 7"),
        pytest.param(ODD, 8, {5: 1, 3: 1}, "8", id="5+3=4+4: most of the largest"),
        pytest.param(ODD, 11, {5: 1, 3: 2}, "11", id="5+3+3=4+4+3: most of the largest"),
        pytest.param({7: "0", 2: "0"}, 20, {7: 3}, "0", id="free"),
        pytest.param({3: "0.000001", 2: "0"}, 3, {2: 2}, "0", id="a-millionth"),
        pytest.param({5: "18"}, 11, {5: 3}, "54", id="one-pack-3x18=54"),
        pytest.param({100: "320"}, 1, {100: 1}, "320", id="too-large"),
    ],
)
def test_the_best_mix(prices, channels, best, price):
    mix = best_mix(packs(prices), channels)
    assert (taken(mix), mix.price) == (best, Decimal(price))
    assert mix.channels == sum(size * times for size, times in best.items())
    assert mix.count == sum(best.values())


def test_packs_stand_from_the_largest_on():
    assert list(taken(best_mix(packs(ROUND), 36))) == [20, 10, 5, 1]


def test_of_two_packs_that_differ_in_name_alone_the_first_name_is_taken():
    twins = (Pack("b", 5, Decimal(18)), Pack("a", 5, Decimal(18)))
    assert best_mix(twins, 5) == Mix(((twins[1], 1),))


def test_no_packs_cover_nothing():
    assert best_mix((), 0) == Mix()
    with pytest.raises(ValueError, match="no pack"):
        best_mix((), 1)


catalogues = st.lists(
    st.tuples(st.integers(1, 9), st.decimals(0, 12, places=1)), min_size=1, max_size=5
).map(lambda found: tuple(Pack(f"p{at}", *each) for at, each in enumerate(found)))
large_catalogues = st.lists(
    st.tuples(st.integers(1, 400), st.integers(0, 3000).map(Decimal)), min_size=1, max_size=30
).map(lambda found: tuple(Pack(f"p{at}", *each) for at, each in enumerate(found)))


def rank(mix):
    order = sorted(mix, key=lambda pack: (-pack.channels, pack.name))
    return (
        sum(pack.price for pack in mix),
        len(mix),
        -sum(pack.channels for pack in mix),
        [(-pack.channels, pack.name) for pack in order],
    )


def by_trying_all(some, channels):
    """The best of all multisets of packs that cover it; none needs more packs than channels."""
    every = (
        mix
        for count in range(channels + 1)
        for mix in combinations_with_replacement(some, count)
        if sum(pack.channels for pack in mix) >= channels
    )
    return rank(min(every, key=rank))


def by_textbook(some, channels):
    """The price, by the textbook: of each number of channels, from 1 on, by those before."""
    least = [Decimal(0)]
    for covered in range(1, channels + 1):
        least.append(min(least[max(0, covered - one.channels)] + one.price for one in some))
    return least[-1]


@given(catalogues, st.integers(0, 9))
def test_no_multiset_of_packs_is_better(some, channels):
    mix = best_mix(some, channels)
    assert rank([pack for pack, times in mix.packs for _ in range(times)]) == by_trying_all(
        some, channels
    )


@given(large_catalogues, st.integers(1, 1500))
def test_no_mix_is_cheaper(some, channels):
    mix = best_mix(some, channels)
    assert mix.price == by_textbook(some, channels)
    assert mix.channels >= channels


@given(catalogues, st.integers(0, 60), st.integers(0, 60))
def test_more_channels_never_cost_less(some, fewer, more):
    assert best_mix(some, fewer).price <= best_mix(some, fewer + more).price


@given(catalogues, st.integers(1, 60), st.randoms())
def test_the_order_of_the_catalogue_changes_nothing(some, channels, random):
    assert best_mix(random.sample(some, len(some)), channels) == best_mix(some, channels)
