"""Tokens of the API: kept as digests, ended by a date, revocable at once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from asterisk_siptrunk.account.model import ApiToken
from asterisk_siptrunk.account.scope import Scope
from asterisk_siptrunk.database import customers
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.tables import api_token, customer
from asterisk_siptrunk.errors import InvalidInput, NotFound

_USED_EVERY = timedelta(minutes=5)


def add(  # noqa: PLR0913 - what a token is
    connection: Connection,
    by: By,
    *,
    name: str,
    customer: str,
    scopes: Iterable[Scope],
    expires_at: datetime,
    digest: str,
) -> None:
    """Keep a new token.

    Raises:
        NotFound: there is no such customer.
        InvalidInput: it has no name, ends before it begins, is for nothing, or for what no
            customer may.
    """
    wanted = frozenset(scopes)
    if not name:
        raise InvalidInput("A token has a name: say what it is for.")
    if not wanted:
        raise InvalidInput("A token is for something: give a scope.")
    if expires_at <= by.at:
        raise InvalidInput("A token cannot have expired before it is made.")
    if customer and (beyond := sorted(one for one in wanted if one.of_provider)):
        raise InvalidInput(f"A customer's token cannot have the scope {beyond[0]}.")
    owner = customers.get(connection, customer).id if customer else None
    values: dict[str, Any] = {"name": name, "customer_id": owner}
    values |= {"scopes": " ".join(sorted(wanted))}
    values |= {"digest": digest, "created_at": by.at, "expires_at": expires_at}
    connection.execute(insert(api_token).values(author=by.author, **values))
    said = f"made for {customer or 'the provider'}: {', '.join(sorted(wanted))}"
    note(connection, by, "token", name, said)


def _query() -> Select[Any]:
    return (
        select(api_token.c.id, api_token.c.name, customer.c.name.label("customer"))
        .add_columns(api_token.c.scopes, api_token.c.created_at, api_token.c.expires_at)
        .add_columns(api_token.c.revoked_at, api_token.c.used_at, api_token.c.author)
        .select_from(api_token.outerjoin(customer))
    )


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        id=row.id,
        name=row.name,
        customer=row.customer or "",
        scopes=frozenset(map(Scope, row.scopes.split())),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        used_at=row.used_at,
        author=row.author,
    )


def find(connection: Connection, digest: str) -> ApiToken | None:
    """The token of this digest, good or not."""
    row = connection.execute(_query().where(api_token.c.digest == digest)).one_or_none()
    return _token(row) if row else None


def listed(connection: Connection, of: str | None = None) -> list[ApiToken]:
    """All tokens, the newest first, or those of one customer; "" for the provider's."""
    query = _query().order_by(api_token.c.id.desc())
    if of is not None:
        query = query.where(customer.c.name == of if of else api_token.c.customer_id.is_(None))
    return [_token(row) for row in connection.execute(query)]


def needs_note(token: ApiToken, now: datetime) -> bool:
    """Whether it is to be noted that a token is in use: not at each request."""
    return token.used_at is None or now - token.used_at > _USED_EVERY


def used(connection: Connection, token: ApiToken, now: datetime) -> None:
    """Note that a token is in use."""
    connection.execute(update(api_token).where(api_token.c.id == token.id).values(used_at=now))


def revoke(connection: Connection, by: By, number: int, of: str | None = None) -> ApiToken:
    """Let a token in no more; `of` are whose tokens may be meant, as in `listed`.

    Returns:
        It, as it was.

    Raises:
        NotFound: there is no such token.
    """
    found = {token.id: token for token in listed(connection, of)}.get(number)
    if found is None:
        raise NotFound(f"There is no token {number}.")
    query = update(api_token).where(api_token.c.id == number, api_token.c.revoked_at.is_(None))
    if connection.execute(query.values(revoked_at=by.at)).rowcount:
        note(connection, by, "token", found.name, "revoked")
    return found
