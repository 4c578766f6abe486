"""`siptrunk plan`."""

import pytest

from asterisk_siptrunk.billing.example import example_catalogue


@pytest.fixture
def loaded(siptrunk, tmp_path):
    (tmp_path / "catalogue.toml").write_text(example_catalogue(), encoding="utf-8")
    siptrunk("offer", "load", str(tmp_path / "catalogue.toml"))
    return siptrunk


def test_list(loaded):
    rows = loaded.json("plan", "list")
    assert [row["name"] for row in rows] == ["office", "fibre"]
    assert rows[1] == {
        "name": "fibre",
        "title": "Fibre access with telephone",
        "offer": "trunk",
        "price": "45.00",
        "channels": 2,
        "numbers": 5,
        "currency": "EUR",
        "valid_from": "2026-01-01",
    }


@pytest.mark.parametrize(
    ("term", "offer", "plan", "holds"),
    [
        ("minimum", 1, 2, 2),
        ("maximum", 1000, 30, 30),
        ("deck", "world", None, "world"),
        ("period", "anniversary", "calendar", "calendar"),
        ("number_price", "1.00", "0.50", "0.50"),
        ("numbers_per_channel", 10, None, 10),
        ("options", ["fax", "second-site"], None, ["fax", "second-site"]),
    ],
)
def test_show_says_of_each_term_whose_it_is(loaded, term, offer, plan, holds):
    rows = {row["term"]: row for row in loaded.json("plan", "show", "fibre")["terms"]}
    assert rows[term] == {"term": term, "offer": offer, "plan": plan, "holds": holds}


def test_show_says_what_is_included(loaded):
    assert loaded.json("plan", "show", "fibre")["inclusions"] == [
        {
            "name": "French fixed numbers",
            "targets": ["fr:fixed", "fr:voip"],
            "minutes_a_channel": "all",
        },
        {"name": "French mobile numbers", "targets": ["fr:mobile"], "minutes_a_channel": 300},
    ]
    assert "has no plan no; it has office, fibre" in loaded("plan", "show", "no", fails=1).stderr


def test_people_read_terms_as_words(loaded):
    said = loaded("plan", "show", "fibre").stdout
    assert "included channels" in said
    assert "included_channels" not in said
