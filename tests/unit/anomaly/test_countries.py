"""Where an address is: what a file says, between its ranges nothing, and every mistake by line."""

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.anomaly.countries import Countries, read_countries
from asterisk_siptrunk.errors import InvalidInput

FILE = """\
start,end,country
# of three kinds of lines
198.51.100.0,198.51.100.127,DE
192.0.2.0/24,fr

"198.51.100.128","198.51.100.255","DE"
2001:db8::/32,PL
2001:db9::,2001:db9::ff,CZ
"""


@pytest.mark.parametrize(
    ("source", "country"),
    [
        ("192.0.2.0", "FR"),
        ("192.0.2.255", "FR"),
        ("192.0.3.0", ""),
        ("192.0.1.255", ""),
        ("198.51.100.127", "DE"),
        ("198.51.100.128", "DE"),
        ("255.255.255.255", ""),
        ("0.0.0.0", ""),
        ("::ffff:192.0.2.7", "FR"),
        ("2001:db8:ffff::1", "PL"),
        ("2001:db9::ff", "CZ"),
        ("2001:db9::100", ""),
        ("::1", ""),
        ("pbx.example", ""),
        ("", ""),
    ],
)
def test_the_country_of_an_address(source, country):
    assert read_countries(FILE.splitlines(), "a.csv").of(source) == country


def test_without_a_file_no_address_is_anywhere():
    assert Countries().of("192.0.2.7") == ""


RANGES = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9), st.sampled_from(["FR", "DE"])))


@given(RANGES, st.randoms(use_true_random=False))
def test_every_address_is_where_its_line_says_and_all_others_nowhere(steps, shuffled):
    at = 0
    lines: list[str] = []
    told: dict[int, str] = {}
    for length, gap, country in steps:
        first, last = IPv4Address(at), IPv4Address(at + length - 1)
        lines.append(f"{first},{last},{country}")
        told |= dict.fromkeys(range(at, at + length), country)
        at += length + gap
    lines.append(f"255.0.0.0/8,{'PL'}")
    shuffled.shuffle(lines)
    countries = read_countries(lines, "a.csv")
    assert {n: countries.of(str(ip_address(n))) for n in range(at + 2)} == {
        n: told.get(n, "") for n in range(at + 2)
    }
    assert countries.of("255.1.2.3") == "PL"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a.csv: there is no network in it."),
        ("start,end,country", "a.csv: there is no network in it."),
        ("192.0.2.0", "a.csv: line 1: give start,end,country or network,country."),
        ("192.0.2.0/24,FR,Paris,75", "a.csv: line 1: give start,end,country or network,country."),
        ("192.0.2.0/24,FRA", "a.csv: line 1: 'FRA' is no country; give two letters, as in FR."),
        ("192.0.2.9,192.0.2.3,FR", "a.csv: line 1: 192.0.2.3 does not come after 192.0.2.9."),
        ("192.0.2.9,2001:db8::,FR", "a.csv: line 1: 2001:db8:: does not come after 192.0.2.9."),
        ("192.0.2.1/24,FR", "a.csv: line 1: 192.0.2.1/24 has host bits set"),
        ("network,country\n192.0.2,FR", "a.csv: line 2: '192.0.2' does not appear to be an IP"),
        ("192.0.2.0/24,FR\n192.0.2.9,192.0.2.9,DE", "a.csv: lines 1 and 2 have addresses in com"),
        ('"192.0.2.0/24"x,FR', "a.csv: line 1: this is no CSV: "),
    ],
)
def test_what_is_wrong_in_a_file_is_told_by_its_line(text, said):
    with pytest.raises(InvalidInput) as caught:
        read_countries(text.splitlines(), "a.csv")
    assert str(caught.value).startswith(said)


def test_of_a_file_of_another_kind_the_first_mistakes_are_told():
    with pytest.raises(InvalidInput) as caught:
        read_countries(["1,2"] * 500, "a.csv")
    assert str(caught.value).count("\n") == 19
