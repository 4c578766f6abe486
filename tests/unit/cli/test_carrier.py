"""`siptrunk carrier`."""

import pytest

SECRET = "carrier-secret"
ADD = ("carrier", "add", "two", "--profile", "generic", "--server", "sip.example.net")


def test_list_and_show_never_hold_the_secret(acme):
    (line,) = acme.json("carrier", "list")
    assert line["name"] == "one"
    assert (line["server"], line["priority"], line["enabled"]) == ("192.0.2.10", 10, True)
    for words in (("list",), ("show", "one"), ("history", "one")):
        for form in ("table", "json", "csv"):
            assert SECRET not in acme("carrier", *words, "--format", form).stdout


def test_the_secret_comes_from_a_hidden_prompt(acme):
    add = ("carrier", "add", "two", "--profile", "ovh", "--server", "sip.example.net")
    done = acme(*add, "--username", "us", stdin="typed-secret\n")
    assert "Secret of us@two" in done.stderr
    assert "typed-secret" not in done.stdout + done.stderr


def test_the_secret_comes_from_a_file(acme, tmp_path):
    file = tmp_path / "secret"
    file.write_text("from-a-file\n")
    acme(*ADD, "--username", "us", "--secret-file", str(file))
    assert [row["name"] for row in acme.json("carrier", "list")] == ["one", "two"]


def test_there_is_no_option_that_takes_the_secret_itself(acme):
    assert "No such option" in acme(*ADD, "--secret", "x", fails=2).stderr


@pytest.mark.parametrize("secret", ["", "two\nlines", "x" * 201, "tab\there"])
def test_a_secret_that_is_none_is_refused(acme, secret):
    add = (*ADD, "--username", "us", "--secret-file", "-")
    assert "must be one line" in acme(*add, stdin=secret, fails=1).stderr


def test_set_and_its_history(acme):
    acme("carrier", "set", "one", "--channels", "5", "--priority", "1", "--disabled")
    acme("carrier", "set", "one", "--match", "192.0.2.0/24", "--secret-file", "-", stdin="next\n")
    shown = acme.json("carrier", "show", "one")
    assert (shown["channels"], shown["priority"], shown["enabled"]) == (5, 1, False)
    assert "192.0.2.0/24" in shown["match"]
    acme("carrier", "set", "one", "--channels", "none", "--enabled")
    assert acme.json("carrier", "show", "one")["channels"] is None
    told = acme("carrier", "history", "one").stdout
    assert "secret" in told
    assert "next" not in told


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        (("add", "one", "--profile", "generic", "--server", "h"), "already", 1),
        (("add", "x", "--profile", "nonsense"), "nonsense", 1),
        (("add", "x", "--profile", "generic"), "names no server", 1),
        (("set", "one"), "Nothing to set", 2),
        (("set", "one", "--weight", "0"), "give a whole number, ", 2),
        (("set", "one", "--weight", str(2**31)), "give a whole number, ", 2),
        (("set", "one", "--priority", str(2**63)), "give a whole number, ", 2),
        (("set", "one", "--qualify", str(10**20)), "give a whole number, ", 2),
        (("set", "one", "--channels", str(10**20)), "is no limit", 2),
        (("set", "one", "--channels", "1" * 5000), "is no limit", 2),
        (("show", "x"), "'siptrunk carrier list'", 1),
    ],
)
def test_what_cannot_work_is_refused(acme, words, said, status):
    source = ("--username", "us", "--secret-file", "-") if words[0] == "add" else ()
    assert said in acme("carrier", *words, *source, stdin="s\n", fails=status).stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--server", "bad host;", "is no host"),
        ("--server", "127.0.0.2:99999", "is no host"),
        ("--server", "sip:foo.example", "Leave 'sip:' out"),
        ("--server", "h\nx", "is no host"),
        ("--username", "u;s", "cannot be a user name"),
    ],
)
def test_what_asterisk_s_files_cannot_hold_is_refused_when_it_is_given(acme, option, value, said):
    add = ("add", "x", "--profile", "generic", "--secret-file", "-")
    for words in (add, ("set", "one")):
        done = acme("carrier", *words, option, value, stdin="s\n", fails=2)
        assert said in done.stderr
        assert option in done.stderr


def test_a_secret_that_asterisk_could_not_read_back_is_refused_and_not_shown(acme):
    done = acme("carrier", "set", "one", "--secret-file", "-", stdin="s3cret\\\n", fails=1)
    assert "backslash" in done.stderr
    assert "s3cret" not in done.stderr


def test_an_address_that_is_a_trunks_is_refused(acme):
    acme(
        *("trunk", "add", "plant", "--customer", "acme", "--channels", "2", "--kind", "address"),
        *("--address", "198.51.100.0/28", "--contact", "198.51.100.1"),
    )
    said = acme("carrier", "set", "one", "--match", "198.51.100.0/24", fails=1).stderr
    assert "carrier one: 198.51.100.0/24 overlaps 198.51.100.0/28 of trunk plant" in said
    assert "198.51.100.0/24" not in acme.json("carrier", "show", "one")["match"]


def test_remove(acme):
    acme("carrier", "remove", "one", "--yes")
    assert acme.json("carrier", "list") == []


def test_profiles(siptrunk):
    profiles = {row["name"]: row for row in siptrunk.json("carrier", "profiles")}
    assert {"ovh", "generic"} <= set(profiles)
    assert all(row["source"] and row["as_of"] for row in profiles.values())


def test_a_carrier_that_answers_no_options_is_not_asked(acme):
    assert acme.json("carrier", "show", "one")["qualify"] == 60
    acme("carrier", "set", "one", "--qualify", "0")
    assert acme.json("carrier", "show", "one")["qualify"] == 0


def test_show_has_the_port_that_calls_go_to_and_notes_in_lines(acme):
    assert acme.json("carrier", "show", "one")["port"] == 5060
    acme("carrier", "set", "one", "--server", "192.0.2.10:5070")
    assert acme.json("carrier", "show", "one")["port"] == 5070
    add = ("carrier", "add", "two", "--profile", "ovh", "--username", "us", "--secret-file", "-")
    acme(*add, stdin="s\n")
    assert "\n" in acme.json("carrier", "show", "two")["notes"].strip()
    assert "\\n" not in acme("carrier", "show", "two").stdout


def test_a_secret_file_that_is_no_text_is_told_with_its_option(acme, tmp_path):
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    told = acme("carrier", "set", "one", "--secret-file", str(tmp_path / "secret"), fails=1).stderr
    assert "--secret-file: " in told
    assert "no text" in told


def test_a_secret_without_a_user_name_does_nothing_and_is_refused(acme):
    said = "does nothing without a user name: give --username"
    assert said in acme(*ADD, "--secret-file", "-", stdin="s\n", fails=1).stderr
    acme(*ADD)
    change = ("carrier", "set", "two", "--secret-file", "-")
    assert said in acme(*change, stdin="s\n", fails=1).stderr
    acme(*change, "--username", "us", stdin="s\n")
