"""What the watch over abnormal use has found, and what is stopped for it or otherwise."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from asterisk_siptrunk.anomaly.rule import Action, Level
from asterisk_siptrunk.bootstrap import findings, suspensions
from asterisk_siptrunk.destination import Target as Destination
from asterisk_siptrunk.destination import caller_number
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, SuspensionSource
from asterisk_siptrunk.web.api.caller import Caller, Manager, Reader, Runner
from asterisk_siptrunk.web.api.description import CHANGES, router
from asterisk_siptrunk.web.api.kinds import (
    Asked,
    Flag,
    Id,
    Line,
    Moment,
    Name,
    Reason,
    Told,
)
from asterisk_siptrunk.web.api.paging import Page, Paged

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROUTER = router("findings")
SUSPENSIONS = router("suspensions")
_LEVELS = Literal["warning", "critical"]
_SAME = (
    *("id", "at", "trunk", "rule", "level", "key", "amount", "usual", "basis", "window"),
    *("sentence", "action", "dry_run", "state", "remark", "changed_at"),
)


class Finding(Told):
    """Something unusual."""

    id: Id
    at: Moment
    trunk: Annotated[Name | None, Field(description="null: all trunks together.")]
    rule: str
    level: _LEVELS
    key: Annotated[str, Field(description="The zone, caller, callee or address it speaks of.")]
    amount: Annotated[int, Field(description="In the unit of what the rule measures.")]
    usual: Annotated[int | None, Field(description="What is usual, in the same unit.")]
    basis: Annotated[str, Field(description="What `usual` rests on.")]
    window: Annotated[int, Field(description="Seconds that were looked at.")]
    sentence: Annotated[str, Field(description="For people.")]
    action: Annotated[Action, Field(description="What followed.")]
    dry_run: Annotated[bool, Field(description="It was only noted what would have followed.")]
    state: findings.FindingState
    author: Annotated[str | None, Field(description="Who acknowledged or released it.")]
    remark: str
    changed_at: Moment | None
    evidence: Annotated[list[int], Field(description="Ids of calls.")]


class SuspendedPart(Told):
    """A part of a trunk's service that is, or was, stopped. Emergency calls are in none."""

    id: Id
    trunk: Name
    scope: SuspensionScope
    target: Annotated[str, Field(description="Of the scopes `destination` and `caller`.")]
    reason: str
    source: Annotated[SuspensionSource, Field(description="Who suspended it.")]
    author: Annotated[str | None, Field(description="The provider's own are not told.")]
    created_at: Moment
    expires_at: Moment | None
    lifted_at: Moment | None
    findings: Annotated[list[int], Field(description="What the watch holds against it.")]


class NewSuspension(Asked):
    """A part of a trunk's service to stop."""

    scope: SuspensionScope = SuspensionScope.ALL
    target: Annotated[
        str,
        Field(
            pattern=r"^[+*a-z0-9][a-z0-9_:]*$|^$",
            max_length=40,
            description="Of the scopes `destination` and `caller` alone.",
            examples=["lv:premium"],
        ),
    ] = ""
    reason: Annotated[Line, Field(description="The customer may be told.")]
    expires_at: Annotated[Moment | None, Field(description="null: until it is lifted.")] = None


@ROUTER.get("/findings", summary="List findings")
def list_findings(  # noqa: PLR0913 - a parameter for each filter
    *,
    caller: Reader,
    paged: Paged,
    trunk: Annotated[Name | None, Query()] = None,
    since: Annotated[Moment | None, Query(description="Found then or later.")] = None,
    level: Annotated[_LEVELS | None, Query()] = None,
    done: Annotated[
        Flag, Query(description="Those that were acknowledged or released, too.")
    ] = False,
) -> Page[Finding]:
    """What was found, the newest first."""
    wanted = findings.FindingFilter(
        trunk=trunk,
        since=since,
        level=Level[level.upper()] if level else None,
        customer=caller.customer,
        before=paged.after(int),
        done=done,
    )
    with caller.reading() as connection:
        if trunk is not None:
            caller.trunk(connection, trunk)
        found = findings.listed(connection, wanted, paged.one_more)
    return paged.page(found, lambda one: (one.id,), lambda one: _finding(caller, one))


@ROUTER.get("/findings/{finding}", summary="Show a finding")
def get_finding(caller: Reader, finding: Id) -> Finding:
    """A finding, and the calls that it rests on."""
    with caller.reading() as connection:
        return _finding(caller, _own(caller, connection, finding))


@ROUTER.post("/findings/{finding}/acknowledge", summary="Acknowledge one", responses=CHANGES)
def acknowledge(caller: Manager, finding: Id, why: Reason) -> Finding:
    """Say that somebody has seen to it; what was stopped for it stays so."""
    with caller.changing() as (connection, by):
        _own(caller, connection, finding)
        findings.acknowledge(connection, by, finding, why.reason)
        return _finding(caller, findings.get(connection, finding))


@ROUTER.post("/findings/{finding}/release", summary="Release one", responses=CHANGES)
def release(caller: Manager, finding: Id, why: Reason) -> Finding:
    """Have pass again what was stopped for it, from the next call on; its evidence is forgiven."""
    with caller.changing() as (connection, by):
        _own(caller, connection, finding)
        suspensions.release(connection, by, finding, why.reason)
        return _finding(caller, findings.get(connection, finding))


@SUSPENSIONS.get("/suspensions", summary="List suspensions")
def list_suspensions(
    *,
    caller: Reader,
    paged: Paged,
    trunk: Annotated[Name | None, Query()] = None,
    lifted: Annotated[Flag, Query(description="Those that are over, too.")] = False,
) -> Page[SuspendedPart]:
    """Suspensions, the newest first."""
    before = paged.after(int)
    with caller.reading() as connection:
        if trunk is not None:
            caller.trunk(connection, trunk)
        found = suspensions.piece(
            connection, caller.customer, trunk, before, paged.one_more, lifted=lifted
        )
    return paged.page(found, lambda one: (one.id,), lambda one: _part(caller, one))


@SUSPENSIONS.get("/suspensions/{suspension}", summary="Show a suspension")
def get_suspension(caller: Reader, suspension: Id) -> SuspendedPart:
    """A suspension, one that is over, too."""
    with caller.reading() as connection:
        return _part(caller, _own_part(caller, connection, suspension))


@SUSPENSIONS.post("/suspensions/{suspension}/lift", summary="Lift a suspension", responses=CHANGES)
def lift(caller: Manager, suspension: Id, why: Reason) -> SuspendedPart:
    """Have it pass again, from the next call on.

    A customer lifts what the watch has suspended; what the provider or its billing has, they lift.
    """
    with caller.changing() as (connection, by):
        found = _own_part(caller, connection, suspension)
        if not found.suspension.source.is_lifted_by_customers:
            caller.require_provider("To lift this suspension")
        suspensions.lift(connection, by, suspension, why.reason)
        return _part(caller, suspensions.get(connection, suspension))


@SUSPENSIONS.post(
    "/trunks/{trunk}/suspensions",
    summary="Suspend a trunk, or a part of it",
    status_code=HTTPStatus.CREATED,
    responses=CHANGES,
)
def suspend(caller: Runner, trunk: Name, new: NewSuspension) -> SuspendedPart:
    """Stop all or part of a trunk's service, from the next call on. Calls in progress go on."""
    with caller.changing() as (connection, by):
        found = caller.trunk(connection, trunk)
        part = Suspension(
            new.scope,
            new.reason,
            target=_target(new, found.country),
            expires_at=new.expires_at,
        )
        suspensions.suspend(connection, by, trunk, part)
        (made,) = suspensions.piece(connection, None, trunk, None, 1, lifted=False)
        return _part(caller, made)


def _target(new: NewSuspension, country: str) -> str:
    if new.scope is SuspensionScope.DESTINATION and new.target:
        return str(Destination.parse(new.target))
    if new.scope is SuspensionScope.CALLER and new.target:
        if not new.target.removeprefix("+").isdigit():
            raise InvalidInput(f"{new.target} is no caller's number.")
        return str(caller_number(new.target, country) or new.target)
    return new.target


def _own(caller: Caller, connection: "Connection", number: int) -> findings.FindingRecord:
    found = findings.find(connection, number)
    if found is not None and (caller.of_provider or _is_own(caller, connection, found.trunk)):
        return found
    raise NotFound(f"There is no finding {number}.")


def _own_part(
    caller: Caller, connection: "Connection", number: int
) -> suspensions.SuspensionRecord:
    found = suspensions.find(connection, number)
    if found is not None and _is_own(caller, connection, found.trunk):
        return found
    raise NotFound(f"There is no suspension {number}.")


def _is_own(caller: Caller, connection: "Connection", trunk: str | None) -> bool:
    try:
        return trunk is not None and caller.trunk(connection, trunk) is not None
    except NotFound:
        return False


def _finding(caller: Caller, one: findings.FindingRecord) -> Finding:
    same: dict[str, Any] = {key: getattr(one, key) for key in _SAME}
    return Finding(
        **same,
        author=one.author if caller.of_provider and one.author else None,
        evidence=list(one.evidence),
    )


def _part(caller: Caller, one: suspensions.SuspensionRecord) -> SuspendedPart:
    return SuspendedPart(
        id=one.id,
        trunk=one.trunk,
        scope=one.suspension.scope,
        target=one.suspension.target,
        reason=one.suspension.reason,
        source=one.suspension.source,
        author=one.author if caller.of_provider else None,
        created_at=one.created_at,
        expires_at=one.suspension.expires_at,
        lifted_at=one.lifted_at,
        findings=list(one.findings),
    )
