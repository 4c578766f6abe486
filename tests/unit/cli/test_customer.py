"""`siptrunk customer`."""

import pytest


def test_add_list_show_set_remove(siptrunk):
    siptrunk("customer", "add", "acme", "--title", "Acme SA", "--email", "a@acme.example")
    assert siptrunk.json("customer", "list") == [
        {
            "name": "acme",
            "title": "Acme SA",
            "email": "a@acme.example",
            "trunks": 0,
            "channels": 0,
        }
    ]
    siptrunk("customer", "set", "acme", "--email", "b@acme.example")
    assert siptrunk.json("customer", "show", "acme") == {
        "name": "acme",
        "title": "Acme SA",
        "email": "b@acme.example",
        "address": "",
        "country": "",
        "tax_id": "",
        "tax": "default",
        "trunks": [],
    }
    siptrunk("customer", "remove", "acme", "--yes")
    assert siptrunk.json("customer", "list") == []


def test_the_list_counts_what_is_held(acme):
    (row,) = acme.json("customer", "list")
    assert (row["trunks"], row["channels"]) == (1, 3)
    (trunk,) = acme.json("customer", "show", "acme")["trunks"]
    assert trunk == {"name": "acme-paris", "channels": 3, "status": "active"}


def test_history_outlives_the_customer(siptrunk):
    siptrunk("customer", "add", "acme")
    siptrunk("customer", "set", "acme", "--title", "Acme SA")
    siptrunk("customer", "remove", "acme", "--yes")
    history = siptrunk.json("customer", "history", "acme")
    assert [entry["change"] for entry in history] == ["removed", "title: Acme SA", "added"]
    assert {entry["author"] for entry in history} == {"alice"}
    assert history[0]["at"].endswith("Z")


def test_names_that_are_taken_missing_or_none(siptrunk):
    siptrunk("customer", "add", "acme")
    assert "already" in siptrunk("customer", "add", "acme", fails=1).stderr
    assert "cannot be a name" in siptrunk("customer", "add", "Acme!", fails=1).stderr
    assert "'siptrunk customer list'" in siptrunk("customer", "show", "no", fails=1).stderr
    assert "Nothing to set" in siptrunk("customer", "set", "acme", fails=2).stderr


def test_a_customer_with_a_trunk_stays(acme):
    assert "its record stays" in acme("customer", "remove", "acme", "--yes", fails=1).stderr


def test_removal_asks_first(siptrunk):
    siptrunk("customer", "add", "acme")
    siptrunk("customer", "remove", "acme", stdin="n\n", fails=1)
    assert len(siptrunk.json("customer", "list")) == 1
    siptrunk("customer", "remove", "acme", stdin="y\n")
    assert siptrunk.json("customer", "list") == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--email", "nobody"), "no e-mail address"),
        (("--email", "a b@c.example"), "no e-mail address"),
        (("--email", "a@b"), "no e-mail address"),
        (("--email", "a@b.example\nBcc: c@d.example"), "no e-mail address"),
        (("--title", "Acme\x1b[2J"), "cannot stand in it"),
        (("--title", "x" * 501), "500 are the most"),
        (("--address", "1 rue X\n2 rue Y"), "cannot stand in it"),
        (("--country", "XX"), "XX"),
        (("--tax-id", "FR 1\n2"), "no tax number"),
        (("--tax-id", "F" * 41), "no tax number"),
        (("--tax", "101"), "no percentage"),
        (("--tax", "-1"), "no percentage"),
        (("--tax", "5.12345"), "no percentage"),
        (("--tax", "none"), "no percentage"),
    ],
)
def test_titles_and_addresses_that_cannot_be_are_refused(acme, options, said):
    assert said in acme("customer", "set", "acme", *options, fails=2).stderr


def test_a_title_and_an_address_can_be_taken_away(acme):
    acme("customer", "set", "acme", "--email", "voice@acme.example")
    acme("customer", "set", "acme", "--email", "", "--title", "")
    shown = acme.json("customer", "show", "acme")
    assert (shown["email"], shown["title"]) == ("", "")


PAPER = (
    *("--address", "Rue Haute 1", "--address", "1000 Bruxelles", "--country", "be"),
    *("--tax-id", "BE0123456749", "--tax", "0"),
)
SHOWN = {
    "address": "Rue Haute 1, 1000 Bruxelles",
    "country": "BE",
    "tax_id": "BE0123456749",
    "tax": "0",
}


def paper(run):
    shown = run.json("customer", "show", "beta")
    return {key: shown[key] for key in SHOWN}


def test_what_invoices_say_of_a_customer(siptrunk):
    siptrunk("customer", "add", "beta", *PAPER)
    assert paper(siptrunk) == SHOWN
    siptrunk("customer", "set", "beta", "--tax", "5.5")
    assert paper(siptrunk) == {**SHOWN, "tax": "5.5"}
    siptrunk("customer", "set", "beta", "--tax", "default", "--address", "", "--tax-id", "")
    assert paper(siptrunk) == {"address": "", "country": "BE", "tax_id": "", "tax": "default"}
    siptrunk("customer", "set", "beta", *PAPER)
    assert paper(siptrunk) == SHOWN
    change = siptrunk.json("customer", "history", "beta")[0]["change"]
    assert "address: Rue Haute 1 / 1000 Bruxelles" in change


@pytest.mark.parametrize(("given", "line"), [("a", "a"), ("", None)], ids=["said", "none"])
def test_an_address_is_of_lines(siptrunk, given, line):
    siptrunk("customer", "add", "beta", "--address", given)
    assert (siptrunk.json("customer", "show", "beta")["address"] or None) == line
