"""One provider for all tests of calls: set up once, since each test leaves it idle again."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from asterisk_siptrunk.call import CallRecord
from tests.lab.network import own_network
from tests.lab.postgresql import PostgresServer
from tests.lab.processes import free_ports
from tests.lab.provider import Provider
from tests.lab.proxy import Proxy
from tests.lab.sipp import Call, SippAnswerer, SippCaller, SippResult, place_calls, registered_pbx
from tests.lab.traffic import Exchange

CARRIER_HOST, BACKUP_HOST, PBX_HOST = "127.0.0.2", "127.0.0.4", "127.0.0.3"
MAIN, SECOND = "+33123456789", "+33123456790"
OUTSIDE = "+33611223344"


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep on one process, and in their order, the tests of a file, and all of `served`.

    The last of these looks at what the others left.
    """
    for item in items:
        shared = "served" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("served" if shared else item.path.stem))


@pytest.fixture(scope="session", autouse=True)
def _network(worker_id: str) -> Iterator[None]:
    """A network of its own for each of several processes: all take the same addresses."""
    with nullcontext() if worker_id == "master" else own_network():
        yield


@dataclass
class Acme:
    """A customer's trunk `acme` and the two sides of it, as a test sees them.

    The carrier `telco` is at CARRIER_HOST, on a port that each test may take for the answerer it
    needs; the PBX registers from PBX_HOST.
    """

    provider: Provider
    username: str
    secret: str
    carrier_port: int
    backup_port: int

    def carrier(self, scenario: str = "uas_answer", **how: Any) -> SippAnswerer:
        return SippAnswerer(scenario, port=self.carrier_port, host=CARRIER_HOST, **how)

    def backup(self, scenario: str = "uas_answer", **how: Any) -> SippAnswerer:
        return SippAnswerer(scenario, port=self.backup_port, host=BACKUP_HOST, **how)

    def call_of(self, callee: str, caller: str = MAIN) -> Call:
        return Call(caller, callee, self.username, self.secret)

    def calling(self, calls: Sequence[Call], **how: Any) -> SippCaller:
        return SippCaller(self.provider.asterisk.sip_address, calls, host=PBX_HOST, **how)

    def call(self, callee: str, caller: str = MAIN, **how: Any) -> SippResult:
        """One call out, to its end."""
        with self.calling([self.call_of(callee, caller)], **how) as one:
            return one.wait()

    def call_in(self, callee: str = MAIN, **how: Any) -> SippResult:
        """One call in from the carrier, to its end."""
        return place_calls(
            self.provider.asterisk.sip_address, [Call(OUTSIDE, callee)], host=CARRIER_HOST, **how
        )

    def registered(self, **how: Any):
        pbx = SippAnswerer(how.pop("scenario", "uas_answer"), host=PBX_HOST, **how)
        return registered_pbx(self.provider.asterisk.sip_address, self.username, self.secret, pbx)

    def set(self, *options: str) -> None:
        self.provider.do("trunk", "set", "acme", *options)

    def live(self) -> int:
        return len(self.provider.live())

    def last(self) -> CallRecord:
        """The row of the newest call, once it ended."""
        self.provider.until_idle()
        return self.provider.calls()[-1]


@pytest.fixture(scope="session")
def served() -> Iterator[Acme]:
    """A provider that serves, with customer, trunk, numbers and two carriers."""
    carrier_port, backup_port = free_ports(2, "udp")
    with Provider() as provider:
        provider.do("customer", "add", "acme", "--title", "Acme SA")
        made = provider.read(
            *("trunk", "add", "acme", "--customer", "acme", "--channels", "10"),
            *("--number", MAIN, "--number", SECOND),
        )
        for name, host, port, priority in (
            ("telco", CARRIER_HOST, carrier_port, "10"),
            ("backup", BACKUP_HOST, backup_port, "20"),
        ):
            provider.do(
                *("carrier", "add", name, "--profile", "generic", "--server", f"{host}:{port}"),
                # SIPp answers no OPTIONS, and no test may depend on when one was sent.
                *("--match", host, "--priority", priority, "--qualify", "0"),
            )
        provider.do("config", "apply", "--yes")
        provider.serve()
        yield Acme(provider, made["username"], made["secret"], carrier_port, backup_port)


@pytest.fixture
def acme(served: Acme) -> Iterator[Acme]:
    """The trunk as every test finds it: 10 channels, nothing in use, the daemon serving."""
    yield served
    if served.provider.daemon is None:
        served.provider.serve()
    served.set("--channels", "10", "--reserved-inbound", "0", "--calls-per-second", "none")
    served.provider.until_idle()


# --- faults ---


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own in that folder."""
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "lab", str(folder)], check=True
    )
    try:
        yield folder
    finally:
        # Lazily: whoever still holds a file there must not keep the mount alive after us.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Faulty(Exchange):
    """An exchange whose parts can be broken: AMI goes through `ami`, the database is at `disk`."""

    def __init__(self, provider: Provider, ami: Proxy, disk: Path) -> None:
        super().__init__(provider)
        self.ami = ami
        self.disk = disk


@pytest.fixture(scope="session")
def exchange_described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """One for all faults: each test leaves it whole again."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small disk that the database is to be on")
    with (
        small_disk(tmp_path_factory.mktemp("disk"), 128) as disk,
        Provider(database_url=f"sqlite:///{disk}/siptrunk.db") as provider,
        Proxy(provider.asterisk.ami_port) as ami,
        Faulty(provider, ami, disk) as made,
    ):
        provider.environment["SIPTRUNK_AMI_PORT"] = str(ami.port)
        made.describe()
        yield made


@pytest.fixture
def exchange(exchange_described: Faulty) -> Iterator[Faulty]:
    """The exchange with its service running."""
    if exchange_described.provider.daemon is None:
        exchange_described.provider.serve()
    yield exchange_described
    # Where a test failed in mid-traffic its calls have nobody left to end them.
    exchange_described.provider.asterisk.cli("channel request hangup all")
    exchange_described.provider.until_idle()


@pytest.fixture(scope="session")
def exchange_on_postgresql(postgresql: PostgresServer) -> Iterator[Exchange]:
    """Another one, whose database is a PostgreSQL."""
    url = postgresql.create_database("faults")
    with Provider(database_url=url) as provider, Exchange(provider) as made:
        made.describe()
        provider.serve()
        yield made
