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

    `opens` says that it locks nothing, and may travel together with what begins a transaction.
    PostgreSQL's driver begins by a statement of its own, which has a way to the server and back to
    itself; in a pipeline they have one. No statement there may lock what others wait for: were the
    pipeline's end (Sync) never sent, by a process that was frozen or cut off just then, PostgreSQL
    would keep the lock for ever, and not take the transaction for an idle one
    (idle_in_transaction_session_timeout).
    """

    def __init__(
        self, statement: ClauseElement | Mapping[str, ClauseElement], *, opens: bool = False
    ) -> None:
        each = statement if isinstance(statement, Mapping) else dict.fromkeys(_DIALECTS, statement)
        self._opens = opens
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
        driver: Any = connection.connection.dbapi_connection
        given = self._texts[connection.dialect.name], {**self._constants, **parameters}
        if connection.dialect.name == "sqlite" or not self._opens or driver.info.transaction_status:
            return driver.execute(*given)
        with driver.pipeline():
            return driver.execute(*given)


def stored(connection: Connection, moment: datetime) -> datetime | str:
    """A moment in UTC as `tables.UtcDateTime` stores it in this database."""
    if connection.dialect.name == "postgresql":
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
