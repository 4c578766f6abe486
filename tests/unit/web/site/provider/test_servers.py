"""Servers and their configuration."""

import pytest

from asterisk_siptrunk.bootstrap import Change
from asterisk_siptrunk.database import audit, rollout, servers
from asterisk_siptrunk.database.engine import reading, transaction

CHANGE = Change("abc123", is_empty=False, words="1 files change.", diff="-old\n+new <b>\n same\n")


def the_servers(house):
    with reading(house.engine) as connection:
        return list(servers.every(connection))


def test_there_is_none(support, provider):
    assert "No server has given a sign of life" in support.get("/provider/servers").text
    assert provider.post("/provider/servers/apply").status_code == 422


@pytest.mark.usefixtures("serving")
def test_as_it_told_of_itself(support):
    page = support.get("/provider/servers").text
    for told in (">asterisk<", ">serving<", "0.1.0", "7 bytes", ">follows<"):
        assert told in page
    assert "every 2s" not in page


@pytest.mark.usefixtures("serving")
def test_all_are_asked_to_apply_and_what_became_of_it_is_shown(provider, support, house):
    assert provider.post("/provider/servers/apply").status_code == 303
    page = support.get("/provider/servers/now").text
    assert ">to follow<" in page
    assert "every 2s" in page
    (one,) = the_servers(house)
    with transaction(house.engine) as connection:
        rollout.failed(connection, one.name, one.config_applied + 1, "no carrier has a server")
    page = support.get("/provider/servers/now").text
    assert "no carrier has a server" in page
    assert "every 2s" not in page
    with transaction(house.engine) as connection:
        rollout.followed(connection, one.name, one.config_applied + 1, "abc123")
    page = support.get("/provider/servers").text
    assert "abc123" in page
    assert ">follows<" in page
    with reading(house.engine) as connection:
        (told,) = audit.history(connection, "server", "all")
    assert told.author == "provider-admin@provider.example"


@pytest.mark.usefixtures("serving")
def test_an_apply_asks_for_the_password_again(provider, clock, house):
    clock.advance(minutes=11)
    assert provider.post("/provider/servers/apply").headers["location"].startswith("/confirm")
    assert all(one.follows for one in the_servers(house))


def test_the_change_is_shown_before(provider, support, monkeypatch):
    monkeypatch.setattr("asterisk_siptrunk.bootstrap.planned", lambda *_: CHANGE)
    part = provider.get("/provider/servers/plan").text
    assert '<ins class="added">+new &lt;b&gt;</ins>' in part
    assert '<del class="removed">-old</del>' in part
    assert 'id="apply"' in part
    assert 'id="apply"' not in support.get("/provider/servers/plan").text


def test_away_from_asterisk_it_says_so(provider, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "asterisk_siptrunk.bootstrap.store",
        lambda _settings: _store(tmp_path),
    )
    assert "no Asterisk of ours on this machine" in provider.get("/provider/servers/plan").text
    assert "There is no generation before" in provider.get("/provider/servers/back").text


def _store(folder):
    from asterisk_siptrunk.generation.store import Store  # noqa: PLC0415

    return Store(folder)


def test_it_goes_back_to_what_was_shown(provider, house, monkeypatch):
    monkeypatch.setattr("asterisk_siptrunk.bootstrap.way_back", lambda *_: CHANGE)
    monkeypatch.setattr(
        "asterisk_siptrunk.bootstrap.roll_back", lambda *_: ("abc123", ("Mind the journal.",))
    )
    assert 'value="abc123"' in provider.get("/provider/servers/back").text
    answer = provider.post("/provider/servers/rollback", generation="other")
    assert answer.status_code == 422
    provider.post("/provider/servers/rollback", generation="abc123")
    assert "Mind the journal." in provider.get("/provider/servers").text
    with reading(house.engine) as connection:
        assert "abc123" in audit.history(connection, "server")[0].change


@pytest.mark.usefixtures("serving")
def test_one_that_is_gone_is_forgotten_by_its_name(provider, house, clock):
    own = "/provider/servers/asterisk/remove"
    assert provider.post(own, typed="asterisk").status_code == 422  # it lives
    with transaction(house.engine) as connection:
        servers.stop(connection, "asterisk", clock.now)
    assert 'action="/provider/servers/asterisk/remove"' in provider.get("/provider/servers").text
    assert provider.post(own, typed="other").status_code == 422
    assert provider.post(own, typed="asterisk").status_code == 303
    assert the_servers(house) == []
    assert provider.post(own, typed="asterisk").status_code == 404
