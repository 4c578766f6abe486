"""Calls, those going on and those of the past."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query
from pydantic import Field

from asterisk_siptrunk.bootstrap import calls, trunks
from asterisk_siptrunk.call import CallRecord, Direction, Evidence, State, Verdict, Via
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.web.api.caller import Caller, Reader
from asterisk_siptrunk.web.api.description import router
from asterisk_siptrunk.web.api.kinds import ExactMoment, Flag, Id, Moment, Name, Told
from asterisk_siptrunk.web.api.paging import Page, Paged

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROUTER = router("calls")
_SAME = (
    *("id", "server", "uniqueid", "sip_call_id", "trunk", "direction", "caller", "presented"),
    *("withheld", "dialled", "callee", "zone", "verdict", "state", "codec"),
    *("user_agent", "started_at", "ringing_at", "answered_at", "ended_at", "hangup_cause"),
    "evidence",
)


class Call(Told):
    """One call, from its INVITE to its bill."""

    id: Id
    trunk: Name | None
    direction: Direction
    server: str
    uniqueid: Annotated[str, Field(description="Asterisk's.")]
    sip_call_id: str
    caller: Annotated[str, Field(description="As it was shown to the other side.")]
    presented: Annotated[str, Field(description="As the caller's side sent it.")]
    withheld: bool
    dialled: str
    callee: Annotated[str, Field(description="E.164, or a short number.")]
    zone: Annotated[str, Field(examples=["fr:mobile"])]
    verdict: Verdict
    reason: Annotated[str, Field(examples=["channels-full"])]
    because: Annotated[str, Field(description="The reason, in a sentence.")]
    facts: Annotated[str, Field(description="What the decision rests on.")]
    via: Annotated[Via | None, Field(description="Who decided; for the provider's tokens.")]
    state: State
    started_at: ExactMoment
    ringing_at: ExactMoment | None
    answered_at: ExactMoment | None
    ended_at: ExactMoment | None
    duration: Annotated[float, Field(description="Seconds from the INVITE to the end; 0 before.")]
    billable: Annotated[float, Field(description="Seconds from the answer to the end; 0 before.")]
    hangup_cause: Annotated[int | None, Field(description="Q.850.")]
    evidence: Annotated[Evidence | None, Field(description="What its end rests on.")]
    codec: str
    user_agent: str
    carrier: Annotated[str | None, Field(description="A provider's token sees it.")]


@ROUTER.get("/calls", summary="List calls")
def list_calls(  # noqa: PLR0913 - a parameter for each filter
    *,
    caller: Reader,
    paged: Paged,
    trunk: Annotated[Name | None, Query()] = None,
    verdict: Annotated[Verdict | None, Query()] = None,
    since: Annotated[Moment | None, Query(description="Begun then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Begun before.")] = None,
    number: Annotated[
        str | None,
        Query(
            pattern=r"^\+?[0-9]{1,20}$",
            description="How the caller's or the callee's number ends.",
            examples=["345678"],
        ),
    ] = None,
    live: Annotated[Flag, Query(description="Only calls that hold a channel now.")] = False,
) -> Page[Call]:
    """Calls, the newest first: refused ones, too."""
    wanted = calls.CallFilter(trunk, verdict, since, until, number, live)
    with caller.reading() as connection:
        found = _found(caller, connection, wanted, paged)
    return paged.page(
        found,
        lambda one: (one.started_at.isoformat(), one.id),
        lambda one: _told(caller, one),
    )


@ROUTER.get("/calls/{call}", summary="Show a call")
def get_call(caller: Reader, call: Id) -> Call:
    """All of a call."""
    with caller.reading() as connection:
        one = calls.by_number(connection, call)
        if one is None or not _is_for(caller, connection, one):
            raise NotFound(f"There is no call {call}.")
    return _told(caller, one)


def _found(
    caller: Caller, connection: "Connection", wanted: calls.CallFilter, paged: Paged
) -> list[CallRecord]:
    after = paged.after(str, int)
    before = None if after is None else calls.Place(_moment(after[0]), after[1])
    if wanted.trunk is not None:
        caller.trunk(connection, wanted.trunk)
        return calls.latest(connection, wanted, paged.one_more, before)
    if caller.of_provider:
        return calls.latest(connection, wanted, paged.one_more, before)
    names = trunks.names_of(connection, caller.token.customer)
    return calls.latest_of(connection, names, wanted, paged.one_more, before)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInput("This cursor is none of this list's: give `next` as it was.")
    return at


def _is_for(caller: Caller, connection: "Connection", one: CallRecord) -> bool:
    if caller.of_provider:
        return True
    owner = trunks.find(connection, one.trunk) if one.trunk else None
    return owner is not None and caller.owns(owner.customer)


def _told(caller: Caller, one: CallRecord) -> Call:
    same: dict[str, Any] = {key: getattr(one, key) for key in _SAME}
    return Call(
        **same,
        reason=one.reason.value,
        because=one.reason.sentence,
        duration=one.duration.total_seconds(),
        billable=one.billable.total_seconds(),
        facts=one.facts if caller.of_provider else one.customers_facts,
        via=one.via if caller.of_provider else None,
        carrier=one.carrier if caller.of_provider else None,
    )
