"""PostgreSQL stopped, restarted, its connections reset, read-only after a failover."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from tests.lab.postgresql import USER, PostgresServer
from tests.lab.promises import Fault, hold_to_promises
from tests.lab.traffic import Exchange, Traffic

pytestmark = [pytest.mark.asterisk, pytest.mark.postgresql, pytest.mark.alone]

ON = "nothing: the service goes on from its memory, then the dialplan by itself"
RESET = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"


def ask(server: PostgresServer, *statements: str) -> None:
    where = f"host=127.0.0.1 port={server.port} user={USER} dbname=postgres"
    with closing(psycopg.connect(where, autocommit=True)) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def stopped(server: PostgresServer, _: Traffic) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextmanager
def reset(server: PostgresServer, _: Traffic) -> Iterator[None]:
    ask(server, RESET)
    yield
    ask(server, RESET)


@contextmanager
def read_only(server: PostgresServer, _: Traffic) -> Iterator[None]:
    """As after a failover to a node that is not promoted yet."""
    settings = "ALTER SYSTEM SET default_transaction_read_only = {}", "SELECT pg_reload_conf()"
    ask(server, *(each.format("on") for each in settings), RESET)
    yield
    ask(server, "SET default_transaction_read_only = off", *(s.format("off") for s in settings))
    ask(server, RESET)


STOPPED = Fault("PostgreSQL stopped", ON, "log, doctor")
RESTARTED = Fault("PostgreSQL restarted", ON, "log")
CUT = Fault("PostgreSQL connections reset", ON, "log")
READ_ONLY = Fault("PostgreSQL read-only after a failover", ON, "log, doctor")


@pytest.mark.parametrize(
    ("fault_of", "seconds", "fault"),
    [
        pytest.param(stopped, 4, STOPPED, id="stopped"),
        pytest.param(read_only, 2, READ_ONLY, id="read-only"),
        pytest.param(stopped, 20, STOPPED, id="stopped-20s", marks=pytest.mark.soak),
        pytest.param(stopped, 0, RESTARTED, id="restarted", marks=pytest.mark.soak),
        pytest.param(reset, 1, CUT, id="reset", marks=pytest.mark.soak),
    ],
)
def test_traffic_goes_on_without_postgresql(  # noqa: PLR0913, PLR0917 - a case and its fixtures
    exchange_on_postgresql: Exchange,
    postgresql: PostgresServer,
    fault_of,
    seconds: float,
    fault: Fault,
    request: pytest.FixtureRequest,
):
    with exchange_on_postgresql.traffic(seconds + 5) as traffic:
        traffic.calm(1.0)
        with traffic.fault(), fault_of(postgresql, traffic):
            traffic.calm(seconds)
        told = traffic.finish()
    hold_to_promises(exchange_on_postgresql.provider, told, fault, request.node)
