"""Destinations: what is open, what is blocked and why, and what a number would meet."""

import json
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.billing.tariff import PriceRange, Tariff
from asterisk_siptrunk.bootstrap import (
    accounts,
    audit,
    foresight,
    rules,
    subscriptions,
    tariffs,
)
from asterisk_siptrunk.call import Reason
from asterisk_siptrunk.destination import (
    Kind,
    Policy,
    Rule,
    Target,
    dialled_number,
    shipped_risk,
    without_punctuation,
)
from asterisk_siptrunk.destination.overview import Openness, openness
from asterisk_siptrunk.destination.policy import ZoneJudgement
from asterisk_siptrunk.destination.zones import (
    Zone,
    common_names,
    countries,
    is_risky,
    risky_prefixes,
    touches,
    zones_of,
)
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, Trunk
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.site.destination_words import DestinationWords
from asterisk_siptrunk.web.view import View

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from asterisk_siptrunk.billing.rate import Rate

PAGES = Pages()
_MOST_CHANGES = 30
_LONGEST_SEARCH = 60
_OF_CARRIERS = frozenset({Reason.NO_CARRIER, Reason.CARRIERS_FULL})
"""What is said of these names carriers, which are the provider's own business."""
_OUTBOUND = frozenset(
    {
        *(SuspensionScope.ALL, SuspensionScope.OUTBOUND, SuspensionScope.INTERNATIONAL),
        SuspensionScope.DESTINATION,
    }
)
_ORDER = {state: place for place, state in enumerate(Openness)}


@dataclass(frozen=True, slots=True)
class Scene:
    """A trunk with all that decides where it may call."""

    trunk: Trunk
    stored: tuple[rules.StoredRule, ...]
    policy: Policy
    tariff: Tariff
    currency: str
    suspensions: tuple[Suspension, ...]

    def judged(self, country: str) -> list[ZoneJudgement]:
        """What the rules say of each zone of a country."""
        return [self.policy.judge_zone(zone) for zone in zones_of(country, self.trunk.country)]

    def stops(self, zone: Zone) -> bool:
        """Whether a suspension of some destinations stops calls to some of a zone."""
        return any(_is_in(zone, one, self.trunk.country) for one in self.suspensions)


@dataclass(frozen=True, slots=True)
class Row:
    """A country, or one zone of it, in the table."""

    country: str
    name: str
    kind: str
    target: str
    state: Openness
    rule: Rule | None
    closed: tuple[Kind, ...]
    exceptions: tuple[Rule, ...]
    prices: PriceRange | None
    risk: bool
    suspended: bool


@PAGES.get("/trunks/{trunk}/destinations", Right.SEE)
def show(view: View, trunk: str) -> Response:
    """All countries on a map and in a table, the rules, a number to try, and what was changed."""
    with view.reading() as connection:
        scene = read_scene(view, connection, trunk)
        changes = audit.history(connection, "destination", trunk)[:_MOST_CHANGES]
        people = {one.login for one in accounts.listed(connection, scene.trunk.customer)}
        tried = _tried(view, connection, scene) if "number" in view.request.query_params else None
    words = DestinationWords(view)
    return view.page(
        "destinations.html",
        **_table(view, scene, words),
        changes=changes,
        author=_author_for(view, people),
        tried=tried,
        own_rules=[one for one in scene.stored if one.trunk is not None],
        for_all=[one for one in scene.stored if one.trunk is None],
        world=world_map(),
        on_map={row.country: row for row in _rows_of_countries(scene, words)},
    )


@PAGES.get("/trunks/{trunk}/destinations/table", Right.SEE)
def table(view: View, trunk: str) -> Response:
    """The table alone: what a search leaves of it."""
    with view.reading() as connection:
        scene = read_scene(view, connection, trunk)
    return view.page("part/destinations_table.html", **_table(view, scene, DestinationWords(view)))


@PAGES.get("/trunks/{trunk}/destinations/test", Right.SEE)
def try_number(view: View, trunk: str) -> Response:
    """What would become of a call to a number now; nothing is called."""
    with view.reading() as connection:
        scene = read_scene(view, connection, trunk)
        tried = _tried(view, connection, scene)
    return view.page(
        "part/destination_test.html",
        scene=scene,
        trunk=scene.trunk,
        tried=tried,
        say=DestinationWords(view),
    )


@PAGES.get("/trunks/{trunk}/destinations/choose", Right.MANAGE)
def choose(view: View, trunk: str) -> Response:
    """Go on to open or to block what somebody wrote: a prefix, a country, a kind of numbers."""
    query = view.request.query_params
    change = "block" if query.get("change") == "block" else "open"
    target = Target.parse(without_punctuation(query.get("target", "")[:_LONGEST_SEARCH]))
    return view.go(f"/trunks/{trunk}/destinations/{change}/{in_path(str(target))}")


@PAGES.get("/trunks/{trunk}/destinations/countries/{country}", Right.SEE)
def show_country(view: View, trunk: str, country: str) -> Response:
    """The zones of a country, each with its rule and its price."""
    if country not in countries():
        raise NotFound(view.say("There is no country %(name)s.", name=country))
    with view.reading() as connection:
        scene = read_scene(view, connection, trunk)
    words, judged = DestinationWords(view), scene.judged(country)
    return view.page(
        "destination_country.html",
        scene=scene,
        trunk=scene.trunk,
        say=words,
        in_path=in_path,
        country=country,
        state=openness(judged),
        row=_row_of_country(scene, words, country),
        rows=[_row_of_zone(scene, words, one) for one in judged],
        states=words.states,
    )


def read_scene(view: View, connection: "Connection", name: str) -> Scene:
    """Read what decides on a trunk's destinations, and what they cost."""
    trunk, today = view.trunk(connection, name), view.house.today
    stored = tuple(rules.every(connection, name))
    on = subscriptions.ground(connection, view.house.zone)
    deck = view.house.settings.watch.deck
    return Scene(
        trunk=trunk,
        stored=stored,
        policy=Policy((one.rule for one in stored), trunk.country),
        tariff=tariffs.of_trunk(connection, trunk, on, today, deck),
        currency=tariffs.currency_of(connection, trunk, on, today),
        suspensions=tuple(
            one
            for one in trunk.suspensions
            if one.scope in _OUTBOUND and one.holds(view.house.now())
        ),
    )


def in_path(target: str) -> str:
    """The name of a target as a part of an address."""
    return quote(target, safe="")


@cache
def world_map() -> dict[str, Any]:
    """The shapes of countries; where they are from stands in the file."""
    file = resources.files("asterisk_siptrunk.web") / "world.json"
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


def _is_in(zone: Zone, one: Suspension, home: str) -> bool:
    if one.scope is not SuspensionScope.DESTINATION:
        return False
    return one.target in common_names(zone, home, shipped_risk()) or (
        one.target.startswith("+") and touches(zone, one.target)
    )


def _table(view: View, scene: Scene, words: DestinationWords) -> dict[str, Any]:
    """The rows that are asked for, in the order that is asked for."""
    query = view.request.query_params
    search = query.get("search", "").strip()[:_LONGEST_SEARCH]
    state, kind, sort = query.get("state", ""), query.get("kind", ""), query.get("sort", "name")
    down = "down" in query
    rows = _rows(scene, words, kind)
    kept = [row for row in rows if state in {"", row.state} and _is_meant(row, search)]
    key = _KEYS.get(sort, _by_name)
    return {
        "scene": scene,
        "trunk": scene.trunk,
        "say": words,
        "in_path": in_path,
        "rows": sorted(kept, key=key, reverse=down),
        "total": len(rows),
        "search": search,
        "state": state,
        "kind": kind,
        "sort": sort if sort in _KEYS else "name",
        "down": down,
        "states": words.states,
        "kinds": words.kinds,
    }


def _rows(scene: Scene, words: DestinationWords, kind: str) -> list[Row]:
    if kind not in set(Kind):
        return _rows_of_countries(scene, words)
    return [
        _row_of_zone(scene, words, one)
        for country in countries()
        for one in scene.judged(country)
        if one.zone.kind == kind
    ]


def _rows_of_countries(scene: Scene, words: DestinationWords) -> list[Row]:
    return [_row_of_country(scene, words, country) for country in countries()]


def _row_of_country(scene: Scene, words: DestinationWords, country: str) -> Row:
    judged = scene.judged(country)
    zones = [one.zone for one in judged]
    state = openness(judged)
    return Row(
        country=country,
        name=words.country(country),
        kind="",
        target=country.lower(),
        state=state,
        rule=next((one.rule for one in judged if one.is_blocked or one.rule), None)
        if state is not Openness.OPEN
        else None,
        closed=tuple(one.zone.kind for one in judged if not one.is_open),
        exceptions=(),
        prices=scene.tariff.over(zones),
        risk=any(_is_of_risk(zone, scene.trunk.country) for zone in zones),
        suspended=any(scene.stops(zone) for zone in zones),
    )


def _row_of_zone(scene: Scene, words: DestinationWords, one: ZoneJudgement) -> Row:
    zone = one.zone
    return Row(
        country=zone.country,
        name=words.country(zone.country),
        kind=words.kind(zone.kind),
        target=zone.name,
        state=_state_of(one),
        rule=one.rule,
        closed=(),
        exceptions=one.exceptions,
        prices=scene.tariff.of(zone),
        risk=_is_of_risk(zone, scene.trunk.country),
        suspended=scene.stops(zone),
    )


def _state_of(one: ZoneJudgement) -> Openness:
    if one.is_open:
        return Openness.OPEN
    if not one.is_blocked:
        return Openness.PARTLY
    return Openness.LOCKED if one.is_locked else Openness.BLOCKED


def _is_of_risk(zone: Zone, home: str) -> bool:
    risk = shipped_risk()
    return is_risky(zone, home, risk) or bool(risky_prefixes(zone, home, risk))


def _is_meant(row: Row, search: str) -> bool:
    """Whether a search finds a row: by its name, its code, or what a number begins with."""
    wanted = _plain(search)
    if wanted.startswith("+"):
        return wanted[1:].isdigit() and any(
            touches(zone, wanted) for zone in zones_of(row.country, "")
        )
    return wanted in _plain(f"{row.name} {row.kind}") or wanted == row.country.lower()


def _plain(text: str) -> str:
    """A text in small letters without accents: nobody types them all in a search."""
    straight = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    apart = unicodedata.normalize("NFKD", straight.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _by_name(row: Row) -> tuple[Any, ...]:
    return _plain(row.name), row.kind


def _by_state(row: Row) -> tuple[Any, ...]:
    return _ORDER[row.state], *_by_name(row)


def _by_price(row: Row) -> tuple[Any, ...]:
    return (row.prices is None, row.prices.high if row.prices else 0, *_by_name(row))


def _by_risk(row: Row) -> tuple[Any, ...]:
    return not row.risk, *_by_name(row)


_KEYS: dict[str, Callable[[Row], tuple[Any, ...]]] = {
    "name": _by_name,
    "state": _by_state,
    "price": _by_price,
    "risk": _by_risk,
}


@dataclass(frozen=True, slots=True)
class Tried:
    """A number that was tried: what would become of it, or why it cannot be dialled."""

    number: str
    caller: str
    why: str = ""
    seen: foresight.Foresight | None = None
    facts: str = ""
    rate: "Rate | None" = None


def _tried(view: View, connection: "Connection", scene: Scene) -> Tried:
    query, now = view.request.query_params, view.house.now()
    number, caller = query.get("number", ""), query.get("caller", "")
    try:
        dialled = dialled_number(number)
    except InvalidInput as error:
        return Tried(number, caller, why=str(error))
    shown = without_punctuation(caller)[:_LONGEST_SEARCH]
    seen = foresight.foresee(connection, scene.trunk.name, dialled, shown, now)
    on = subscriptions.ground(connection, view.house.zone)
    deck, today = view.house.settings.watch.deck, view.house.today
    rate = (
        tariffs.price_of(connection, scene.trunk, on, today, deck, seen.callee)
        if seen.callee and not seen.callee.is_emergency
        else None
    )
    hidden = seen.decision.reason in _OF_CARRIERS and not view.account.role.of_provider
    return Tried(number, caller, "", seen, "" if hidden else seen.decision.facts, rate)


def _author_for(view: View, people: Iterable[str]) -> Callable[[str], str]:
    """How authors of changes are named: the provider's people are the provider to customers."""
    own = frozenset(people)

    def author(name: str) -> str:
        if view.account.role.of_provider or name in own or name.startswith("token "):
            return name
        return view.house.settings.provider.name

    return author
