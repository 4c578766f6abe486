"""The web service over a real socket, and the application alone as a browser would ask it."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from httpx2 import Response
from starlette.testclient import TestClient

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.account.secret import form_word
from asterisk_siptrunk.billing.payment import Outcome, Payment, PaymentState
from asterisk_siptrunk.database import accounts, customers, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.notice.signature import HEADER, sign
from asterisk_siptrunk.settings import Secrets, Settings, WebSettings
from asterisk_siptrunk.trunk import Trunk, TrunkKind, digest
from asterisk_siptrunk.web.app import make_app
from asterisk_siptrunk.web.guard import COOKIE
from asterisk_siptrunk.web.house import House
from asterisk_siptrunk.web.server import WebServer

SECRET = "s3cret"
NOW = 1_764_000_000
SECONDS = 10.0
PASSWORD = "seven wet bicycles"
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Of every account here, and cheap to compare with: that of the software takes long on purpose."""


@dataclass
class Till:
    """Takes payments, each reference once; or fails with `error`."""

    taken: list[Payment] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, payment: Payment) -> Outcome:
        if self.error is not None:
            raise self.error
        if payment in self.taken:
            return Outcome(PaymentState.ALREADY, "It was told of before.")
        self.taken.append(payment)
        return Outcome(PaymentState.APPLIED, f"Invoice {payment.invoice} is paid.")


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


class Client:
    """One request after the other, each over a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return Answer(
                answer.status,
                {name.lower(): value for name, value in answer.headers.items()},
                answer.read(),
            )
        finally:
            connection.close()

    def pay(self, document: object, *, secret: str = SECRET, at: int = NOW) -> Answer:
        """Tell of a payment, signed; bytes are told as they are."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        signature = {HEADER.replace("-", "_"): sign(secret, body, at)}
        return self("POST", "/webhooks/payment", body, **signature)


@pytest.fixture
def till() -> Till:
    return Till()


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime.fromtimestamp(NOW, UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **length: float) -> None:
        self.now += timedelta(**length)


def a_house(url: str, clock: Clock, secret: str = SECRET) -> House:
    """What the application works with."""
    settings = Settings(file=Path("siptrunk.toml"), kept=Secrets(payment_secret=secret))
    return House(settings, open_engine(url), clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def housed(fresh_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of `house`, to be copied: to fill it takes longer than most tests."""
    file: Path = tmp_path_factory.mktemp("house") / "house.db"
    house = a_house(f"sqlite:///{shutil.copy(fresh_sqlite, file)}", Clock())
    move_in(house)
    house.engine.dispose()
    return file


@pytest.fixture
def house(sqlite_url: str, housed: Path, clock: Clock) -> Iterator[House]:
    """With two customers, each with a trunk and its people, and the provider's own."""
    house = a_house(sqlite_url, clock)
    put_over(housed, house)
    yield house
    house.engine.dispose()


def put_over(file: Path, house: House) -> None:
    """Have a house's database be as a file is; it may be open already."""
    place = house.engine.url.database or ""
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(place)) as target:
        source.backup(target)


def move_in(house: House) -> None:
    """Two customers, each with a trunk and its people, and the provider's own."""
    with transaction(house.engine) as connection:
        by = By("setup", house.now())
        for name in ("acme", "bolt"):
            customers.add(connection, by, name, title=f"{name.capitalize()} SA")
            trunk = Trunk(0, f"{name}-paris", name, TrunkKind.REGISTERED, channels=10, country="FR")
            credentials = digest(f"trunk-{trunk.name}", "siptrunk", "s3cret")
            trunks.add(connection, by, trunk, credentials)
        for role in Role:
            owners = ("",) if role.of_provider else ("acme", "bolt")
            for owner in owners:
                accounts.add(
                    connection,
                    by,
                    login=login_of(role, owner),
                    name=f"{role} {owner}".strip(),
                    role=role,
                    customer=owner,
                    password_hash=PASSWORD_HASH,
                )


def login_of(role: Role, customer: str = "") -> str:
    """The address of an account: customer-admin@acme.example."""
    return f"{role}@{customer or 'provider'}.example"


class Browser:
    """Somebody's browser: keeps cookies, and sends the word that forms carry."""

    def __init__(self, app: Any) -> None:
        self.client = TestClient(app, base_url="https://testserver", follow_redirects=False)

    def get(self, path: str, **headers: str) -> Response:
        return self.client.get(path, headers=headers)

    @property
    def word(self) -> str:
        """What the forms of its session carry."""
        return form_word(self.client.cookies.get(COOKIE) or "")

    def post(self, path: str, **fields: str) -> Response:
        return self.client.post(path, data={"form_word": self.word, **fields})

    def log_in(self, login: str, password: str = PASSWORD, code: str = "") -> Response:
        return self.post("/login", login=login, password=password, code=code)


@pytest.fixture
def app(house: House, till: Till) -> Any:
    return make_app(house, till)


@pytest.fixture
def nobody(app: Any) -> Browser:
    """Not logged in."""
    return Browser(app)


def logged_in(app: Any, role: Role, customer: str = "") -> Browser:
    """A browser in which somebody of this role is logged in."""
    browser = Browser(app)
    assert browser.log_in(login_of(role, customer)).status_code == 303
    return browser


@pytest.fixture
def user(app: Any) -> Browser:
    """May look at acme's things."""
    return logged_in(app, Role.CUSTOMER_USER, "acme")


@pytest.fixture
def admin(app: Any) -> Browser:
    """May change acme's things."""
    return logged_in(app, Role.CUSTOMER_ADMIN, "acme")


@pytest.fixture
def stranger(app: Any) -> Browser:
    """The admin of another customer, bolt."""
    return logged_in(app, Role.CUSTOMER_ADMIN, "bolt")


@pytest.fixture
def support(app: Any) -> Browser:
    """Helps all customers."""
    return logged_in(app, Role.PROVIDER_SUPPORT)


@pytest.fixture
def provider(app: Any) -> Browser:
    """Runs the service."""
    return logged_in(app, Role.PROVIDER_ADMIN)


@pytest.fixture
def client(till: Till, sqlite_url: str, clock: Clock) -> Iterator[Client]:
    server = WebServer(make_app(a_house(sqlite_url, clock), till), WebSettings())
    server.start()
    yield Client(server.port)
    server.stop(SECONDS)
    assert not server._thread.is_alive()
