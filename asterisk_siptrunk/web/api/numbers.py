"""Telephone numbers."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from asterisk_siptrunk.bootstrap import subscriptions, trunks
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.web.api.caller import Caller, Manager, Reader, Runner
from asterisk_siptrunk.web.api.description import CHANGES, router
from asterisk_siptrunk.web.api.kinds import E164, Asked, Name, Told
from asterisk_siptrunk.web.api.paging import Page, Paged

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROUTER = router("numbers")


class Number(Told):
    """A number, and whose it is."""

    number: E164
    trunk: Name
    main: Annotated[bool, Field(description="It stands in for callers who are not the trunk's.")]


class NewNumber(Asked):
    """A number that a trunk is to have."""

    number: E164
    main: Annotated[bool, Field(strict=True)] = False


class NumberChange(Asked):
    """What is to change of a number."""

    main: Literal[True]


@ROUTER.get("/numbers", summary="List numbers")
def list_numbers(
    caller: Reader, paged: Paged, trunk: Annotated[Name | None, Query()] = None
) -> Page[Number]:
    """Numbers in their order, and whose they are."""
    after = paged.after(str)
    with caller.reading() as connection:
        if trunk is not None:
            caller.trunk(connection, trunk)
        found = trunks.numbers_piece(connection, caller.customer, trunk, after, paged.one_more)
    return paged.page(found, lambda one: (one[0],), lambda one: _told(*one))


@ROUTER.get("/numbers/{number}", summary="Show whose a number is")
def get_number(caller: Reader, number: E164) -> Number:
    """A number of a trunk."""
    with caller.reading() as connection:
        return _own(caller, connection, number)


@ROUTER.patch("/numbers/{number}", summary="Make a number the main one", responses=CHANGES)
def change_number(caller: Manager, number: E164, change: NumberChange) -> Number:
    """Make a number the one that stands in for callers who are not the trunk's."""
    del change  # the only thing that there is to change
    with caller.changing() as (connection, by):
        _own(caller, connection, number)
        trunks.set_main_number(connection, by, number)
        return _own(caller, connection, number)


@ROUTER.post(
    "/trunks/{trunk}/numbers",
    summary="Give a number to a trunk",
    status_code=HTTPStatus.CREATED,
    responses=CHANGES,
)
def add_number(caller: Runner, trunk: Name, new: NewNumber) -> Number:
    """Give a number to a trunk; its first one is its main number."""
    with caller.changing() as (connection, by):
        found = caller.trunk(connection, trunk)
        on = subscriptions.ground(connection, caller.house.zone)
        trunks.in_force(connection, trunk)
        subscriptions.require_room(connection, by, trunk, 1, on)
        trunks.add_number(connection, by, found.name, new.number, main=new.main)
        return _own(caller, connection, new.number)


@ROUTER.delete(
    "/numbers/{number}",
    summary="Take a number away from its trunk",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=CHANGES,
)
def remove_number(caller: Runner, number: E164) -> None:
    """Take a number away: calls to it find nobody from then on."""
    with caller.changing() as (connection, by):
        _own(caller, connection, number)
        trunks.remove_number(connection, by, number)


def _own(caller: Caller, connection: "Connection", number: str) -> Number:
    found = trunks.owner_of_number(connection, number)
    if found is None or not caller.owns(trunks.get(connection, found[0]).customer):
        raise NotFound(f"No trunk has the number {number}.")
    return _told(number, *found)


def _told(number: str, trunk: str, main: bool) -> Number:  # noqa: FBT001 - of a row
    return Number(number=number, trunk=trunk, main=main)
