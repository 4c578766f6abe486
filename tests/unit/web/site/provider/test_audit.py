"""Who changed what, and when."""

from datetime import timedelta

import pytest

from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.web.site.provider.audit import MOST


@pytest.fixture
def noted(house, clock):
    with transaction(house.engine) as connection:
        for number in range(MOST + 1):
            by = By("alice" if number % 2 else "bob", clock.now - timedelta(days=number))
            note(connection, by, "rate", f"deck-{number}", "=1+1" if number == 3 else "changed")


@pytest.mark.usefixtures("noted")
def test_a_page_at_a_time(support):
    page = support.get("/provider/audit?noun=rate").text
    assert "rate deck-50" in page
    assert "rate deck-0<" not in page
    older = page.split('id="older" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "rate deck-0<" in support.get(older).text


@pytest.mark.usefixtures("noted")
@pytest.mark.parametrize(
    ("query", "there", "not_there"),
    [
        ("author=alice", "deck-1<", "deck-2<"),
        ("name=deck-7", "deck-7<", "deck-8<"),
        ("since=2025-11-20", "deck-1<", "deck-9<"),
        ("until=2025-11-20&noun=rate", "deck-9<", "deck-1<"),
        ("noun=carrier", "Nothing was changed", "deck-1<"),
    ],
)
def test_what_is_looked_for(support, query, there, not_there):
    page = support.get(f"/provider/audit?{query}").text
    assert there in page
    assert not_there not in page


@pytest.mark.usefixtures("noted")
def test_all_of_it_for_a_spreadsheet(support):
    answer = support.get("/provider/audit.csv?noun=rate")
    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.text.splitlines()
    assert lines[0] == "at,author,noun,name,change"
    assert len(lines) == 1 + MOST + 1
    assert sum(line.endswith(",'=1+1") for line in lines) == 1  # no formula
