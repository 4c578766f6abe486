"""Logging in and out: the only pages for those who are not logged in."""

import logging
from datetime import datetime
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from asterisk_siptrunk.account import Account, Right, second
from asterisk_siptrunk.account.model import LONGEST
from asterisk_siptrunk.account.password import is_right
from asterisk_siptrunk.account.secret import digest, new_session
from asterisk_siptrunk.bootstrap import Closed, Keys, accounts, sessions
from asterisk_siptrunk.errors import SiptrunkError
from asterisk_siptrunk.web.guard import COOKIE, is_from_elsewhere, own_path
from asterisk_siptrunk.web.pages import Pages, Site
from asterisk_siptrunk.web.view import View

PAGES = Pages()
_WRONG = "This address, password or code is wrong."

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
        return self._asked(request)

    async def enter(self, request: Request) -> Response:
        """Let somebody in, or not."""
        if is_from_elsewhere(request):
            return self._site.problem(request, None, HTTPStatus.FORBIDDEN)
        form = await request.form(max_files=0, max_fields=10, max_part_size=4096)
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
        try:
            return await run_in_threadpool(self._enter, request, fields)
        except SiptrunkError as error:
            log.warning("Nobody can log in: %s", error)
            status = HTTPStatus.SERVICE_UNAVAILABLE
            words = self._site.words_for(request, None)
            sentence = words.say("Nobody can log in now: the database is away. Calls go on.")
            return self._site.problem(request, None, status, sentence)

    def _enter(self, request: Request, fields: dict[str, str]) -> Response:
        house, login = self._site.house, fields.get("login", "").strip().casefold()
        with house.changing("") as (connection, by):
            keys = accounts.try_login(connection, login, by.at)
        if isinstance(keys, Closed):
            return self._asked(request, self._wait(request, keys.until), login)
        code = fields.get("code", "")
        step, wrong = check(keys, fields.get("password", ""), code, house.now().timestamp())
        if wrong or keys is None:
            log.info("A login failed: %s", wrong)
            with house.changing(login) as (connection, by):
                if keys is not None:
                    accounts.failed(connection, by, login, wrong)
            return self._asked(request, self._site.words_for(request, None).say(_WRONG), login)
        return self._open(request, keys.account, step, own_path(fields.get("to", "/")))

    def _wait(self, request: Request, until: datetime) -> str:
        words = self._site.words_for(request, None)
        sentence = "After wrong passwords this login is closed until %(time)s."
        return words.say(sentence, time=words.time(until))

    def _open(self, request: Request, account: Account, step: int | None, to: str) -> Response:
        cookie, client = new_session(), request.client
        with self._site.house.changing(account.login) as (connection, by):
            accounts.succeeded(connection, account, step)
            sessions.open_one(
                connection,
                account,
                digest=digest(cookie),
                address=client.host if client else "",
                user_agent=request.headers.get("user-agent", ""),
                now=by.at,
            )
        answer = RedirectResponse(to, HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=int(LONGEST.total_seconds()),
            secure=True,
            httponly=True,
            samesite="lax",
        )
        return answer

    def _asked(self, request: Request, wrong: str = "", login: str = "") -> Response:
        words = self._site.words_for(request, None)
        to = own_path(request.query_params.get("to", "/"))
        html = self._site.renderer.render("login.html", words, wrong=wrong, login=login, to=to)
        status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK
        return Response(html, status, media_type="text/html")


def check(keys: Keys | None, password: str, code: str, now: float) -> tuple[int | None, str]:
    """Whether password and code let somebody in: the code's step, and what is wrong, "" nothing."""
    if not is_right(password, keys.password if keys else None) or keys is None:
        return None, "wrong password"
    if keys.account.disabled:
        return None, "the account is disabled"
    if keys.second_secret is None:
        return None, ""
    step = second.step_of(keys.second_secret, code, now, keys.second_used)
    return step, "" if step is not None else "wrong code"


@PAGES.post("/logout", Right.SEE)
def logout(view: View) -> Response:
    """Out."""
    with view.changing() as (connection, _):
        sessions.close(connection, digest(view.request.cookies[COOKIE]))
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
    with view.changing() as (connection, by):
        keys = accounts.try_login(connection, view.account.login, by.at)
    if isinstance(keys, Closed):
        wrong = view.say("Wait a little, and try again.")
        return view.page("confirm.html", HTTPStatus.UNPROCESSABLE_ENTITY, to=to, wrong=wrong)
    password, code = str(view.form.get("password", "")), view.field("code")
    step, wrong = check(keys, password, code, view.house.now().timestamp())
    with view.changing() as (connection, by):
        if wrong or keys is None:
            accounts.failed(connection, by, view.account.login, wrong)
        else:
            accounts.succeeded(connection, keys.account, step)
            sessions.confirmed(connection, view.session, by.at)
    if wrong:
        sentence = view.say(_WRONG)
        return view.page("confirm.html", HTTPStatus.UNPROCESSABLE_ENTITY, to=to, wrong=sentence)
    return view.go(to)
