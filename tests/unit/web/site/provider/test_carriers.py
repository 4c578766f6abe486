"""Carriers, and how well each one's calls go."""

import pytest

from asterisk_siptrunk.database import carriers
from asterisk_siptrunk.database.engine import reading


def stored(house, name="first"):
    with reading(house.engine) as connection:
        return carriers.get(connection, name)


def form(**changes) -> dict[str, str]:
    return {"priority": "10", "weight": "10", "channels": "", "enabled": "yes"} | changes


def test_there_is_none_yet(support):
    assert "There is no carrier yet" in support.get("/provider/carriers").text


def test_how_calls_went(support, answered, put_call, clock, house):
    answered()
    # Second took what first had failed, and nobody picked up there.
    first = stored(house).id
    put_call(30, "second", tried=str(first), ended_at=clock.now, hangup_cause=19)
    answered(2000)  # half an hour ago
    page = support.get("/provider/carriers").text
    assert "2 calls were looked at" in page
    assert "50%" in page  # first: one of two answered
    assert "the carrier&#39;s: 1" in page
    assert "the called party&#39;s: 1" in page
    assert "3 calls were looked at" in support.get("/provider/carriers?span=hour").text


@pytest.mark.usefixtures("upstream")
def test_it_is_changed(provider, house):
    answer = provider.post("/provider/carriers/first", **form(priority="5", channels="30"))
    assert answer.status_code == 303
    assert (stored(house).priority, stored(house).channels) == (5, 30)
    provider.post("/provider/carriers/first", **form(enabled=""))
    assert (stored(house).enabled, stored(house).channels) == (False, None)
    assert "out of service" in provider.get("/provider/carriers").text


@pytest.mark.usefixtures("upstream")
@pytest.mark.parametrize(
    "wrong", [{"weight": "0"}, {"priority": "-1"}, {"priority": ""}, {"channels": "many"}]
)
def test_what_is_no_number_changes_nothing(provider, house, wrong):
    answer = provider.post("/provider/carriers/first", **form(**wrong))
    assert answer.status_code == 422
    assert "give a whole number" in answer.text
    assert stored(house).version == 1


def test_a_carrier_that_is_not_there(provider):
    assert provider.get("/provider/carriers/none").status_code == 404
    assert provider.post("/provider/carriers/none", **form()).status_code == 404


@pytest.mark.usefixtures("upstream")
def test_its_secret_is_on_no_page(provider):
    assert "secret" not in provider.get("/provider/carriers/first").text.lower()
