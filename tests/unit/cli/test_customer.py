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
    ],
)
def test_titles_and_addresses_that_cannot_be_are_refused(acme, options, said):
    assert said in acme("customer", "set", "acme", *options, fails=2).stderr


def test_a_title_and_an_address_can_be_taken_away(acme):
    acme("customer", "set", "acme", "--email", "voice@acme.example")
    acme("customer", "set", "acme", "--email", "", "--title", "")
    shown = acme.json("customer", "show", "acme")
    assert (shown["email"], shown["title"]) == ("", "")
