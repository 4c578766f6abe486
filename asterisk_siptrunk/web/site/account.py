"""One's own account: name, language, time zone, password, second factor, sessions."""

from functools import cache
from http import HTTPStatus
from zoneinfo import available_timezones

import segno
from starlette.responses import Response

from asterisk_siptrunk.account import Right, second
from asterisk_siptrunk.account.login import parse_person
from asterisk_siptrunk.account.password import check_password
from asterisk_siptrunk.bootstrap import accounts, sessions
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.site.entry import keep_session, not_own_password, open_session
from asterisk_siptrunk.web.view import View
from asterisk_siptrunk.web.words import LANGUAGES

PAGES = Pages()
_PLACE = "/account"
_DOTS = 5
"""Of the screen, for each module of a QR code."""


@cache
def _zones() -> tuple[str, ...]:
    """The time zones that this machine knows, by name."""
    return tuple(sorted(available_timezones()))


@PAGES.get(_PLACE, Right.SEE)
def show(view: View) -> Response:
    """All of it."""
    with view.reading() as connection:
        opened = sessions.of_account(connection, view.account)
    return view.page("account.html", opened=opened, zones=_zones())


@PAGES.post(_PLACE, Right.SEE)
def change(view: View) -> Response:
    """Another name, language or time zone; "" is the browser's, and the provider's."""
    language, zone = view.field("language"), view.field("timezone")
    if language not in {"", *LANGUAGES}:
        raise InvalidInput(view.say("Choose one of the languages."))
    if zone not in {"", *_zones()}:
        sentence = "%(zone)s is no time zone: give one like Europe/Paris."
        raise InvalidInput(view.say(sentence, zone=zone[:80]))
    wanted = {"name": parse_person(view.field("name")), "language": language, "timezone": zone}
    changed = {key: to for key, to in wanted.items() if getattr(view.account, key) != to}
    if changed:
        with view.changing() as (connection, by):
            accounts.change(connection, by, view.account.login, **changed)
    return view.go(_PLACE, view.say("Your settings are saved."))


@PAGES.post(f"{_PLACE}/password", Right.SEE, confirmed=True)
def change_password(view: View) -> Response:
    """Another password: all other browsers are out, and this one goes on."""
    new = _secret_field(view, "new")
    if new != _secret_field(view, "again"):
        raise InvalidInput(view.say("The new password was not the same twice."))
    check_password(new, view.account.login)
    _require_password(view, "old")
    kept = view.house.turnstile.hash(new)
    with view.changing() as (connection, by):
        accounts.set_password(connection, by, view.account.login, kept)
        cookie = open_session(connection, by, view.account, view.request)
    answer = view.go(_PLACE, view.say("Your password is changed; you are logged in here alone."))
    keep_session(answer, cookie)
    return answer


@PAGES.get(f"{_PLACE}/second", Right.SEE)
def set_up_second(view: View) -> Response:
    """A secret for an authenticator; it counts when a code has shown that it is there."""
    if view.account.second:
        return view.go(_PLACE)
    return _second_page(view, second.new_secret())


@PAGES.post(f"{_PLACE}/second", Right.SEE)
def second_on(view: View) -> Response:
    """Ask for codes from now on, if this one is right."""
    secret, now = view.field("secret"), view.house.now().timestamp()
    if view.account.second or not second.is_secret(secret):
        return view.go(f"{_PLACE}/second")
    step = second.step_of(secret, view.field("code"), now, used=0)
    if step is None:
        wrong = view.say("This code is wrong. Is the clock of your telephone right?")
        return _second_page(view, secret, wrong)
    if wrong := not_own_password(view, _secret_field(view, "password")):
        return _second_page(view, secret, wrong)
    with view.changing() as (connection, by):
        accounts.set_second(connection, by, view.account.login, secret, step)
    return view.go(_PLACE, view.say("From now on a code is asked for when you log in."))


@PAGES.post(f"{_PLACE}/second/off", Right.SEE, confirmed=True)
def second_off(view: View) -> Response:
    """Ask for codes no more; a password alone, without a code given lately, is not enough."""
    _require_password(view, "password")
    with view.changing() as (connection, by):
        accounts.set_second(connection, by, view.account.login, None, 0)
    return view.go(_PLACE, view.say("No code is asked for any more."))


@PAGES.post(f"{_PLACE}/sessions/{{session:int}}/close", Right.SEE)
def close_session(view: View, session: int) -> Response:
    """Log another browser out."""
    with view.changing() as (connection, by):
        sessions.close_one(connection, by, view.account, session)
    return view.go(_PLACE, view.say("That browser is logged out."))


@PAGES.post(f"{_PLACE}/sessions/close-others", Right.SEE)
def close_others(view: View) -> Response:
    """Log all other browsers out."""
    with view.changing() as (connection, by):
        sessions.close_others(connection, by, view.session)
    return view.go(_PLACE, view.say("You are logged in here alone."))


def _secret_field(view: View, name: str) -> str:
    """A field as it was typed: spaces may belong to a password."""
    return str(view.form.get(name, ""))


def _require_password(view: View, name: str) -> None:
    if wrong := not_own_password(view, _secret_field(view, name)):
        raise InvalidInput(wrong)


def _second_page(view: View, secret: str, wrong: str = "") -> Response:
    issuer = view.house.settings.provider.name
    code = segno.make(second.address(secret, view.account.login, issuer), micro=False)
    return view.page(
        "second.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        # White around it: authenticators read no code on a dark ground.
        picture=code.svg_data_uri(scale=_DOTS, light="white"),
        secret=secret,
        wrong=wrong,
    )
