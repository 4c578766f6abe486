"""Connecting a PBX: its secret, its addresses, and the test that says what is wrong."""

import html
import re
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from asterisk_siptrunk.call import RegistrationChange
from asterisk_siptrunk.call.security import SecurityCount
from asterisk_siptrunk.call.server import Vitals
from asterisk_siptrunk.database import (
    audit,
    pbxs,
    rollout,
    security,
    servers,
    trunks,
    usage,
)
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.notice.model import Ways
from asterisk_siptrunk.trunk import Trunk, TrunkKind, digest
from asterisk_siptrunk.trunk.pbx import PbxState
from asterisk_siptrunk.web.site.connect import TEST_SECONDS
from tests.unit.database.shop import BUSINESS
from tests.unit.web.conftest import NOW
from tests.unit.web.site.rows import call_of

PAGE = "/trunks/acme-paris/connect"
NO_NOTICES = Business(BUSINESS.office, Ways(mail=False, webhook=False))


def change(house, function, *arguments, **values):
    with transaction(house.engine) as connection:
        return function(connection, By("setup", house.now()), *arguments, **values)


def read(house, function, *arguments):
    with reading(house.engine) as connection:
        return function(connection, *arguments)


def beat(house, name):
    vitals = Vitals("0.1.0", house.now(), 50, "up", house.now())
    with transaction(house.engine) as connection:
        return servers.beat(connection, name, vitals, (), house.now())


def registers(house, *, agent="Asterisk PBX 22.1", contact="192.0.2.7:5060", trunk="acme-paris"):
    change_ = RegistrationChange(trunk, registered=True, at=house.now(), contact=contact)
    with transaction(house.engine) as connection:
        told = [replace(change_, user_agent=agent)]
        usage.note_registrations(connection, "lab", told)


def text_of(answer):
    """What a reader reads: without markup, on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


# --- the page ---


def test_who_has_nothing_yet_reads_what_to_enter(admin, provider, house):
    assert "set address of [asterisk]" in provider.get(PAGE).text
    page = text_of(admin.get(PAGE))
    assert "trunk-acme-paris" in page
    assert "UDP" in page
    assert "Your provider will tell you." in page  # [asterisk] address is not set
    assert "No PBX has registered yet." in page
    assert "No server is in service now" in page
    beat(house, "lab")
    assert "All servers go by this." in text_of(admin.get(PAGE))


@pytest.mark.parametrize(
    ("address", "shown"),
    [("sip.provider.example", "sip.provider.example:5060"), ("2001:db8::1", "[2001:db8::1]:5060")],
)
def test_where_the_pbx_finds_us(admin, house, address, shown):
    here = replace(house.settings.asterisk, address=address)
    house.settings = replace(house.settings, asterisk=here)
    for answer in (admin.get(PAGE), admin.post(f"{PAGE}/credentials", grace="0")):
        assert f">{shown}</code>" in answer.text


def test_what_is_registered_where_and_what_it_calls_itself(admin, house):
    registers(house)
    page = text_of(admin.get(PAGE))
    assert "lab registered 192.0.2.7:5060 Asterisk PBX 22.1" in page
    assert "Asterisk (PJSIP), 18 and later yours tested" in page
    assert "Not on the list" not in page
    registers(house, agent="Homegrown 1", contact="192.0.2.8:5060")
    page = text_of(admin.get(PAGE))
    assert "Not on the list below: it may work, without guarantee." in page
    assert "yours" not in page


def test_one_that_left_the_list_is_told_with_its_date(admin, house, clock):
    registers(house, agent="FPBX-16.0(18.9)")
    today = clock.now.date()
    gone = {"state": PbxState.REMOVED, "note": "Nobody maintains it."}
    change(house, pbxs.change, NO_NOTICES, "FreePBX (chan_pjsip)", today, **gone)
    page = text_of(admin.get(PAGE))
    assert "FPBX-16.0(18.9) removed Nobody maintains it." in page
    assert "FreePBX (chan_pjsip) yours removed 24 November 2025 Nobody maintains it." in page


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("freepbx", "pjsip Settings"),
        ("3cx", "3CX: Voice"),
        ("asterisk", "type = registration"),
        ("generic", "settings for your PBX"),
        ("'; drop", "settings for your PBX"),
    ],
)
def test_ready_settings(admin, asked, words):
    page = admin.client.get(f"{PAGE}/settings", params={"pbx": asked})
    assert words in page.text
    assert "trunk-acme-paris" in page.text


def test_the_settings_that_suit_the_pbx_that_is_there_come_first(admin, house):
    registers(house, agent="3CXPhoneSystem 20.0")
    assert "3CX: Voice" in admin.get(PAGE).text


def test_a_trunk_that_does_not_register(admin, house):
    own = Trunk(
        *(0, "acme-lyon", "acme", TrunkKind.ADDRESS),
        channels=2,
        country="FR",
        addresses=(ip_network("192.0.2.9"),),
        contact="192.0.2.9",
    )
    change(house, trunks.add, own, None)
    page = admin.get("/trunks/acme-lyon/connect").text
    assert "your PBX is known by its address" in page
    assert "192.0.2.9" in page
    assert "rotate-form" not in page
    assert "addresses-form" not in page
    for what in ("credentials", "addresses"):
        answer = admin.post(f"/trunks/acme-lyon/connect/{what}", grace="0", addresses="")
        assert answer.status_code == 422
        assert "does not register" in answer.text


def test_a_trunk_for_the_server_s_own_phones(admin, house):
    own = Trunk(
        *(0, "acme-desk", "acme", TrunkKind.LOCAL),
        channels=2,
        country="FR",
        inbound_context="phones",
    )
    change(house, trunks.add, own, None)
    page = admin.get("/trunks/acme-desk/connect")
    assert page.status_code == 200
    assert "for the phones of the server itself" in page.text


# --- a new password ---


def test_a_secret_is_shown_once_and_the_one_before_works_on(admin, house, clock):
    before = read(house, trunks.credentials_of, "acme-paris")
    pulse = beat(house, "lab")
    answer = admin.post(f"{PAGE}/credentials", grace="24h")
    assert answer.headers["cache-control"] == "no-store"
    (secret,) = re.findall(r'<code id="secret">(\w{24})</code>', answer.text)
    now = read(house, trunks.credentials_of, "acme-paris")
    assert now == digest("trunk-acme-paris", "siptrunk", secret)
    kept = read(house, trunks.grace_of, "acme-paris")
    assert (kept.credentials, kept.until) == (before, clock.now + timedelta(days=1))
    assert "Works until 25/11/2025, 17:00" in text_of(answer)
    for path in (PAGE, f"{PAGE}?pbx=asterisk", "/customers/acme"):
        assert secret not in admin.get(path).text
    assert "The one before works until 25/11/2025, 17:00." in text_of(admin.get(PAGE))
    assert beat(house, "lab").config_wanted == pulse.config_wanted + 1
    (last, *_) = read(house, audit.history, "trunk", "acme-paris")
    assert last.author == "customer-admin@acme.example"
    assert last.change.startswith("secret rotated; the one before works until 2025-11-25")


def test_without_a_grace_the_one_before_stops(admin, house):
    admin.post(f"{PAGE}/credentials", grace="24h")
    answer = admin.post(f"{PAGE}/credentials", grace="0")
    assert "Stops as soon as the servers go by the new one." in text_of(answer)
    assert read(house, trunks.grace_of, "acme-paris") is None


def test_it_is_told_when_all_servers_go_by_it(admin, house):
    for name in ("one", "two"):
        beat(house, name)
    answer = admin.post(f"{PAGE}/credentials", grace="1h")
    assert "The last change is on its way to one, two." in text_of(answer)
    (place,) = re.findall(r'hx-get="([^"]*/applied\?number=1)&amp;known=0-2-0"', answer.text)
    known = admin.get(f"{place}&known=0-2-0")
    assert (known.text, known.headers["hx-reswap"]) == ("", "none")
    with transaction(house.engine) as connection:
        rollout.followed(connection, "one", 1, "new")
    assert "on its way to two." in text_of(admin.get(place))
    with transaction(house.engine) as connection:
        rollout.failed(connection, "two", 1, "secret words of the provider's")
    told = admin.get(place).text
    assert "two could not take the last change over" in told
    assert "secret words" not in told
    assert "hx-get" not in told
    with transaction(house.engine) as connection:
        rollout.followed(connection, "two", 1, "new")
        rollout.ask(connection)  # somebody else's
    assert "All servers go by this." in text_of(admin.get(place))


@pytest.mark.parametrize("grace", ["", "99d", "x"])
def test_a_grace_that_is_no_choice_changes_nothing(admin, house, grace):
    before = read(house, trunks.credentials_of, "acme-paris")
    assert admin.post(f"{PAGE}/credentials", grace=grace).status_code == 422
    assert read(house, trunks.credentials_of, "acme-paris") == before


def test_an_ended_trunk_gets_no_secret(admin, house):
    change(house, trunks.change, "acme-paris", ended=True)
    assert admin.post(f"{PAGE}/credentials", grace="0").status_code == 422
    page = admin.get(PAGE).text
    assert "This trunk has ended" in page
    assert "rotate-form" not in page


# --- addresses ---


def test_addresses_are_allowed_and_all_are_again(admin, house):
    answer = admin.post(f"{PAGE}/addresses", addresses="192.0.2.7\n198.51.100.0/24, 2001:db8::1")
    assert answer.headers["location"] == PAGE
    expected = tuple(map(ip_network, ("192.0.2.7", "198.51.100.0/24", "2001:db8::1")))
    assert read(house, trunks.get, "acme-paris").addresses == expected
    assert beat(house, "lab").config_wanted == 1
    assert "192.0.2.7/32" in admin.get(PAGE).text
    admin.post(f"{PAGE}/addresses", addresses="")
    assert read(house, trunks.get, "acme-paris").addresses == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("192.0.2.7/24", "for the network give 192.0.2.0/24"),
        ("pbx.example", "is no IP address"),
        (" ".join(f"192.0.2.{n}" for n in range(51)), "50 networks at most"),
    ],
    ids=["host-bits", "name", "many"],
)
def test_addresses_that_are_none_are_refused(admin, house, given, said):
    answer = admin.post(f"{PAGE}/addresses", addresses=given)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert read(house, trunks.get, "acme-paris").addresses == ()


# --- who may ---


@pytest.mark.parametrize("what", ["", "/settings", "/applied", "/test"])
def test_a_stranger_finds_nothing(stranger, user, what):
    assert stranger.get(PAGE + what).status_code == 404
    assert user.get(PAGE + what).status_code == 200


@pytest.mark.parametrize("what", ["credentials", "addresses"])
def test_changes_are_for_those_who_manage(user, stranger, house, what):
    before = read(house, trunks.get, "acme-paris").version
    assert user.post(f"{PAGE}/{what}", grace="0", addresses="").status_code == 403
    assert stranger.post(f"{PAGE}/{what}", grace="0", addresses="").status_code == 404
    page = user.get(PAGE).text
    assert "rotate-form" not in page
    assert "addresses-form" not in page
    assert read(house, trunks.get, "acme-paris").version == before


@pytest.mark.parametrize("what", ["credentials", "addresses"])
def test_and_who_gave_their_password_lately(admin, house, clock, what):
    before = read(house, trunks.get, "acme-paris").version
    clock.advance(minutes=11)
    asked = admin.post(f"{PAGE}/{what}", grace="0", addresses="")
    assert asked.headers["location"].startswith("/confirm")
    assert read(house, trunks.get, "acme-paris").version == before


# --- the test ---


@pytest.fixture
def watch(admin, clock):
    """Begins a test; each call of it looks again."""
    began = int(clock.now.timestamp())
    admin.client.get(f"{PAGE}/test", headers={"HX-Request": "true"})

    def look():
        answer = admin.client.get(
            f"{PAGE}/test", params={"since": str(began)}, headers={"HX-Request": "true"}
        )
        assert "<html" not in answer.text
        return answer

    return look


def attempt(house, kind, account="trunk-acme-paris", source="192.0.2.7", trunk="acme-paris"):
    at = house.now()
    hour = at.replace(minute=0, second=0)
    counted = SecurityCount(hour, source, account, trunk, kind, 1, at, at)
    with transaction(house.engine) as connection:
        security.record(connection, "lab", [counted])


def test_nothing_has_arrived(watch, clock):
    assert "Nothing has arrived yet." in watch().text
    assert "every 2s" in watch().text
    clock.advance(seconds=TEST_SECONDS)
    over = watch().text
    assert "every 2s" not in over
    assert "Look whether it has the right server and port" in over


def test_what_is_read_already_is_not_read_out_again(admin, watch, house, clock):
    def next_look(answer):
        (place,) = re.findall(r'hx-get="([^"]*)"', answer.text)
        return admin.get(html.unescape(place), **{"HX-Request": "true"})

    first = watch()
    assert next_look(first).headers["hx-reswap"] == "none"
    registers(house)
    second = next_look(first)
    assert "Registered from" in second.text
    assert next_look(second).headers["hx-reswap"] == "none"
    clock.advance(seconds=TEST_SECONDS)
    assert "The test is over." in next_look(second).text


def test_without_scripts_it_is_a_page(admin):
    page = admin.get(f"{PAGE}/test").text
    assert "<h1>Test the connection of acme-paris</h1>" in page
    assert "Watching since" in page


def test_a_pbx_that_registers(watch, house, clock):
    registers(house)
    clock.advance(seconds=5)
    assert "Registered from 192.0.2.7:5060 by Asterisk PBX 22.1. Now make a call" in text_of(
        watch()
    )


def test_a_pbx_that_does_not_say_what_it_is(watch, house):
    registers(house, agent="")
    assert "Registered from 192.0.2.7:5060. Now make a call" in text_of(watch())


def test_a_pbx_that_registers_where_it_need_not(admin, house):
    own = Trunk(
        *(0, "acme-lyon", "acme", TrunkKind.ADDRESS),
        channels=2,
        country="FR",
        addresses=(ip_network("192.0.2.9"),),
        contact="192.0.2.9",
    )
    change(house, trunks.add, own, None)
    attempt(house, "InvalidAccountID", account="me", source="192.0.2.9", trunk="")
    told = text_of(admin.get("/trunks/acme-lyon/connect/test"))
    assert "Unknown user name me, from 192.0.2.9. The PBX is known by its address alone" in told


def test_a_pbx_that_was_there_before_is_told_apart(admin, house, clock):
    registers(house)
    clock.advance(seconds=60)
    told = text_of(admin.client.get(f"{PAGE}/test", headers={"HX-Request": "true"}))
    assert "Nothing has arrived yet." in told
    assert "It is registered at lab, from 192.0.2.7:5060 since" in told


def test_one_that_nobody_helps_with(watch, house, clock):
    today = clock.now.date()
    change(house, pbxs.change, NO_NOTICES, "3CX", today, state=PbxState.UNSUPPORTED)
    registers(house, agent="3CXPhoneSystem 20")
    assert "3CX is on the list as one that nobody helps with." in text_of(watch())


def test_one_that_went(watch, house):
    registers(house)
    with transaction(house.engine) as connection:
        gone = RegistrationChange("acme-paris", registered=False, at=house.now())
        usage.note_registrations(connection, "lab", [gone])
    assert "The PBX is registered no more." in text_of(watch())


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("ChallengeResponseFailed", {}, "Wrong password, from 192.0.2.7. The user name is right."),
        ("FailedACL", {}, "192.0.2.7 is not one of the allowed addresses."),
        ("RequestNotSupported", {}, "A request from 192.0.2.7 was refused."),
        (
            "InvalidAccountID",
            {"account": "acme-paris", "trunk": ""},
            "Unknown user name acme-paris, from 192.0.2.7. The user name is trunk-acme-paris.",
        ),
        (
            "InvalidAccountID",
            {"trunk": ""},
            "Unknown user name trunk-acme-paris, from 192.0.2.7. The trunk is not on the servers",
        ),
    ],
    ids=["password", "address", "other", "name", "not-applied"],
)
def test_what_is_wrong_with_a_request(watch, house, kind, values, said):
    attempt(house, kind, **values)
    assert said in text_of(watch())


def test_what_was_before_the_test_and_what_strangers_try_are_not_told(watch, house, clock):
    clock.advance(seconds=-30)
    attempt(house, "ChallengeResponseFailed")
    clock.advance(seconds=60)
    attempt(house, "InvalidAccountID", account="admin", source="203.0.113.5", trunk="")
    attempt(house, "ChallengeResponseFailed", account="trunk-bolt-paris", trunk="bolt-paris")
    assert "Nothing has arrived yet." in watch().text


def test_an_unknown_name_from_the_pbx_s_own_address_is_told(watch, house):
    registers(house, contact="203.0.113.5:5060")
    attempt(house, "InvalidAccountID", account="me", source="203.0.113.5", trunk="")
    attempt(house, "InvalidAccountID", account="me", source="no address", trunk="")
    assert text_of(watch()).count("Unknown user name me, from 203.0.113.5") == 1


def test_who_allows_everywhere_is_not_told_what_others_try(admin, watch, house):
    assert admin.post(f"{PAGE}/addresses", addresses="0.0.0.0/1 128.0.0.0/1").status_code == 303
    attempt(house, "InvalidAccountID", account="bolts-pbx", source="203.0.113.5", trunk="")
    assert "bolts-pbx" not in watch().text


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("admitted", "A call to +33612345678 passed."),
        ("channels-full", "A call to +33612345678 was refused. All the channels that this call"),
    ],
)
def test_a_call(watch, house, reason, said):
    number = call_of(house, reason=reason)
    told = watch()
    assert said in text_of(told)
    assert f'href="/calls/{number}"' in told.text


@pytest.mark.parametrize("since", ["x", "9" * 11, "-1", str(NOW - 3600), str(NOW + 60)])
def test_a_time_that_no_test_has_begins_one(admin, since):
    answer = admin.client.get(f"{PAGE}/test", params={"since": since}, headers={"HX-Request": "1"})
    assert f"since={NOW}" in answer.text
