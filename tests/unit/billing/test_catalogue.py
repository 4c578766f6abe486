"""The catalogue: what is in it, and which one holds."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.catalogue import Catalogue, Offer, Plan, in_force
from asterisk_siptrunk.errors import NotFound

FIRST = Catalogue(date(2026, 1, 1), "EUR", {}, {})
SECOND = replace(FIRST, valid_from=date(2026, 3, 1))


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2026, 1, 1), FIRST),
        (date(2026, 2, 28), FIRST),
        (date(2026, 3, 1), SECOND),
        (date(2030, 1, 1), SECOND),
    ],
    ids=str,
)
@pytest.mark.parametrize("every", [(FIRST, SECOND), (SECOND, FIRST)], ids=["in-order", "not"])
def test_a_catalogue_holds_until_the_next_begins(every, day, holds):
    assert in_force(every, day) is holds


@pytest.mark.parametrize("every", [(), (FIRST,)], ids=["none", "later"])
def test_before_the_first_there_is_none(every):
    with pytest.raises(NotFound, match="no catalogue for 2025-12-31: 'siptrunk offer load FILE'"):
        in_force(every, date(2025, 12, 31))


def test_an_empty_one_says_that_it_is():
    with pytest.raises(NotFound, match="no offer trunk; it has none"):
        FIRST.offer("trunk")
    with pytest.raises(NotFound, match="no plan desk; it has none"):
        FIRST.plan("desk")


def test_decks_are_those_of_offers_and_of_plans_that_have_their_own():
    offer = Offer("trunk", "Trunk", (), 1, 10, "world")
    plans = {
        "desk": Plan("desk", "Desk", "trunk", Decimal(15), 2, deck="desk"),
        "fibre": Plan("fibre", "Fibre", "trunk", Decimal(45), 2),
    }
    assert replace(FIRST, offers={"trunk": offer}, plans=plans).decks == {"world", "desk"}
