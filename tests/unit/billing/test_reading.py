"""TOML read with every mistake told at once; whole files are read in `test_catalogue_file`."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.reading import (
    LONGEST_TITLE,
    Mistake,
    Wrong,
    count_of,
    day,
    entries,
    make,
    parse_title,
    parse_toml,
    price,
)
from asterisk_siptrunk.errors import InvalidInput


@dataclass(frozen=True)
class Thing:
    name: str
    size: int = 1


READERS = {"name": parse_title, "size": count_of(1, 3)}


def test_a_table_is_made_into_a_thing():
    assert make(Thing, READERS, {"name": "a", "size": 2}) == Thing("a", 2)
    assert make(Thing, {"size": count_of(1, 3)}, {}, name="known") == Thing("known")


def test_a_thing_has_all_its_mistakes_told_in_their_order():
    with pytest.raises(Wrong) as caught:
        make(Thing, READERS, {"size": 4, "colour": 1})
    assert caught.value.mistakes == (
        Mistake("4 is no whole number from 1 to 3.", ("size",)),
        Mistake("there is no key 'colour'; there are name, size."),
        Mistake("the key 'name' is missing."),
    )


def test_entries_say_which_one_is_wrong():
    with pytest.raises(Wrong) as caught:
        entries(Thing, READERS, [{"name": "a"}, {"name": "a", "size": 0}, 5])
    assert [str(one) for one in caught.value.mistakes] == [
        "entry 2, size: 0 is no whole number from 1 to 3.",
        "entry 3: 5 is no table: give keys and their values.",
        "two entries have the name 'a'.",
    ]


def test_numbers_stay_as_they_were_written():
    assert price(parse_toml("a = 0.100000", "f")["a"]) == Decimal("0.1")
    assert str(price(parse_toml("a = 4.00", "f")["a"])) == "4.00"


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (price, True, "true is no price"),
        (price, [1], "a list is no price"),
        (price, {}, "a table is no price"),
        (price, date(2027, 1, 1), "2027-01-01 is no price"),
        (count_of(1, 3), False, "false is no whole number"),
        (count_of(1, 3), "2", "'2' is no whole number"),
        (day, datetime(2027, 1, 1), "2027-01-01 00:00:00 is no day"),  # noqa: DTZ001 - as TOML has it
        (day, 5, "5 is no day"),
        (parse_title, "", "'' cannot stand in it"),
        (parse_title, "a\nb", "cannot stand in it"),
        (parse_title, "x" * (LONGEST_TITLE + 1), "give 1 to 80 characters"),
    ],
    ids=lambda value: str(value)[:12] if isinstance(value, str) else None,
)
def test_what_a_key_cannot_hold_is_refused(read, value, said):
    with pytest.raises(InvalidInput, match=said):
        read(value)
