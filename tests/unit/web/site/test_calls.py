"""Calls: searched, listed, exported, and each from INVITE to hangup."""

import csv
import re
from datetime import timedelta
from html import unescape
from io import StringIO

import pytest
from sqlalchemy import insert

from asterisk_siptrunk.call import Reason
from asterisk_siptrunk.call.fault import Party
from asterisk_siptrunk.database import calls
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import rated_call, subscription
from asterisk_siptrunk.destination import Kind
from asterisk_siptrunk.web.site import calls as pages
from tests.unit.web.site.rows import add_call, add_carrier, add_live, add_refused

PAGE = "/trunks/acme-paris/calls"


def see(browser, path=PAGE, **headers):
    answer = browser.get(path, **headers)
    assert answer.status_code == 200, answer.text
    return " ".join(unescape(answer.text).split())


def ago(clock, **length):
    return clock.now - timedelta(**length)


def listed(text):
    """The numbers of the calls in a list, in its order."""
    return [int(number) for number in re.findall(r'href="/calls/(\d+)"', text)]


def test_the_newest_first(user, house, clock):
    numbers = [add_call(house, ago(clock, minutes=back)) for back in (3, 1, 2)]
    add_call(house, clock.now, "bolt-paris")
    assert listed(see(user)) == [numbers[1], numbers[2], numbers[0]]


def test_nothing_is_there_yet(user):
    text = see(user)
    assert "There was no call on this trunk yet." in text
    assert "ASR" not in text
    assert "No call is like that." in see(user, f"{PAGE}?result=answered")


@pytest.fixture
def several(house, clock):
    """One call of each sort, by what it is."""
    return {
        "answered": add_call(house, ago(clock, minutes=1)),
        "inbound": add_call(
            house,
            ago(clock, days=1),
            direction="inbound",
            caller="+33987654321",
            presented="+33987654321",
            dialled="0123456789",
            callee="+33123456789",
        ),
        "unanswered": add_call(house, ago(clock, minutes=2), answered_at=None),
        "live": add_live(
            house, ago(clock, minutes=3), callee="+4930123456", dialled="004930123456"
        ),
        "ringing": add_live(house, ago(clock, minutes=4), answered_at=None),
        "full": add_refused(house, ago(clock, minutes=5)),
        "blocked": add_refused(house, ago(clock, minutes=6), "destination-blocked"),
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("result=answered", "answered live inbound"),
        ("result=unanswered", "unanswered"),
        ("result=live", "live ringing"),
        ("result=refused", "full blocked"),
        ("result=full", "full"),
        ("result=destination-blocked", "blocked"),
        ("direction=inbound", "inbound"),
        ("direction=outbound&result=answered", "answered live"),
        # In whatever form it is written, and not by its whole length.
        ("number=%2B4930+123456", "live"),
        ("number=004930123456", "live"),
        ("number=030-123456", "live"),
        ("number=3456&direction=outbound", "live"),
        ("number=0987654321", "inbound"),
        ("since=2025-11-24&result=answered", "answered live"),
        ("until=2025-11-23", "inbound"),
        ("since=2025-11-23&until=2025-11-23", "inbound"),
        ("since=2025-11-25", ""),
    ],
)
def test_what_is_searched_for(user, several, query, found):
    assert listed(see(user, f"{PAGE}?{query}")) == [several[name] for name in found.split()]
    page = see(user, f"{PAGE}?{query}")
    field, _, value = query.partition("&")[0].partition("=")
    if field in {"since", "until"}:
        assert f'value="{value}"' in page
    elif field != "number":
        assert f'<option value="{value}" selected>' in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("since=yesterday", "yesterday is no day."),
        ("until=9999-12-31", "9999-12-31 is no day."),
        ("number=me", "me is no number: give its last digits."),
        ("direction=up", "up is no direction."),
        ("result=good", "good is no result of a call."),
        ("before=1", "This address leads nowhere"),
        ("before=1-x", "This address leads nowhere"),
        ("before=999999999999999999-1", "This address leads nowhere"),
    ],
)
def test_what_cannot_be_searched_for(user, query, said):
    answer = user.get(f"{PAGE}?{query}")
    assert (answer.status_code, said in answer.text) == (422, True)
    assert user.get(f"{PAGE}.csv?{query}").status_code == 422


def test_asr_and_acd_of_what_was_found(user, several):
    # Answered: 3 of 4 that are decided; 60 s each; the one that goes on has no length yet.
    assert several
    text = see(user)
    assert "Of these 7 calls: " in text
    assert "<strong>75%</strong>" in text
    assert "<strong>1:00</strong>" in text
    assert "2 refused" in text
    only = see(user, f"{PAGE}?result=refused")
    assert "Of these 2 calls:" in only
    assert only.count("<strong>\N{EN DASH}</strong>") == 2


def test_sums_are_of_so_many_at_most(user, several, monkeypatch):
    assert several
    monkeypatch.setattr(pages, "MOST_SUMMED", 3)
    assert "Of the newest 3 calls:" in see(user)


def link(text, title):
    found = re.search(rf'href="([^"]*)"[^>]*>{title}</a>', text)
    return found and found[1]


def all_pages(browser, path):
    """The calls of each page, gone through by its links."""
    found = []
    while path:
        text = see(browser, path)
        found.append(listed(text))
        path = link(text, "(?:Older calls|Look on)")
    return found


def test_older_calls_by_pages(user, house, clock, monkeypatch):
    monkeypatch.setattr(pages, "ONE_PAGE", 2)
    # Three of them began in the same microsecond.
    numbers = [add_call(house, ago(clock, minutes=back)) for back in (1, 2, 2, 2, 3)]
    first, second, third, fourth, fifth = numbers
    assert all_pages(user, PAGE) == [[first, fourth], [third, second], [fifth]]
    text = see(user, link(see(user), "Older calls"))
    assert link(text, "The newest") == f"{PAGE}?"


def test_pages_keep_to_what_was_searched_for(user, house, clock, monkeypatch):
    monkeypatch.setattr(pages, "ONE_PAGE", 1)
    for back in range(4):
        add_call(house, ago(clock, minutes=back))
    numbers = [add_refused(house, ago(clock, minutes=back)) for back in range(3)]
    assert all_pages(user, f"{PAGE}?result=refused") == [[number] for number in numbers]


def test_a_search_for_what_is_rare_goes_on_by_steps(user, house, clock, monkeypatch):
    monkeypatch.setattr(calls, "_SEARCHED_AT_ONCE", 3)
    rare = add_refused(house, ago(clock, minutes=9))
    for back in (1, 2, 3, 4, 5, 5, 5):
        add_call(house, ago(clock, minutes=back))
    rarest = add_refused(house, ago(clock, minutes=5))
    # Looked through three by three: minutes 1 to 3; 4 and two of 5, of which the refused one has
    # the highest number; the two others of 5, and the oldest.
    assert all_pages(user, f"{PAGE}?result=refused") == [[], [rarest], [rare], []]
    text = see(user, f"{PAGE}?result=refused")
    assert "Nothing was found among the calls looked through so far." in text
    assert "ASR" not in text


def test_a_part_for_htmx_and_a_page_without(user):
    assert "<html" in see(user)
    assert see(user, **{"HX-Request": "true"}).startswith('<div id="found"')


# --- the file ---


def rows_of(browser, query=""):
    answer = browser.get(f"{PAGE}.csv{query}")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="acme-paris-calls.csv"'
    return list(csv.DictReader(StringIO(answer.text)))


def test_all_that_was_found_as_a_file(user, house, clock, monkeypatch):
    monkeypatch.setattr(pages, "_ROWS_AT_ONCE", 2)
    numbers = [add_call(house, ago(clock, minutes=back)) for back in range(5)]
    add_refused(house, clock.now)
    rows = rows_of(user, "?result=answered")
    assert [int(row["id"]) for row in rows] == numbers
    assert (
        rows[0]
        | {
            "started_at": "2025-11-24T16:00:00.000000Z",
            "answered_at": "2025-11-24T16:00:05.000000Z",
            "billable": "60.0",
            "withheld": "false",
            "callee": "+33612345678",
            "user_agent": "FPBX-16",
        }
        == rows[0]
    )


def test_no_formula_of_a_stranger_gets_into_it(user, house, clock):
    add_call(house, clock.now, user_agent="=HYPERLINK()")
    (row,) = rows_of(user)
    assert row["user_agent"] == "'=HYPERLINK()"


def test_an_empty_file_has_its_head(user):
    assert user.get(f"{PAGE}.csv").text.startswith("id,started_at,")


def test_carriers_are_for_the_provider_alone(user, support, house, clock):
    carrier = add_carrier(house)
    numbers = [
        add_call(house, clock.now, carrier_id=carrier),
        add_refused(
            house, clock.now, "carriers-full", facts="all channels are taken at secretcarrier"
        ),
    ]
    paths = [PAGE, f"{PAGE}.csv", *(f"/calls/{number}" for number in numbers)]
    assert [path for path in paths if "secretcarrier" in user.get(path).text] == []
    assert [path for path in paths if "secretcarrier" in support.get(path).text] == paths[1:]


# --- one call ---


def test_the_course_of_a_call(user, house, clock):
    number = add_call(house, ago(clock, hours=1))
    text = see(user, f"/calls/{number}")
    steps = re.findall(
        r"<strong>([^<]*)</strong> <time[^>]*>([^<]*)</time>(?: <span[^>]*>([^<]*))?", text
    )
    assert steps == [
        ("Your PBX asked for the call.", "24/11/2025, 16:00", ""),
        ("It rang.", "16:00:02", "2 s later"),
        ("Answered.", "16:00:05", "3 s later"),
        ("Hung up.", "16:01:05", "1:00 later"),
    ]
    for said in (
        "The call was within the trunk's terms.",
        "1 of 10 channels in use",
        "The call was hung up.",
        "(cause 16 of Q.850)",
        "<dd>0123456789</dd>",
        "<dd>+33123456789</dd>",
        "<dd>+33612345678</dd>",
        "<dd>France: mobile</dd>",
        "<dd>FPBX-16</dd>",
        "<dd>alaw</dd>",
        "<dd>lab</dd>",
        "<dt>Spoken</dt><dd>1:00</dd>",
    ):
        assert said in text, said
    assert "Whose doing" not in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answered_at": None, "hangup_cause": 17}, "The number was busy."),
        ({"answered_at": None, "hangup_cause": 17}, "Whose doing it is: the called party's."),
        ({"answered_at": None, "hangup_cause": 34}, "the network's that we handed the call to"),
        ({"answered_at": None, "ringing_at": None, "hangup_cause": 1}, "or the terms of the trunk"),
        ({"answered_at": None, "hangup_cause": None}, "Nobody told why it ended."),
        ({"direction": "inbound"}, "The call came in."),
        ({"withheld": True}, "(withheld)"),
        ({"zone": ""}, "Codec"),
    ],
)
def test_how_calls_end(user, house, clock, changes, said):
    number = add_call(house, clock.now, **changes)
    assert said in see(user, f"/calls/{number}")


def test_one_that_was_refused(user, house, clock):
    number = add_refused(house, clock.now, facts="10 of 10 channels in use")
    text = see(user, f"/calls/{number}")
    assert "All the channels that this call may use are taken." in text
    assert "10 of 10 channels in use" in text
    assert "<strong>Refused.</strong>" in text
    assert "How it ended" not in text


def test_one_that_goes_on(user, house, clock):
    number = add_live(house, clock.now)
    text = see(user, f"/calls/{number}")
    assert "Going on now" in text
    assert "Hung up." not in text


def test_what_a_call_cost(user, house, clock):
    number = add_call(house, clock.now)
    assert "Price" not in see(user, f"/calls/{number}")
    agreed = {
        "id": 1,
        "trunk_id": 1,
        "offer": "packs",
        "currency": "EUR",
        "period": "calendar",
        "began": clock.now.date(),
        "turns_at": clock.now,
    }
    # 37 s at 0.0125 a minute: 37 / 60 of 12,500 millionths = 7,708 and a third, in sixtieths.
    rated = {
        "call_id": number,
        "subscription_id": 1,
        "period": clock.now.date(),
        "rate": "France mobile",
        "seconds": 37,
        "included": 23,
        "cost": 37 * 12_500,
    }
    with transaction(house.engine) as connection:
        connection.execute(insert(subscription).values(agreed))
        connection.execute(insert(rated_call).values(rated))
    text = see(user, f"/calls/{number}")
    assert "€0.0077 " in text
    assert "France mobile; 0:23 included in the plan" in text


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 18, "9" * 30, "lab-1764000000.1"])
def test_calls_that_are_not_there(user, support, house, clock, number):
    add_call(house, clock.now)
    for browser in (user, support):
        answer = browser.get(f"/calls/{number}")
        assert answer.status_code == 404
        assert "There is no call" in answer.text


def test_nobody_sees_anothers(stranger, support, nobody, house, clock):
    number = add_call(house, clock.now)
    for path in (PAGE, f"{PAGE}.csv", f"/calls/{number}"):
        assert stranger.get(path).status_code == 404
        assert nobody.get(path).status_code == 303
        assert support.get(path).status_code == 200
    missing = stranger.get(f"/calls/{number + 1}").text
    assert stranger.get(f"/calls/{number}").text == missing.replace(
        f"call {number + 1}", f"call {number}"
    )


def test_a_call_of_no_trunk_is_the_providers(user, support, house, clock):
    number = add_refused(house, clock.now, "unknown-trunk", trunk_id=None)
    assert user.get(f"/calls/{number}").status_code == 404
    assert "No trunk of that name is known." in see(support, f"/calls/{number}")


def test_every_party_and_kind_has_its_words():
    assert set(pages._FAULTS) == set(Party)
    assert set(pages._KINDS) == {kind.value for kind in Kind}


def test_every_reason_of_a_refusal_can_be_searched_for(user):
    text = see(user)
    for reason in Reason:
        assert (f'<option value="{reason.value}">' in text) is (reason.cause is not None)
