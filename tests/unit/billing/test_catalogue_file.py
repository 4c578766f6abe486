"""A catalogue as a TOML file."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk_siptrunk.billing.catalogue import Catalogue, Inclusion, Offer, Option, Pack, Plan
from asterisk_siptrunk.billing.catalogue_file import read_catalogue, write_catalogue
from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.errors import InvalidInput

WHOLE = """\
valid_from = 2027-01-01
currency = "EUR"

[offers.trunk]
title = "SIP trunk"
minimum = 1
maximum = 500
deck = "world"
period = "calendar"
number_price = "1.00"
numbers_per_channel = 10
packs = [
  { name = "one", channels = 1, price = 4.00 },
  { name = "ten", channels = 10, price = "30" },
]
options = [
  { name = "fax", title = "Fax", price = 2 },
  { name = "record", title = "Recording", price = "0.125", channels = 10 },
]

[plans.desk]
title = "Desk"
offer = "trunk"
price = "15"
channels = 2
numbers = 3
maximum = 30
deck = "desk"
period = "anniversary"
number_price = "0.5"
inclusions = [
  { name = "France", targets = ["fr:fixed", "FR:MOBILE"], minutes = 1000 },
  { name = "Paris", targets = ["+331"] },
]
"""
READ = Catalogue(
    date(2027, 1, 1),
    "EUR",
    {
        "trunk": Offer(
            name="trunk",
            title="SIP trunk",
            packs=(Pack("one", 1, Decimal("4.00")), Pack("ten", 10, Decimal(30))),
            minimum=1,
            maximum=500,
            deck="world",
            period=PeriodRule.CALENDAR,
            number_price=Decimal(1),
            numbers_per_channel=10,
            options=(
                Option("fax", "Fax", Decimal(2)),
                Option("record", "Recording", Decimal("0.125"), 10),
            ),
        )
    },
    {
        "desk": Plan(
            name="desk",
            title="Desk",
            offer="trunk",
            price=Decimal(15),
            channels=2,
            numbers=3,
            maximum=30,
            deck="desk",
            period=PeriodRule.ANNIVERSARY,
            number_price=Decimal("0.5"),
            inclusions=(
                Inclusion("France", ("fr:fixed", "fr:mobile"), 1000),
                Inclusion("Paris", ("+331",)),
            ),
        )
    },
)
SMALL = """\
valid_from = 2027-01-01
currency = "EUR"
[offers.trunk]
title = "SIP trunk"
minimum = 1
maximum = 500
deck = "world"
packs = [{ name = "one", channels = 1, price = "4" }]
"""


def test_every_key_is_read():
    assert read_catalogue(WHOLE, "c.toml") == READ


def test_what_may_be_left_out_is_nothing_or_open():
    catalogue = read_catalogue(SMALL, "c.toml")
    offer = catalogue.offer("trunk")
    assert offer == Offer("trunk", "SIP trunk", (Pack("one", 1, Decimal(4)),), 1, 500, "world")
    assert offer.number_price == 0
    assert (offer.numbers_per_channel, offer.options) == (None, ())
    assert catalogue.plans == {}


def test_a_mark_of_the_encoding_is_passed_over():
    assert read_catalogue("\ufeff" + SMALL, "c.toml") == read_catalogue(SMALL, "c.toml")


OFFER, PLAN = "offers.trunk", "plans.desk"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("2027-01-01", '"2027-01-01"', "valid_from: '2027-01-01' is no day: give one without"),
        ("2027-01-01", "2027-01-01T00:00:00", "valid_from: 2027-01-01 00:00:00 is no day"),
        ('"EUR"', '"Euro"', "currency: 'Euro' is no currency"),
        ('"EUR"', "1", "currency: 1 is no text: put it in quotes."),
        ('currency = "EUR"', "", "the key 'currency' is missing."),
        ("currency", "curency", "there is no key 'curency'; there are valid_from, currency,"),
        ("offers.trunk", "offers.Trunk", "offers.Trunk: 'Trunk' cannot be a name"),
        ('"SIP trunk"', '" "', f"{OFFER}, title: ' ' cannot stand in it: give 1 to 80"),
        ('"SIP trunk"', '"a\\u001bb"', f"{OFFER}, title: 'a\\x1bb' cannot stand in it"),
        ('"SIP trunk"', "1.5", f"{OFFER}, title: '1.5' is no text"),
        ("minimum = 1", "minimum = 0", f"{OFFER}, minimum: 0 is no whole number from 1 to 10000."),
        ("minimum = 1", "minimum = true", f"{OFFER}, minimum: true is no whole number"),
        ("minimum = 1", "minimum = 501", f"{OFFER}, minimum: a minimum of 501 channels is more"),
        ("maximum = 500", "maximum = 10001", f"{OFFER}, maximum: 10001 is no whole number"),
        ('deck = "world"', 'deck = "The World"', f"{OFFER}, deck: 'The World' cannot be a name"),
        ('"calendar"', '"weekly"', f"{OFFER}, period: 'weekly' is no rule of periods: give anni"),
        ("1.00", "-1", f"{OFFER}, number_price: '-1' is no price"),
        ("numbers_per_channel = 10", "numbers_per_channel = 0", f"{OFFER}, numbers_per_channel: 0"),
        ("price = 4.00", "price = 0.0000001", f"{OFFER}, packs, entry 1, price: '0.0000001' is no"),
        ("price = 4.00", 'price = "4,00"', "entry 1, price: '4,00' is no price: write a point"),
        ("price = 4.00", "price = 4e2", f"{OFFER}, packs, entry 1, price: '4e2' is no price"),
        ("price = 4.00", "price = nan", f"{OFFER}, packs, entry 1, price: 'nan' is no price"),
        ("price = 4.00", "price = true", f"{OFFER}, packs, entry 1, price: true is no price"),
        ("price = 4.00", "price = {}", f"{OFFER}, packs, entry 1, price: a table is no price"),
        (", price = 4.00", "", f"{OFFER}, packs, entry 1: the key 'price' is missing."),
        ("price = 4.00", "prize = 4", f"{OFFER}, packs, entry 1: there is no key 'prize'"),
        ('"ten", channels = 10', '"ten", channels = "10"', "packs, entry 2, channels: '10' is no"),
        ('"ten"', '"one"', f"{OFFER}, packs: two entries have the name 'one'."),
        ('{ name = "ten", channels = 10, price = "30" }', "10", "entry 2: 10 is no table"),
        ("channels = 10 }", "channels = 501 }", f"{OFFER}, options, record: needs 501 channels"),
        ('["fr:fixed", "FR:MOBILE"]', "[]", "inclusions, entry 1, targets: give a list of dest"),
        ('"FR:MOBILE"', '"risk:high"', "entry 1, targets: 'risk:high' has no rate of its own"),
        ('"+331"', '"3949"', f"{PLAN}, inclusions, entry 2, targets: '3949' has no plus: write"),
        ('"+331"', '"nowhere"', "entry 2, targets: Destination 'nowhere' is not understood"),
        ("minutes = 1000", "minutes = 44641", "minutes: 44641 is no whole number from 1 to 44640"),
        ('offer = "trunk"', 'offer = "no"', f"{PLAN}, offer: there is no offer 'no'; there is tr"),
        ("maximum = 30", "maximum = 1", f"{PLAN}, channels: 2 included channels are more than the"),
        ("maximum = 30", "", None),
    ],
    ids=lambda text: (text or "right")[:14],
)
def test_a_mistake_is_told_with_its_place(old, new, said):
    text = WHOLE.replace(old, new, 1)
    assert text != WHOLE
    if said is None:
        read_catalogue(text, "c.toml")
        return
    with pytest.raises(InvalidInput) as caught:
        read_catalogue(text, "c.toml")
    (line,) = [one for one in str(caught.value).splitlines() if said in one]
    assert line.startswith("c.toml: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("packs = 1", "packs: 1 is no list: give one in brackets"),
        ("packs = []", "packs: there is no pack: no channel has a price."),
        (
            'packs = [{ name = "large", channels = 501, price = "4" }]',
            "packs: the smallest has 501 channels, and the maximum is 500",
        ),
    ],
    ids=["no-list", "none", "too-large"],
)
def test_an_offer_has_packs_that_fit_it(text, said):
    with pytest.raises(InvalidInput, match=said):
        read_catalogue(SMALL.replace(SMALL.splitlines()[-1], text), "c.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = ", "c.toml: this is not TOML: Invalid value (at end of document)"),
        ("a = 1\na = 2", "c.toml: this is not TOML: Cannot overwrite a value"),
        ("[offers.a]\n[offers.a]", "c.toml: this is not TOML: Cannot declare ('offers', 'a') twi"),
        ("a = " + "[" * 100_000, "c.toml: this is not TOML: "),
        ("a = " + "9" * 5000, "c.toml: this is not TOML: "),
        (
            "offers = 1",
            "c.toml: the key 'valid_from' is missing.\n"  # noqa: ISC004 - one text
            "c.toml: the key 'currency' is missing.\n"
            "c.toml: offers: give a table for each, as in [offers.example].",
        ),
        (
            "valid_from = 2027-01-01\ncurrency = 'EUR'\noffers = {}",
            "c.toml: offers: there is none: nothing could be ordered.",
        ),
        ("valid_from = 2027-01-01\ncurrency = 'EUR'", "c.toml: the key 'offers' is missing."),
    ],
    ids=["no-toml", "key-twice", "table-twice", "deep", "huge", "no-table", "empty", "no-offers"],
)
def test_what_is_no_catalogue_is_refused(text, said):
    with pytest.raises(InvalidInput) as caught:
        read_catalogue(text, "c.toml")
    assert str(caught.value).startswith(said)


def test_all_mistakes_are_told_at_once():
    text = (
        WHOLE.replace("2027-01-01", "1")
        .replace("4.00", '"four"')
        .replace('"30"', '"thirty"')
        .replace('offer = "trunk"', 'offer = "no"')
        .replace('title = "SIP trunk"', "")
    )
    with pytest.raises(InvalidInput) as caught:
        read_catalogue(text, "c.toml")
    assert [line.split(":")[1].strip() for line in str(caught.value).splitlines()] == [
        "valid_from",
        "offers.trunk, packs, entry 1, price",
        "offers.trunk, packs, entry 2, price",
        "offers.trunk",
        "plans.desk, offer",
    ]


def test_a_plan_of_a_wrong_offer_is_no_second_mistake():
    with pytest.raises(InvalidInput) as caught:
        read_catalogue(WHOLE.replace("maximum = 500", "maximum = 0"), "c.toml")
    assert len(str(caught.value).splitlines()) == 1


def test_it_is_written_as_people_write_it():
    text = write_catalogue(replace(READ, plans={}))
    assert text == (
        "valid_from = 2027-01-01\n"
        'currency = "EUR"\n'
        "\n"
        "[offers.trunk]\n"
        'title = "SIP trunk"\n'
        "minimum = 1\n"
        "maximum = 500\n"
        'deck = "world"\n'
        'period = "calendar"\n'
        'number_price = "1"\n'
        "numbers_per_channel = 10\n"
        "packs = [\n"
        '  { name = "one", channels = 1, price = "4.00" },\n'
        '  { name = "ten", channels = 10, price = "30" },\n'
        "]\n"
        "options = [\n"
        '  { name = "fax", title = "Fax", price = "2", channels = 0 },\n'
        '  { name = "record", title = "Recording", price = "0.125", channels = 10 },\n'
        "]\n"
    )


names = st.sampled_from(["a", "b2", "trunk-paris", "x" * 40, "true", "inf"])
titles = st.text(st.sampled_from("aé 'Ω\"\\#€[=]😀"), max_size=78).map(lambda text: f"T{text}.")
prices = st.decimals(0, 10**9, places=6) | st.decimals(0, 99, places=2) | st.just(Decimal(0))
counts = st.integers(1, 500)


def lists(kind, *parts, least=0):
    return st.lists(st.builds(kind, *parts), min_size=least, max_size=3, unique_by=name_of).map(
        tuple
    )


def name_of(thing):
    return thing.name


targets = st.lists(
    st.sampled_from(["fr", "fr:mobile", "*:premium", "all", "international", "+33", "+3361"]),
    min_size=1,
).map(tuple)
offers = st.builds(
    Offer,
    names,
    titles,
    packs=lists(Pack, names, counts, prices, least=1),
    minimum=counts,
    maximum=st.integers(500, 10_000),
    deck=names,
    period=st.sampled_from(PeriodRule),
    number_price=prices,
    numbers_per_channel=st.none() | counts,
    options=lists(Option, names, titles, prices, st.integers(0, 500)),
)
plans = st.builds(
    Plan,
    names,
    titles,
    offer=st.just(""),
    price=prices,
    channels=counts,
    numbers=st.integers(0, 9),
    maximum=st.none() | st.integers(500, 10_000),
    deck=st.none() | names,
    period=st.none() | st.sampled_from(PeriodRule),
    number_price=st.none() | prices,
    inclusions=lists(Inclusion, titles, targets, st.none() | counts),
)


@st.composite
def catalogues(draw):
    some = {each.name: each for each in draw(st.lists(offers, min_size=1, max_size=3))}
    others = [
        replace(each, offer=draw(st.sampled_from(sorted(some))))
        for each in draw(st.lists(plans, max_size=3))
    ]
    day = draw(st.dates(date(1970, 1, 1), date(2999, 12, 31)))
    currency = draw(st.sampled_from(["EUR", "CHF", "JPY"]))
    return Catalogue(day, currency, some, {each.name: each for each in others})


@settings(max_examples=30)  # each is a whole catalogue
@given(catalogues())
def test_what_is_written_is_read_back(catalogue):
    assert read_catalogue(write_catalogue(catalogue), "c.toml") == catalogue
