"""What Prometheus reads of the daemon, at an HTTP port of its own.

Calls only ever count up numbers; whatever takes longer is done by the thread that answers
Prometheus, and in pieces: between two of them the event loop gets the processor at once.
"""

import logging
import platform
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from asterisk_siptrunk.asterisk import variables
from asterisk_siptrunk.asterisk.agi import AgiRequest
from asterisk_siptrunk.asterisk.ami import Link
from asterisk_siptrunk.call import Evidence, Reason
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.occupancy import occupancies, registrations
from asterisk_siptrunk.errors import DatabaseUnavailable, SiptrunkError
from asterisk_siptrunk.settings import MetricsSettings

if TYPE_CHECKING:
    from asyncio import Future

Answer = Mapping[str, str]
Answering = Callable[[AgiRequest], "Future[Answer]"]

FRESH_SECONDS = 5.0
"""What the database was asked holds for this long: however many ask us, it is asked once."""
REQUEST_SECONDS = 5.0
"""For a peer to say what it wants, and to take it; the next one waits meanwhile."""
# A verdict takes under a millisecond; the dialplan waits for three seconds.
_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3)
_DIRECTIONS = {
    variables.AGI_OUTBOUND: "outbound",
    variables.AGI_INBOUND: "inbound",
}

_GIVEN = [reason for reason in Reason if not reason.startswith("away-")]
"""The reasons of the service; the others are the dialplan's own."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the daemon stands at this moment; times are seconds.

    Attributes:
        link: how the connection to Asterisk's manager interface stands, since an epoch second.
        database: whether it is there, as far as is known.
        database_age: since something was last stored.
        outages: how often it went away.
        journal_behind: bytes of the journal that are not recorded yet.
        waiting: changes that the database has not taken yet.
        closed: calls that ended, by evidence.
    """

    link: Link
    link_since: float
    database: bool
    database_age: float
    outages: int
    journal_behind: int
    waiting: int
    closed: Mapping[Evidence, int]


class Metrics:
    """Counts what calls are told, and answers Prometheus.

    `engine` is for this alone; `standing` is asked in another thread than the event loop's.
    """

    def __init__(self, engine: Engine, server: str, standing: Callable[[], Standing]) -> None:
        # Off: a second series for each counter, which nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call] # it has no types
        self._registry = CollectorRegistry()
        self._verdicts = Counter(
            "siptrunk_verdicts",
            "Calls that were admitted or refused.",
            ("direction", "verdict", "reason"),
            registry=self._registry,
        )
        self._silent = Counter(
            "siptrunk_no_verdicts",
            "Calls that were left to the dialplan's own rules.",
            ("direction",),
            registry=self._registry,
        )
        self._reroutes = Counter(
            "siptrunk_reroutes",
            "Calls that a carrier failed: put to the next one, or not (there was none).",
            ("outcome",),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "siptrunk_decision_seconds",
            "From a call's question to its answer.",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        # There at 0 from the start: the first call of a new series is no rise to Prometheus.
        for direction in _DIRECTIONS.values():
            self._silent.labels(direction)
            for reason in _GIVEN:
                verdict = "admitted" if reason.cause is None else "refused"
                self._verdicts.labels(direction, verdict, str(reason))
        for outcome in ("next", "none"):
            self._reroutes.labels(outcome)
        self._registry.register(_StandingCollector(standing))
        ProcessCollector(registry=self._registry)
        self._trunks = _Trunks(engine, server)
        self._http: _Server | None = None

    def watching(self, answering: Answering) -> Answering:
        """The same answers, counted and timed."""

        def answer(request: AgiRequest) -> "Future[Answer]":
            began = time.perf_counter()
            told = answering(request)
            if told.done():  # a callback would cost a turn of the event loop
                self._note(request, began, told)
            else:
                told.add_done_callback(lambda told: self._note(request, began, told))
            return told

        return answer

    def start(self, settings: MetricsSettings) -> int:
        """Listen; gives the port.

        Raises:
            SiptrunkError: the address is not ours, or taken.
        """
        try:
            self._http = _Server(settings, self.pieces)
        except OSError as error:
            raise SiptrunkError(
                f"Cannot listen for metrics on {settings.host}:{settings.port}: "
                f"{error.strerror or error}. See [metrics] in siptrunk.toml."
            ) from None
        threading.Thread(target=self._http.serve_forever, name="metrics", daemon=True).start()
        return self._http.server_port

    def stop(self) -> None:
        """Listen no more; blocks until an answer under way is given."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
        self._trunks.close()

    def pieces(self) -> Iterator[bytes]:
        """All metrics in Prometheus' text format, piece by piece."""
        yield generate_latest(self._registry)
        yield from self._trunks.pieces()

    def _note(self, request: AgiRequest, began: float, told: "Future[Answer]") -> None:
        seconds = time.perf_counter() - began
        failed = told.cancelled() or told.exception() is not None
        answer = {} if failed else told.result()
        following = answer.get(variables.NEXT)
        if request.script == variables.AGI_REROUTE:
            self._seconds.observe(seconds)
            self._reroutes.labels("next" if following == variables.NEXT_DIAL else "none").inc()
        elif direction := _DIRECTIONS.get(request.script):
            self._seconds.observe(seconds)
            if following is None:
                self._silent.labels(direction).inc()
            else:
                refused = following == variables.NEXT_REFUSED
                verdict = "refused" if refused else "admitted"
                self._verdicts.labels(direction, verdict, str(answer[variables.REASON])).inc()


class _StandingCollector(Collector):
    """What is only looked at when Prometheus asks."""

    def __init__(self, standing: Callable[[], Standing]) -> None:
        self._standing = standing

    def collect(self) -> Iterable[Metric]:
        """Look at it now."""
        now = self._standing()
        yield _info()
        yield _links(now.link)
        yield _gauge("ami_link_since_timestamp_seconds", "When that began.", now.link_since)
        yield _gauge("database_up", "Whether the database is there.", int(now.database))
        yield _gauge(
            "database_last_success_timestamp_seconds",
            "When something was last stored.",
            time.time() - now.database_age,
        )
        yield CounterMetricFamily(
            "siptrunk_database_outages", "How often the database went away.", value=now.outages
        )
        yield _gauge(
            "journal_unread_bytes",
            "Bytes of Asterisk's call journal that are not recorded yet.",
            now.journal_behind,
        )
        yield _gauge("changes_waiting", "Changes of calls that wait to be stored.", now.waiting)
        yield _ends(now.closed)


def _info() -> Metric:
    family = GaugeMetricFamily(
        "siptrunk_build_info", "1; its labels tell what runs.", labels=("version", "python")
    )
    family.add_metric((version("asterisk-siptrunk"), platform.python_version()), 1)
    return family


def _links(link: Link) -> Metric:
    family = GaugeMetricFamily(
        "siptrunk_ami_link",
        "1 for how the connection to Asterisk's manager interface stands, else 0.",
        labels=("state",),
    )
    for state in Link:
        family.add_metric((state.value,), int(state is link))
    return family


def _ends(closed: Mapping[Evidence, int]) -> Metric:
    family = CounterMetricFamily(
        "siptrunk_calls_ended",
        "Calls that ended, by what told of it; one that was reconciled may be journal's later.",
        labels=("evidence",),
    )
    for evidence, count in closed.items():
        family.add_metric((evidence,), count)
    return family


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"siptrunk_{name}", what, value=value)


class _Trunks:
    """Two series for each trunk, written by hand: the library's way takes 20 times as long."""

    def __init__(self, engine: Engine, server: str) -> None:
        self._engine = engine
        self._server = server
        self._known: list[bytes] = []
        self._read_at = -FRESH_SECONDS

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()

    def pieces(self) -> list[bytes]:
        """What is known, read anew where it is old; nothing of it while the database is away."""
        if time.monotonic() - self._read_at >= FRESH_SECONDS:
            self._known = []
            with suppress(DatabaseUnavailable):
                self._known = list(self._read())
            self._read_at = time.monotonic()
        return self._known

    def _read(self) -> Iterator[bytes]:
        limits, uses = [], []
        with reading(self._engine) as connection:
            registered = registrations(connection, self._server)
            for some in occupancies(connection, self._server):
                # A trunk's name has letters, digits and hyphens: nothing to escape.
                limits += [f'siptrunk_channels_limit{{trunk="{n}"}} {c}\n' for n, c, _ in some]
                uses += [f'siptrunk_channels_in_use{{trunk="{n}"}} {u}\n' for n, _, u in some]
                time.sleep(0)
        yield _head("registrations", "PBXs that are registered at this server.")
        yield f"siptrunk_registrations {registered}\n".encode()
        yield _head("channels_limit", "Channels of a trunk, at all servers together.")
        yield "".join(limits).encode()
        yield _head("channels_in_use", "Channels of a trunk that calls of this server hold.")
        yield "".join(uses).encode()


def _head(name: str, what: str) -> bytes:
    return f"# HELP siptrunk_{name} {what}\n# TYPE siptrunk_{name} gauge\n".encode()


class _Server(HTTPServer):
    """One request at a time, in its thread."""

    def __init__(self, settings: MetricsSettings, pieces: Callable[[], Iterable[bytes]]) -> None:
        self.address_family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        self.pieces = pieces
        super().__init__((settings.host, settings.port), _Request)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's
        """Answer it, in time: a peer that says a letter now and then would hold us for ever."""
        ending = threading.Timer(REQUEST_SECONDS, _cut, (request,))
        ending.start()
        try:
            super().finish_request(request, client_address)
        finally:
            ending.cancel()

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that goes away in mid-answer is no news; a defect of ours is."""
        del request, client_address
        if not isinstance(sys.exception(), OSError):
            log.exception("Metrics: a request failed")  # noqa: LOG004 - called where it is handled


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it has ended by itself
        connection.shutdown(socket.SHUT_RDWR)


class _Request(BaseHTTPRequestHandler):
    """`GET /metrics`."""

    server: _Server

    def do_GET(self) -> None:
        """Answer it."""
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404, "There is /metrics, and nothing else")
            return
        whole = b"".join(self.server.pieces())
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole)

    def version_string(self) -> str:
        """Nothing of what runs here."""
        return "siptrunk"

    def log_message(self, *_: object) -> None:
        """Write no line for each request."""
