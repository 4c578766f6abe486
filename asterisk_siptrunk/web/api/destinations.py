"""Where calls may go: the provider's rules and each trunk's own, and what becomes of a number."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from asterisk_siptrunk.bootstrap import foresight, rules
from asterisk_siptrunk.call import Reason, Verdict
from asterisk_siptrunk.destination import Action, Layer, refuse_emergency
from asterisk_siptrunk.destination import Rule as Policy
from asterisk_siptrunk.destination import Target as Destination
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.web.api.caller import Caller, Manager, Reader, Runner
from asterisk_siptrunk.web.api.description import CHANGES, router
from asterisk_siptrunk.web.api.kinds import (
    Asked,
    Dialled,
    LineOrNone,
    Name,
    Target,
    Told,
)
from asterisk_siptrunk.web.api.paging import Page, Paged

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROUTER = router("destinations")


class Rule(Told):
    """What becomes of calls to a destination; the narrowest rule decides, a locked one first."""

    trunk: Annotated[Name | None, Field(description="Whose it is; null: it holds for all trunks.")]
    target: Target
    action: Action
    layer: Annotated[Layer, Field(description="Who made it.")]
    locked: Annotated[bool, Field(description="The customer cannot change it.")]
    note: str
    author: Annotated[str | None, Field(description="The provider's own are not told.")]


class NewRule(Asked):
    """What is to become of calls to a destination."""

    action: Action
    note: LineOrNone = ""
    lock: Annotated[
        bool, Field(strict=True, description="The customer cannot change it; the provider's alone.")
    ] = False


class ProviderRule(Asked):
    """The same, for all trunks."""

    action: Action
    note: LineOrNone = ""
    lock: Annotated[bool, Field(strict=True)] = False


class Question(Asked):
    """A call that is not made."""

    number: Dialled
    caller: Annotated[Dialled | None, Field(description="The main number by default.")] = None


class Foresight(Told):
    """What would become of it now."""

    verdict: Verdict
    reason: Annotated[str, Field(examples=[Reason.DESTINATION_BLOCKED.value])]
    because: Annotated[str, Field(description="The reason, in a sentence.")]
    facts: str
    callee: Annotated[str | None, Field(examples=["+37120000000"])]
    zone: Annotated[str | None, Field(examples=["lv:mobile"])]
    rule: Annotated[str | None, Field(description="What the rules say, whatever else decided.")]
    caller_shown: str | None
    hangup_cause: Annotated[int | None, Field(description="Q.850; null where it passes.")]
    sip_answer: Annotated[int | None, Field(description="What the PBX would get.", examples=[403])]
    carriers: Annotated[
        list[str], Field(description="The ways that would be tried; a provider's token sees them.")
    ]


@ROUTER.get("/destinations", summary="List rules")
def list_rules(
    caller: Reader, paged: Paged, trunk: Annotated[Name | None, Query()] = None
) -> Page[Rule]:
    """The provider's rules for all trunks, and with `trunk` that trunk's own, too."""
    with caller.reading() as connection:
        if trunk is not None:
            caller.trunk(connection, trunk)
        found = rules.every(connection, trunk)
    ordered = sorted(found, key=_key)
    return paged.slice(ordered, _key, lambda one: _told(caller, one), str, str, str)


@ROUTER.put("/trunks/{trunk}/destinations/{target}", summary="Rule on one", responses=CHANGES)
def put_rule(caller: Manager, trunk: Name, target: Target, new: NewRule) -> Rule:
    """Open or block a destination for a trunk, from the next call on.

    It takes the place of the trunk's rule for it. What the provider has locked stays as it is.
    """
    if new.lock:
        caller.require_provider("To lock a rule")
    layer = Layer.PROVIDER if new.lock else Layer.CUSTOMER
    rule = Policy(Destination.parse(target), new.action, layer, new.lock, new.note)
    with caller.changing() as (connection, by):
        refuse_emergency(target, caller.trunk(connection, trunk).country)
        rules.put(connection, by, rule, trunk)
        return _stored(caller, connection, rule, trunk)


@ROUTER.delete(
    "/trunks/{trunk}/destinations/{target}",
    summary="Take a rule away",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=CHANGES,
)
def remove_rule(caller: Manager, trunk: Name, target: Target) -> None:
    """Take a trunk's rule away: a wider one, or none, then decides.

    The customer's goes first; the same again, by a provider's token, takes the provider's.
    """
    meant = Destination.parse(target)
    with caller.changing() as (connection, by):
        caller.trunk(connection, trunk)
        rules.remove(connection, by, meant, _layer(caller, connection, meant, trunk), trunk)


@ROUTER.put("/destinations/{target}", summary="Rule on one for all trunks", responses=CHANGES)
def put_provider_rule(caller: Runner, target: Target, new: ProviderRule) -> Rule:
    """Open or block a destination for all trunks, from the next call on."""
    rule = Policy(Destination.parse(target), new.action, Layer.PROVIDER, new.lock, new.note)
    refuse_emergency(target, caller.house.settings.provider.country)
    with caller.changing() as (connection, by):
        rules.put(connection, by, rule, None)
        return _stored(caller, connection, rule, None)


@ROUTER.delete(
    "/destinations/{target}",
    summary="Take a rule for all trunks away",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=CHANGES,
)
def remove_provider_rule(caller: Runner, target: Target) -> None:
    """Take a rule away; one that ships then stands again in its place."""
    with caller.changing() as (connection, by):
        rules.remove(connection, by, Destination.parse(target), Layer.PROVIDER, None)


@ROUTER.post("/trunks/{trunk}/check", summary="Say what would become of a call", responses=CHANGES)
def check(caller: Reader, trunk: Name, question: Question) -> Foresight:
    """Decide on an outbound call as it would be decided now; nothing is called or kept."""
    with caller.reading() as connection:
        caller.trunk(connection, trunk)
        now = caller.house.now()
        seen = foresight.foresee(connection, trunk, question.number, question.caller or "", now)
    cause = seen.decision.reason.cause
    return Foresight(
        verdict=Verdict.ADMITTED if seen.admitted else Verdict.REFUSED,
        reason=seen.decision.reason.value,
        because=seen.decision.reason.sentence,
        facts=seen.decision.facts,
        callee=seen.callee.number if seen.callee else None,
        zone=seen.callee.zone if seen.callee else None,
        rule=seen.judgement.explanation if seen.judgement else None,
        caller_shown=seen.caller_shown,
        hangup_cause=None if cause is None else int(cause),
        sip_answer=None if cause is None else cause.sip_answer,
        carriers=list(seen.carriers) if caller.of_provider else [],
    )


def _key(one: rules.StoredRule) -> tuple[str, str, str]:
    return one.trunk or "", str(one.rule.target), one.rule.layer.value


def _told(caller: Caller, one: rules.StoredRule) -> Rule:
    is_theirs = one.rule.layer is Layer.PROVIDER and not caller.of_provider
    return Rule(
        trunk=one.trunk,
        target=str(one.rule.target),
        action=one.rule.action,
        layer=one.rule.layer,
        locked=one.rule.locked,
        note=one.rule.note,
        author=None if is_theirs else one.author,
    )


def _stored(caller: Caller, connection: "Connection", rule: Policy, trunk: str | None) -> Rule:
    same = (trunk, rule.target, rule.layer)
    found = rules.every(connection, trunk)
    return next(
        _told(caller, one) for one in found if (one.trunk, one.rule.target, one.rule.layer) == same
    )


def _layer(caller: Caller, connection: "Connection", target: Destination, trunk: str) -> Layer:
    """Whose rule is taken away; a customer has its own alone."""
    own = [one for one in rules.every(connection, trunk) if one.trunk == trunk]
    layers = {one.rule.layer for one in own if one.rule.target == target}
    if Layer.CUSTOMER in layers:
        return Layer.CUSTOMER
    if layers and caller.of_provider:
        return Layer.PROVIDER
    raise NotFound(f"There is no rule for {target} of trunk {trunk}.")
