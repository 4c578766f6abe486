"""Who else may log in, and the tokens of programs: of a customer, or of the provider.

Each page stands at two places: `/customers/{customer}/people`, and `/provider/people` for "".
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from starlette.responses import Response

from asterisk_siptrunk.account import Account, Right, Role, Scope
from asterisk_siptrunk.account.login import parse_login, parse_person
from asterisk_siptrunk.account.model import MOST_TOKEN_DAYS
from asterisk_siptrunk.account.password import new_password
from asterisk_siptrunk.account.people import may_lead, roles_at, scopes_from
from asterisk_siptrunk.account.secret import digest, new_token
from asterisk_siptrunk.bootstrap import accounts, customers, tokens
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View

if TYPE_CHECKING:
    from sqlalchemy import Connection

PAGES = Pages()
_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)
F = TypeVar("F", bound=Callable[..., Response])


def _place(customer: str) -> str:
    return f"/customers/{customer}/people" if customer else "/provider/people"


def _post(path: str, *, confirmed: bool = False) -> Callable[[F], F]:
    """Mark what a form does, at both places; only who runs the service changes its people."""

    def mark(function: F) -> F:
        theirs, ours = f"{_place('{customer}')}{path}", f"{_place('')}{path}"
        PAGES.post(ours, Right.RUN, confirmed=confirmed)(function)
        return PAGES.post(theirs, Right.PEOPLE, confirmed=confirmed)(function)

    return mark


@PAGES.get("/provider/people", Right.RUN)
@PAGES.get("/customers/{customer}/people", Right.PEOPLE)
def people(view: View, customer: str = "") -> Response:
    """Everybody, and every token."""
    return _show(view, customer)


@_post("", confirmed=True)
def invite(view: View, customer: str = "") -> Response:
    """Let somebody in, by a password that is shown this once."""
    login, name = parse_login(view.field("login")), parse_person(view.field("name"))
    role, password = _role(view, customer), new_password()
    kept = view.house.turnstile.hash(password)
    with view.changing() as (connection, by):
        _require_place(view, connection, customer)
        accounts.add(
            connection,
            by,
            login=login,
            name=name,
            role=role,
            customer=customer,
            password_hash=kept,
        )
    return _show(view, customer, secret=password, of=login)


@_post("/{account:int}/role", confirmed=True)
def give_role(view: View, account: int, customer: str = "") -> Response:
    """Another role for somebody."""
    role = _role(view, customer)
    with view.changing() as (connection, by):
        found = _other(view, connection, customer, account)
        accounts.change(connection, by, found.login, role=role)
    return view.go(_place(customer), view.say("%(login)s has another role.", login=found.login))


@_post("/{account:int}/access")
def set_access(view: View, account: int, customer: str = "") -> Response:
    """Put somebody out at once, or let in again."""
    disabled = view.field("disabled") == "yes"
    with view.changing() as (connection, by):
        found = _other(view, connection, customer, account)
        accounts.change(connection, by, found.login, disabled=disabled)
    if disabled:
        return view.go(_place(customer), view.say("%(login)s is out.", login=found.login))
    return view.go(_place(customer), view.say("%(login)s may log in again.", login=found.login))


@_post("/{account:int}/password", confirmed=True)
def give_password(view: View, account: int, customer: str = "") -> Response:
    """A new password for somebody who has forgotten it, shown this once."""
    password = new_password()
    kept = view.house.turnstile.hash(password)
    with view.changing() as (connection, by):
        found = _other(view, connection, customer, account)
        accounts.set_password(connection, by, found.login, kept)
    return _show(view, customer, secret=password, of=found.login)


@_post("/{account:int}/second/off", confirmed=True)
def take_second(view: View, account: int, customer: str = "") -> Response:
    """Ask somebody for codes no more, whose authenticator is lost."""
    with view.changing() as (connection, by):
        found = _other(view, connection, customer, account)
        accounts.set_second(connection, by, found.login, None, 0)
    sentence = view.say("No code is asked of %(login)s any more.", login=found.login)
    return view.go(_place(customer), sentence)


@_post("/tokens", confirmed=True)
def make_token(view: View, customer: str = "") -> Response:
    """A token for a program, shown this once."""
    name, days = parse_person(view.field("name")), _days(view)
    scopes, token = _scopes(view, customer), new_token()
    with view.changing() as (connection, by):
        _require_place(view, connection, customer)
        tokens.add(
            connection,
            by,
            name=name,
            customer=customer,
            scopes=scopes,
            expires_at=by.at + timedelta(days=days),
            digest=digest(token),
        )
    return _show(view, customer, token=token, of=name)


@_post("/tokens/{token:int}/revoke")
def revoke_token(view: View, token: int, customer: str = "") -> Response:
    """Let a program in no more, at once."""
    with view.changing() as (connection, by):
        _require_place(view, connection, customer)
        found = tokens.revoke(connection, by, token, customer)
    return view.go(_place(customer), view.say("The token %(name)s is revoked.", name=found.name))


def _show(
    view: View, customer: str, *, secret: str = "", token: str = "", of: str = ""
) -> Response:
    """The page, with what is shown once; for htmx its part alone."""
    with view.reading() as connection:
        _require_place(view, connection, customer)
        everybody = accounts.listed(connection, customer)
        known = tokens.listed(connection, customer)
    part = "hx-request" in view.request.headers
    return view.page(
        "part/people.html" if part else "people.html",
        place=_place(customer),
        customer=customer,
        everybody=everybody,
        leads={one.id for one in everybody if may_lead(view.account, one)},
        roles=roles_at(customer),
        scopes=scopes_from(view.account, customer),
        tokens=known,
        now=view.house.now(),
        most_days=MOST_TOKEN_DAYS,
        secret=secret,
        token=token,
        of=of,
    )


def _require_place(view: View, connection: "Connection", customer: str) -> None:
    """See that the people of this place are for who asks: "" is the provider."""
    if not view.owns(customer):
        raise NotFound(view.say("There is no such page."))
    if customer:
        customers.get(connection, customer)


def _other(view: View, connection: "Connection", customer: str, number: int) -> Account:
    """Somebody of this place whom who asks may lead.

    Raises:
        NotFound: there is nobody of that number here.
        InvalidInput: it is oneself.
    """
    _require_place(view, connection, customer)
    found = accounts.one_of(connection, customer, number)
    if not may_lead(view.account, found):
        raise InvalidInput(view.say("Your own role and access are for somebody else to change."))
    return found


def _role(view: View, customer: str) -> Role:
    given = view.field("role")
    if given not in roles_at(customer):
        raise InvalidInput(view.say("Choose one of the roles."))
    return Role(given)


def _scopes(view: View, customer: str) -> set[Scope]:
    given, may = view.form.getlist("scope"), scopes_from(view.account, customer)
    if any(one not in may for one in given):
        raise InvalidInput(view.say("You cannot make a token for this."))
    return {Scope(str(one)) for one in given}


def _days(view: View) -> int:
    text = view.field("days")
    if _NUMBER.fullmatch(text) and 1 <= int(text) <= MOST_TOKEN_DAYS:
        return int(text)
    sentence = "Give a number of days, 1 to %(most)s."
    raise InvalidInput(view.say(sentence, most=MOST_TOKEN_DAYS))
