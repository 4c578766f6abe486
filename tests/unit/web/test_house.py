"""The database behind pages: what waits, and what is told meanwhile."""

import pytest
from sqlalchemy import text

from asterisk_siptrunk.database import provider, sessions
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.errors import DatabaseUnavailable
from asterisk_siptrunk.settings import Settings
from asterisk_siptrunk.web.house import House


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_change_neither_waits_nor_keeps_others_for_long(database_url, clock, tmp_path):
    other = open_engine(database_url, patient=True)
    house = House(
        Settings(file=tmp_path / "siptrunk.toml"), open_engine(database_url, patient=True), clock
    )
    with transaction(other) as held:
        provider.hold(held)
        with (
            pytest.raises(DatabaseUnavailable, match="lock timeout"),
            house.changing("x") as (mine, _),
        ):
            provider.hold(mine)
    with house.changing("x") as (mine, _):
        idle = mine.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one()
    assert idle == "2s"
    with house.reading() as mine:  # a billing run, which has the same connections, may think longer
        assert mine.execute(text("SHOW lock_timeout")).scalar_one() == "0"
    for engine in (other, house.engine):
        engine.dispose()


def test_a_page_is_shown_while_nothing_can_be_written(house, user, clock):
    clock.advance(seconds=sessions.SEEN_EVERY.total_seconds() + 1)
    other = open_engine(str(house.engine.url))
    with transaction(other):
        assert user.get("/trunks/acme-paris").status_code == 200
    other.dispose()


def test_all_connections_in_use_is_told_in_words(house, user, monkeypatch):
    pool = house.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.01)
    taken = [house.engine.connect() for _ in range(15)]
    answer = user.get("/trunks/acme-paris")
    for one in taken:
        one.close()
    assert answer.status_code == 503
    assert "try again in a moment. Calls go on." in answer.text
    assert "siptrunk.db" not in answer.text
    with reading(house.engine):
        assert user.get("/trunks/acme-paris").status_code == 200
