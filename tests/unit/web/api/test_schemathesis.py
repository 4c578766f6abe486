"""What the description allows is answered as it says, and what it does not is refused.

All operations, with data that fit the description and data that do not, on a filled database: by
a token of the provider's for everything, and by one of a customer's.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi import checks as _  # noqa: F401 - registers all of them
from sqlalchemy import update

from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import channel_order
from asterisk_siptrunk.web.api.app import PATH, make_api
from tests.unit.web.api.conftest import mounted
from tests.unit.web.api.filling import PLENTY, fill, issue, open_up
from tests.unit.web.conftest import Clock, a_house

EXAMPLES = 10
KNOWN = {
    "customer": "acme",
    "trunk": "acme-paris",
    "number": "+33123456789",
    "target": "lv",
    "call": 1,
    "finding": 2,
    "suspension": 1,
    "order": "O-1A2B3C4D",
    "invoice": "2025-000001",
    "carrier": "upstream",
    "server": "pbx1",
}
"""What there is in the filled database, by the names of path parameters."""
CONFIG = {
    "checks": {
        # What is described may still not be possible: an offer that there is not, a cut too deep.
        # That none of these is told as a wrong field is `fits_the_description`.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "406", "409", "422"]
        },
    },
}


class Stage:
    """Passes on to the application of the test that runs."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


STAGE = Stage()


@schemathesis.check
def fits_the_description(ctx: Any, response: Any, case: Any) -> None:
    """A field that fits the description is not refused as one that does not."""
    del ctx
    if case.meta is not None and case.meta.generation.mode.is_positive:
        wrong = response.json().get("errors") if response.status_code == 422 else None
        assert not wrong, wrong


def describe() -> Any:
    """The description, with what there is as examples."""
    house = a_house("sqlite:////nowhere", Clock())
    api = make_api(house, PLENTY, PLENTY)
    for path in api.openapi()["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    parameter["example"] = KNOWN[parameter["name"]]
    STAGE.app = mounted(api)
    config = schemathesis.Config.from_dict(CONFIG)
    return schemathesis.openapi.from_asgi(f"{PATH}/openapi.json", STAGE, config=config)


SCHEMA = describe()


@pytest.fixture(scope="module")
def full(fresh_sqlite, tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """A filled database, to be copied; and the tokens of it."""
    file = shutil.copy(fresh_sqlite, tmp_path_factory.mktemp("api") / "full.db")
    house = a_house(f"sqlite:///{file}", Clock())
    open_up(house)
    filled = fill(house)
    with transaction(house.engine) as connection:
        mine = channel_order.c.reference == filled["acme"]["order"]
        connection.execute(update(channel_order).where(mine).values(reference=KNOWN["order"]))
    words = {customer: issue(house, customer) for customer in ("", "acme")}
    house.engine.dispose()
    return Path(file), words


@pytest.fixture
def asking(full, tmp_path):
    """Sets the stage; gives the headers of who asks."""
    file, words = full
    house = a_house(f"sqlite:///{shutil.copy(file, tmp_path / 'siptrunk.db')}", Clock())
    STAGE.app = mounted(make_api(house, PLENTY, PLENTY))
    yield {customer: {"Authorization": f"Bearer {word}"} for customer, word in words.items()}
    house.engine.dispose()


LIMITS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


@SCHEMA.parametrize()
@LIMITS
def test_the_provider(case, asking):
    case.call_and_validate(headers=asking[""])


@SCHEMA.parametrize()
@LIMITS
def test_a_customer(case, asking):
    case.call_and_validate(headers=asking["acme"])
