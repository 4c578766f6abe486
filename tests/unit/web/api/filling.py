"""A database with something of everything for each of two customers, and tokens to ask for it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from httpx2 import Response
from sqlalchemy import insert, select
from starlette.testclient import TestClient

from asterisk_siptrunk.account import Scope
from asterisk_siptrunk.account.bucket import Pace
from asterisk_siptrunk.account.secret import digest, new_token
from asterisk_siptrunk.billing.payment import Payment
from asterisk_siptrunk.bootstrap import cashier, counter, issue_credentials
from asterisk_siptrunk.call.server import Vitals
from asterisk_siptrunk.database import (
    carriers,
    catalogues,
    customers,
    findings,
    invoices,
    orders,
    rules,
    servers,
    suspensions,
    tokens,
    trunks,
)
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.ordering import Request
from asterisk_siptrunk.database.tables import registration, trunk
from asterisk_siptrunk.destination import Action, Layer, Rule, Target
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, SuspensionSource, Trunk, TrunkKind
from asterisk_siptrunk.web.api.app import PATH
from asterisk_siptrunk.web.house import House
from tests.unit.database.builders import carrier
from tests.unit.database.shop import CATALOGUE, add_call
from tests.unit.database.watching import found

PLENTY = Pace(1_000_000, 1)
NUMBERS = {"acme": "+33123456789", "bolt": "+33198765432"}
CUSTOMERS = tuple(NUMBERS)


@dataclass
class Client:
    """Somebody with a token."""

    client: TestClient
    token: str

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        shown = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        given: dict[str, Any] = {} if body is None else {"json": body}
        return self.client.request(method, PATH + path, headers=shown | named, **given)

    def get(self, path: str, **headers: str) -> Any:
        answer = self("GET", path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def names(self, path: str, key: str = "id") -> list[Any]:
        return [each[key] for each in self.get(path)["items"]]


def issue(house: House, customer: str, *scopes: Scope, name: str = "") -> str:
    """A token of a customer, "" for the provider, for all that it may be for."""
    word = new_token()
    beyond = {Scope.PAYMENTS, Scope.RUN} if customer else set()
    with transaction(house.engine) as connection:
        tokens.add(
            connection,
            By("setup", house.now()),
            name=name or f"crm of {customer or 'the provider'}",
            customer=customer,
            scopes=scopes or [scope for scope in Scope if scope not in beyond],
            expires_at=house.now() + timedelta(days=30),
            digest=digest(word),
        )
    return word


def open_up(house: House) -> None:
    """Two customers, each with a trunk; as the fixture `house` has them."""
    by = By("setup", house.now())
    with transaction(house.engine) as connection:
        for name in CUSTOMERS:
            customers.add(connection, by, name, title=f"{name.capitalize()} SA")
            one = Trunk(0, f"{name}-paris", name, TrunkKind.REGISTERED, channels=10, country="FR")
            trunks.add(connection, by, one, issue_credentials(house.settings, one.name)[0])


def begin_selling(house: House) -> None:
    """A catalogue that holds already."""
    with transaction(house.engine) as connection:
        sold = replace(CATALOGUE, valid_from=date(2025, 1, 1))
        catalogues.load(connection, By("setup", house.now()), sold, date(2025, 1, 1))


def fill(house: House) -> dict[str, dict[str, Any]]:
    """Something of everything; gives what each customer has, by the names of path parameters."""
    begin_selling(house)
    by = By("setup", house.now())
    with transaction(house.engine) as connection:
        carriers.add(connection, by, carrier("upstream"))
        servers.beat(connection, "pbx1", Vitals("0.1.0", by.at, 100, "up", by.at), (), by.at)
        findings.store(connection, by.at, found(trunk=""))
    return {customer: _fill_for(house, by, customer) for customer in CUSTOMERS}


def _fill_for(house: House, by: By, customer: str) -> dict[str, Any]:
    name = f"{customer}-paris"
    with transaction(house.engine) as connection:
        trunk_id = connection.execute(select(trunk.c.id).where(trunk.c.name == name)).scalar_one()
        trunks.add_number(connection, by, name, NUMBERS[customer], main=True)
        rule = Rule(Target.parse("lv"), Action.BLOCK, Layer.CUSTOMER, note="no traffic")
        rules.put(connection, by, rule, name)
        number = findings.store(connection, by.at, found(trunk=name))
        part = Suspension(
            SuspensionScope.DESTINATION, "fraud", SuspensionSource.ANOMALY, "lv:premium"
        )
        findings.tie(connection, number, suspensions.suspend(connection, by, name, part))
        suspensions.suspend(connection, by, name, Suspension(SuspensionScope.INBOUND, "unpaid"))
        connection.execute(
            insert(registration).values(
                trunk_id=trunk_id,
                server="pbx1",
                registered=True,
                contact="sip:192.0.2.1",
                user_agent="FPBX-16",
                changed_at=by.at,
            )
        )
        _, suspension = suspensions.listed(connection, name)
    ids = [
        add_call(house.engine, by.at - timedelta(hours=hours), trunk_id=trunk_id)
        for hours in (3, 2, 1)
    ]
    add_call(house.engine, by.at, None, trunk_id=trunk_id)
    invoice, waiting = _sell(house, by, customer)
    return {
        "customer": customer,
        "trunk": name,
        "number": NUMBERS[customer],
        "target": "lv",
        "call": ids[0],
        "finding": number,
        "suspension": suspension.id,
        "order": waiting,
        "invoice": invoice,
    }


def _sell(house: House, by: By, customer: str) -> tuple[str, str]:
    """The invoice of a first order, and an order that waits for its payment."""
    name = f"{customer}-lyon"
    with transaction(house.engine) as connection:
        first = order(connection, house, by, Request(name, 3, customer=customer))
        given = Payment(f"pays-{name}", first.gross, "EUR", order=first.reference)
        cashier(house.settings, connection, by).pay(
            given, lambda trunk: issue_credentials(house.settings, trunk)[0]
        )
        waiting = order(connection, house, by, Request(name, 5))
    with reading(house.engine) as connection:
        (written,) = invoices.every(connection, customer)
    return written.number, waiting.reference


def order(connection, house, by, wanted: Request):
    """An order, placed."""
    return orders.place(connection, by, counter(house.settings, connection, by).quoted(wanted))
