"""Guesses: few at a time, from no place too often, and nobody learns who has an account."""

from threading import Event, Thread

import pytest

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.account.lockout import FREE
from asterisk_siptrunk.bootstrap import Closed
from asterisk_siptrunk.errors import TooBusy
from asterisk_siptrunk.web import turnstile
from asterisk_siptrunk.web.guard import address_of, place_of
from asterisk_siptrunk.web.turnstile import AT_ONCE, WAITING, WRONG, Opened
from tests.unit.web.conftest import PASSWORD, Browser, login_of

ADMIN = login_of(Role.CUSTOMER_ADMIN, "acme")
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def quick(monkeypatch):
    """Passwords that take no time: what is counted here is their number."""
    monkeypatch.setattr(turnstile, "is_right", lambda given, _kept: given == PASSWORD)


def guess(house, place=HERE, login="x@y.example", given="wrong"):
    return house.turnstile.open(place, login, given, None)


@pytest.mark.usefixtures("quick")
def test_a_place_has_so_many_wrong_tries_over_all_accounts(house, clock):
    for number in range(WRONG.burst):
        assert guess(house, login=f"{number}@y.example") is None
    with pytest.raises(TooBusy, match="from your address") as caught:
        guess(house, login=ADMIN, given=PASSWORD)
    assert caught.value.seconds == WRONG.seconds / WRONG.burst
    assert isinstance(guess(house, THERE, ADMIN, PASSWORD), Opened)
    clock.advance(seconds=caught.value.seconds)
    assert isinstance(guess(house, login=ADMIN, given=PASSWORD), Opened)
    guess(house)
    with pytest.raises(TooBusy):
        guess(house)


@pytest.mark.usefixtures("quick")
def test_who_is_right_takes_none_of_them(house):
    for _ in range(WRONG.burst + 1):
        assert isinstance(guess(house, login=ADMIN, given=PASSWORD), Opened)


@pytest.mark.usefixtures("quick")
def test_a_login_that_nobody_has_is_closed_as_others_are(house, clock):
    for login in (ADMIN, "x@y.example"):
        for _ in range(FREE + 1):
            assert guess(house, login=login) is None
        closed = guess(house, login=login)
        assert isinstance(closed, Closed)
        assert (closed.until - clock.now).total_seconds() == 2


def test_few_passwords_are_looked_at_at_once_and_few_wait(house, monkeypatch):
    go, working, most = Event(), [], []

    def slow(*_):
        working.append(1)
        most.append(len(working))
        assert go.wait(10)
        working.pop()
        return True

    monkeypatch.setattr(turnstile, "hash_password", slow)
    threads = [
        Thread(target=house.turnstile.hash, args=("x",), daemon=True)
        for _ in range(AT_ONCE + WAITING)
    ]
    for thread in threads:
        thread.start()
    while house.turnstile._places._value:
        pass
    with pytest.raises(TooBusy, match="Too many people"):
        house.turnstile.hash("x")
    go.set()
    for thread in threads:
        thread.join(10)
    assert max(most) == AT_ONCE
    assert house.turnstile.hash("x")


def test_whoever_has_to_wait_is_told_for_how_long(nobody, house, monkeypatch):
    def refuse(*_):
        raise TooBusy("Too many people log in at this moment.", 7)

    monkeypatch.setattr(house.turnstile, "open", refuse)
    answer = nobody.post("/login", login=ADMIN, password=PASSWORD, to="/customers/acme")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert 'value="/customers/acme"' in answer.text
    assert ADMIN in answer.text


def test_a_page_that_asks_for_the_password_tells_it_too(admin, house, monkeypatch):
    def refuse(*_):
        raise TooBusy("Too many people log in at this moment.", 7)

    monkeypatch.setattr(house.turnstile, "open", refuse)
    answer = admin.post("/account/second/off", password=PASSWORD)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_where_a_wrong_login_leads_is_not_forgotten(nobody):
    answer = nobody.post("/login", login=ADMIN, password="wrong", to="/customers/acme")
    assert 'value="/customers/acme"' in answer.text


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_network_of_ipv6_is_one_place(address, place):
    assert place_of(address) == place


@pytest.mark.parametrize("told", ["192.0.2.7", "no address", "x" * 300])
def test_the_address_of_a_browser_is_kept_if_it_is_one(app, told):
    browser = Browser(app)
    browser.client = type(browser.client)(
        app, base_url="https://testserver", follow_redirects=False, client=(told, 1)
    )
    assert browser.log_in(ADMIN).status_code == 303
    assert ("192.0.2.7" in browser.get("/account").text) is (told == "192.0.2.7")


def test_without_an_address():
    class Request:
        client = None

    assert address_of(Request()) == ""  # type: ignore[arg-type] # nothing else is asked of it
