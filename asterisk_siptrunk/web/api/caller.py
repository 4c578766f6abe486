"""Who asks: the owner of a token, and what that may reach."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Security
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from starlette.exceptions import HTTPException
from starlette.requests import Request

from asterisk_siptrunk.account import ApiToken, Scope
from asterisk_siptrunk.bootstrap import By, trunks
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.trunk import Trunk
from asterisk_siptrunk.web.house import House

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BEARER = HTTPBearer(
    auto_error=False,  # the door has refused by then whoever has no good token
    scheme_name="token",
    bearerFormat="siptrunk_…",
    description="A token of 'siptrunk token add', or of the management interface. Each operation "
    "asks for one of its scopes: `read`, `billing`, `manage`, and of a provider's token alone "
    "`payments` and `run`.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """One request of a token's owner."""

    house: House
    token: ApiToken
    request: Request

    @property
    def of_provider(self) -> bool:
        """Whether everything is for who asks."""
        return not self.token.customer

    @property
    def author(self) -> str:
        """Who signs what is changed."""
        return f"token {self.token.name}"

    @property
    def customer(self) -> str | None:
        """Whose things who asks may see; None for everyone's."""
        return self.token.customer or None

    def owns(self, customer: str) -> bool:
        """Whether what belongs to a customer is for who asks."""
        return self.of_provider or self.token.customer == customer

    def require_provider(self, what: str) -> None:
        """Refuse what a customer may not ask for; `what` begins the sentence that says so.

        Raises:
            HTTPException: 403.
        """
        if not self.of_provider:
            raise HTTPException(HTTPStatus.FORBIDDEN, f"{what} is the provider's to decide.")

    @contextmanager
    def reading(self) -> Iterator["Connection"]:
        """One view of the database."""
        with self.house.reading() as connection:
            yield connection

    @contextmanager
    def changing(self) -> Iterator[tuple["Connection", By]]:
        """One change of the database, signed with the token's name."""
        with self.house.changing(self.author) as (connection, by):
            yield connection, by

    def trunk(self, connection: "Connection", name: str) -> Trunk:
        """A trunk that is for who asks.

        Raises:
            NotFound: there is none of that name, or it is another customer's: nobody can tell.
        """
        found = trunks.find(connection, name)
        if found is None or not self.owns(found.customer):
            raise NotFound(f"There is no trunk {name}.")
        return found

    def one_of(self, customer: str | None) -> str | None:
        """The customer that a filter names, or who asks; None for all of them.

        Raises:
            NotFound: it is another one.
        """
        if customer is not None and not self.owns(customer):
            raise NotFound(f"There is no customer {customer}.")
        return customer or self.customer


async def _caller(
    scopes: SecurityScopes,
    request: Request,
    _described: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Caller:
    """Who asks, where the token is for what is asked."""
    house, token = request.state.house, request.state.token
    for scope in scopes.scopes:
        if Scope(scope) not in token.scopes:
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'  # RFC 6750 section 3
            detail = f"This token is not for that: it has not the scope {scope}."
            raise HTTPException(HTTPStatus.FORBIDDEN, detail, {"WWW-Authenticate": challenge})
    _refuse_unknown(request)
    return Caller(house, token, request)


def _refuse_unknown(request: Request) -> None:
    """Refuse a parameter that is not described, or stands twice: a filter must not be passed over.

    Raises:
        RequestValidationError: which ones.
    """
    known = _parameters_of(request.scope["route"].dependant)
    given = [name for name, _ in request.query_params.multi_items()]
    wrong = [
        {"loc": ("query", name), "msg": "There is no such parameter, or it is given twice."}
        for name in dict.fromkeys(given)
        if name not in known or given.count(name) > 1
    ]
    if wrong:
        raise RequestValidationError(wrong)


def _parameters_of(dependant: Dependant) -> set[str]:
    """The names of all parameters that a query may have."""
    own = {field.alias for field in dependant.query_params}
    return own.union(*map(_parameters_of, dependant.dependencies))


Reader = Annotated[Caller, Security(_caller, scopes=[Scope.READ.value])]
Biller = Annotated[Caller, Security(_caller, scopes=[Scope.BILLING.value])]
Manager = Annotated[Caller, Security(_caller, scopes=[Scope.MANAGE.value])]
Payer = Annotated[Caller, Security(_caller, scopes=[Scope.PAYMENTS.value])]
Runner = Annotated[Caller, Security(_caller, scopes=[Scope.RUN.value])]
