"""What a page's function is given: who asks, for what, and how to answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from asterisk_siptrunk.account import Account, Right, Session
from asterisk_siptrunk.account.secret import form_word
from asterisk_siptrunk.bootstrap import By, trunks
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.trunk import Trunk
from asterisk_siptrunk.web.guard import COOKIE
from asterisk_siptrunk.web.house import House
from asterisk_siptrunk.web.render import Renderer
from asterisk_siptrunk.web.words import Words

if TYPE_CHECKING:
    from sqlalchemy import Connection

SAID = "siptrunk-said"
"""The cookie that carries one sentence over a redirect."""
_SAID_SECONDS = 30


@dataclass(frozen=True, slots=True)
class View:
    """One request of somebody who is logged in."""

    house: House
    renderer: Renderer
    request: Request
    session: Session
    words: Words
    form: FormData

    @property
    def account(self) -> Account:
        """Who asks."""
        return self.session.account

    def may(self, right: Right) -> bool:
        """Whether who asks is allowed this; for what a page shows. A route asks by itself."""
        return self.account.may(right)

    @contextmanager
    def reading(self) -> Iterator["Connection"]:
        """One view of the database."""
        with self.house.reading() as connection:
            yield connection

    @contextmanager
    def changing(self) -> Iterator[tuple["Connection", By]]:
        """One change of the database, signed by who asks."""
        with self.house.changing(self.account.login) as (connection, by):
            yield connection, by

    def owns(self, customer: str) -> bool:
        """Whether what belongs to a customer is for who asks."""
        return self.account.role.of_provider or self.account.customer == customer

    def trunk(self, connection: "Connection", name: str) -> Trunk:
        """A trunk that is for who asks.

        Raises:
            NotFound: there is none of that name, or it is another customer's: nobody can tell.
        """
        found = trunks.find(connection, name)
        if found is None or not self.owns(found.customer):
            raise NotFound(self.say("There is no trunk %(name)s.", name=name))
        return found

    def field(self, name: str) -> str:
        """A field of the form, without spaces around it; "" where it is missing."""
        value = self.form.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def say(self, sentence: str, **values: object) -> str:
        """A sentence in the reader's language."""
        return self.words.say(sentence, **values)

    def page(
        self, template: str, status: HTTPStatus = HTTPStatus.OK, **values: object
    ) -> HTMLResponse:
        """A page, or a part of one, made of a template."""
        everywhere = {
            "view": self,
            "account": self.account,
            "path": self.request.url.path,
            "said": self.request.cookies.get(SAID, ""),
            "form_word": form_word(self.request.cookies.get(COOKIE, "")),
            "Right": Right,
        }
        html = self.renderer.render(template, self.words, **everywhere, **values)
        answer = HTMLResponse(html, status)
        if everywhere["said"]:
            answer.delete_cookie(SAID)
        return answer

    def go(self, path: str, said: str = "") -> Response:
        """Lead the browser to a page, which tells what has been done."""
        if "hx-request" in self.request.headers:
            answer: Response = Response(headers={"HX-Redirect": path})
        else:
            answer = RedirectResponse(path, HTTPStatus.SEE_OTHER)
        if said:
            answer.set_cookie(
                *(SAID, quote(said)), max_age=_SAID_SECONDS, httponly=True, samesite="strict"
            )
        return answer
