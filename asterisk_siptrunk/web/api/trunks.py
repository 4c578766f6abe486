"""Trunks: their terms, how busy they are, who is registered; and new credentials."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from asterisk_siptrunk.bootstrap import By, calls, issue_credentials, rollout, trunks
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import (
    MOST_CALLS_PER_SECOND,
    MOST_CHANNELS,
    AwayPolicy,
    CallerPolicy,
    SuspensionScope,
    SuspensionSource,
    Transport,
    TrunkKind,
    parse_context,
    parse_server,
)
from asterisk_siptrunk.trunk import Trunk as TrunkNow
from asterisk_siptrunk.trunk.addresses import parse_network
from asterisk_siptrunk.trunk.credentials import LONGEST_GRACE
from asterisk_siptrunk.trunk.terms import require_use
from asterisk_siptrunk.web.api.caller import Caller, Manager, Reader
from asterisk_siptrunk.web.api.description import CHANGES, router
from asterisk_siptrunk.web.api.kinds import (
    E164,
    NUMBER,
    Asked,
    Channels,
    Country,
    Moment,
    Name,
    Network,
    Told,
)
from asterisk_siptrunk.web.api.paging import Page, Paged

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROUTER = router("trunks")
# What concerns the customer's own PBX alone. Where it may call from is the customer's where that
# only restricts it; of a trunk that is known by its address it says who the caller is.
_CUSTOMERS_OWN = {"reserved_inbound", "transport", "srtp", "caller_policy", "addresses"}
# Of these admission alone goes by.
_WITHOUT_ASTERISK = {"channels", "reserved_inbound", "calls_per_second", "caller_policy"}
_HOURS = int(LONGEST_GRACE / timedelta(hours=1))


class StandingSuspension(Told):
    """A part of a trunk's service that is stopped."""

    scope: SuspensionScope
    target: Annotated[str, Field(description="Of the scopes `destination` and `caller`.")]
    source: SuspensionSource
    reason: str
    expires_at: Moment | None


class Registration(Told):
    """What is known of a PBX's registration at one server."""

    trunk: Name
    server: str
    registered: bool
    contact: Annotated[str, Field(examples=["sip:192.0.2.10:5060"])]
    user_agent: Annotated[str, Field(examples=["FPBX-16.0.40"])]
    changed_at: Moment


class Occupancy(Told):
    """How busy a trunk is now."""

    trunk: Name
    channels: Annotated[int, Field(description="How many calls it may have at once.")]
    in_use: Annotated[int, Field(description="How many it has.")]


class Trunk(Told):
    """A trunk as it is now."""

    name: Name
    customer: Name
    kind: TrunkKind
    status: Annotated[str, Field(description="For people: active, ended, or what is suspended.")]
    ended: bool
    channels: Annotated[int, Field(description="Calls at once, both ways together.")]
    in_use: Annotated[int, Field(description="How many of them calls hold now.")]
    reserved_inbound: Annotated[int, Field(description="Channels that outbound calls never take.")]
    calls_per_second: Annotated[int | None, Field(description="null: as fast as they come.")]
    country: Annotated[Country, Field(description="Where its PBX is: how it dials.")]
    main_number: E164 | None
    suspensions: list[StandingSuspension]


class TrunkSheet(Trunk):
    """All of a trunk."""

    transport: Transport
    srtp: bool
    caller_policy: CallerPolicy
    away_policy: AwayPolicy
    addresses: Annotated[
        list[str], Field(description="Where it calls from, or may register from; [] anywhere.")
    ]
    contact: Annotated[str | None, Field(description="Where inbound calls go (kind address).")]
    inbound_context: Annotated[str | None, Field(description="Of inbound calls (kind local).")]
    numbers: Annotated[list[E164], Field(description="The main one first.")]
    username: Annotated[str | None, Field(description="What it registers as.")]
    realm: str | None
    registrations: list[Registration]


class TrunkChange(Asked):
    """The terms that are to change; what is left out stays."""

    channels: Annotated[Channels | None, Field(description="The provider's to decide.")] = None
    reserved_inbound: Annotated[int, Field(ge=0, le=MOST_CHANNELS), NUMBER] | None = None
    calls_per_second: Annotated[
        Annotated[int, Field(ge=0, le=MOST_CALLS_PER_SECOND), NUMBER] | None,
        Field(description="0 takes the limit away. The provider's to decide."),
    ] = None
    transport: Transport | None = None
    srtp: Annotated[bool | None, Field(strict=True)] = None
    caller_policy: CallerPolicy | None = None
    away_policy: Annotated[AwayPolicy | None, Field(description="The provider's to decide.")] = None
    addresses: Annotated[
        list[Network] | None,
        Field(
            max_length=100,
            description="[] lifts the restriction. Of a trunk of kind `address` the provider's to "
            "decide: they say who calls.",
        ),
    ] = None
    contact: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9.:\[\]-]+$", max_length=255, examples=["192.0.2.10:5060"]),
    ] = None
    inbound_context: Annotated[
        str | None, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=79, examples=["from-trunk"])
    ] = None


class Rotation(Asked):
    """How credentials are replaced."""

    grace_hours: Annotated[
        int,
        Field(
            ge=0,
            le=_HOURS,
            description="How long the secret before works on; 0 ends it at once.",
            examples=[24],
        ),
        NUMBER,
    ] = 24


class NewCredentials(Told):
    """What a PBX registers with; only digests of the secret are kept, so it is told this once."""

    trunk: Name
    username: Annotated[str, Field(examples=["trunk-acme-paris"])]
    realm: Annotated[str, Field(examples=["siptrunk"])]
    secret: str
    before_until: Annotated[Moment | None, Field(description="Until then the one before works on.")]


@ROUTER.get("/trunks", summary="List trunks")
def list_trunks(
    caller: Reader, paged: Paged, customer: Annotated[Name | None, Query()] = None
) -> Page[Trunk]:
    """Trunks by name, ended ones too, with the channels in use now."""
    of = caller.one_of(customer)
    with caller.reading() as connection:
        found = trunks.piece(connection, of, paged.after(str), paged.one_more)
        in_use = calls.in_use(connection)
    now = caller.house.now()
    return paged.page(
        found,
        lambda one: (one.name,),
        lambda one: Trunk(**_row(one, in_use.get(one.name, 0), now)),
    )


@ROUTER.get("/trunks/{trunk}", summary="Show a trunk")
def get_trunk(caller: Reader, trunk: Name) -> TrunkSheet:
    """All of a trunk: terms, numbers, suspensions, registrations, channels in use."""
    with caller.reading() as connection:
        return _sheet(caller, connection, caller.trunk(connection, trunk))


@ROUTER.patch("/trunks/{trunk}", summary="Change a trunk's terms", responses=CHANGES)
def change_trunk(caller: Manager, trunk: Name, change: TrunkChange) -> TrunkSheet:
    """Change terms of a trunk.

    Channels and pace hold from the next call on; in what Asterisk itself goes by (transport, SRTP,
    addresses, contact, contexts) the servers follow within seconds. The channels of a trunk with
    a subscription are ordered: `POST /orders`.
    """
    values = {key: value for key, value in _given(change).items() if value is not None}
    if not values:
        raise InvalidInput("There is nothing to change: give at least one term.")
    with caller.changing() as (connection, by):
        found = caller.trunk(connection, trunk)
        _refuse_providers(caller, found, values)
        trunks.in_force(connection, trunk)
        require_use(found.kind, values)
        if not _WITHOUT_ASTERISK.issuperset(values):
            rollout.ask(connection)
        changed = trunks.change(connection, by, trunk, **_as_attributes(values))
        return _sheet(caller, connection, changed)


@ROUTER.post("/trunks/{trunk}/credentials", summary="Make new credentials", responses=CHANGES)
def rotate_credentials(
    caller: Manager, trunk: Name, response: Response, rotation: Rotation | None = None
) -> NewCredentials:
    """Make a new secret, and tell it this once; the servers take it within seconds.

    The one before works on for the grace, so that the PBX can be given the new one meanwhile.
    """
    grace = timedelta(hours=(rotation or Rotation()).grace_hours)
    response.headers["Cache-Control"] = "no-store"
    with caller.changing() as (connection, by):
        found = caller.trunk(connection, trunk)
        return _rotated(caller, connection, by, found, grace)


@ROUTER.get("/occupancy", summary="How busy trunks are now")
def list_occupancy(caller: Reader, paged: Paged) -> Page[Occupancy]:
    """Channels in use of each trunk in force, by name."""
    with caller.reading() as connection:
        found = trunks.piece(connection, caller.customer, paged.after(str), paged.one_more)
        in_use = calls.in_use(connection)
    return paged.page(
        found,
        lambda one: (one.name,),
        lambda one: Occupancy(
            trunk=one.name, channels=one.channels, in_use=in_use.get(one.name, 0)
        ),
    )


@ROUTER.get("/registrations", summary="List registrations")
def list_registrations(caller: Reader, paged: Paged) -> Page[Registration]:
    """The last known registration of each trunk's PBX at each server, by trunk and server."""
    after = paged.after(str, str)
    with caller.reading() as connection:
        found = calls.registrations_piece(connection, caller.customer, after, paged.one_more)
    return paged.page(found, lambda one: (one.trunk, one.server), _registration)


def _row(one: TrunkNow, in_use: int, now: datetime) -> dict[str, Any]:
    plain = ("name", "customer", "kind", "status", "ended", "channels", "reserved_inbound")
    return {
        **{key: getattr(one, key) for key in (*plain, "calls_per_second", "country")},
        "main_number": one.main_number,
        "in_use": in_use,
        "suspensions": [
            StandingSuspension(
                scope=each.scope,
                target=each.target,
                source=each.source,
                reason=each.reason,
                expires_at=each.expires_at,
            )
            for each in one.suspensions
            if each.holds(now)
        ],
    }


def _sheet(caller: Caller, connection: "Connection", one: TrunkNow) -> TrunkSheet:
    credentials = trunks.credentials_of(connection, one.name)
    in_use = calls.in_use(connection).get(one.name, 0)
    plain = ("transport", "srtp", "caller_policy", "away_policy", "contact", "inbound_context")
    return TrunkSheet(
        **_row(one, in_use, caller.house.now()),
        **{key: getattr(one, key) for key in plain},
        addresses=[str(each) for each in one.addresses],
        numbers=list(one.numbers),
        username=credentials.username if credentials else None,
        realm=credentials.realm if credentials else None,
        registrations=[_registration(each) for each in calls.registrations(connection, [one.id])],
    )


def _registration(one: calls.Registration) -> Registration:
    return Registration(
        trunk=one.trunk,
        server=one.server,
        registered=one.registered,
        contact=one.contact,
        user_agent=one.user_agent,
        changed_at=one.changed_at,
    )


def _given(change: TrunkChange) -> dict[str, Any]:
    return {key: getattr(change, key) for key in sorted(change.model_fields_set)}


def _refuse_providers(caller: Caller, found: TrunkNow, values: dict[str, Any]) -> None:
    own = _CUSTOMERS_OWN - ({"addresses"} if found.kind is TrunkKind.ADDRESS else set())
    for term in sorted(set(values) - own):
        caller.require_provider(f"The term {term} of a trunk of kind {found.kind}")


def _as_attributes(values: dict[str, Any]) -> dict[str, Any]:
    made = dict(values)
    if "calls_per_second" in made:
        made["calls_per_second"] = made["calls_per_second"] or None
    if "addresses" in made:
        made["addresses"] = tuple(map(parse_network, made["addresses"]))
    if "contact" in made:
        made["contact"] = parse_server(made["contact"])
    if "inbound_context" in made:
        made["inbound_context"] = parse_context(made["inbound_context"])
    return made


def _rotated(
    caller: Caller, connection: "Connection", by: By, found: TrunkNow, grace: timedelta
) -> NewCredentials:
    if found.kind is not TrunkKind.REGISTERED:
        raise InvalidInput(f"Trunk {found.name} does not register: it has no secret.")
    credentials, secret = issue_credentials(caller.house.settings, found.name)
    rollout.ask(connection)
    trunks.set_credentials(connection, by, found.name, credentials, grace)
    return NewCredentials(
        trunk=found.name,
        username=credentials.username,
        realm=credentials.realm,
        secret=secret,
        before_until=by.at + grace if grace else None,
    )
