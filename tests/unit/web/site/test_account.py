"""One's own account: settings, password, second factor, sessions."""

import re

import pyotp
import pytest

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.database import accounts, audit, sessions
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.web.guard import COOKIE
from tests.unit.web.conftest import PASSWORD, login_of

ADMIN = login_of(Role.CUSTOMER_ADMIN, "acme")
NEW = "nine dry umbrellas"


@pytest.fixture
def stored(house):
    """What is kept of acme's admin."""

    def ask():
        with reading(house.engine) as connection:
            return accounts.get(connection, ADMIN)

    return ask


@pytest.fixture
def told(house):
    def ask():
        with reading(house.engine) as connection:
            return [one.change for one in audit.history(connection, "account", ADMIN)]

    return ask


def test_who_one_is(admin):
    page = admin.get("/account").text
    assert ADMIN in page
    assert "Administrator: orders and changes" in page
    assert "With it, who knows your password alone cannot log in." in page


def test_name_language_and_zone(admin, stored, told):
    answer = admin.post("/account", name=" Alice ", language="en", timezone="Asia/Tokyo")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "Your settings are saved." in admin.get("/account").text
    kept = stored()
    assert (kept.name, kept.language, kept.timezone) == ("Alice", "en", "Asia/Tokyo")
    assert told()[0] == "name: Alice, language: en, timezone: Asia/Tokyo"
    assert "1:00" in admin.get("/account").text  # 16:00 UTC, in Tokyo
    before = told()
    admin.post("/account", name="Alice", language="en", timezone="Asia/Tokyo")
    assert told() == before


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"language": "tlh"}, "Choose one of the languages."),
        ({"timezone": "Europe/Pariss"}, "is no time zone"),
        ({"timezone": "../../etc/passwd"}, "is no time zone"),
        ({"timezone": "/etc/passwd"}, "is no time zone"),
        ({"name": "x" * 101}, "one line of at most 100"),
    ],
)
def test_what_cannot_be_is_told(admin, stored, fields, said):
    before = stored()
    answer = admin.post("/account", **fields)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert stored() == before


def change_password(browser, old=PASSWORD, new=NEW, again=NEW):
    return browser.post("/account/password", old=old, new=new, again=again)


def test_a_new_password_leaves_one_logged_in_here_alone(admin, nobody, told):
    assert nobody.log_in(ADMIN).status_code == 303
    before = admin.client.cookies[COOKIE]
    answer = change_password(admin)
    assert answer.status_code == 303
    assert admin.get("/account").status_code == 200
    assert admin.client.cookies[COOKIE] != before
    assert nobody.get("/account").status_code == 303  # the other browser
    assert nobody.log_in(ADMIN).status_code == 422
    assert nobody.log_in(ADMIN, NEW).status_code == 303
    assert "password changed" in told()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"old": "wrong"}, "This address, password or code is wrong."),
        ({"again": "another one!"}, "was not the same twice"),
        ({"new": "short", "again": "short"}, "12 to 256 characters"),
    ],
)
def test_a_password_that_is_not_changed(admin, nobody, given, said):
    answer = change_password(admin, **given)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert nobody.log_in(ADMIN).status_code == 303


def test_the_old_password_is_not_guessed_here(admin):
    for _ in range(5):
        change_password(admin, old="wrong")
    assert "is closed until" in change_password(admin).text


def begin(browser):
    """The secret that the page shows."""
    page = browser.get("/account/second").text
    assert 'src="data:image/svg+xml' in page
    (secret,) = re.findall(r'name="secret" value="(\w+)"', page)
    return secret


def code_of(secret, clock):
    return pyotp.TOTP(secret).at(int(clock.now.timestamp()))


def test_a_second_factor_is_on_when_a_code_has_shown_it(admin, nobody, clock, stored, told):
    secret = begin(admin)
    code = code_of(secret, clock)
    answer = admin.post("/account/second", secret=secret, code="000000", password=PASSWORD)
    assert (answer.status_code, secret in answer.text) == (422, True)
    answer = admin.post("/account/second", secret=secret, code=code, password="wrong")
    assert (answer.status_code, secret in answer.text) == (422, True)
    assert not stored().second
    answer = admin.post("/account/second", secret=secret, code=code, password=PASSWORD)
    assert answer.headers["location"] == "/account"
    assert stored().second
    assert told()[0] == "second factor on"
    assert "A code of your authenticator is asked for" in admin.get("/account").text
    assert nobody.log_in(ADMIN, code=code).status_code == 422  # it was used to set it up
    clock.advance(seconds=30)
    assert nobody.log_in(ADMIN).status_code == 422
    assert nobody.log_in(ADMIN, code=code_of(secret, clock)).status_code == 303


def test_a_secret_of_ones_own_making_is_not_taken(admin, stored, clock):
    short = "A" * 24
    code = code_of(short, clock)
    answer = admin.post("/account/second", secret=short, code=code, password=PASSWORD)
    assert answer.headers["location"] == "/account/second"
    assert not stored().second


def test_it_is_switched_off_by_the_password(admin, clock, stored):
    secret = begin(admin)
    admin.post("/account/second", secret=secret, code=code_of(secret, clock), password=PASSWORD)
    assert admin.get("/account/second").headers["location"] == "/account"
    assert admin.post("/account/second/off", password="wrong").status_code == 422
    assert stored().second
    assert admin.post("/account/second/off", password=PASSWORD).status_code == 303
    assert not stored().second


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("second/off", {"password": PASSWORD}),
        ("password", {"old": PASSWORD, "new": NEW, "again": NEW}),
    ],
)
def test_no_password_alone_does_what_a_code_is_asked_for(admin, clock, stored, what, fields):
    secret = begin(admin)
    admin.post("/account/second", secret=secret, code=code_of(secret, clock), password=PASSWORD)
    clock.advance(minutes=11)
    answer = admin.post(f"/account/{what}", **fields)
    assert answer.headers["location"].startswith("/confirm")
    assert stored().second
    assert admin.post("/confirm", password=PASSWORD, to="/account").status_code == 422
    code = code_of(secret, clock)
    assert admin.post("/confirm", password=PASSWORD, code=code, to="/account").status_code == 303
    assert admin.post(f"/account/{what}", **fields).headers["location"] == "/account"


def numbers(house):
    with reading(house.engine) as connection:
        return [one.id for one in sessions.of_account(connection, accounts.get(connection, ADMIN))]


def test_other_browsers_are_logged_out(admin, nobody, house):
    (own,) = numbers(house)
    assert "Log out everywhere else" not in admin.get("/account").text
    nobody.log_in(ADMIN)
    (other,) = set(numbers(house)) - {own}
    assert "Log out everywhere else" in admin.get("/account").text
    assert admin.post(f"/account/sessions/{other}/close").status_code == 303
    assert nobody.get("/account").status_code == 303
    nobody.log_in(ADMIN)
    admin.post("/account/sessions/close-others")
    assert numbers(house) == [own]
    assert nobody.get("/account").status_code == 303


def test_nobody_closes_the_session_of_another(stranger, admin, house):
    (own,) = numbers(house)
    for number in (own, 10**30):
        assert stranger.post(f"/account/sessions/{number}/close").status_code == 404
    assert admin.get("/account").status_code == 200
