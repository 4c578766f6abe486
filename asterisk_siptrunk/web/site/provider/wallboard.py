"""All servers, trunks and carriers at a glance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.bootstrap import (
    Limit,
    calls,
    carriers,
    findings,
    notices,
    occupancy,
    quality,
    servers,
    trunks,
)
from asterisk_siptrunk.call.quality import Quality
from asterisk_siptrunk.call.server import ServerRecord
from asterisk_siptrunk.trunk import Carrier
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.site.provider import said
from asterisk_siptrunk.web.view import View

PAGES = Pages()
BUSIEST = 10
_LATELY = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_MOST_CALLS = 3_000
"""A board is looked at again every few seconds: what the newest of the calls say is enough."""


@dataclass(frozen=True, slots=True)
class Busy:
    """A trunk, and how many of its channels are taken."""

    trunk: Limit
    in_use: int

    @property
    def share(self) -> float:
        """Of its channels."""
        return self.in_use / max(1, self.trunk.channels)


@dataclass(frozen=True, slots=True)
class Board:
    """What is to be seen now.

    Attributes:
        calls, channels: of all trunks.
        lately: how calls went by each carrier in the last quarter of an hour.
        findings: open ones, by level.
    """

    at: datetime
    servers: Sequence[ServerRecord]
    calls: int
    channels: int
    busiest: Sequence[Busy]
    carriers: Sequence[Carrier]
    in_use: Mapping[str, int]
    lately: Mapping[str, Quality]
    refusals: quality.Refusals
    findings: Mapping[str, int]
    overdue: notices.Overdue | None


@PAGES.get("/provider", Right.SEE_ALL)
def wallboard(view: View) -> Response:
    """Show all of it."""
    return view.page("provider/wallboard.html", **_values(view))


@PAGES.get("/provider/board", Right.SEE_ALL)
def wallboard_now(view: View) -> Response:
    """The same again, for a page that stays open."""
    return view.page("provider/part/board.html", **_values(view))


def _values(view: View) -> dict[str, Any]:
    return {
        "board": _board(view),
        "states": said.states(view),
        "parties": said.parties(view),
        "levels": said.levels(view),
    }


def _board(view: View) -> Board:
    now = view.house.now()
    with view.reading() as connection:
        limits = {one.trunk: one for one in trunks.limits(connection)}
        in_use = calls.in_use(connection)
        by_carrier = quality.by_carrier(connection, now - _LATELY, _MOST_CALLS)
        every = list(servers.every(connection))
        return Board(
            at=now,
            servers=every,
            calls=sum(in_use.values()),
            channels=sum(one.channels for one in limits.values()),
            busiest=_busiest(limits, in_use),
            carriers=carriers.every(connection),
            in_use=occupancy.carriers_in_use(connection),
            lately=by_carrier.of,
            refusals=quality.refusals(connection, now - _HOUR),
            findings=findings.open_by_level(connection),
            overdue=notices.overdue(connection, now - notices.LONGEST),
        )


def _busiest(limits: Mapping[str, Limit], in_use: Mapping[str, int]) -> list[Busy]:
    busy = [Busy(limits[name], count) for name, count in in_use.items() if name in limits]
    return sorted(busy, key=lambda one: (-one.share, one.trunk.trunk))[:BUSIEST]
