"""Which page is where, what it asks of who wants it, and how all of them are answered.

A page is a plain function of a `View` and of the names in its path; it runs in a thread, since it
talks to the database. Whoever adds one says what right it asks for: there is no default.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from asterisk_siptrunk.account import Account, Right, Session
from asterisk_siptrunk.account.secret import digest, form_word
from asterisk_siptrunk.bootstrap import sessions
from asterisk_siptrunk.errors import (
    AlreadyExists,
    DatabaseUnavailable,
    InvalidInput,
    NotFound,
    SiptrunkError,
    TooBusy,
)
from asterisk_siptrunk.web.guard import (
    COOKIE,
    FORM_FIELD,
    FORM_HEADER,
    form_of,
    is_from_elsewhere,
    page_before,
)
from asterisk_siptrunk.web.house import House
from asterisk_siptrunk.web.render import Renderer
from asterisk_siptrunk.web.view import View
from asterisk_siptrunk.web.words import Words, accepted_languages, choose_language

PROVIDERS_OWN = "/provider"
MOST_FIELDS = 200
LARGEST_FIELD = 64 * 1024
_STATUSES = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (AlreadyExists, HTTPStatus.CONFLICT),
    (InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (TooBusy, HTTPStatus.TOO_MANY_REQUESTS),
    (DatabaseUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)

log = logging.getLogger(__name__)
Function = Callable[..., Response]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True, slots=True)
class Page:
    """A page, or what its form does.

    Attributes:
        right: what who asks must be allowed.
        confirmed: whether the password must have been given lately.
    """

    method: str
    path: str
    function: Function
    right: Right
    confirmed: bool = False

    def is_for(self, account: Account) -> bool:
        """Whether somebody may ask for it; what is below /provider is for no customer's people.

        They have some of the rights that such pages ask for, for what is their own.
        """
        of_provider = self.path.startswith(PROVIDERS_OWN)
        return account.may(self.right) and (account.role.of_provider or not of_provider)


class Pages:
    """Pages in the order in which they were written down; each module has one."""

    def __init__(self) -> None:
        self.all: list[Page] = []

    def get(self, path: str, right: Right) -> Callable[[F], F]:
        """Mark a function that shows something."""
        return partial(self._add, "GET", path, right=right, confirmed=False)

    def post(self, path: str, right: Right, *, confirmed: bool = False) -> Callable[[F], F]:
        """Mark a function that changes something."""
        return partial(self._add, "POST", path, right=right, confirmed=confirmed)

    def _add(self, method: str, path: str, function: F, *, right: Right, confirmed: bool) -> F:
        self.all.append(Page(method, path, function, right, confirmed))
        return function


class Site:
    """Answers for pages."""

    def __init__(self, house: House, renderer: Renderer) -> None:
        self.house = house
        self.renderer = renderer

    def route(self, page: Page) -> Route:
        """Where a page is served."""

        async def answer(request: Request) -> Response:
            form = FormData()
            if page.method == "POST":
                if is_from_elsewhere(request):
                    return self.problem(request, None, HTTPStatus.FORBIDDEN)
                form = await form_of(request, MOST_FIELDS, LARGEST_FIELD)
            return await run_in_threadpool(self._answer, page, request, form)

        methods = [page.method]
        return Route(page.path, answer, methods=methods, name=page.function.__name__)

    def words_for(self, request: Request, account: Account | None) -> Words:
        """The language and the zone of who asks."""
        header = accepted_languages(request.headers.get("accept-language", ""))
        language = choose_language(account.language if account else "", header)
        zone = ZoneInfo(account.timezone) if account and account.timezone else self.house.zone
        return Words(language, zone)

    def problem(
        self, request: Request, account: Account | None, status: HTTPStatus, detail: str = ""
    ) -> Response:
        """The page for what cannot be done; in htmx's requests, its sentence alone."""
        words = self.words_for(request, account)
        part = "hx-request" in request.headers
        template = "part/problem.html" if part else "problem.html"
        sentence = detail or words.say(_SENTENCES.get(status, status.phrase))
        html = self.renderer.render(template, words, status=status, sentence=sentence)
        headers = {"HX-Retarget": "#said", "HX-Reswap": "innerHTML"} if part else None
        return Response(html, status, headers, media_type="text/html")

    def _answer(self, page: Page, request: Request, form: FormData) -> Response:
        session: Session | None = None
        try:
            session = self._session(request)
            if session is None:
                return _to_login(request)
            return self._allowed(page, request, session, form)
        except SiptrunkError as error:
            status = next((s for kind, s in _STATUSES if isinstance(error, kind)), None)
            account, sentence = session.account if session else None, str(error)
            if status is None or isinstance(error, DatabaseUnavailable):
                log.warning("%s %s: %s", page.method, request.url.path, error)
            if isinstance(error, DatabaseUnavailable):  # where it is, is nobody's business
                sentence = ""
            status = status or HTTPStatus.SERVICE_UNAVAILABLE
            answer = self.problem(request, account, status, sentence)
            if isinstance(error, TooBusy):
                answer.headers["Retry-After"] = str(error.seconds)
            return answer

    def _session(self, request: Request) -> Session | None:
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            return None
        now = self.house.now()
        with self.house.reading() as connection:
            found = sessions.find(connection, digest(cookie), now)
        if found is not None and now - found.seen_at > sessions.SEEN_EVERY:
            # A page that only shows something does without the note while nothing can be written.
            with (
                suppress(DatabaseUnavailable),
                self.house.changing(found.account.login) as (connection, _),
            ):
                sessions.seen(connection, found, now)
        return found

    def _allowed(self, page: Page, request: Request, session: Session, form: FormData) -> Response:
        account = session.account
        if not page.is_for(account):
            return self.problem(request, account, HTTPStatus.FORBIDDEN)
        if page.method == "POST" and not _is_own_form(request, form):
            detail = "This form is out of date: go back, reload the page, and try again."
            words = self.words_for(request, account)
            return self.problem(request, account, HTTPStatus.FORBIDDEN, words.say(detail))
        view = View(
            house=self.house,
            renderer=self.renderer,
            request=request,
            session=session,
            words=self.words_for(request, account),
            form=form,
        )
        if page.confirmed and not session.is_confirmed(self.house.now()):
            return _to_confirm(view)
        self._require_own(view)
        return page.function(view, **request.path_params)

    def _require_own(self, view: View) -> None:
        """A customer or a trunk that a path names is for who asks, or it is not there."""
        names = view.request.path_params
        if "customer" in names and not view.owns(names["customer"]):
            raise NotFound(view.say("There is no customer %(name)s.", name=names["customer"]))
        if "trunk" in names:
            with view.reading() as connection:
                view.trunk(connection, names["trunk"])


_SENTENCES = {
    HTTPStatus.FORBIDDEN: "You are not allowed to do this.",
    HTTPStatus.NOT_FOUND: "There is no such page.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database is away: try again in a moment. Calls go on.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something is wrong with this page; the log says what.",
}


def _to_login(request: Request) -> Response:
    if "hx-request" in request.headers:
        return Response(headers={"HX-Redirect": "/login"})
    place = request.url.path if request.method == "GET" else "/"
    return RedirectResponse(f"/login?{urlencode({'to': place})}", HTTPStatus.SEE_OTHER)


def _to_confirm(view: View) -> Response:
    """Ask for the password; the page that the form stands on is where to go on then."""
    return view.go(f"/confirm?{urlencode({'to': page_before(view.request)})}")


def _is_own_form(request: Request, form: FormData) -> bool:
    given = request.headers.get(FORM_HEADER) or form.get(FORM_FIELD)
    return given == form_word(request.cookies.get(COOKIE, ""))
