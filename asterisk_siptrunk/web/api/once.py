"""Requests that are done once, however often they are sent: those about money."""

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import Header
from pydantic import BaseModel
from starlette.responses import Response

from asterisk_siptrunk.bootstrap import By, answers
from asterisk_siptrunk.web.api.caller import Caller
from asterisk_siptrunk.web.api.kinds import Told

if TYPE_CHECKING:
    from sqlalchemy import Connection

HEADER = "Idempotency-Key"
AGAIN = "Idempotency-Replayed"
"""The header of an answer that was given before."""

Key = Annotated[
    str | None,
    Header(
        alias=HEADER,
        pattern="^[!-~]{1,255}$",
        max_length=255,
        description="A word of your own for this request, as a UUID. Whoever sends the same "
        "request with the same key again, within 24 hours, is told the same answer, and nothing "
        "is done twice.",
        examples=["8e03978e-40d5-43dd-bc93-6894a57f9324"],
    ),
]


def once(
    caller: Caller,
    key: str | None,
    asked: BaseModel | None,
    work: Callable[["Connection", By], Told],
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    """Do something, and keep its answer, in one transaction; or give the answer of before."""
    with caller.changing() as (connection, by):
        if key is None:
            return _json(answers.Answer(status, work(connection, by).model_dump_json()))
        request = answers.Asked(caller.token.id, key, _fingerprint(caller, asked), by.at)
        before = answers.claim(connection, request)
        if before is not None:
            return _json(before, {AGAIN: "true"})
        answer = answers.Answer(status, work(connection, by).model_dump_json())
        answers.keep(connection, request, answer)
    return _json(answer)


def _json(answer: answers.Answer, headers: dict[str, str] | None = None) -> Response:
    return Response(answer.body, answer.status, headers, media_type="application/json")


def _fingerprint(caller: Caller, asked: BaseModel | None) -> str:
    """Of all that is asked, in whatever order and with whatever spaces it was written."""
    request = caller.request
    said = asked.model_dump_json() if asked else ""
    return hashlib.sha256(f"{request.method} {request.url.path}\n{said}".encode()).hexdigest()
