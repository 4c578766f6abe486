"""The queue of findings, and what is suspended."""

import pytest

from asterisk_siptrunk.anomaly.rule_file import shipped_rules
from asterisk_siptrunk.database import findings, suspensions, watch_rules
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.trunk import Suspension, SuspensionScope

RULE = shipped_rules()[0].name


def state_of(house, number):
    with reading(house.engine) as connection:
        return findings.get(connection, number).state


def test_nothing_was_found(support):
    page = support.get("/provider/anomalies").text
    assert "Nothing was found that nobody has seen to" in page
    assert "Nothing is suspended" in page


def test_a_finding_is_seen_to(support, a_finding, answered, house):
    number = a_finding(answered())
    assert f"/provider/anomalies/{number}" in support.get("/provider/anomalies").text
    page = support.get(f"/provider/anomalies/{number}").text
    assert "+33612345678" in page  # the call that it rests on
    support.post(f"/provider/anomalies/{number}/acknowledge", reason="a campaign")
    assert state_of(house, number) == "acknowledged"
    assert f"/provider/anomalies/{number}" not in support.get("/provider/anomalies").text
    assert "a campaign" in support.get(f"/provider/anomalies/{number}").text
    again = support.post(f"/provider/anomalies/{number}/acknowledge")
    assert again.status_code == 422


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("level=critical", True),
        ("level=warning", False),
        (f"rule={RULE}", True),
        ("rule=none", False),
        ("trunk=bolt-paris", False),
        ("before=1", False),
    ],
)
def test_what_is_looked_for(support, a_finding, query, found):
    number = a_finding()
    page = support.get(f"/provider/anomalies?{query}").text
    assert (f"/provider/anomalies/{number}" in page) is found


@pytest.mark.parametrize("number", ["999", "x", "1" * 30])
def test_what_is_not_there(provider, number):
    assert provider.get(f"/provider/anomalies/{number}").status_code == 404
    assert provider.post(f"/provider/anomalies/{number}/acknowledge").status_code == 404
    assert provider.post(f"/provider/suspensions/{number}/lift").status_code == 404


def test_a_suspension_is_lifted(support, house, clock):
    with transaction(house.engine) as connection:
        new = Suspension(SuspensionScope.INTERNATIONAL, "toll fraud")
        suspensions.suspend(connection, By("watch", clock.now), "acme-paris", new)
        (standing,) = suspensions.listed(connection)
    assert "toll fraud" in support.get("/provider/anomalies").text
    answer = support.post(f"/provider/suspensions/{standing.id}/lift", reason="they rang")
    assert answer.status_code == 303
    with reading(house.engine) as connection:
        assert suspensions.listed(connection) == []


def test_a_rule_is_armed_and_put_on_trial_again(provider, house):
    base = shipped_rules()

    def dry() -> bool:
        with reading(house.engine) as connection:
            rules = watch_rules.book(connection, base).every
        return next(rule.dry_run for rule in rules if rule.name == RULE)

    assert "on trial" in provider.get("/provider/rules").text
    for armed in ("yes", "no"):
        assert provider.post(f"/provider/rules/{RULE}", armed=armed).status_code == 303
        assert dry() is (armed == "no")
    assert provider.post(f"/provider/rules/{RULE}").status_code == 422
    assert provider.post("/provider/rules/none", armed="yes").status_code == 404


def test_a_rule_asks_for_the_password_again(provider, clock, house):
    clock.advance(minutes=11)
    answer = provider.post(f"/provider/rules/{RULE}", armed="yes")
    assert answer.headers["location"].startswith("/confirm")
    with reading(house.engine) as connection:
        assert watch_rules.changes(connection, None) == {}
