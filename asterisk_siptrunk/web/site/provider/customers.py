"""Customers and their trunks."""

from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.billing.money import parse_percent
from asterisk_siptrunk.billing.renewal import lines_added
from asterisk_siptrunk.bootstrap import (
    calls,
    customers,
    holdings,
    issue_credentials,
    subscriptions,
    suspensions,
    trunks,
)
from asterisk_siptrunk.destination import Target, caller_number, country_code
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.trunk import (
    IN_PART,
    MOST_CALLS_PER_SECOND,
    MOST_CHANNELS,
    AwayPolicy,
    CallerPolicy,
    Suspension,
    SuspensionScope,
    Transport,
    Trunk,
    TrunkKind,
    parse_context,
    parse_line,
    parse_line_or_none,
    parse_server,
)
from asterisk_siptrunk.trunk.addresses import parse_network
from asterisk_siptrunk.trunk.terms import require_use
from asterisk_siptrunk.typed import (
    caller_text,
    email_address,
    phone_number,
    tax_id_or_none,
)
from asterisk_siptrunk.web.given import (
    asked,
    begin_of,
    choice,
    form_day,
    line,
    row_id,
    whole,
    whole_or_none,
)
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View

if TYPE_CHECKING:
    from sqlalchemy import Connection

PAGES = Pages()
MOST = 50
_KINDS = {str(kind): kind for kind in TrunkKind}
_TRANSPORTS = {str(each): each for each in Transport}
_CALLER_POLICIES = {str(each): each for each in CallerPolicy}
_AWAY_POLICIES = {str(each): each for each in AwayPolicy}
_SCOPES = {str(scope): scope for scope in SuspensionScope}


@PAGES.get("/provider/customers", Right.SEE_ALL)
def show_customers(view: View) -> Response:
    """The customers that are looked for, with what they hold."""
    text, after = asked(view, "search") or "", asked(view, "after")
    with view.reading() as connection:
        found = holdings.search(connection, text, after, MOST + 1)
    part = "hx-request" in view.request.headers
    return view.page(
        "provider/part/customers.html" if part else "provider/customers.html",
        customers=found[:MOST],
        search=text,
        next=found[MOST - 1].name if len(found) > MOST else None,
    )


@PAGES.post("/provider/customers", Right.RUN)
def add_customer(view: View) -> Response:
    """Take a customer in."""
    name = view.field("name")
    with view.changing() as (connection, by):
        customers.add(connection, by, name, **_details(view))
    return view.go(f"/provider/customers/{name}", view.say("Customer %(name)s added.", name=name))


@PAGES.get("/provider/customers/{customer}", Right.SEE_ALL)
def show_customer(view: View, customer: str) -> Response:
    """A customer, its trunks, and what can be changed."""
    with view.reading() as connection:
        found = customers.get(connection, customer)
        held = trunks.of_customer(connection, customer)
        in_use = calls.in_use(connection)
    return view.page(
        "provider/customer.html",
        customer=found,
        trunks=held,
        in_use=in_use,
        **_choices(view),
        country=view.house.settings.provider.country,
    )


@PAGES.post("/provider/customers/{customer}", Right.RUN)
def change_customer(view: View, customer: str) -> Response:
    """Change what invoices and notices say of it."""
    values = _details(view)
    with view.changing() as (connection, by):
        before = customers.get(connection, customer)
        changed = {key: value for key, value in values.items() if getattr(before, key) != value}
        if changed:
            customers.change(connection, by, customer, **changed)
    sentence = "Customer %(name)s changed." if changed else "Nothing was changed."
    return view.go(f"/provider/customers/{customer}", view.say(sentence, name=customer))


@PAGES.post("/provider/customers/{customer}/remove", Right.RUN, confirmed=True)
def remove_customer(view: View, customer: str) -> Response:
    """Forget one that never had a trunk."""
    _require_typed(view, customer)
    with view.changing() as (connection, by):
        customers.remove(connection, by, customer)
    return view.go("/provider/customers", view.say("Customer %(name)s removed.", name=customer))


@PAGES.post("/provider/customers/{customer}/trunks", Right.RUN)
def add_trunk(view: View, customer: str) -> Response:
    """Open a trunk, and show its secret this once."""
    name, kind = view.field("name"), choice(view, "kind", _KINDS)
    values = _terms(view, kind)
    new = Trunk(
        id=0,
        name=name,
        customer=customer,
        kind=kind,
        channels=whole(view, "channels", 1, MOST_CHANNELS),
        **values,
    )
    registers = kind is TrunkKind.REGISTERED
    credentials, secret = (
        issue_credentials(view.house.settings, name) if registers else (None, None)
    )
    numbers = [_number(view, text, new.country) for text in view.field("numbers").splitlines()]
    with view.changing() as (connection, by):
        trunks.add(connection, by, new, credentials)
        for index, e164 in enumerate(numbers):
            trunks.add_number(connection, by, name, e164, main=index == 0)
    if secret is None or credentials is None:
        return view.go(_of_trunk(name), view.say("Trunk %(name)s added.", name=name))
    return view.page(
        "provider/secret.html",
        HTTPStatus.CREATED,
        trunk=new,
        credentials=credentials,
        secret=secret,
        without_number=not numbers,
    )


@PAGES.get("/provider/trunks/{trunk}", Right.SEE_ALL)
def show_trunk(view: View, trunk: str) -> Response:
    """What the provider has agreed on a trunk, and changes of it."""
    with view.reading() as connection:
        found = view.trunk(connection, trunk)
        stopped = suspensions.listed(connection, trunk)
        agreed = subscriptions.standing(connection, found.id, view.house.zone)
    return view.page(
        "provider/trunk.html",
        trunk=found,
        suspensions=stopped,
        agreed=agreed,
        scopes=_scopes(view),
        now=view.house.now(),
        **_choices(view),
    )


@PAGES.post("/provider/trunks/{trunk}", Right.RUN)
def change_trunk(view: View, trunk: str) -> Response:
    """Change its terms."""
    with view.changing() as (connection, by):
        before = trunks.in_force(connection, trunk)
        values = _terms(view, before.kind)
        if view.field("channels"):  # a subscription's are ordered
            values["channels"] = whole(view, "channels", 1, MOST_CHANNELS)
        changed = {key: value for key, value in values.items() if getattr(before, key) != value}
        if changed:
            trunks.change(connection, by, trunk, **changed)
    if not changed:
        return view.go(_of_trunk(trunk), view.say("Nothing was changed."))
    return view.go(_of_trunk(trunk), view.say("Trunk %(name)s changed.", name=trunk))


@PAGES.post("/provider/trunks/{trunk}/numbers", Right.RUN)
def add_number(view: View, trunk: str) -> Response:
    """Give it a number."""
    with view.changing() as (connection, by):
        found = trunks.in_force(connection, trunk)
        e164 = _number(view, view.field("number"), found.country)
        on = subscriptions.ground(connection, view.house.zone)
        subscriptions.require_room(connection, by, trunk, 1, on)
        before = subscriptions.standing(connection, found.id, view.house.zone)
        trunks.add_number(connection, by, trunk, e164, main=view.field("main") == "yes")
        after = subscriptions.standing(connection, found.id, view.house.zone)
    if before is None or after is None:
        said = view.say("%(number)s is now of trunk %(name)s.", number=e164, name=trunk)
        return view.go(_of_trunk(trunk), said)
    lines = lines_added(before, after, on.day_of(by.at), on)
    said = view.say(
        "%(number)s is now of trunk %(name)s. The next invoice charges %(amount)s for what is left "
        "of this period, then %(monthly)s a month, without tax.",
        number=e164,
        name=trunk,
        amount=view.words.money(sum((one.amount for one in lines), Decimal(0)), after.currency),
        monthly=view.words.money(
            sum((one.quantity * one.unit_price for one in lines), Decimal(0)), after.currency
        ),
    )
    return view.go(_of_trunk(trunk), said)


@PAGES.post("/provider/trunks/{trunk}/numbers/main", Right.RUN)
def make_number_main(view: View, trunk: str) -> Response:
    """Have one of its numbers stand in for callers that are not its own."""
    with view.changing() as (connection, by):
        e164 = _own_number(view, connection, trunk)
        trunks.set_main_number(connection, by, e164)
    said = view.say("%(number)s is the main number now.", number=e164)
    return view.go(_of_trunk(trunk), said)


@PAGES.post("/provider/trunks/{trunk}/numbers/remove", Right.RUN)
def remove_number(view: View, trunk: str) -> Response:
    """Take a number away."""
    with view.changing() as (connection, by):
        e164 = _own_number(view, connection, trunk)
        trunks.remove_number(connection, by, e164)
    said = view.say("%(number)s was taken away: calls to it find nobody.", number=e164)
    return view.go(_of_trunk(trunk), said)


@PAGES.post("/provider/trunks/{trunk}/suspend", Right.SEE_ALL)
def suspend_trunk(view: View, trunk: str) -> Response:
    """Stop all or a part of its service."""
    reason = line(view, "reason", parse_line, view.say("Reason"))
    until = begin_of(view, form_day(view, "until"))
    with view.changing() as (connection, by):
        country = trunks.in_force(connection, trunk).country
        scope, target = _part(view, country)
        new = Suspension(scope, reason, target=target, expires_at=until)
        suspensions.suspend(connection, by, trunk, new)
    said = view.say("Suspended, from the next call on. Calls in progress go on.")
    return view.go(_of_trunk(trunk), said)


@PAGES.post("/provider/trunks/{trunk}/suspensions/{number}/lift", Right.SEE_ALL)
def resume_trunk(view: View, trunk: str, number: str) -> Response:
    """Lift one of its suspensions."""
    none = view.say("There is no suspension %(number)s.", number=number[:20])
    reason = line(view, "reason", parse_line_or_none, view.say("Reason"))
    with view.changing() as (connection, by):
        own = {one.id for one in suspensions.listed(connection, trunk)}
        wanted = row_id(number, none)
        if wanted not in own:
            raise NotFound(none)
        suspensions.lift(connection, by, wanted, reason)
    return view.go(_of_trunk(trunk), view.say("Lifted, from the next call on."))


@PAGES.post("/provider/trunks/{trunk}/end", Right.RUN, confirmed=True)
def end_trunk(view: View, trunk: str) -> Response:
    """End its contract: what a subscription ends is ended there."""
    _require_typed(view, trunk)
    with view.changing() as (connection, by):
        trunks.in_force(connection, trunk)
        trunks.change(connection, by, trunk, ended=True)
    said = view.say("The contract of trunk %(name)s has ended.", name=trunk)
    return view.go(_of_trunk(trunk), said)


def _of_trunk(name: str) -> str:
    return f"/provider/trunks/{name}"


def _require_typed(view: View, name: str) -> None:
    """Whoever types a name means it."""
    if view.field("typed") != name:
        raise InvalidInput(view.say("Type the name %(name)s to say that you mean it.", name=name))


def _details(view: View) -> dict[str, str | Decimal | None]:
    country = view.field("country").upper()
    if country:
        country_code(country)
    address = view.field("address").replace("\r", "")
    return {
        "title": line(view, "title", parse_line_or_none, view.say("Name for people and bills")),
        "email": line(view, "email", email_address, view.say("E-mail address")),
        "address": "\n".join(
            parse_line_or_none(one) for one in address.splitlines() if one.strip()
        ),
        "country": country,
        "tax_id": line(view, "tax_id", tax_id_or_none, view.say("Tax number")),
        "tax_percent": line(view, "tax_percent", _percent, view.say("Tax rate")),
    }


def _percent(text: str) -> Decimal | None:
    return parse_percent(text) if text else None


def _terms(view: View, kind: TrunkKind) -> dict[str, Any]:
    """The terms of a form, without the channels."""
    country = view.field("country").upper() or view.house.settings.provider.country
    country_code(country)
    values: dict[str, Any] = {
        "country": country,
        "reserved_inbound": whole(view, "reserved_inbound", 0, MOST_CHANNELS),
        "calls_per_second": whole_or_none(view, "calls_per_second", 1, MOST_CALLS_PER_SECOND),
        "caller_policy": choice(view, "caller_policy", _CALLER_POLICIES),
        "away_policy": choice(view, "away_policy", _AWAY_POLICIES),
    }
    if kind is TrunkKind.LOCAL:
        named = view.field("inbound_context")
        values["inbound_context"] = parse_context(named) if named else None
        return values
    values |= {
        "transport": choice(view, "transport", _TRANSPORTS),
        "srtp": view.field("srtp") == "yes",
        "addresses": tuple(map(parse_network, view.field("addresses").split())),
    }
    if contact := view.field("contact"):
        values["contact"] = parse_server(contact)
    require_use(kind, values)
    return values


def _number(view: View, text: str, country: str) -> str:
    try:
        return phone_number(text, country)
    except InvalidInput as error:
        raise InvalidInput(view.say("Number: %(why)s", why=error)) from None


def _own_number(view: View, connection: "Connection", trunk: str) -> str:
    """The number that a form names, which must be the trunk's."""
    e164 = view.field("number")
    if e164 not in view.trunk(connection, trunk).numbers:
        raise InvalidInput(view.say("The trunk does not have this number any more."))
    return e164


def _part(view: View, country: str) -> tuple[SuspensionScope, str]:
    """What is to be stopped, and its target where that is one destination or caller."""
    scope, target = choice(view, "scope", _SCOPES), view.field("target")
    if scope not in IN_PART:
        return scope, ""
    if scope is SuspensionScope.DESTINATION:
        return scope, str(Target.parse(target))
    number = caller_text(target)
    return scope, str(caller_number(number, country) or number)


def _scopes(view: View) -> Mapping[str, str]:
    return {
        SuspensionScope.ALL: view.say("everything but emergency calls"),
        SuspensionScope.OUTBOUND: view.say("outbound calls"),
        SuspensionScope.INBOUND: view.say("inbound calls"),
        SuspensionScope.INTERNATIONAL: view.say("calls abroad"),
        SuspensionScope.DESTINATION: view.say("one destination"),
        SuspensionScope.CALLER: view.say("one caller"),
    }


def _choices(view: View) -> dict[str, Any]:
    return {
        "kinds": {
            TrunkKind.REGISTERED: view.say("its PBX registers"),
            TrunkKind.ADDRESS: view.say("its PBX is known by its address"),
            TrunkKind.LOCAL: view.say("phones of this Asterisk"),
        },
        "transports": list(Transport),
        "caller_policies": list(CallerPolicy),
        "away_policies": list(AwayPolicy),
        "most": MOST_CHANNELS,
    }
