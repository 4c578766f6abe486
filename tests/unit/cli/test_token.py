"""`siptrunk token`."""

from datetime import datetime, timedelta

import pytest

from asterisk_siptrunk.account.secret import TOKEN_PREFIX

ADD = ("token", "add", "crm", "--customer", "acme", "--scope", "read", "--scope", "billing")


@pytest.fixture
def acme(siptrunk):
    siptrunk("customer", "add", "acme")
    return siptrunk


def test_a_token_is_shown_once(acme):
    made = acme.json(*ADD, "--days", "9")
    assert made["token"].startswith(TOKEN_PREFIX)
    (row,) = acme.json("token", "list")
    assert (row["name"], row["customer"], row["scopes"]) == ("crm", "acme", ["billing", "read"])
    length = datetime.fromisoformat(row["expires_at"]) - datetime.fromisoformat(row["created_at"])
    assert length == timedelta(days=9)
    assert made["token"] not in str(row)


def test_those_of_a_customer(acme):
    acme(*ADD)
    acme("token", "add", "bank", "--scope", "payments")
    assert [row["name"] for row in acme.json("token", "list")] == ["bank", "crm"]
    assert [row["name"] for row in acme.json("token", "list", "--customer", "acme")] == ["crm"]


@pytest.mark.parametrize(
    ("words", "fails", "said"),
    [
        ((*ADD, "--scope", "run"), 1, "cannot have the scope run"),
        ((*ADD, "--days", "0"), 2, "1 to 1825"),
        ((*ADD, "--days", "1826"), 2, "1 to 1825"),
        (("token", "add", "x"), 2, "--scope"),
        (("token", "add", " ", "--scope", "read"), 1, "has a name"),
        (("token", "add", "x", "--scope", "read", "--customer", "nope"), 1, "no customer nope"),
        (("token", "revoke", "7"), 1, "There is no token 7."),
    ],
)
def test_what_cannot_be(acme, words, fails, said):
    assert said in acme(*words, fails=fails).stderr
    assert acme.json("token", "list") == []


def test_one_is_revoked(acme):
    acme(*ADD)
    (row,) = acme.json("token", "list")
    assert "Token crm is revoked." in acme("token", "revoke", str(row["id"])).stderr
    assert acme.json("token", "list")[0]["revoked_at"]
    changes = [entry["change"] for entry in acme.json("token", "history", "crm")]
    assert changes == ["revoked", "made for acme: billing, read"]
