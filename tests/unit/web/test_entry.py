"""Logging in and out."""

import socket

import pyotp
import pytest

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.database import accounts, audit
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.web import guard
from asterisk_siptrunk.web.guard import COOKIE
from tests.unit.web.conftest import PASSWORD, SECONDS, login_of

ADMIN = login_of(Role.CUSTOMER_ADMIN, "acme")


def test_who_is_not_logged_in_is_asked_to(nobody):
    answer = nobody.get("/customers/acme")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/login?to=%2Fcustomers%2Facme",
    )
    assert "Password" in nobody.get("/login").text


def test_in_and_out(nobody):
    answer = nobody.post("/login", login=ADMIN.upper(), password=PASSWORD, to="/customers/acme")
    assert (answer.status_code, answer.headers["location"]) == (303, "/customers/acme")
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("secure", "httponly", "samesite=lax", "path=/"))
    assert "acme-paris" in nobody.get("/customers/acme").text
    before = nobody.client.cookies[COOKIE]
    assert nobody.post("/logout").headers["location"] == "/login"
    nobody.client.cookies.set(COOKIE, before, domain="testserver.local")
    assert nobody.get("/customers/acme").status_code == 303


@pytest.mark.parametrize("place", ["//evil.example", "/\\evil.example", "https://evil.example", ""])
def test_no_login_leads_elsewhere(nobody, place):
    answer = nobody.post("/login", login=ADMIN, password=PASSWORD, to=place)
    assert answer.headers["location"] == "/"


def test_wrong_passwords_close_the_login_for_longer_each_time(nobody, clock, house):
    for _ in range(5):
        assert nobody.log_in(ADMIN, "wrong").status_code == 422
    assert "is closed until" in nobody.log_in(ADMIN).text
    clock.advance(seconds=2)
    assert nobody.log_in(ADMIN, "wrong").status_code == 422
    clock.advance(seconds=3)
    assert "is closed until" in nobody.log_in(ADMIN).text
    clock.advance(seconds=1)
    assert nobody.log_in(ADMIN).status_code == 303
    with reading(house.engine) as connection:
        told = [entry.change for entry in audit.history(connection, "account", ADMIN)]
    assert told.count("login failed: wrong password") == 6


def test_nobody_learns_who_has_an_account(nobody):
    known, unknown = nobody.log_in(ADMIN, "wrong"), nobody.log_in("x@example", "wrong")
    assert known.status_code == unknown.status_code == 422
    assert known.text.replace(ADMIN, "") == unknown.text.replace("x@example", "")


def test_a_second_factor(nobody, clock, house):
    secret = pyotp.random_base32()
    with transaction(house.engine) as connection:
        accounts.set_second(connection, By("setup", clock.now), ADMIN, secret, 0)
    assert nobody.log_in(ADMIN).status_code == 422
    code = pyotp.TOTP(secret).at(int(clock.now.timestamp()))
    assert nobody.log_in(ADMIN, code=code).status_code == 303
    assert nobody.log_in(ADMIN, code=code).status_code == 422  # each counts once


def test_a_session_ends_by_itself(admin, clock):
    for _ in range(5):
        clock.advance(hours=7)
        assert admin.get("/customers/acme").status_code == 200
    clock.advance(hours=9)
    assert admin.get("/customers/acme").status_code == 303


def test_who_is_disabled_is_out(admin, clock, house, nobody):
    with transaction(house.engine) as connection:
        accounts.change(connection, By("setup", clock.now), ADMIN, disabled=True)
    assert admin.get("/customers/acme").status_code == 303
    assert nobody.log_in(ADMIN).status_code == 422


def test_changes_need_the_word_of_our_own_forms(admin):
    answer = admin.client.post("/logout", data={"form_word": "guessed"})
    assert answer.status_code == 403
    assert admin.get("/customers/acme").status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_no_change_comes_from_another_site(admin, nobody, headers):
    for browser, path in ((admin, "/logout"), (nobody, "/login")):
        assert browser.client.post(path, headers=headers).status_code == 403


def test_headers_keep_other_sites_out(nobody):
    for path in ("/login", "/static/app.css", "/healthz", "/nowhere"):
        headers = nobody.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("place", ["/login", "/logout"])
def test_a_form_is_read_only_so_far(nobody, monkeypatch, place):
    monkeypatch.setattr(guard, "LARGEST_FORM", 100)
    assert nobody.post(place, login="x" * 101).status_code == 413


@pytest.mark.parametrize("place", ["/login", "/logout"])
def test_a_form_is_waited_for_only_so_long(client, monkeypatch, place):
    monkeypatch.setattr(guard, "_BODY_SECONDS", 0.1)
    head = f"POST {place} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with socket.create_connection(("127.0.0.1", client.port), timeout=SECONDS) as peer:
        peer.sendall(f"{head}{kind}a".encode())
        assert peer.recv(100).startswith(b"HTTP/1.1 408 ")


def test_addresses_that_are_none_break_nothing(admin, nobody, clock):
    answer = nobody.client.post("/login", data={}, headers={"Origin": "http://["})
    assert answer.status_code == 403
    clock.advance(minutes=11)
    answer = admin.client.post(
        "/account/password", data={"form_word": admin.word}, headers={"Referer": "http://["}
    )
    assert answer.headers["location"] == "/confirm?to=%2F"
