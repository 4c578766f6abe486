"""The API with a filled database, and those who ask it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount
from starlette.testclient import TestClient

from asterisk_siptrunk.web.api.app import PATH, make_api
from asterisk_siptrunk.web.guard import SecurityHeaders
from asterisk_siptrunk.web.problem import of_exception
from tests.unit.web.api.filling import PLENTY, Client, fill, issue
from tests.unit.web.conftest import Clock, a_house, put_over


@pytest.fixture(scope="session")
def filled_once(housed, tmp_path_factory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """The database of `filled`, to be copied, and what is in it."""
    file: Path = tmp_path_factory.mktemp("filled") / "filled.db"
    house = a_house(f"sqlite:///{shutil.copy(housed, file)}", Clock())
    there = fill(house)
    house.engine.dispose()
    return file, there


@pytest.fixture
def filled(house, filled_once: tuple[Path, dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Something of everything in the house; what there is."""
    file, there = filled_once
    put_over(file, house)
    return there


def mounted(api: FastAPI) -> Starlette:
    """The API, where it is served."""
    return Starlette(
        routes=[Mount(PATH, api)],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: of_exception},
    )


@pytest.fixture
def api(house) -> Starlette:
    """For whoever asks more often than any program."""
    return mounted(make_api(house, PLENTY, PLENTY))


def client_of(api: Starlette, token: str) -> Client:
    return Client(TestClient(api, raise_server_exceptions=False), token)


@pytest.fixture
def acme(api, house, filled) -> Client:
    """Has a token of acme's for all that a customer's may be for."""
    del filled
    return client_of(api, issue(house, "acme"))


@pytest.fixture
def bolt(api, house, filled) -> Client:
    """The same of another customer's."""
    del filled
    return client_of(api, issue(house, "bolt"))


@pytest.fixture
def ours(api, house, filled) -> Client:
    """Has one of the provider's for everything."""
    del filled
    return client_of(api, issue(house, ""))
