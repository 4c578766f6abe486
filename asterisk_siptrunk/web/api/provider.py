"""What is the provider's own: carriers, servers, and the history of all changes."""

from typing import Annotated

from fastapi import Query
from pydantic import Field

from asterisk_siptrunk.bootstrap import audit, carriers, occupancy, servers
from asterisk_siptrunk.call.server import ServerRecord, ServerState
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.trunk import Carrier as KeptCarrier
from asterisk_siptrunk.trunk import CarrierMode, Transport
from asterisk_siptrunk.web.api.caller import Runner
from asterisk_siptrunk.web.api.description import router
from asterisk_siptrunk.web.api.kinds import Line, Moment, Name, Told, Word
from asterisk_siptrunk.web.api.paging import Page, Paged

ROUTER = router("provider")


class Carrier(Told):
    """An operator upstream; its secret is never told."""

    name: Name
    profile: str
    mode: CarrierMode
    server: str
    transport: Transport
    username: str
    country: str
    priority: Annotated[int, Field(description="The lowest is tried first.")]
    weight: Annotated[int, Field(description="Share among equals in priority.")]
    channels: Annotated[int | None, Field(description="Calls at once; null: no limit.")]
    in_use: int
    enabled: bool
    qualify: Annotated[int, Field(description="Seconds between OPTIONS; 0: none.")]


class Server(Told):
    """An Asterisk with its service, as it told of itself last."""

    name: str
    state: ServerState
    seen_at: Moment
    program: Annotated[str, Field(description="Its version.")]
    share: Annotated[int, Field(description="Percent of each trunk's channels it may use alone.")]
    link: Annotated[str, Field(description="Its connection to Asterisk's manager interface.")]
    link_since: Moment
    link_detail: str
    journal_behind: Annotated[int | None, Field(description="Bytes that are not recorded yet.")]
    calls: int
    generation: Annotated[str, Field(description="Of its configuration.")]
    follows: Annotated[bool, Field(description="It has the newest configuration.")]
    error: str


class Change(Told):
    """One change of one thing."""

    id: int
    at: Moment
    author: Annotated[str, Field(examples=["token crm"])]
    noun: Annotated[str, Field(examples=["trunk"])]
    name: Annotated[str, Field(examples=["acme-paris"])]
    change: str


@ROUTER.get("/carriers", summary="List carriers")
def list_carriers(caller: Runner, paged: Paged) -> Page[Carrier]:
    """Operators by name, with their calls now."""
    with caller.reading() as connection:
        found = sorted(carriers.every(connection), key=lambda one: one.name)
        in_use = occupancy.carriers_in_use(connection)
    return paged.slice(
        found, lambda one: (one.name,), lambda one: _carrier(one, in_use[one.name]), str
    )


@ROUTER.get("/carriers/{carrier}", summary="Show a carrier")
def get_carrier(caller: Runner, carrier: Name) -> Carrier:
    """All of an operator."""
    with caller.reading() as connection:
        found = carriers.get(connection, carrier)
        return _carrier(found, occupancy.carriers_in_use(connection)[carrier])


@ROUTER.get("/servers", summary="List servers")
def list_servers(caller: Runner, paged: Paged) -> Page[Server]:
    """Servers by name, and what each told of itself last."""
    with caller.reading() as connection:
        found = list(servers.every(connection))
    return paged.slice(found, lambda one: (one.name,), _server, str)


@ROUTER.get("/servers/{server}", summary="Show a server")
def get_server(caller: Runner, server: Word) -> Server:
    """What a server told of itself last."""
    with caller.reading() as connection:
        found = next((one for one in servers.every(connection) if one.name == server), None)
    if found is None:
        raise NotFound(f"There is no server {server}.")
    return _server(found)


@ROUTER.get("/audit", summary="List changes")
def list_changes(  # noqa: PLR0913 - a parameter for each filter
    *,
    caller: Runner,
    paged: Paged,
    noun: Annotated[Word | None, Query(description="Of what.", examples=["trunk"])] = None,
    name: Annotated[Line | None, Query(description="Of which one.")] = None,
    author: Annotated[Line | None, Query(description="By whom.")] = None,
    since: Annotated[Moment | None, Query(description="Made then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Made before.")] = None,
) -> Page[Change]:
    """Who changed what, the newest first."""
    wanted = audit.AuditFilter(noun, name, author, since, until)
    before = paged.after(int)
    with caller.reading() as connection:
        found = audit.piece(connection, wanted, before, paged.one_more)
    return paged.page(
        found,
        lambda one: (one[0],),
        lambda one: Change(
            id=one[0],
            at=one[1].at,
            author=one[1].author,
            noun=one[1].noun,
            name=one[1].name,
            change=one[1].change,
        ),
    )


def _carrier(one: KeptCarrier, in_use: int) -> Carrier:
    return Carrier(
        name=one.name,
        profile=one.profile.name,
        mode=one.profile.mode,
        server=one.server,
        transport=one.profile.transport,
        username=one.username,
        country=one.country,
        priority=one.priority,
        weight=one.weight,
        channels=one.channels,
        in_use=in_use,
        enabled=one.enabled,
        qualify=one.qualify_seconds,
    )


def _server(one: ServerRecord) -> Server:
    vitals = one.vitals
    return Server(
        name=one.name,
        state=one.state,
        seen_at=one.seen_at,
        program=vitals.program,
        share=vitals.share,
        link=vitals.link,
        link_since=vitals.link_since,
        link_detail=vitals.link_detail,
        journal_behind=vitals.journal_behind,
        calls=one.calls,
        generation=one.config_generation,
        follows=one.follows,
        error=one.config_error,
    )
