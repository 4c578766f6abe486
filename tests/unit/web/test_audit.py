"""Nothing is changed by a page without a word of who did it."""

import pytest

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.tables import audit
from asterisk_siptrunk.web.app import PAGES
from tests.unit.web.conftest import PASSWORD, login_of
from tests.unit.web.test_walls import NEUTRAL, Town
from tests.unit.web.walls import FIT, answer_to, asks, entered, everything

NEW = "nine dry umbrellas"
FIELDS = {
    "/account": {"name": "Another", "language": "fr", "timezone": "Asia/Tokyo"},
    "/account/password": {"old": PASSWORD, "new": NEW, "again": NEW},
    "/account/second/off": {"password": PASSWORD},
    "/confirm": {"password": PASSWORD},
}
"""What forms want that `FIT` does not give."""
UNSIGNED = {"/confirm"}
"""What notes when a password was given, and changes nothing else."""
CHANGING = {
    *("/account", "/account/password", "/account/sessions/close-others", "/logout"),
    *("/people", "/role", "/access", "/password", "/second/off", "/people/tokens", "/revoke"),
}
"""How the paths end of forms that must have changed something, else this walk shows nothing."""


@pytest.fixture
def town(house, app):
    return Town(house, app)


def posts(town, own):
    """Every form, for everything that is one's own."""
    every = asks(town.app, {}, own, NEUTRAL)
    return [ask for ask in every if ask.method == "POST" and not ask.is_api]


def signed(house, author):
    with reading(house.engine) as connection:
        return sum(row.author == author for row in connection.execute(audit.select()))


@pytest.mark.parametrize(
    ("role", "of"), [(Role.CUSTOMER_ADMIN, "acme"), (Role.PROVIDER_ADMIN, "")], ids=str
)
def test_every_change_is_signed(town, role, of):
    login, changed = login_of(role, of), set()
    for ask in posts(town, town.acme):
        browser = entered(town.app, town.house, login)
        before, told = everything(town.house.engine), signed(town.house, login)
        fields = {key: (value,) for key, value in (FIT | FIELDS.get(ask.path, {})).items()}
        answer_to(browser, ask, town.acme | fields)
        if everything(town.house.engine) != before and ask.path not in UNSIGNED:
            assert signed(town.house, login) > told, ask
            changed.add(ask.path)
    assert {end for end in CHANGING if not any(path.endswith(end) for path in changed)} == set()


def test_the_walk_meets_all_forms(town):
    walked = len(posts(town, {**town.acme, **NEUTRAL}))
    assert walked >= sum(page.method == "POST" for page in PAGES)
