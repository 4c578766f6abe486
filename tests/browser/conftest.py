"""A site that is served, and a browser that looks at it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asterisk_siptrunk.database.engine import open_engine
from asterisk_siptrunk.settings import Secrets, Settings, WebSettings
from asterisk_siptrunk.web.app import make_app
from asterisk_siptrunk.web.house import House
from asterisk_siptrunk.web.server import WebServer
from tests.browser.town import settle
from tests.lab.browser import Chromium
from tests.unit.web.conftest import SECONDS, SECRET, Till


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One browser for all tests; each visit has cookies of its own."""
    with Chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def site(fresh_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address; nothing that a test does there may be in another's way."""
    file = shutil.copy(fresh_sqlite, tmp_path_factory.mktemp("site") / "siptrunk.db")
    engine = open_engine(f"sqlite:///{file}")
    settle(engine)
    settings = Settings(file=Path("siptrunk.toml"), kept=Secrets(payment_secret=SECRET))
    house = House(settings, engine, lambda: datetime.now(UTC))
    server = WebServer(make_app(house, Till()), WebSettings())
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop(SECONDS)
    engine.dispose()
