"""`siptrunk offer`."""

from datetime import UTC, datetime, timedelta

import pytest

from asterisk_siptrunk.billing.example import example_catalogue

TOMORROW = (datetime.now(UTC) + timedelta(2)).date()
"""A day that has begun nowhere."""
NO_PRICE = "is no price: write a point for the comma, as in 12.50."


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "catalogue.toml"
    file.write_text(example_catalogue(), encoding="utf-8")
    return file


@pytest.fixture
def loaded(siptrunk, file):
    siptrunk("offer", "load", str(file))
    return siptrunk


def later(file, old="", new=""):
    """A file for a later day, changed."""
    text = file.read_text(encoding="utf-8").replace("2026-01-01", str(TOMORROW)).replace(old, new)
    other = file.with_name("later.toml")
    other.write_text(text, encoding="utf-8")
    return str(other)


def test_without_a_catalogue_there_is_a_way_to_one(siptrunk):
    assert "'siptrunk offer load FILE' takes one in" in siptrunk("offer", "list", fails=1).stderr


def test_a_catalogue_is_loaded_once(siptrunk, file):
    done = siptrunk("offer", "load", str(file)).stderr
    assert "The catalogue of 2026-01-01 is loaded. Offers: trunk. Plans: office, fibre." in done
    assert "Deck world has no rates yet: siptrunk rate load FILE --deck world" in done
    again = siptrunk("offer", "load", str(file)).stderr
    assert "The catalogue of 2026-01-01 is there already: nothing is changed." in again
    (entry,) = siptrunk.json("offer", "history")
    assert [entry[key] for key in ("author", "catalogue", "change")] == [
        *("alice", "2026-01-01", "catalogue loaded"),
    ]


def test_a_dry_run_changes_nothing(siptrunk, file):
    done = siptrunk("offer", "load", str(file), "--dry-run").stderr
    assert "The catalogue of 2026-01-01 would be loaded." in done
    siptrunk("offer", "list", fails=1)


def test_what_has_not_begun_is_replaced_and_what_has_is_not(loaded, file):
    for done in ("is loaded.", "is loaded in the place of the one before."):
        said = loaded("offer", "load", later(file, '"4.00"', f'"{len(done)}"')).stderr
        assert f"The catalogue of {TOMORROW} {done}" in said
    would = loaded("offer", "load", later(file), "--dry-run").stderr
    assert f"The catalogue of {TOMORROW} would take the place of the one before." in would
    file.write_text(file.read_text().replace('"4.00"', '"5.00"'))
    refused = loaded("offer", "load", str(file), fails=1).stderr
    assert "There is another catalogue of 2026-01-01" in refused


def test_every_mistake_is_told(siptrunk, file):
    file.write_text(file.read_text().replace('"4.00"', '"4,00"').replace("EUR", "Euro"))
    lines = siptrunk("offer", "load", str(file), fails=1).stderr.splitlines()
    assert [line.partition(str(file))[2] for line in lines] == [
        ": currency: 'Euro' is no currency: give its three capital letters, as in EUR.",
        f": offers.trunk, packs, entry 1, price: '4,00' {NO_PRICE}",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read: No such file"), (b"title = '\xe9'", "is no text in UTF-8")],
    ids=["missing", "latin"],
)
def test_what_cannot_be_read_is_refused(siptrunk, tmp_path, content, said):
    if content is not None:
        (tmp_path / "c.toml").write_bytes(content)
    assert said in siptrunk("offer", "load", str(tmp_path / "c.toml"), fails=1).stderr


def test_what_is_exported_is_loaded_again(loaded, file, tmp_path):
    assert loaded("offer", "export", "--example").stdout == example_catalogue()
    written = loaded("offer", "export").stdout
    assert written.startswith("valid_from = 2026-01-01\n")
    (tmp_path / "again.toml").write_text(written)
    assert "nothing is changed" in loaded("offer", "load", str(tmp_path / "again.toml")).stderr
    loaded("offer", "load", later(file))
    assert str(TOMORROW) in loaded("offer", "export", "--at", str(TOMORROW)).stdout


def test_list_and_show(loaded):
    (row,) = loaded.json("offer", "list")
    assert row == {
        "name": "trunk",
        "title": "SIP trunk",
        "minimum": 1,
        "maximum": 1000,
        "packs": ["one", "two", "five", "ten", "twenty", "fifty", "hundred"],
        "deck": "world",
        "period": "anniversary",
        "number_price": "1.00",
        "currency": "EUR",
        "valid_from": "2026-01-01",
    }
    shown = loaded.json("offer", "show", "trunk")
    assert shown["packs"][2] == {"name": "five", "channels": 5, "price": "18.00"}
    assert shown["options"][1]["needs_channels"] == 2
    assert "channels" not in shown["options"][1]
    assert (shown["plans"], shown["numbers_per_channel"]) == (["office", "fibre"], 10)
    assert "has no offer no; it has trunk" in loaded("offer", "show", "no", fails=1).stderr


def test_a_later_catalogue_is_told_of_and_shown_on_its_day(loaded, file):
    loaded("offer", "load", later(file, '"SIP trunk"', '"New trunk"'))
    listed = loaded("offer", "list")
    assert f"Another catalogue follows on {TOMORROW}: see --at {TOMORROW}." in listed.stderr
    assert "New trunk" not in listed.stdout
    after = loaded("offer", "list", "--at", str(TOMORROW))
    assert "New trunk" in after.stdout
    assert "follows" not in after.stderr


@pytest.mark.parametrize(
    ("asked", "channels", "prices"),
    [
        pytest.param(8, 8, ("29.50", "32.00", "2.50"), id="18+7.50+4=29.50, 8x4=32"),
        pytest.param(9, 10, ("32.00", "36.00", "4.00"), id="32, 9x4=36"),
        pytest.param(1, 1, ("4.00", "4.00", "0.00"), id="4"),
    ],
)
def test_the_best_mix_beside_the_smallest_pack_alone(loaded, asked, channels, prices):
    shown = loaded.json("offer", "mix", str(asked))
    assert (shown["asked"], shown["channels"]) == (asked, channels)
    assert (shown["price"], shown["smallest_pack_alone"], shown["saved"]) == prices
    assert sum(pack["channels"] * pack["times"] for pack in shown["packs"]) == channels


def test_a_larger_number_that_is_cheaper_is_told_of(loaded):
    sentence = "10 channels for 32.00 EUR are the cheapest that cover 9."
    assert sentence in loaded("offer", "mix", "9").stderr
    assert "'nine': give a whole number" in loaded("offer", "mix", "nine", fails=2).stderr
    assert "cheapest" not in loaded("offer", "mix", "10").stderr


def test_a_mix_has_no_more_channels_than_the_offer(loaded, file):
    loaded("offer", "load", later(file, "maximum = 1000", "maximum = 99"))
    shown = loaded.json("offer", "mix", "90", "--at", str(TOMORROW))
    assert (shown["channels"], shown["packs"][0]["channels"]) == (99, 100)
    refused = loaded("offer", "mix", "100", "--at", str(TOMORROW), fails=1).stderr
    assert "100 channels: a trunk of offer trunk has between 1 and 99." in refused


def test_of_several_offers_one_must_be_named(loaded, file):
    other = '[offers.other]\ntitle = "Other"\nminimum = 1\nmaximum = 5\ndeck = "world"\n'
    other += 'packs = [{ name = "one", channels = 1, price = "3" }]\n\n[plans.office]'
    loaded("offer", "load", later(file, "[plans.office]", other))
    at = ("--at", str(TOMORROW))
    refused = loaded("offer", "mix", "2", *at, fails=1).stderr
    assert "say which by --offer, of trunk, other." in refused
    assert loaded.json("offer", "mix", "2", "--offer", "other", *at)["price"] == "6"


def test_a_day_is_a_day(loaded):
    said = loaded("offer", "list", "--at", "soon", fails=2).stderr
    assert "'soon' is no day; give 2026-11-01, today or tomorrow." in said
    assert "give a year from" in loaded("offer", "list", "--at", "0001-01-01", fails=2).stderr


@pytest.mark.parametrize(
    ("words", "found"),
    [("offer show ", "trunk"), ("plan show ", "fibre")],
    ids=["offer", "plan"],
)
def test_the_shell_completes_names(loaded, words, found):
    loaded.environment |= {
        "_SIPTRUNK_COMPLETE": "bash_complete",
        "COMP_WORDS": f"siptrunk {words}",
        "COMP_CWORD": "3",
    }
    assert f"plain,{found}" in loaded().stdout
