"""What the watch has seen: read, seen to, and released by whoever may."""

from datetime import timedelta

import pytest

from asterisk_siptrunk.database import audit, findings, suspensions, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, SuspensionSource
from asterisk_siptrunk.web.site.anomalies import MOST_FINDINGS
from tests.unit.web.site.rows import call_of, finding_of
from tests.unit.web.site.test_connect import text_of

PAGE = "/trunks/acme-paris/anomalies"
ZONE = SuspensionScope.DESTINATION


def suspend(house, source=SuspensionSource.ANOMALY, finding=None, trunk="acme-paris", **values):
    """Suspend a part; gives its number."""
    values = {"scope": ZONE, "target": "lv:premium", "reason": "toll fraud"} | values
    with transaction(house.engine) as connection:
        by = By("watch", house.now())
        made = suspensions.suspend(connection, by, trunk, Suspension(source=source, **values))
        if finding is not None:
            findings.tie(connection, finding, made)
        return made


def status(house):
    with reading(house.engine) as connection:
        return trunks.get(connection, "acme-paris").status


def finding(house, number):
    with reading(house.engine) as connection:
        return findings.get(connection, number)


def release(browser, number, reason="It was us."):
    return browser.post(f"{PAGE}/suspensions/{number}/release", reason=reason)


# --- reading ---


def test_nothing_was_seen(admin, user):
    for browser in (admin, user):
        page = text_of(browser.get(PAGE))
        assert "Nothing unusual has been seen on this trunk." in page
        assert "What is stopped now" not in page


def test_a_finding_with_its_calls_and_what_was_stopped(admin, house, clock):
    call = call_of(house, callee="+37190001", zone="lv:premium")
    number = finding_of(house, evidence=[call, 4711])
    suspend(house, finding=number, expires_at=clock.now + timedelta(hours=2))
    page = admin.get(PAGE)
    said = text_of(page)
    assert "critical 24/11/2025, 17:00 open Trunk acme-paris: calls for 52.00" in said
    assert "Calls to lv:premium are suspended. Until 24/11/2025, 19:00." in said
    assert f'href="/calls/{call}"' in page.text
    assert "+37190001" in said
    assert "1 call more is not kept any longer." in said
    clock.advance(hours=2)
    said = text_of(admin.get(PAGE))
    assert "that was so from 24/11/2025, 17:00 to 24/11/2025, 19:00." in said
    assert "What is stopped now" not in said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"dry_run": True, "action": "note"}, "only notes what it sees for now: nothing was"),
        ({"action": "note", "level": "warning"}, "It was noted, and nothing was stopped."),
        ({"action": "notify"}, "You were told, and nothing was stopped."),
        ({"action": "block-zone"}, "what the rule asks for was stopped already."),
        (
            {"state": "acknowledged", "author": "bo", "remark": "a campaign"},
            "Seen to by bo, : a campaign",
        ),
    ],
    ids=["dry-run", "note", "notify", "stopped-already", "seen-to"],
)
def test_what_was_done_is_said_in_words(admin, house, values, said):
    finding_of(house, **values)
    assert said in text_of(admin.get(PAGE))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"scope": SuspensionScope.ALL, "target": ""}, "Suspended: emergency calls alone pass."),
        ({"scope": SuspensionScope.INBOUND, "target": ""}, "Incoming calls are suspended."),
        ({"scope": SuspensionScope.OUTBOUND, "target": ""}, "Outgoing calls are suspended; em"),
        ({"scope": SuspensionScope.INTERNATIONAL, "target": ""}, "Calls to other countries are"),
        ({"scope": SuspensionScope.CALLER, "target": "100"}, "Calls from 100 are suspended;"),
    ],
    ids=["all", "inbound", "outbound", "international", "caller"],
)
def test_what_is_stopped_is_said_in_words(admin, house, values, said):
    suspend(house, **values)
    page = text_of(admin.get(PAGE))
    assert f"{said}" in page
    assert "Until somebody releases it." in page


def test_only_the_newest_are_shown(admin, house):
    for number in range(MOST_FINDINGS + 1):
        finding_of(house, sentence=f"This is number {number}.")
    page = text_of(admin.get(PAGE))
    assert f"This is number {MOST_FINDINGS}." in page
    assert "This is number 0." not in page
    assert "Older ones are not shown." in page


# --- releasing ---


def test_a_customer_releases_what_the_watch_has_suspended(admin, house):
    number = finding_of(house)
    part = suspend(house, finding=number)
    assert f"suspensions-{part}-release" in admin.get(PAGE).text
    assert release(admin, part).headers["location"] == PAGE
    assert status(house) == "active"
    found = finding(house, number)
    assert (found.state, found.remark) == ("released", "It was us.")
    assert found.author == "customer-admin@acme.example"
    with reading(house.engine) as connection:
        (last, *_) = audit.history(connection, "trunk", "acme-paris")
    assert last.change == "resumed (destination lv:premium): It was us."
    said = text_of(admin.get(PAGE))
    assert "Released by customer-admin@acme.example, 24/11/2025, 17:00: It was us." in said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (SuspensionSource.ADMIN, "Your provider has suspended this"),
        (SuspensionSource.BILLING, "It passes again when the invoice is paid."),
    ],
)
def test_a_customer_does_not_release_what_people_have_suspended(
    admin, support, house, source, said
):
    part = suspend(house, source)
    page = admin.get(PAGE).text
    assert said in page
    assert f"suspensions-{part}-release" not in page
    refused = release(admin, part)
    assert (refused.status_code, "ask there" in refused.text) == (422, True)
    assert status(house) == "suspended: destination lv:premium"
    assert f"suspensions-{part}-release" in support.get(PAGE).text
    assert release(support, part, "They rang.").status_code == 303
    assert status(house) == "active"


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 501])
def test_a_release_says_why(admin, house, reason):
    part = suspend(house)
    refused = release(admin, part, reason)
    assert (refused.status_code, "Reason: " in refused.text) == (422, True)
    assert status(house) != "active"


def test_what_is_released_already_is_said(admin, house):
    part = suspend(house)
    release(admin, part)
    refused = release(admin, part)
    assert (refused.status_code, "lifted already" in refused.text) == (422, True)


# --- seeing to it ---


def test_who_has_seen_to_it_says_so_and_what_is_stopped_stays(admin, house):
    number = finding_of(house)
    suspend(house, finding=number)
    kept = admin.post(f"{PAGE}/{number}/keep", reason="Our PBX was broken into.")
    assert kept.headers["location"] == PAGE
    found = finding(house, number)
    assert (found.state, found.remark) == ("acknowledged", "Our PBX was broken into.")
    assert status(house) == "suspended: destination lv:premium"
    again = admin.post(f"{PAGE}/{number}/keep", reason="x")
    assert (again.status_code, "acknowledged already" in again.text) == (422, True)


# --- who may ---


def test_a_stranger_finds_nothing(stranger, admin, house):
    number, part = finding_of(house), suspend(house)
    theirs = suspend(house, trunk="bolt-paris")
    of_bolt = finding_of(house, "bolt-paris")
    assert stranger.get(PAGE).status_code == 404
    assert release(stranger, part).status_code == 404
    assert stranger.post(f"{PAGE}/{number}/keep", reason="x").status_code == 404
    own = "/trunks/bolt-paris/anomalies"
    assert stranger.post(f"{own}/{number}/keep", reason="x").status_code == 404
    through = stranger.post(f"{own}/suspensions/{part}/release", reason="x")
    assert through.status_code == 404
    assert release(admin, theirs).status_code == 404
    assert admin.post(f"{PAGE}/{of_bolt}/keep", reason="x").status_code == 404
    assert finding(house, number).state == "open"
    assert status(house) != "active"


def test_who_only_looks_changes_nothing(user, house):
    number, part = finding_of(house), suspend(house)
    page = user.get(PAGE).text
    assert "<form" not in page.partition("<main")[2]
    assert release(user, part).status_code == 403
    assert user.post(f"{PAGE}/{number}/keep", reason="x").status_code == 403


@pytest.mark.parametrize("number", ["x", "-1", "9" * 18, "9" * 40, "4711"])
def test_a_number_that_is_none_is_not_there(admin, number):
    assert release(admin, number).status_code == 404
    assert admin.post(f"{PAGE}/{number}/keep", reason="x").status_code == 404
