"""`siptrunk number`."""

import pytest


def numbers(run) -> dict[str, bool]:
    return {row["number"]: row["main"] for row in run.json("number", "list")}


@pytest.mark.parametrize(
    "written",
    ["0145678901", "01 45 67 89 01", "01.45.67.89.01", "+33 1 45 67 89 01", "0033145678901"],
)
def test_any_writing_of_a_number_is_one_number(acme, written):
    acme("number", "add", written, "--trunk", "acme-paris")
    assert "+33145678901" in numbers(acme)


def test_numbers_are_read_in_the_trunk_s_country(acme):
    acme("trunk", "add", "leeds", "--customer", "acme", "--channels", "1", "--country", "GB")
    acme("number", "add", "0113 496 0000", "--trunk", "leeds")
    assert acme.json("number", "list", "--trunk", "leeds") == [
        {"number": "+441134960000", "trunk": "leeds", "main": True}
    ]


def test_the_main_number_moves_and_is_never_missing(acme):
    acme("number", "set", "0123456790", "--main")
    assert numbers(acme) == {"+33123456789": False, "+33123456790": True}
    acme("number", "remove", "+33123456790", "--yes")
    assert numbers(acme) == {"+33123456789": True}


def test_add_several_at_once_or_none(acme):
    taken = ("number", "add", "0145678901", "0123456789", "--trunk", "acme-paris")
    assert "belongs to trunk acme-paris already" in acme(*taken, fails=1).stderr
    assert "+33145678901" not in numbers(acme)
    acme("number", "add", "0145678901", "0145678902", "--trunk", "acme-paris", "--main")
    assert numbers(acme)["+33145678901"]
    assert not numbers(acme)["+33145678902"]


def test_a_number_that_is_taken_says_by_whom(acme):
    acme("trunk", "add", "other", "--customer", "acme", "--channels", "1")
    told = acme("number", "add", "0123456789", "--trunk", "other", fails=1).stderr
    assert "+33123456789 belongs to trunk acme-paris already" in told
    assert "siptrunk number remove +33123456789" in told


def test_show_and_history(acme):
    assert acme.json("number", "show", "01 23 45 67 90") == {
        "number": "+33123456790",
        "trunk": "acme-paris",
        "main": False,
        "customer": "acme",
        "status": "active",
    }
    (entry,) = acme.json("number", "history", "01 23 45 67 90")
    assert entry["change"] == "given to trunk acme-paris"


def test_what_is_no_number_is_refused_with_an_example(acme):
    for text in ("112", "3949", "hello", "1", "+33"):
        refused = acme("number", "add", text, "--trunk", "acme-paris", fails=1)
        assert "+33123456789 or 01 23 45 67 89" in refused.stderr


def test_an_unallocated_number_is_stored_with_a_warning(acme):
    done = acme("number", "add", "07 00 00 00 00", "--trunk", "acme-paris")
    assert "Warning: +33700000000 is in a range that nobody was given" in done.stderr


def test_numbers_nobody_has(acme):
    for words in (("show",), ("remove", "--yes"), ("set", "--main")):
        command, *options = words
        assert "No trunk has" in acme("number", command, "0145678901", *options, fails=1).stderr


def test_what_is_told_of_a_number_that_comes_or_goes(acme):
    added = acme("number", "add", "0145678901", "--trunk", "acme-paris", "--main").stderr
    assert "after 'siptrunk config apply'" in added
    assert "+33145678901 is its main number." in added
    gone = acme("number", "remove", "0145678901", "--yes").stderr
    assert "after 'siptrunk config apply'" in gone
    assert "+33123456789 is its main number now." in gone
    assert "main number" not in acme("number", "remove", "0123456790", "--yes").stderr
    last = acme("number", "remove", "0123456789", "--yes").stderr
    assert "acme-paris has no number any more: its outbound calls are refused" in last
