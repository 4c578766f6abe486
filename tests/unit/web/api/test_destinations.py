"""Rules, and what becomes of a number by them."""

import pytest

LATVIA = "/trunks/acme-paris/destinations/lv"
CHECK = "/trunks/acme-paris/check"
RIGA = {"number": "0037120000000"}


def rules(client, **wanted):
    found = client.get("/destinations?trunk=acme-paris&limit=200")["items"]
    return [each for each in found if wanted.items() <= each.items()]


def test_a_destination_is_opened_and_the_rule_taken_away(acme):
    assert acme("POST", CHECK, RIGA).json()["reason"] == "destination-blocked"
    opened = acme("PUT", LATVIA, {"action": "allow", "note": "branch in Riga"})
    assert opened.json() == {
        "trunk": "acme-paris",
        "target": "lv",
        "action": "allow",
        "layer": "customer",
        "locked": False,
        "note": "branch in Riga",
        "author": "token crm of acme",
    }
    assert acme("POST", CHECK, RIGA).json()["verdict"] == "admitted"
    assert acme("DELETE", LATVIA).status_code == 204
    assert acme("DELETE", LATVIA).status_code == 404
    assert rules(acme, trunk="acme-paris") == []


def test_what_the_provider_locked_stays(acme, ours):
    locked = {"action": "block", "note": "fraud of May", "lock": True}
    assert acme("PUT", LATVIA, locked).status_code == 403
    assert ours("PUT", LATVIA, locked).json()["layer"] == "provider"
    answer = acme("PUT", LATVIA, {"action": "allow"})
    assert answer.status_code == 422
    assert "locked lv: fraud of May" in answer.json()["detail"]
    assert rules(acme, locked=True)[0]["author"] is None
    assert rules(ours, locked=True)[0]["author"] == "token crm of the provider"
    assert acme("DELETE", LATVIA).status_code == 204  # its own
    assert acme("DELETE", LATVIA).status_code == 404
    assert ours("DELETE", LATVIA).status_code == 204
    assert rules(ours, trunk="acme-paris") == []


def test_rules_for_all_trunks_are_the_providers(acme, ours):
    assert acme("PUT", "/destinations/cu", {"action": "block"}).status_code == 403
    assert ours("PUT", "/destinations/cu", {"action": "block"}).json()["trunk"] is None
    cuba = {"number": "005371234567"}
    assert "cu" in acme("POST", CHECK, cuba).json()["rule"]
    assert ours("DELETE", "/destinations/cu").status_code == 204
    assert ours("DELETE", "/destinations/cu").status_code == 404


@pytest.mark.parametrize("target", ["112", "15"])
def test_no_rule_is_for_an_emergency(acme, ours, target):
    for client, path in (
        (acme, f"/trunks/acme-paris/destinations/{target}"),
        (ours, f"/destinations/{target}"),
    ):
        answer = client("PUT", path, {"action": "block"})
        assert answer.status_code == 422
        assert "always passes" in answer.json()["detail"]
    seen = acme("POST", CHECK, {"number": target}).json()
    assert (seen["verdict"], seen["reason"]) == ("admitted", "emergency")


def test_what_is_no_destination(acme):
    answer = acme("PUT", "/trunks/acme-paris/destinations/zz", {"action": "allow"})
    assert (answer.status_code, "errors" in answer.json()) == (422, False)


def test_carriers_are_told_to_the_provider_alone(acme, ours):
    number = {"number": "0612345678"}
    assert acme("POST", CHECK, number).json()["carriers"] == []
    assert ours("POST", CHECK, number).json()["carriers"] == ["upstream"]
    assert ours("POST", CHECK, RIGA).json()["sip_answer"] == 403
    assert acme.get("/calls/1")["carrier"] is None
