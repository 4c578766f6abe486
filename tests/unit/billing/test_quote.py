"""What an order would change, and for how much: raises and cuts, with the sum beside each."""

from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.billing.invoicing import due_invoices, renewal_lines
from asterisk_siptrunk.billing.line import Totals
from asterisk_siptrunk.billing.packs import best_mix
from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.billing.quote import Asking, quote_raise
from asterisk_siptrunk.billing.subscription import Change, HeldOption, OrderKind, holding, start_of
from asterisk_siptrunk.errors import InvalidInput, NotFound
from tests.unit.billing.builders import (
    BEGAN,
    CATALOGUE,
    GROUND,
    PACKS,
    RENEWED,
    TAX,
    at,
    cut,
    dec,
    first,
    ground,
    nov,
    offering,
    ordered,
    quote,
    raised,
    said,
    some_numbers,
    subscribed,
)

CALENDAR = {"period": PeriodRule.CALENDAR}
ONE, FIVE, TEN = "Pack one, 1 channel", "Pack five, 5 channels", "Pack ten, 10 channels"
BONUS = (
    "The cheapest packs for {} channels come to {}: all of them may be used until packs are chosen "
    "anew, at no extra price."
)


# Channels, what else; the lines; net, usable, and the net of the next period.
FIRSTS = {
    "5": (5, {}, [(FIVE, "1", "", "18.00")], ("18.00", 5, "18.00")),
    "7": (
        *(7, {}),
        [(FIVE, "1", "", "18.00"), (ONE, "2", "", "8.00")],
        ("26.00", 7, "26.00"),
    ),
    "bonus": (9, {}, [(TEN, "1", "", "30.00")], ("30.00", 10, "30.00")),
    "minimum": (2, {}, [(ONE, "2", "", "8.00")], ("8.00", 2, "8.00")),
    "maximum": (40, {}, [(TEN, "4", "", "120.00")], ("120.00", 40, "120.00")),
    # 18 x 19/30 and 2 x 4 x 19/30: 11.40 and 5.0667
    "calendar": (
        *(7, CALENDAR),
        [(FIVE, "1", "19/30 days", "11.40"), (ONE, "2", "19/30 days", "5.07")],
        ("16.47", 7, "26.00"),
    ),
    "options-and-numbers": (
        5,
        {"options": (HeldOption("site", BEGAN),), "numbers": some_numbers(4)},
        [
            (FIVE, "1", "", "18.00"),
            ("A second site", "1", "", "6.00"),
            ("Telephone numbers", "4", "", "4.00"),
        ],
        ("28.00", 5, "28.00"),
    ),
    # A desk has 3 channels and 2 numbers in its price.
    "plan": (
        *(3, {"plan": "desk"}),
        [("Desk, 3 channels included", "1", "", "15.00")],
        ("15.00", 3, "15.00"),
    ),
    "plan-and-more": (
        *(5, {"plan": "desk", "numbers": some_numbers(3)}),
        [
            ("Desk, 3 channels included", "1", "", "15.00"),
            (ONE, "2", "", "8.00"),
            ("Telephone numbers", "1", "", "1.00"),
        ],
        ("24.00", 5, "24.00"),
    ),
}


@pytest.mark.parametrize(("channels", "has", "lines", "outcome"), FIRSTS.values(), ids=FIRSTS)
def test_a_first_order(channels, has, lines, outcome):
    found = quote(subscribed(**has), channels, at(BEGAN))
    usable = found.usable
    assert said(found.lines) == lines
    assert (str(found.totals.net), usable, str(found.next.totals.net)) == outcome
    assert found.totals == Totals.of(found.lines, TAX, "EUR")
    assert found.change == Change(OrderKind.FIRST, at(BEGAN), channels, usable)
    assert (found.takes_effect, found.next.wanted) == (None, channels)
    assert found.remarks == ((BONUS.format(channels, usable),) if usable > channels else ())


def test_a_first_period_ends_with_the_month_where_periods_are_calendar_months():
    found = quote(subscribed(**CALENDAR), 7, at(BEGAN))
    assert found.next.first == dec(1)
    assert {(one.since, one.until) for one in found.lines} == {(BEGAN, dec(1))}


# A day in a period of 30 days; five channels are asked for in place of two: three more, at 3 x 4.
PRORATIONS = {
    "first-day": (BEGAN, nov(12), "", "12.00"),
    "second-day": (BEGAN, nov(13), "29/30 days", "11.60"),
    "middle": (BEGAN, nov(27), "15/30 days", "6.00"),
    "last-day": (BEGAN, dec(11), "1/30 days", "0.40"),
    "second-period": (BEGAN, dec(20), "23/31 days", "8.90"),  # 8.9032
    "february": (date(2027, 2, 1), date(2027, 2, 20), "9/28 days", "3.86"),  # 3.8571
    "leap-year": (date(2028, 2, 1), date(2028, 2, 20), "10/29 days", "4.14"),  # 4.1379
    "29-february": (date(2028, 2, 29), date(2028, 3, 1), "28/29 days", "11.59"),  # 11.5862
    "31-in-february": (date(2027, 1, 31), date(2027, 2, 27), "1/28 days", "0.43"),  # 0.4286
    "31-in-march": (date(2027, 1, 31), date(2027, 3, 1), "30/31 days", "11.61"),  # 11.6129
    "summer-time": (date(2026, 3, 1), date(2026, 3, 29), "3/31 days", "1.16"),  # 1.1613
    "winter-time": (date(2026, 10, 1), date(2026, 10, 25), "7/31 days", "2.71"),  # 2.7097
}


@pytest.mark.parametrize(("began", "day", "part", "net"), PRORATIONS.values(), ids=PRORATIONS)
def test_a_raise_is_charged_for_the_days_left(began, day, part, net):
    agreed = subscribed(first(2, day=began), began=began)
    found = quote(agreed, 5, at(day))
    assert said(found.lines) == [(ONE, "3", part, net)]
    assert str(found.totals.net) == net


@pytest.mark.parametrize(
    ("day", "hour", "minute", "part"),
    [(nov(20), 0, 0, "22/30 days"), (nov(20), 23, 59, "22/30 days"), (nov(21), 0, 0, "21/30 days")],
    ids=["midnight", "last-minute", "next-midnight"],
)
def test_a_day_is_the_provider_s_and_counts_whole(day, hour, minute, part):
    found = quote(subscribed(first(2)), 5, at(day, hour, minute))
    assert found.lines[0].part_in_words == part


# What was agreed and asked; the change, lines; usable, and of the next period wanted, usable, net.
RAISES = {
    "pack-of-five": (
        *((first(2),), 7, (5, 5)),
        *([(FIVE, "1", "22/30 days", "13.20")], (7, 7, 7, "26.00")),
    ),
    # Nine more are a pack of ten, 30 x 22/30, and 15 may be used; the next period has 14: 30+4x4.
    "bonus": (
        *((first(5),), 14, (9, 10)),
        *([(TEN, "1", "22/30 days", "22.00")], (15, 14, 14, "46.00")),
    ),
    # 10 of 9 may be used: two more, and not three, are paid for. 8 x 22/30 is 5.8667.
    "on-bonus": (
        *((first(9, 10),), 12, (3, 2)),
        *([(ONE, "2", "22/30 days", "5.87")], (12, 12, 12, "38.00")),
    ),
    "after-a-raise": (
        *((first(2), raised(nov(15), 3)), 6, (1, 1)),
        *([(ONE, "1", "22/30 days", "2.93")], (6, 6, 6, "22.00")),
    ),
    # Nine more come as a pack of ten; more than 40 are not to be used.
    "to-the-maximum": (
        *((first(31),), 40, (9, 9)),
        *([(TEN, "1", "22/30 days", "22.00")], (40, 40, 40, "120.00")),
    ),
}


@pytest.mark.parametrize(
    ("changes", "channels", "change", "lines", "after"), RAISES.values(), ids=RAISES
)
def test_a_raise(changes, channels, change, lines, after):
    found = quote(subscribed(*changes), channels, at(nov(20)))
    usable, *following = after
    assert found.change == Change(OrderKind.RAISE, at(nov(20)), *change)
    assert said(found.lines) == lines
    assert (found.usable, found.takes_effect, found.next.first) == (usable, None, RENEWED)
    begins = found.next
    assert [begins.wanted, begins.usable, str(begins.totals.net)] == following
    has = holding(subscribed(*changes, found.change), at(nov(20)), GROUND)
    assert (has.usable, has.next_wanted) == (usable, begins.wanted)
    added, granted = channels - holding(subscribed(*changes), at(nov(20)), GROUND).usable, change[1]
    assert found.remarks == ((BONUS.format(added, granted),) if granted > added else ())


def test_a_raise_says_what_stands_besides():
    found = quote(subscribed(first(5), cut(nov(15), 2)), 14, at(nov(20)))
    assert found.remarks == (
        BONUS.format(9, 10),  # nine more than 5
        "A cut by 2 stands: it takes effect on 2026-12-12.",
    )
    assert (found.next.wanted, found.next.usable) == (12, 12)  # 5-2+9


def test_a_raise_is_of_the_day_s_catalogue_its_prices_and_its_maximum():
    dearer = offering(nov(20), packs=(replace(PACKS[0], price=Decimal(6)),), maximum=50)
    on, agreed = ground(CATALOGUE, dearer), subscribed(first(40))
    found = quote(agreed, 45, at(nov(20)), on)
    assert said(found.lines) == [(ONE, "5", "22/30 days", "22.00")]  # 5 x 6 x 22/30
    assert holding(ordered(agreed, 45, at(nov(20)), on), at(nov(21)), on).usable == 45
    with pytest.raises(InvalidInput, match="45 channels would be too many: Trunk has 40 at most"):
        quote(agreed, 45, at(nov(19)), on)


def test_a_raise_that_nobody_paid_is_gone_with_its_period():
    agreed = subscribed(first(2))
    unpaid = quote(agreed, 5, at(dec(11)))
    assert said(unpaid.lines) == [(ONE, "3", "1/30 days", "0.40")]
    assert unpaid.next.first == dec(12)
    anew = quote(agreed, 5, at(dec(12)))
    assert said(anew.lines) == [(ONE, "3", "", "12.00")]
    assert anew.next.first == date(2027, 1, 12)


# What was agreed, then asked; the change, and the next period: wanted, usable, net.
CUTS = {
    "cut": ((first(12),), 6, -6, (6, 6, "22.00")),  # 18+4
    "after-a-raise": ((first(5), raised(nov(20), 3)), 6, -2, (6, 6, "22.00")),
    "after-a-cut": ((first(12), cut(nov(20), 4)), 6, -2, (6, 6, "22.00")),
    # 12 were cut to 8, then 3 were added: 11 would begin, and 6 are 5 fewer.
    "after-both": ((first(12), cut(nov(13), 4), raised(nov(14), 3)), 6, -5, (6, 6, "22.00")),
    "to-a-bonus": ((first(12),), 9, -3, (9, 10, "30.00")),
    "to-the-minimum": ((first(12),), 2, -10, (2, 2, "8.00")),
}


@pytest.mark.parametrize(("changes", "channels", "by", "following"), CUTS.values(), ids=CUTS)
def test_a_cut(changes, channels, by, following):
    found = quote(subscribed(*changes), channels, at(nov(28)))
    assert found.change == Change(OrderKind.CUT, at(nov(28)), by, 0)
    assert (found.lines, found.takes_effect) == ((), RENEWED)
    assert str(found.totals.gross) == "0.00"
    after = found.next
    assert (after.wanted, after.usable, str(after.totals.net)) == following
    assert found.usable == after.usable
    assert found.remarks == (
        (BONUS.format(channels, after.usable),) if after.usable > channels else ()
    )


def test_raise_and_cut_on_one_day():
    agreed = ordered(subscribed(first(5)), 8, at(nov(20), 9))
    agreed = ordered(agreed, 6, at(nov(20), 10))
    assert holding(agreed, at(nov(20), 11), GROUND).usable == 8
    assert start_of(agreed, RENEWED, GROUND).wanted == 6
    # The other way round a cut to 3, by 2, stands beside the raise by 3.
    agreed = ordered(subscribed(first(5)), 3, at(nov(20), 9))
    agreed = ordered(agreed, 8, at(nov(20), 10))
    assert holding(agreed, at(nov(20), 11), GROUND).usable == 8
    assert start_of(agreed, RENEWED, GROUND).wanted == 6


def test_a_cut_is_by_the_terms_of_the_day_that_it_takes_effect_on():
    on = ground(CATALOGUE, offering(dec(1), minimum=7, maximum=9))
    agreed = subscribed(first(12))
    with pytest.raises(InvalidInput, match="6 channels would be too few: Trunk begins with 7"):
        quote(agreed, 6, at(nov(28)), on)
    # Still too many for the new maximum, but fewer than before: nobody is kept from that.
    assert quote(agreed, 10, at(nov(28)), on).next.usable == 9


def test_an_option_that_ends_lets_its_channels_go():
    held = subscribed(first(5), options=(HeldOption("site", BEGAN),))
    with pytest.raises(InvalidInput, match="3 channels would be too few: the option site needs 4"):
        quote(held, 3, at(nov(20)))
    ending = replace(held, options=(HeldOption("site", BEGAN, RENEWED),))
    assert quote(ending, 3, at(nov(20))).next.usable == 3


# What was agreed, what is asked, and why it cannot be had.
REFUSED = {
    "first-minimum": ({}, 1, "1 channel would be too few: Trunk begins with 2."),
    "first-maximum": ({}, 41, "41 channels would be too many: Trunk has 40 at most."),
    "first-numbers": (
        {"numbers": some_numbers(7)},
        2,
        "2 channels would be too few: 7 numbers need 3.",
    ),
    "first-option": (
        {"options": (HeldOption("site", BEGAN),)},
        *(3, "3 channels would be too few: the option site needs 4."),
    ),
    "first-plan": ({"plan": "desk"}, 2, "2 channels would be too few: Desk begins with 3."),
    "no-option": (
        {"options": (HeldOption("tax", BEGAN),)},
        *(5, "Trunk has no option tax; it has fax, site."),
    ),
    "raise-maximum": (
        {"changes": (first(5),)},
        *(41, "41 channels would be too many: Trunk has 40 at most."),
    ),
    "cut-minimum": (
        {"changes": (first(5),)},
        1,
        "1 channel would be too few: Trunk begins with 2.",
    ),
    "cut-numbers": (
        {"changes": (first(5),), "numbers": some_numbers(7)},
        *(2, "2 channels would be too few: 7 numbers need 3."),
    ),
    "cut-to-what-there-is": (
        {"changes": (first(5),)},
        5,
        (
            "Trunk acme may use 5 channels, and begins its next period with 5: a raise asks for "
            "more than 5, a cut for fewer than 5."
        ),
    ),
    "cut-to-a-bonus": (
        {"changes": (first(9, 10),)},
        10,
        (
            "Trunk acme may use 10 channels, and begins its next period with 9: a raise asks for "
            "more than 10, a cut for fewer than 9."
        ),
    ),
    "cut-by-less-than-stands": (
        {"changes": (first(12), cut(BEGAN, 4))},
        9,
        (
            "Trunk acme may use 12 channels, and begins its next period with 8: a raise asks for "
            "more than 12, a cut for fewer than 8."
        ),
    ),
    "it-ends": (
        {"changes": (first(5),), "ends": RENEWED},
        8,
        (
            "The subscription of trunk acme ends on 2026-12-12: withdraw that first ('siptrunk "
            "subscription withdraw')."
        ),
    ),
}


@pytest.mark.parametrize(("has", "channels", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_had_is_told(has, channels, words):
    with pytest.raises(InvalidInput) as caught:
        quote(subscribed(**{"changes": (), **has}), channels, at(BEGAN))
    assert str(caught.value) == words


def test_channels_kept_for_inbound_calls_are_had_at_least():
    reserved = "4 channels would be too few: 5 are kept for inbound calls."
    for agreed in (subscribed(), subscribed(first(8))):
        with pytest.raises(InvalidInput, match=reserved):
            quote(agreed, 4, at(nov(12)), reserved=5)
        assert quote(agreed, 5, at(nov(12)), reserved=5).next.usable == 5


def test_a_raise_asks_for_more_than_there_is():
    with pytest.raises(InvalidInput, match="acme may use 10 channels already: a raise asks for"):
        quote_raise(subscribed(first(9, 10)), 10, Asking(at(nov(20)), TAX), GROUND)


def test_an_offer_that_is_not_there_is_told():
    with pytest.raises(NotFound, match="has no offer boat; it has trunk"):
        quote(subscribed(offer="boat"), 5, at(BEGAN))


# Orders of one period: minutes from its beginning on, and the channels that are asked for.
orders = st.lists(
    st.tuples(st.integers(1, 30 * 24 * 60 - 1), st.integers(2, 40)),
    max_size=8,
    unique_by=lambda order: order[0],
)
firsts = st.integers(2, 40)


def placed(channels, drawn, **has):
    """A subscription after all orders that can be had, each quote with the one before it."""
    agreed = subscribed(**has)
    quotes = [quote(agreed, channels, at(BEGAN, 0))]
    agreed = replace(agreed, changes=(quotes[0].change,))
    for minutes, wish in sorted(drawn):
        with suppress(InvalidInput):
            quotes.append(quote(agreed, wish, at(BEGAN, 0) + timedelta(minutes=minutes)))
            agreed = replace(agreed, changes=(*agreed.changes, quotes[-1].change))
    return agreed, quotes


@given(firsts, orders)
def test_orders_come_to_what_the_rules_give_by_hand(channels, drawn):
    agreed, quotes = placed(channels, drawn)
    now = following = 0
    for one in quotes:
        by = one.change.asked
        following += by
        now += by if one.takes_effect is None else 0
        has = holding(agreed, one.change.at, GROUND)
        assert (has.wanted, has.next_wanted) == (now, following)
        assert now <= has.usable <= 40
        assert one.next.wanted == following >= 2
        assert one.takes_effect or one.usable == has.usable
    start = start_of(agreed, RENEWED, GROUND)
    assert start.wanted == following <= start.usable
    assert start.mix == best_mix(PACKS, following)


@given(
    firsts,
    st.lists(
        st.tuples(st.integers(1, 150), st.integers(2, 40)),
        max_size=12,
        unique_by=lambda one: one[0],
    ),
)
def test_over_several_periods_too(channels, drawn):
    agreed, quotes = placed(channels, [(days * 24 * 60, wish) for days, wish in drawn])
    now = following = 0
    begins = BEGAN
    for one in quotes:
        day = GROUND.day_of(one.change.at)
        if day >= begins:
            now, begins = following, agreed.period_of(day).next
        following += one.change.asked
        now += one.change.asked if one.takes_effect is None else 0
        has = holding(agreed, one.change.at, GROUND)
        assert (has.wanted, has.next_wanted) == (now, following)
        assert now <= has.usable <= 40
        assert one.next.first == begins


@given(firsts, orders, st.sampled_from([0, 1, 4]), st.booleans())
def test_the_next_price_is_the_renewal_s_if_nothing_else_happens(channels, drawn, count, planned):
    plan, channels = ("desk", max(channels, 3)) if planned else (None, max(channels, 2))
    agreed, quotes = placed(channels, drawn, plan=plan, numbers=some_numbers(count))
    (due,) = due_invoices(agreed, RENEWED, ())
    lines = renewal_lines(due, (), GROUND)
    assert quotes[-1].next.lines == lines
    assert quotes[-1].next.totals == Totals.of(lines, TAX, "EUR")


@given(firsts, orders)
def test_a_raise_costs_no_more_than_its_packs_for_a_month(channels, drawn):
    _, quotes = placed(channels, drawn)
    for one in quotes:
        assert one.totals.net <= sum(line.quantity * line.unit_price for line in one.lines)
        assert one.totals.net == sum(line.amount for line in one.lines)
        assert all(line.until == RENEWED for line in one.lines)


@pytest.mark.parametrize(
    ("channels", "later", "same"),
    [
        (8, timedelta(hours=1), True),  # the same day: nothing that is told differs
        (8, timedelta(days=1), False),  # a day less to pay for
        (9, timedelta(0), False),
    ],
)
def test_what_was_seen_is_known_again(channels, later, same):
    agreed, moment = subscribed(first(5)), at(nov(20), hour=9)
    seen = quote(agreed, 8, moment)
    assert (quote(agreed, channels, moment + later).fingerprint == seen.fingerprint) is same
