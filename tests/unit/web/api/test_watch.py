"""Findings and suspensions: seen to, released, lifted by whom it is allowed."""

import pytest

WHY = {"reason": "the customer rang"}


def standing(client) -> list[str]:
    found = client.get("/suspensions?trunk=acme-paris")["items"]
    return [each["scope"] for each in found]


def test_a_finding_is_acknowledged_and_what_is_stopped_stays(acme, filled):
    path = f"/findings/{filled['acme']['finding']}"
    assert acme.get(path)["evidence"] == [1, 2, 3]
    seen = acme("POST", f"{path}/acknowledge", WHY).json()
    assert (seen["state"], seen["remark"], seen["author"]) == ("acknowledged", WHY["reason"], None)
    assert acme("POST", f"{path}/acknowledge", WHY).status_code == 422
    assert acme.names("/findings") == []
    assert acme.names("/findings?done=true") == [filled["acme"]["finding"]]
    assert standing(acme) == ["inbound", "destination"]


def test_a_finding_is_released_with_what_was_stopped_for_it(acme, ours, filled):
    path = f"/findings/{filled['acme']['finding']}"
    assert acme("POST", f"{path}/release", WHY).json()["state"] == "released"
    assert standing(acme) == ["inbound"]
    assert acme("POST", f"{path}/release", WHY).status_code == 422
    assert ours.get(path)["author"] == "token crm of acme"


def test_one_that_stopped_nothing_is_released_too(ours):
    assert ours("POST", "/findings/1/release", {}).json()["state"] == "released"


def test_a_customer_lifts_what_the_watch_suspended_alone(acme, ours, filled):
    watchs, admins = filled["acme"]["suspension"], filled["acme"]["suspension"] + 1
    lifted = acme("POST", f"/suspensions/{watchs}/lift", WHY).json()
    assert (lifted["id"], lifted["lifted_at"] is None, lifted["author"]) == (watchs, False, None)
    assert acme.get(f"/findings/{filled['acme']['finding']}")["state"] == "released"
    refused = acme("POST", f"/suspensions/{admins}/lift", WHY)
    assert (refused.status_code, standing(acme)) == (403, ["inbound"])
    assert ours("POST", f"/suspensions/{admins}/lift", WHY).status_code == 200
    assert ours("POST", f"/suspensions/{admins}/lift", WHY).status_code == 422
    assert acme.get("/trunks/acme-paris")["suspensions"] == []
    assert len(acme.get("/suspensions?lifted=true")["items"]) == 2


@pytest.mark.parametrize(
    ("part", "target"),
    [
        ({}, ""),
        ({"scope": "international", "expires_at": "2025-12-01T00:00:00+01:00"}, ""),
        ({"scope": "destination", "target": "lv"}, "lv"),
        ({"scope": "caller", "target": "0612345678"}, "+33612345678"),
    ],
)
def test_the_provider_suspends(ours, acme, part, target):
    path = "/trunks/acme-paris/suspensions"
    new = {**part, "reason": "toll fraud"}
    assert acme("POST", path, new).status_code == 403
    made = ours("POST", path, new)
    assert made.status_code == 201
    assert (made.json()["target"], made.json()["author"]) == (target, "token crm of the provider")
    if "expires_at" in part:
        assert made.json()["expires_at"] == "2025-11-30T23:00:00Z"
    assert standing(acme)[0] == part.get("scope", "all")
    assert ours("POST", path, new).status_code == 409


@pytest.mark.parametrize(
    "part",
    [
        {"scope": "destination"},
        {"scope": "all", "target": "lv"},
        {"scope": "caller", "target": "lv"},
        {"scope": "destination", "target": "zz"},
        {"expires_at": "2020-01-01T00:00:00Z"},
    ],
)
def test_what_cannot_be_suspended(ours, part):
    answer = ours("POST", "/trunks/acme-paris/suspensions", {**part, "reason": "because"})
    assert (answer.status_code, "errors" in answer.json()) == (422, False)
