"""A walk over every route of the application, and every name and number that is another's."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from httpx2 import Response
from sqlalchemy import select
from starlette.routing import Route

from asterisk_siptrunk.account.secret import digest, form_word, new_session
from asterisk_siptrunk.database import accounts, sessions
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import metadata
from asterisk_siptrunk.web.guard import COOKIE
from tests.unit.database.shop import dump
from tests.unit.web.conftest import Browser

Values = dict[str, tuple[Any, ...]]
"""What a name in a path may stand for."""
API = "/api/"
FIT = {
    "login": "new@bolt.example",
    "name": "New",
    "role": "customer-user",
    "disabled": "yes",
    "scope": "read",
    "days": "9",
    "reason": "seen to",
}
"""Fields that forms ask for besides: a form that is refused for one of them shows no wall."""


@dataclass(frozen=True)
class Ask:
    """A request; `theirs` where anything in its path is another customer's."""

    method: str
    path: str
    theirs: bool

    @property
    def is_api(self) -> bool:
        return self.path.startswith(API)

    @property
    def never_ends(self) -> bool:
        """Whether the answer goes on for as long as somebody listens."""
        return self.path.startswith("/live/")


def routes_of(routes: Any, prefix: str = "") -> Iterator[tuple[str, Route]]:
    """Every route with its whole path, those of mounted applications too."""
    for route in routes:
        if isinstance(route, Route):
            yield prefix + route.path_format, route
        else:
            # FastAPI keeps what was included as it is.
            inside = getattr(route, "original_router", route)
            yield from routes_of(inside.routes, prefix + getattr(route, "path", ""))


def unknown_names(app: Any, known: Any) -> dict[str, set[str]]:
    """Names in paths that the walk has no values for, by path."""
    return {
        path: names
        for path, route in routes_of(app.routes)
        if (names := set(route.param_convertors) - set(known))
    }


def asks(app: Any, theirs: Values, own: Values, neutral: Values) -> list[Ask]:
    """Every request that the routes have, with every mixture of what is theirs and one's own."""
    found = []
    for path, route in routes_of(app.routes):
        names = list(route.param_convertors)
        choices = [
            [(value, True) for value in theirs.get(name, ())]
            + [(value, False) for value in (own | neutral).get(name, ())]
            for name in names
        ]
        for chosen in product(*choices):
            values = {name: value for name, (value, _) in zip(names, chosen, strict=True)}
            is_theirs = any(of_them for _, of_them in chosen)
            methods = (route.methods or set()) - {"HEAD"}
            found += [Ask(method, path.format(**values), is_theirs) for method in sorted(methods)]
    return found


def entered(app: Any, house: Any, login: str) -> Browser:
    """A browser that is logged in, without the time that a password takes."""
    browser, cookie = Browser(app), new_session()
    with transaction(house.engine) as connection:
        found = accounts.get(connection, login)
        sessions.open_one(
            connection,
            By(login, house.now()),
            found,
            digest=digest(cookie),
            address="",
            user_agent="",
        )
    browser.client.cookies.set(COOKIE, cookie, domain="testserver.local")
    return browser


def answer_to(browser: Browser, ask: Ask, named: Values, bearer: str = "") -> Any:
    """Ask, and name everything that is theirs in the query and in the form as well."""
    fields = FIT | {name: str(values[0]) for name, values in named.items()}
    headers = {"Authorization": f"Bearer {bearer}"} if bearer and ask.is_api else {}
    if ask.never_ends:
        with browser.client.stream("GET", ask.path, params=fields) as answer:
            if answer.is_success:  # one must not wait for its end
                return Response(answer.status_code, text="")
            answer.read()
            return answer
    if ask.method == "GET":
        return browser.client.get(ask.path, params=fields, headers=headers)
    if ask.is_api:
        return browser.client.request(ask.method, ask.path, json=fields, headers=headers)
    word = form_word(browser.client.cookies.get(COOKIE) or "")
    return browser.client.request(ask.method, ask.path, data={"form_word": word, **fields})


def everything(engine: Any) -> dict[str, list[tuple[Any, ...]]]:
    """All that the database holds, but for when somebody was seen last."""
    held = dump(engine)
    for table, column in (("session", "seen_at"), ("api_token", "used_at")):
        place = list(metadata.tables[table].c.keys()).index(column)
        held[table] = [(*row[:place], *row[place + 1 :]) for row in held[table]]
    return held


def belongings(engine: Any, customer: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows that are a customer's: its own, and what refers to them, and what refers to that."""
    with reading(engine) as connection:
        rows = {
            name: [dict(row._mapping) for row in connection.execute(select(table))]
            for name, table in metadata.tables.items()
        }
    owned = {name: [False] * len(held) for name, held in rows.items()}
    owned["customer"] = [row["name"] == customer for row in rows["customer"]]
    while _spread(rows, owned):
        pass
    return {
        name: sorted(
            (tuple(row.values()) for row, is_its in _marked(rows, owned, name) if is_its), key=repr
        )
        for name in rows
        if name != "session"
    }


def _marked(rows: Any, owned: Any, name: str) -> Any:
    return zip(rows[name], owned[name], strict=True)


def _spread(rows: Any, owned: Any) -> bool:
    """Mark what refers to what is marked; whether anything was new."""
    grown = False
    for name, table in metadata.tables.items():
        for key in table.foreign_keys:
            other, column = key.column.table.name, key.column.name
            ids = {row[column] for row, is_its in _marked(rows, owned, other) if is_its}
            for place, row in enumerate(rows[name]):
                if not owned[name][place] and row[key.parent.name] in ids:
                    owned[name][place] = grown = True
    return grown
