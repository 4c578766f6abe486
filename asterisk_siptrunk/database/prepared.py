"""Statements of the hot path: built by SQLAlchemy once, then given straight to the driver.

Measured on SQLite: the four statements of an admission cost 380 microseconds through
`Connection.execute` and 70 through the driver, whose both kinds (sqlite3, psycopg) happen to have
the same `execute(text, parameters)`. All that is not run once a call goes the ordinary way.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect
from sqlalchemy.dialects import postgresql, sqlite

# The drivers' own kinds of named parameters: `:name` and `%(name)s`.
_DIALECTS: dict[str, Dialect] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": postgresql.dialect(paramstyle="pyformat"),  # type: ignore[no-untyped-call]
}


class Prepared:
    """One statement, given as SQLAlchemy has it, for both databases or for each its own.

    Parameters are named and of the driver's own types: moments must go through `stored`.
    """

    def __init__(self, statement: ClauseElement | Mapping[str, ClauseElement]) -> None:
        each = statement if isinstance(statement, Mapping) else dict.fromkeys(_DIALECTS, statement)
        self._texts: dict[str, str] = {}
        self._constants: dict[str, Any] = {}
        for name, dialect in _DIALECTS.items():
            compiled = each[name].compile(dialect=dialect)
            self._texts[name] = str(compiled)
            self._constants |= {k: v for k, v in (compiled.params or {}).items() if v is not None}

    def run(
        self, connection: Connection, parameters: Mapping[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        """Run it in the connection's transaction; gives the rows."""
        cursor = self._execute(connection, parameters)
        return cursor.fetchall()  # type: ignore[no-any-return] # the drivers' cursors are untyped

    def change(self, connection: Connection, parameters: Mapping[str, Any]) -> int:
        """Run it; gives the number of rows that it changed."""
        return int(self._execute(connection, parameters).rowcount)

    def _execute(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a driver's cursor
        (cursor,) = _sent(connection, (self, parameters))
        return cursor

    def send(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
        """Give it to the driver; the cursor has what became of it, in a pipeline later."""
        driver: Any = connection.connection.dbapi_connection
        return driver.execute(
            self._texts[connection.dialect.name], {**self._constants, **parameters}
        )


def run_together(
    connection: Connection, *asked: tuple[Prepared, Mapping[str, Any]]
) -> list[Sequence[tuple[Any, ...]]]:
    """Run statements one after the other, sent to PostgreSQL in one go; gives the rows of each."""
    return [cursor.fetchall() for cursor in _sent(connection, *asked)]


def _sent(connection: Connection, *asked: tuple[Prepared, Mapping[str, Any]]) -> list[Any]:
    """The cursors of statements that were run.

    PostgreSQL's driver begins a transaction by a statement of its own, which has a way to the
    server and back to itself; in a pipeline it goes along with the first of ours.
    """
    if connection.dialect.name == "sqlite":
        return [statement.send(connection, parameters) for statement, parameters in asked]
    driver: Any = connection.connection.dbapi_connection
    if len(asked) == 1 and driver.info.transaction_status:
        return [statement.send(connection, parameters) for statement, parameters in asked]
    with driver.pipeline():
        return [statement.send(connection, parameters) for statement, parameters in asked]


def stored(connection: Connection, moment: datetime) -> datetime | str:
    """A moment in UTC as `tables.UtcDateTime` stores it in this database."""
    if connection.dialect.name == "postgresql":
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
