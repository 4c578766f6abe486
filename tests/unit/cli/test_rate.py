"""`siptrunk rate`."""

import pytest

from asterisk_siptrunk.billing.example import example_catalogue, example_rates

DECK = ("--deck", "world")


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "rates.csv"
    file.write_text(example_rates(), encoding="utf-8")
    return file


@pytest.fixture
def loaded(siptrunk, file):
    catalogue = file.with_name("catalogue.toml")
    catalogue.write_text(example_catalogue(), encoding="utf-8")
    siptrunk("offer", "load", str(catalogue))
    siptrunk("rate", "load", str(file), *DECK, "--from", "2026-01-01")
    return siptrunk


def rewrite(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def changed(file):
    """One rate dearer, one gone, one new."""
    rewrite(file, "France mobile,0,0.045", "France mobile,0,0.05")
    rewrite(file, "ca,Canada,0,0.015,1/1,2026-01-01,\n", "")
    rewrite(file, "be:fixed", "nl,Netherlands,0.1,0.02,30/6,,\nbe:fixed")
    return str(file)


def test_a_load_shows_what_changes(loaded, file):
    done = loaded(
        *("rate", "load", changed(file), *DECK, "--from", "2030-01-01", "--format", "json")
    )
    assert done.data == [
        {
            "change": "added",
            "target": "nl",
            "name": "Netherlands",
            "fee": "0.1",
            "price": "0.02",
            "increments": "30/6",
            "valid_from": "2030-01-01",
            "valid_until": None,
            "was": "",
        },
        {
            "change": "changed",
            "target": "fr:mobile",
            "name": "France mobile",
            "fee": "0",
            "price": "0.05",
            "increments": "1/1",
            "valid_from": "2030-01-01",
            "valid_until": None,
            "was": "price 0.045",
        },
        {
            "change": "ended",
            "target": "ca",
            "name": "Canada",
            "fee": "0",
            "price": "0.015",
            "increments": "1/1",
            "valid_from": "2026-01-01",
            "valid_until": None,
            "was": "",
        },
    ]
    assert done.stderr == (
        "Deck world from 2030-01-01 on: 1 added, 1 changed, 1 ended, 27 unchanged.\n"
        "The file has rates begin earlier: what is new in it counts from 2030-01-01 on (--from), "
        "and the days before stay as they are.\n"
    )
    again = loaded("rate", "load", str(file), *DECK, "--from", "2030-01-01")
    assert "begin earlier" not in again.stderr
    entry = loaded.json("rate", "history", "world")[0]
    assert (entry["author"], entry["change"]) == (
        "alice",
        "loaded from 2030-01-01 on: 1 added, 1 changed, 1 ended, 27 unchanged",
    )


def test_without_a_deck_the_decks_are_listed(loaded):
    assert loaded.json("rate", "list") == [{"deck": "world", "rates": 29}]
    assert "--at and --number" in loaded("rate", "list", "--at", "today", fails=2).stderr


def test_before_the_first_catalogue_no_deck_is_missed(siptrunk, file):
    assert "Warning" not in siptrunk("rate", "load", str(file), *DECK).stderr


def test_an_end_that_comes_is_a_change(loaded, file):
    rewrite(file, "us,United States,0,0.015,1/1,2026-01-01,", "us,USA,0,0.015,1/1,,2031-01-01")
    (row,) = loaded.json("rate", "load", str(file), *DECK, "--from", "2030-01-01")
    assert row["was"] == "name United States, valid_until open"


def test_a_dry_run_shows_the_same_and_changes_nothing(loaded, file):
    before = loaded("rate", "export", *DECK).stdout
    words = ("rate", "load", changed(file), *DECK, "--from", "2030-01-01", "--format", "json")
    dry = loaded(*words, "--dry-run")
    assert "Deck world from 2030-01-01 on would be: 1 added, 1 changed" in dry.stderr
    assert loaded("rate", "export", *DECK).stdout == before
    assert loaded(*words).data == dry.data


def test_of_many_changes_some_are_shown(siptrunk, file):
    done = siptrunk("rate", "load", str(file), *DECK, "--format", "csv")
    assert len(done.stdout.splitlines()) == 21
    assert "Not shown: 9 more, of each kind all but the first 20." in done.stderr
    assert "29 added, 0 changed, 0 ended, 0 unchanged" in done.stderr


def test_what_may_be_a_slip_is_warned_of(loaded, file):
    other = loaded("rate", "load", str(file), "--deck", "word").stderr
    assert "No offer and no plan names deck word: no call is charged by it." in other
    past = loaded("rate", "load", changed(file), *DECK, "--from", "2026-02-01").stderr
    assert "2026-02-01 is over: calls since then that are rated keep their cost" in past


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        ("target,näme".encode("latin-1"), "is no text in UTF-8: in Excel save it as 'CSV UTF-8'."),
        (b"target,name\n", "the first line must name the columns target,name,fee"),
        (
            b"target,name,fee,price,increments\nfr,F,0,x,1/1\n",
            "line 2: price: 'x' is no price: give digits and a point",
        ),
    ],
    ids=["missing", "latin", "columns", "price"],
)
def test_what_cannot_be_read_is_refused(loaded, file, content, said):
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    assert said in loaded("rate", "load", str(file), *DECK, fails=1).stderr
    assert len(loaded.json("rate", "list", *DECK)) == 29


def test_a_deck_has_a_name_as_others_do(siptrunk, file):
    refused = siptrunk("rate", "load", str(file), "--deck", "The World", fails=1).stderr
    assert "'The World' cannot be a name" in refused


def test_what_is_exported_is_loaded_again(loaded, tmp_path):
    assert loaded("rate", "export", "--example").stdout == example_rates()
    (tmp_path / "again.csv").write_text(loaded("rate", "export", *DECK).stdout, encoding="utf-8")
    done = loaded("rate", "load", str(tmp_path / "again.csv"), *DECK).stderr
    assert "0 added, 0 changed, 0 ended, 29 unchanged" in done
    assert "Say which by --deck, or give --example." in loaded("rate", "export", fails=2).stderr


def test_list_of_a_day_and_of_a_number(loaded, file):
    loaded("rate", "load", changed(file), *DECK, "--from", "2030-01-01")
    every = loaded.json("rate", "list", *DECK)
    assert len(every) == 31
    days = [row["valid_from"] for row in every if row["target"] == "fr:mobile"]
    assert days == ["2026-01-01", "2030-01-01"]
    assert len(loaded.json("rate", "list", *DECK, "--at", "2029-12-31")) == 29
    narrow = loaded.json("rate", "list", *DECK, "--at", "today", "--number", "06 12 34 56 78")
    assert [row["target"] for row in narrow] == ["fr:mobile", "*:mobile", "fr", "all"]


@pytest.mark.parametrize(
    ("number", "target", "costs"),
    [
        pytest.param("0612345678", "fr:mobile", ["0.045", "0.135", "0.45"], id="n x 0.045"),
        pytest.param("+33 6 12 34 56 78", "fr:mobile", ["0.045", "0.135", "0.45"], id="e164"),
        pytest.param("0899123456", "fr:premium", ["0.95", "2.55", "8.15"], id="0.15 + n x 0.80"),
        pytest.param("0262123456", "+262", ["0.09", "0.27", "0.9"], id="prefix, n x 0.09"),
        pytest.param("0037160000000", "international", ["0.3", "0.9", "3"], id="n x 0.30"),
    ],
)
def test_show_says_which_rate_a_call_has_and_what_it_costs(loaded, number, target, costs):
    shown = loaded.json("rate", "show", number, *DECK)
    assert (shown["target"], shown["deck"], shown["currency"]) == (target, "world", "EUR")
    assert [shown[f"cost_of_{minutes}_min"] for minutes in (1, 3, 10)] == costs


def test_show_charges_begun_increments(siptrunk, file):
    file.write_text("target,name,fee,price,increments\nfr,F,0.01,0.001,600/90\n")
    siptrunk("rate", "load", str(file), *DECK, "--from", "2026-01-01")
    shown = siptrunk.json("rate", "show", "0145678901", *DECK, "--at", "2026-01-01")
    # 600 s are charged at least: 0.01 + 10 x 0.001
    assert [shown[f"cost_of_{minutes}_min"] for minutes in (1, 3, 10)] == ["0.02"] * 3
    assert shown["currency"] is None


def test_show_goes_by_the_day(loaded, file):
    loaded("rate", "load", changed(file), *DECK, "--from", "2030-01-01")
    prices = {
        day: loaded.json("rate", "show", "0612345678", *DECK, "--at", day)["price"]
        for day in ("2029-12-31", "2030-01-01")
    }
    assert prices == {"2029-12-31": "0.045", "2030-01-01": "0.05"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "112", *DECK), "112 is an emergency number: such calls are free."),
        (("show", "999999", *DECK), "'999999' leads nowhere from FR"),
        (("list", *DECK, "--number", "hello"), "'hello' leads nowhere from FR"),
        (("show", "0612345678", "--deck", "no"), "There is no deck no; there is world."),
        (("list", "--deck", "no"), "There is no deck no; there is world."),
        (
            ("show", "0612345678", *DECK, "--at", "2025-12-31"),
            "Deck world has no rate for +33612345678 (fr:mobile) on 2025-12-31",
        ),
    ],
    ids=["emergency", "nowhere", "no-number", "no-deck", "list-no-deck", "no-rate"],
)
def test_what_has_no_rate_is_told(loaded, words, said):
    assert said in loaded("rate", *words, fails=1).stderr
