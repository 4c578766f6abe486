"""Nobody reaches another customer's things: every route is tried with all that is acme's."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from asterisk_siptrunk.account import Right, Role, Scope, rights_of
from asterisk_siptrunk.account.secret import digest, new_token
from asterisk_siptrunk.bootstrap import business
from asterisk_siptrunk.database import (
    accounts,
    carriers,
    catalogues,
    findings,
    invoices,
    orders,
    sessions,
    suspensions,
    tokens,
    trunks,
)
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.trunk import Suspension, SuspensionScope
from asterisk_siptrunk.web.app import PAGES
from asterisk_siptrunk.web.pages import Page, Site
from asterisk_siptrunk.web.render import Renderer
from tests.unit.database.builders import carrier
from tests.unit.database.shop import CATALOGUE, Shop, add_call, add_rate
from tests.unit.database.watching import found
from tests.unit.web.conftest import login_of
from tests.unit.web.walls import (
    Values,
    answer_to,
    asks,
    belongings,
    entered,
    everything,
    routes_of,
    unknown_names,
)

ACME = Role.CUSTOMER_USER, "acme"
NUMBERS = {"acme": "+33123456789", "bolt": "+33198765432"}
PUBLIC = {"/login", "/healthz", "/api/v1/openapi.json"}
"""What anybody may see: nothing of any customer's stands there, if not as an example."""
NEUTRAL: Values = {
    "paper": ("pdf", "csv"),
    "target": ("lv",),
    "carrier": ("one",),
    "server": ("lab",),
    "change": ("open", "block"),
    "country": ("fr",),
    "rule": ("new-zone",),
}
"""Names in paths that are nobody's own."""
EXAMPLES = ("alice@acme.example", "voice@acme.example")
"""What sentences of ours show as one: no customer's."""
CUSTOMERS_SCOPES = [scope for scope in Scope if not scope.of_provider]


def fill(house, customer: str) -> Values:
    """One of everything for a customer; what it is known by, by the names that paths have."""
    paris, lyon = f"{customer}-paris", f"{customer}-lyon"
    shop = Shop(house.engine, replace(business(house.settings)), house.now())
    with transaction(house.engine) as connection:
        by = shop.by
        trunks.add_number(connection, by, paris, NUMBERS[customer], main=True)
        number = trunks.get(connection, paris).id
    shop.order(5, lyon, customer=customer)
    with reading(house.engine) as connection:
        (first,) = [one for one in orders.every(connection) if one.trunk == lyon]
    shop.pay(first)
    placed = shop.order(9, lyon)
    with reading(house.engine) as connection:
        (issued,) = [one for one in invoices.every(connection) if one.customer == customer]
    note = shop.credit(issued.number, 1)
    call = add_call(house.engine, house.now() - timedelta(hours=1), trunk_id=number)
    seen = watched(house, shop.by, paris, call)
    return {
        "customer": (customer,),
        "trunk": (paris, lyon),
        "call": (call,),
        "number": (issued.number, note, NUMBERS[customer], *seen["suspension"]),
        "invoice": (issued.number, note),
        "order": (placed.reference, first.reference),
        **seen,
        **let_in(house, shop.by, customer),
    }


def watched(house, by: By, trunk: str, call: int) -> Values:
    """What the watch has found and stopped."""
    seen = found(trunk=trunk, at=by.at.timestamp(), evidence=(call,))
    with transaction(house.engine) as connection:
        finding = findings.store(connection, by.at, seen)
        stopped = Suspension(SuspensionScope.DESTINATION, "fraud", target="lv")
        suspension = suspensions.suspend(connection, by, trunk, stopped)
        findings.tie(connection, finding, suspension)
    return {"finding": (finding,), "suspension": (suspension,)}


def let_in(house, by: By, customer: str) -> Values:
    """People, a browser of one of them, and a token."""
    token = new_token()
    with transaction(house.engine) as connection:
        everybody = accounts.listed(connection, customer)
        sessions.open_one(
            connection, by, everybody[0], digest=digest(token), address="", user_agent=customer
        )
        (browser,) = sessions.of_account(connection, everybody[0])
        tokens.add(
            connection,
            by,
            name=f"{customer}-crm",
            customer=customer,
            scopes=CUSTOMERS_SCOPES,
            expires_at=by.at + timedelta(days=9),
            digest=digest(token),
        )
        (kept,) = tokens.listed(connection, customer)
    return {
        "account": tuple(one.id for one in everybody),
        "session": (browser.id,),
        "token": (kept.id,),
        "bearer": (token,),
    }


class Town:
    """Two customers with one of everything each, and who tries to see acme's."""

    def __init__(self, house: Any, app: Any) -> None:
        self.house, self.app = house, app
        shop = Shop(house.engine, now=house.now())
        with transaction(house.engine) as connection:
            sold = replace(CATALOGUE, valid_from=date(2025, 1, 1))
            catalogues.load(connection, shop.by, sold, date(2025, 1, 1))
            add_rate(connection, "fr:mobile", "0.06")
            carriers.add(connection, shop.by, carrier())
        self.acme, self.bolt = fill(house, "acme"), fill(house, "bolt")
        (self.bearer,) = self.bolt.pop("bearer")
        self.acme.pop("bearer")

    def enter(self, role: Role, customer: str):
        return entered(self.app, self.house, login_of(role, customer))

    def asks(self, *, theirs: bool):
        every = asks(self.app, self.acme, self.bolt, NEUTRAL)
        return [ask for ask in every if ask.theirs is theirs]

    def tell(self, browser, ask, bearer=""):
        return answer_to(browser, ask, self.acme, bearer)

    def seen_by_stranger(self) -> list[str]:
        """What bolt's admin and bolt's token get of acme's, or change of it: nothing, one hopes."""
        browser = self.enter(Role.CUSTOMER_ADMIN, "bolt")
        before, told = everything(self.house.engine), []
        for ask in self.asks(theirs=True):
            answer = self.tell(browser, ask, self.bearer)
            refused = {403, 404, 405, *([422] if ask.is_api else [])}
            if answer.status_code not in refused or tells_of_acme(answer, self.acme):
                told.append(f"{ask}: {answer.status_code}")
            if everything(self.house.engine) != before:
                before = everything(self.house.engine)
                told.append(f"{ask}: a change")
        return told

    def leaks_beside(self) -> list[str]:
        """What bolt's own pages say, or do, of what is acme's, however it is named to them."""
        before, told = belongings(self.house.engine, "acme"), []
        for ask in self.asks(theirs=False):
            browser = self.enter(Role.CUSTOMER_ADMIN, "bolt")
            answer = self.tell(browser, ask, self.bearer)
            # An error may repeat the names that it was asked with.
            named = {} if answer.is_success else self.acme
            if ask.path not in PUBLIC and tells_of_acme(answer, named):
                told.append(f"{ask}: {answer.status_code}")
            if belongings(self.house.engine, "acme") != before:
                before = belongings(self.house.engine, "acme")
                told.append(f"{ask}: a change")
        return told


def tells_of_acme(answer, named: Values) -> bool:
    """Whether more of acme stands in an answer than the names that it was asked with."""
    text = answer.text
    for known in (*EXAMPLES, *(str(value) for values in named.values() for value in values)):
        text = text.replace(known, "")
    secret = ("acme", NUMBERS["acme"]) if not named else ("acme sa", "acme-crm")
    return any(word in text.casefold() for word in secret)


@pytest.fixture
def town(house, app):
    return Town(house, app)


def test_the_walk_knows_every_name_in_every_path(town):
    assert unknown_names(town.app, {**town.acme, **NEUTRAL}) == {}, "give them values in fill()"
    assert {page.path for page in PAGES} <= {route.path for _, route in routes_of(town.app.routes)}


def test_a_stranger_gets_nothing_of_acmes(town):
    assert len(town.asks(theirs=True)) > 20
    assert town.seen_by_stranger() == []


def test_no_page_of_ones_own_tells_of_others(town):
    assert town.leaks_beside() == []


def test_nobody_gets_anything(town, nobody):
    before = everything(town.house.engine)
    for ask in [*town.asks(theirs=True), *town.asks(theirs=False)]:
        answer = town.tell(nobody, ask)
        asked_to_log_in = answer.headers.get("location", "").startswith("/login")
        public = ask.path in PUBLIC or ask.path.startswith("/static/")
        assert public or asked_to_log_in or answer.status_code in {401, 404, 405, 429}, ask
        assert ask.path in PUBLIC or not tells_of_acme(answer, town.acme), ask
    assert everything(town.house.engine) == before


def test_who_may_look_changes_nothing(town):
    rights = rights_of(Role.CUSTOMER_USER)
    beyond = {page.path for page in PAGES if page.method == "POST" and page.right not in rights}
    browser, before = town.enter(*ACME), everything(town.house.engine)
    tried = [
        ask for ask in town.asks(theirs=True) if ask.method == "POST" and of_pages(ask, beyond)
    ]
    for ask in tried:
        assert town.tell(browser, ask).status_code in {403, 404}, ask
        assert everything(town.house.engine) == before, ask
    assert len(tried) > 5


def test_what_is_the_providers_is_for_no_customer(town):
    """A customer's admin has some of the rights that these pages ask for."""
    browser, before = town.enter(Role.CUSTOMER_ADMIN, "acme"), everything(town.house.engine)
    every = [*town.asks(theirs=True), *town.asks(theirs=False)]
    tried = [ask for ask in every if ask.path.startswith("/provider")]
    for ask in tried:
        assert town.tell(browser, ask).status_code == 403, ask
    assert everything(town.house.engine) == before
    assert len(tried) > 20


def of_pages(ask, paths) -> bool:
    """Whether a request goes to one of these pages."""
    parts = ask.path.split("/")
    return any(
        len(parts) == len(page.split("/"))
        and all(mine == its or "{" in its for mine, its in zip(parts, page.split("/"), strict=True))
        for page in paths
    )


# --- that the walk sees what it is to see ---


def leaky(town, path, function, method="GET"):
    """The application with one more page, that forgets its check."""
    site = Site(town.house, Renderer(town.house.settings))
    town.app.routes.insert(0, site.route(Page(method, path, function, Right.SEE)))


def test_a_page_that_forgets_whose_a_thing_is_would_be_seen(town):
    leaky(town, "/leak/{call}", lambda _view, call: PlainTextResponse(f"call {call}"))
    assert any("/leak/" in told for told in town.seen_by_stranger())


def test_a_page_that_believes_a_form_would_be_seen(town):
    def revoke(view):
        with view.changing() as (connection, by):
            tokens.revoke(connection, by, int(view.field("token")))
        return view.go("/")

    leaky(town, "/believes", revoke, "POST")
    assert any("/believes" in told for told in town.leaks_beside())


def test_a_path_with_a_new_name_would_be_seen(town):
    leaky(town, "/new/{thing}", lambda _view, thing: PlainTextResponse(thing))
    assert unknown_names(town.app, {**town.acme, **NEUTRAL}) == {"/new/{thing}": {"thing"}}


def test_without_the_check_of_customers_and_trunks_much_would_be_seen(town, monkeypatch):
    monkeypatch.setattr(Site, "_require_own", lambda _self, _view: None)
    assert any("/customers/acme" in told for told in town.seen_by_stranger())
