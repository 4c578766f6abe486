"""Lists, a piece at a time: each piece says where the next one begins, by what its last line is.

So a list that grows meanwhile shows nothing twice and leaves nothing out, and the last piece costs
as little as the first.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.web.api.kinds import DIGITS, LARGEST_ID, Told

T = TypeVar("T", bound=Told)
R = TypeVar("R")

USUAL, MOST = 50, 200
_LONGEST_KEY = 200
_Limit = Annotated[
    Annotated[int, Field(ge=1, le=MOST), DIGITS],
    Query(description="How many at most.", examples=[USUAL]),
]
_Cursor = Annotated[
    str | None,
    Query(
        pattern="^[A-Za-z0-9_-]+$",
        max_length=400,
        description="`next` of the piece before; without it, the list's beginning.",
    ),
]


class Page(Told, Generic[T]):
    """A piece of a list."""

    items: list[T]
    next: Annotated[
        str | None,
        Field(description="The `cursor` of the next piece; null where this is the last one."),
    ]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which piece is asked for."""

    limit: int
    cursor: str | None
    request: Request
    response: Response

    @property
    def one_more(self) -> int:
        """How many to look for: one more than is shown tells whether there are others."""
        return self.limit + 1

    def after(self, *kinds: type) -> Any:  # noqa: ANN401 - of the kinds
        """The key of the last line of the piece before; None for the beginning.

        Raises:
            InvalidInput: the cursor is none of ours.
        """
        if self.cursor is None:
            return None
        key = _decoded(self.cursor)
        if not isinstance(key, list) or tuple(map(type, key)) != kinds or not all(map(_fits, key)):
            raise InvalidInput("This cursor is none of this list's: give `next` as it was.")
        return key[0] if len(kinds) == 1 else tuple(key)

    def page(
        self, found: Sequence[R], key: Callable[[R], tuple[str | int, ...]], told: Callable[[R], T]
    ) -> Page[T]:
        """The piece; `found` has one line more where there are others."""
        shown = found[: self.limit]
        following = _encoded(key(shown[-1])) if len(found) > self.limit else None
        if following is not None:
            kept = [
                (name, value)
                for name, value in self.request.query_params.multi_items()
                if name != "cursor"
            ]
            query = urlencode([*kept, ("cursor", following)])
            self.response.headers["Link"] = f'<{self.request.url.path}?{query}>; rel="next"'
        return Page[T](items=[told(each) for each in shown], next=following)

    def slice(
        self,
        every: Sequence[R],
        key: Callable[[R], tuple[str, ...]],
        told: Callable[[R], T],
        *kinds: type,
    ) -> Page[T]:
        """The same of a list that is short enough to be there whole, in the order of its keys."""
        after = self.after(*kinds)
        begin = (after,) if isinstance(after, str) else after
        left = [each for each in every if begin is None or key(each) > begin]
        return self.page(left[: self.one_more], key, told)


def _encoded(key: tuple[str | int, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _decoded(cursor: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None


def _fits(part: object) -> bool:
    """Whether a database takes it."""
    if isinstance(part, str):
        return len(part) <= _LONGEST_KEY and part.isprintable()
    return isinstance(part, int) and 0 <= part <= LARGEST_ID


def _paging(
    request: Request, response: Response, limit: _Limit = USUAL, cursor: _Cursor = None
) -> Paging:
    return Paging(limit, cursor, request, response)


Paged = Annotated[Paging, Depends(_paging)]
