"""Catalogues: each as a whole, from a day on."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert, select

from asterisk_siptrunk.billing.catalogue import Catalogue, Offer, Option, Pack, Plan
from asterisk_siptrunk.database import audit, catalogues
from asterisk_siptrunk.database.catalogues import Loading
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import catalogue, held_option, subscription
from asterisk_siptrunk.errors import InvalidInput
from tests.unit.database.builders import BY, NOON, provide

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)
OFFER = Offer(
    name="basic",
    title="Basic",
    packs=(Pack("one", 1, Decimal("4.00")),),
    minimum=1,
    maximum=10,
    deck="world",
    options=(Option("fax", "Fax", Decimal(2)),),
)
PLAN = Plan(name="desk", title="Desk", offer="basic", price=Decimal(15), channels=2)
SECOND = replace(OFFER, name="second")
FIRST = Catalogue(TODAY - 30 * DAY, "EUR", {"basic": OFFER}, {"desk": PLAN})
DEARER = replace(FIRST, offers={"basic": replace(OFFER, number_price=Decimal(1))})


def since(day, like=FIRST):
    return replace(like, valid_from=day)


def load(engine, *several):
    with transaction(engine) as connection:
        return [catalogues.load(connection, BY, each, TODAY) for each in several]


def every(engine):
    with reading(engine) as connection:
        return catalogues.every(connection)


def refusal(engine, new):
    before = every(engine)
    with pytest.raises(InvalidInput) as caught:
        load(engine, new)
    assert every(engine) == before
    return str(caught.value)


def subscribe(engine, *, option=None, until=None, **agreed):
    provide(engine)
    with transaction(engine) as connection:
        values = {"trunk_id": 1, "offer": "basic", "currency": "EUR", "period": "anniversary"}
        values |= {"began": FIRST.valid_from, "turns_at": NOON, **agreed}
        connection.execute(insert(subscription).values(values))
        if option:
            values = {"subscription_id": 1, "name": option, "since": TODAY, "until": until}
            connection.execute(insert(held_option).values(values))


def test_catalogues_are_kept_as_they_were_the_oldest_first(engine):
    later = since(TODAY + DAY, DEARER)
    assert load(engine, later, FIRST) == [Loading.NEW, Loading.NEW]
    assert every(engine) == [FIRST, later]


def test_the_same_again_changes_nothing(engine):
    load(engine, FIRST)
    with transaction(engine) as connection:
        other = audit.By("bob", NOON + DAY)
        assert catalogues.load(connection, other, FIRST, TODAY) is Loading.SAME
        assert connection.execute(select(catalogue.c.author, catalogue.c.at)).all() == [
            ("alice", NOON)
        ]


def test_what_has_not_begun_is_replaced(engine):
    load(engine, FIRST, since(TODAY + DAY))
    assert load(engine, since(TODAY + DAY, DEARER)) == [Loading.REPLACES]
    assert every(engine) == [FIRST, since(TODAY + DAY, DEARER)]


@pytest.mark.parametrize("day", [TODAY, TODAY - 9 * DAY], ids=["today", "past"])
def test_what_has_begun_stays_as_it_is(engine, day):
    load(engine, since(day))
    told = refusal(engine, since(day, DEARER))
    assert told.startswith(f"There is another catalogue of {day}, and what was sold since stays")


@pytest.mark.parametrize(
    ("day", "loaded"),
    [
        pytest.param(TODAY + DAY, True, id="tomorrow"),
        pytest.param(TODAY, False, id="today"),
        pytest.param(TODAY - DAY, False, id="yesterday"),
        pytest.param(FIRST.valid_from - DAY, True, id="before-the-first"),
    ],
)
def test_a_day_that_has_begun_gets_its_first_catalogue_alone(engine, day, loaded):
    load(engine, FIRST)
    if loaded:
        assert load(engine, since(day)) == [Loading.NEW]
    else:
        told = refusal(engine, since(day))
        assert told.startswith(f"The catalogue of {FIRST.valid_from} holds on {day}, and what was")


def test_the_currency_stays(engine):
    load(engine, FIRST)
    told = refusal(engine, replace(FIRST, valid_from=TODAY + DAY, currency="CHF"))
    assert told.startswith(f"The catalogue of {FIRST.valid_from} is in EUR, this one in CHF:")


def test_the_currency_of_one_that_is_replaced_is_free(engine):
    load(engine, since(TODAY + DAY))
    other = replace(FIRST, valid_from=TODAY + DAY, currency="CHF")
    assert load(engine, other) == [Loading.REPLACES]


NO_PLAN = replace(FIRST, plans={})
MOVED = replace(
    FIRST, offers={"basic": OFFER, "second": SECOND}, plans={"desk": replace(PLAN, offer="second")}
)
NO_OPTION = replace(FIRST, offers={"basic": replace(OFFER, options=())})
OTHER = replace(FIRST, offers={"second": SECOND}, plans={})


@pytest.mark.parametrize(
    ("agreed", "new", "said"),
    [
        pytest.param({}, NO_PLAN, None, id="offer-stays"),
        pytest.param({}, OTHER, "has subscribed to it: The catalogue of 2026-11-24", id="offer"),
        pytest.param({"plan": "desk"}, NO_PLAN, "has no plan desk", id="plan"),
        pytest.param({"plan": "desk"}, MOVED, "goes with the offer second", id="plan-moved"),
        pytest.param({"option": "fax"}, NO_OPTION, "has the option fax of the", id="option"),
        pytest.param(
            {"option": "fax", "until": TODAY + DAY}, NO_OPTION, None, id="option-over-by-then"
        ),
        pytest.param({"ends": TODAY + DAY}, OTHER, None, id="over-by-then"),
        pytest.param({"ends": TODAY + 2 * DAY}, OTHER, "acme-paris has subscribed", id="not-over"),
    ],
)
def test_what_somebody_subscribed_to_must_stay(engine, agreed, new, said):
    load(engine, FIRST)
    subscribe(engine, **agreed)
    if said is None:
        assert load(engine, since(TODAY + DAY, new)) == [Loading.NEW]
    else:
        assert said in refusal(engine, since(TODAY + DAY, new))


def test_it_is_judged_without_being_kept(engine):
    with reading(engine) as connection:
        assert catalogues.judge(connection, FIRST, TODAY) is Loading.NEW
        assert catalogues.every(connection) == []


def test_who_loaded_it_is_noted(engine):
    load(engine, FIRST, since(TODAY + DAY), since(TODAY + DAY, DEARER))
    with reading(engine) as connection:
        entries = audit.history(connection, "offer", "2026-11-24")
    changes = [(each.author, each.at, each.change) for each in entries]
    assert changes == [
        ("alice", NOON, "catalogue replaced"),
        ("alice", NOON, "catalogue loaded"),
    ]
