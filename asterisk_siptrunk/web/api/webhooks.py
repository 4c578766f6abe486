"""What the provider's own systems are told, described: one webhook for each kind of notice."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from pydantic import Field, create_model

from asterisk_siptrunk.notice.kind import NoticeKind
from asterisk_siptrunk.notice.signature import HEADER, TOLERANCE_SECONDS
from asterisk_siptrunk.web.api.kinds import Moment, Told

WEBHOOKS = APIRouter()
_NUMBERS = {"channels", "before", "after", "finding"}
_TEXT = f"""\
Sent to the URL of `[webhook]` in siptrunk.toml; any 2xx says that it has arrived, and it is sent
again, later and later, until then. By its `id` a receiver knows one that came before.

**Signature.** `{HEADER}: t=1764000000,v1=5257a8…` has the epoch second of signing, and HMAC-SHA256
in hexadecimal, by `webhook_secret`, over that second as text, a point, and the body as it came.
Compare in constant time, and refuse one whose second is {TOLERANCE_SECONDS} seconds or more away.
"""
_Signature = Annotated[
    str, Header(alias=HEADER, description="As described.", examples=["t=1764000000,v1=5257a8"])
]


def _notice(kind: NoticeKind) -> type[Told]:
    """The model of what is sent."""
    name = "".join(part.capitalize() for part in kind.value.split("-"))
    fields: dict[str, Any] = {key: _type_of(key) for key in sorted(kind.keys)}
    facts = create_model(f"{name}Facts", __base__=Told, __doc__="What is told of it.", **fields)
    parts: dict[str, Any] = {
        "id": (int, Field(description="0 is a test.")),
        "kind": (Literal[kind.value], ...),
        "at": (Moment, ...),
        "facts": (facts, ...),
    }
    return create_model(f"{name}Notice", __base__=Told, __doc__=f"{kind.subject}.", **parts)


def _type_of(key: str) -> tuple[type, Any]:
    return (int if key in _NUMBERS else str, ...)


def _describe(kind: NoticeKind) -> None:
    model = _notice(kind)

    def told(notice: model, signature: _Signature) -> None:  # type: ignore[valid-type]
        """Only described here: it is sent, and never taken."""

    WEBHOOKS.add_api_route(
        kind.value,
        told,
        methods=["POST"],
        name=kind.value,
        summary=kind.subject.replace("{", "").replace("}", ""),
        description=_TEXT,
        tags=["webhooks"],
        operation_id=f"told_{kind.name.lower()}",
        responses={200: {"description": "It has arrived; any 2xx says so."}},
    )


for each in NoticeKind:
    _describe(each)
