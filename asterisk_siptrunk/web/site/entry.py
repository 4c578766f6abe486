"""Logging in and out: the only pages for those who are not logged in."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from asterisk_siptrunk.account import Account, Right
from asterisk_siptrunk.account.model import LONGEST
from asterisk_siptrunk.account.secret import digest, new_session
from asterisk_siptrunk.bootstrap import By, Closed, sessions
from asterisk_siptrunk.errors import SiptrunkError, TooBusy
from asterisk_siptrunk.web.guard import (
    COOKIE,
    address_of,
    form_of,
    is_from_elsewhere,
    own_path,
    place_of,
)
from asterisk_siptrunk.web.pages import Pages, Site
from asterisk_siptrunk.web.turnstile import Opened
from asterisk_siptrunk.web.view import View
from asterisk_siptrunk.web.words import Words

if TYPE_CHECKING:
    from sqlalchemy import Connection

PAGES = Pages()

log = logging.getLogger(__name__)


def routes(site: Site) -> list[Route]:
    """The pages of the door."""
    entry = Entry(site)
    return [
        Route("/login", entry.show, methods=["GET"], name="login"),
        Route("/login", entry.enter, methods=["POST"]),
    ]


class Entry:
    """The door."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """Ask for address and password."""
        return self._asked(request, {"to": request.query_params.get("to", "/")})

    async def enter(self, request: Request) -> Response:
        """Let somebody in, or not."""
        if is_from_elsewhere(request):
            return self._site.problem(request, None, HTTPStatus.FORBIDDEN)
        form = await form_of(request, 10, 4096)
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
        say = self._site.words_for(request, None).say
        try:
            return await run_in_threadpool(self._enter, request, fields)
        except TooBusy as error:
            wrong = say("Too many try to log in just now: wait a little, and try again.")
            answer = self._asked(request, fields, wrong, HTTPStatus.TOO_MANY_REQUESTS)
            answer.headers["Retry-After"] = str(error.seconds)
            return answer
        except SiptrunkError as error:
            log.warning("Nobody can log in: %s", error)
            sentence = say("Nobody can log in now: the database is away. Calls go on.")
            return self._site.problem(request, None, HTTPStatus.SERVICE_UNAVAILABLE, sentence)

    def _enter(self, request: Request, fields: dict[str, str]) -> Response:
        house, login = self._site.house, fields.get("login", "").strip().casefold()
        place = place_of(address_of(request))
        password, code = fields.get("password", ""), fields.get("code", "")
        outcome = house.turnstile.open(place, login, password, code)
        if not isinstance(outcome, Opened):
            wrong = _sentence(self._site.words_for(request, None), outcome)
            return self._asked(request, fields, wrong, HTTPStatus.UNPROCESSABLE_ENTITY)
        with house.changing(login) as (connection, by):
            cookie = open_session(connection, by, outcome.account, request)
        answer = RedirectResponse(own_path(fields.get("to", "/")), HTTPStatus.SEE_OTHER)
        keep_session(answer, cookie)
        return answer

    def _asked(
        self,
        request: Request,
        fields: Mapping[str, str],
        wrong: str = "",
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        words, to = self._site.words_for(request, None), own_path(fields.get("to", "/"))
        login = fields.get("login", "")
        html = self._site.renderer.render("login.html", words, wrong=wrong, login=login, to=to)
        return Response(html, status, media_type="text/html")


def _sentence(words: Words, outcome: Closed | None) -> str:
    """Why somebody is not let in; nothing in it tells whether such an account exists."""
    if outcome is None:
        return words.say("This address, password or code is wrong.")
    sentence = "After wrong passwords this login is closed until %(time)s."
    return words.say(sentence, time=words.time(outcome.until))


def open_session(connection: "Connection", by: By, account: Account, request: Request) -> str:
    """Keep that a browser is logged in; gives what its cookie is to hold."""
    cookie = new_session()
    sessions.open_one(
        connection,
        by,
        account,
        digest=digest(cookie),
        address=address_of(request),
        user_agent=request.headers.get("user-agent", ""),
    )
    return cookie


def keep_session(answer: Response, cookie: str) -> None:
    """Have the browser show from now on that it is logged in."""
    longest = int(LONGEST.total_seconds())
    answer.set_cookie(COOKIE, cookie, max_age=longest, secure=True, httponly=True, samesite="lax")


def not_own_password(view: View, password: str, code: str | None = None) -> str:
    """Why this is not the password of who asks, in a sentence; "" where it is.

    Raises:
        TooBusy: too many were wrong from there, or too many wait already.
    """
    place = place_of(address_of(view.request))
    outcome = view.house.turnstile.open(place, view.account.login, password, code)
    return "" if isinstance(outcome, Opened) else _sentence(view.words, outcome)


@PAGES.post("/logout", Right.SEE)
def logout(view: View) -> Response:
    """Out."""
    with view.changing() as (connection, by):
        sessions.close_one(connection, by, view.account, view.session.id)
    answer = view.go("/login")
    answer.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
    return answer


@PAGES.get("/confirm", Right.SEE)
def ask_again(view: View) -> Response:
    """Ask for the password again, before what is risky."""
    return view.page(
        "confirm.html", to=own_path(view.request.query_params.get("to", "/")), wrong=""
    )


@PAGES.post("/confirm", Right.SEE)
def confirm(view: View) -> Response:
    """Take it."""
    to = own_path(view.field("to"))
    wrong = not_own_password(view, str(view.form.get("password", "")), view.field("code"))
    if wrong:
        return view.page("confirm.html", HTTPStatus.UNPROCESSABLE_ENTITY, to=to, wrong=wrong)
    with view.changing() as (connection, by):
        sessions.confirmed(connection, view.session, by.at)
    return view.go(to)
