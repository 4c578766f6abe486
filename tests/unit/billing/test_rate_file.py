"""A deck of rates as a CSV file."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.billing.rate_file import MOST_SHOWN, read_rates, write_rates
from asterisk_siptrunk.errors import InvalidInput

FROM = date(2027, 1, 1)
HEAD = "target,name,fee,price,increments,valid_from,valid_until"
FRANCE = Rate("fr:fixed", "France", Decimal(0), Decimal("0.01"), 60, 60, FROM)


def read(text):
    return list(read_rates(text.splitlines(keepends=True), "deck.csv", FROM))


def mistakes(text):
    with pytest.raises(InvalidInput) as caught:
        read(text)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}\nfr:fixed,France,0,0.01,60/60,2027-01-01,\n",
        f"{HEAD}\r\nfr:fixed,France,0,0.01,60/60,,\r\n",
        "target,name,fee,price,increments\nfr:fixed,France,0,0.01,60/60",
        "increments,price,fee,name,target\n60/60,0.01,0,France,fr:fixed\n",
        f"\ufeff{HEAD.replace(',', ';')}\nFR:Fixed;France;0;0.01;60/60;;\n",
        f"{HEAD}\n\n fr:fixed , France,0,0.0100,60/60,,\n,,,,,,\n",
        f'{HEAD}\n"fr:fixed","France","0","0.01","60/60","",""\n',
    ],
    ids=["all", "from-outside", "short", "order", "excel", "space", "quotes"],
)
def test_a_rate_is_read_in_whatever_dress(text):
    assert read(text) == [FRANCE]


def test_the_file_s_own_days_win():
    (rate,) = read(f"{HEAD}\n+3361,Mobile,0.05,0.1,30/6,2027-02-01,2027-03-01\n")
    days = date(2027, 2, 1), date(2027, 3, 1)
    assert rate == Rate("+3361", "Mobile", Decimal("0.05"), Decimal("0.1"), 30, 6, *days)


def test_a_target_may_have_rates_for_days_that_follow():
    rows = ["2027-02-01,2027-03-01", "2027-03-01,", "2027-01-01,2027-02-01"]
    found = read("\n".join([HEAD, *(f"fr,France,0,1,1/1,{days}" for days in rows)]))
    assert [rate.valid_from.month for rate in found] == [2, 3, 1]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("nowhere,X,0,1,1/1,,", "target: Destination 'nowhere' is not understood"),
        ("risk:high,X,0,1,1/1,,", "target: 'risk:high' has no rate of its own"),
        ("3361,X,0,1,1/1,,", "target: '3361' has no plus: write a prefix with it (+3361)"),
        ("fr,,0,1,1/1,,", "name: '' cannot stand in it"),
        (f"fr,{'x' * 81},0,1,1/1,,", "cannot stand in it: give 1 to 80 characters"),
        ("fr,X,-1,1,1/1,,", "fee: '-1' is no price"),
        ('fr,X,0,"0,01",1/1,,', "price: '0,01' is no price: write a point for the comma"),
        ("fr,X,0,0,01,1/1,,", "it has 8 cells, and the first line names 7 columns; numbers have"),
        ("fr,X,0,1,1/1", "it has 5 cells, and the first line names 7 columns"),
        ("fr,X,0,0.0000001,1/1,,", "price: '0.0000001' is no price"),
        ("fr,X,0,1,60,,", "increments: '60' is no increments: give the seconds"),
        ("fr,X,0,1,0/60,,", "increments: '0/60' is no increments"),
        ("fr,X,0,1,60/3601,,", "increments: '60/3601' is no increments"),
        ("fr,X,0,1,1/1,1.1.2027,", "valid_from: '1.1.2027' is no day: give one like 2027-01-31."),
        ("fr,X,0,1,1/1,2027-02-30,", "valid_from: '2027-02-30' is no day"),
        ("fr,X,0,1,1/1,,20270201", "valid_until: '20270201' is no day"),
        (
            "fr,X,0,1,1/1,,2027-01-01",
            "valid_until: 2027-01-01 is not after its first day, 2027-01-",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_field(row, said):
    (line,) = mistakes(f"{HEAD}\nfr:fixed,France,0,1,1/1,,\n{row}\n")
    assert line.startswith(f"deck.csv: line 3: {said}") or (
        line.startswith("deck.csv: line 3: ") and said in line
    )


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ("2027-01-01,", "2027-01-01,", True),
        ("2027-01-01,", "2028-01-01,", True),
        ("2028-01-01,", "2027-01-01,", True),
        ("2027-01-01,2027-02-01", "2027-01-31,", True),
        ("2027-01-31,", "2027-01-01,2027-02-01", True),
        ("2027-01-01,2027-02-01", "2027-02-01,", False),
        ("2027-02-01,", "2027-01-01,2027-02-01", False),
    ],
    ids=str,
)
def test_two_rates_of_a_target_for_one_day_are_refused(first, second, overlap):
    text = f"{HEAD}\nfr,France,0,1,1/1,{first}\nde,X,0,1,1/1,,\nFR,France,0,2,1/1,{second}\n"
    if not overlap:
        assert len(read(text)) == 3
        return
    (line,) = mistakes(text)
    assert line.startswith("deck.csv: line 4: target: fr has a rate for these days in line 2;")


@pytest.mark.parametrize(
    "head",
    [
        "",
        "target,name,fee,price",
        "target,name,fee,price,increments,colour",
        "target,name,fee,price,increments,target",
        "Target,name,fee,price,increments",
        "fr,France,0,1,1/1",
    ],
    ids=["empty", "missing", "unknown", "twice", "capital", "no-head"],
)
def test_the_first_line_names_the_columns(head):
    (line,) = mistakes(f"{head}\nfr,France,0,1,1/1\n" if head else "")
    assert line.startswith("deck.csv: the first line must name the columns target,name,")


def test_what_is_no_csv_is_refused():
    (line,) = mistakes(f'{HEAD}\nfr,"France"x,0,1,1/1,,\n')
    assert line.startswith("deck.csv: line 2: this is not CSV: ")


@pytest.mark.parametrize(
    ("wrong", "others"), [(MOST_SHOWN, []), (25, ["deck.csv: 5 more mistakes."])]
)
def test_of_many_mistakes_some_are_shown_and_the_others_counted(wrong, others):
    lines = mistakes("\n".join([HEAD, *(f"+33{n},X,0,no,1/1,," for n in range(wrong))]))
    assert len(lines[:MOST_SHOWN]) == MOST_SHOWN
    assert lines[MOST_SHOWN:] == others


def test_rates_come_one_by_one():
    def endless():
        yield f"{HEAD}\n"
        for number in range(10, 10**9):
            yield f"+33{number},X,0,1,1/1,,\n"

    rates = read_rates(endless(), "deck.csv", FROM)
    assert [next(rates).target for _ in range(2)] == ["+3310", "+3311"]


days = st.dates(date(1970, 1, 1), date(2900, 1, 1))
rates = st.builds(
    Rate,
    st.from_regex(r"\+33[0-9]{1,6}", fullmatch=True) | st.sampled_from(["fr", "*:premium", "all"]),
    st.text(st.sampled_from('aé" ,;'), max_size=70).map(lambda text: f"N{text}."),
    st.decimals(0, 10, places=6),
    st.decimals(0, 10**9, places=2),
    st.integers(1, 3600),
    st.integers(1, 3600),
    days,
    st.none(),
)
ended = st.builds(
    lambda rate, length: replace(rate, valid_until=rate.valid_from + timedelta(length)),
    rates,
    st.sampled_from([1, 400]),
)


@given(st.lists(rates | ended, max_size=5, unique_by=lambda rate: rate.target))
def test_what_is_written_is_read_back(some):
    assert list(read_rates(write_rates(some), "deck.csv", FROM)) == some


def test_it_is_written_as_people_write_it():
    rate = Rate("+3361", "Mobile, Orange", Decimal("0.050000"), Decimal(100), 30, 6, FROM)
    assert "".join(write_rates([rate])) == (
        f'{HEAD}\n+3361,"Mobile, Orange",0.05,100,30/6,2027-01-01,\n'
    )
