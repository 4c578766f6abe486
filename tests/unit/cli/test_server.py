"""`siptrunk server`, and what `siptrunk config` does on several servers."""

from collections.abc import Callable

import pytest

from asterisk_siptrunk.cli import rollout as module


@pytest.fixture
def asleep(monkeypatch) -> list[Callable[[], None]]:
    """What happens while the command waits; it waits no longer than for that."""
    happens: list[Callable[[], None]] = []

    def sleep(_seconds: float) -> None:
        assert happens, "it waits for nothing"
        happens.pop(0)()

    monkeypatch.setattr(module, "sleep", sleep)
    return happens


# --- server list, server remove ---


def test_no_server_yet(siptrunk):
    assert siptrunk.json("server", "list") == []


def test_the_list_tells_what_each_server_told(siptrunk, fleet):
    fleet.beat("two", link="refused", link_detail="wrong secret", journal_behind=42)
    fleet.beat("one")
    one, two = siptrunk.json("server", "list")
    assert (one["name"], one["state"], one["follows"]) == ("one", "serving", True)
    told = ("link", "link_detail", "journal_behind", "share", "program", "calls", "error")
    assert [two[key] for key in told] == ["refused", "wrong secret", 42, 50, "0.1.0", 0, ""]
    assert two["link_since"] == "2026-11-23T08:00:00.000000Z"
    assert siptrunk("server", "list", "--format", "csv").stdout.count("\n") == 3


def test_the_list_tells_who_lives(siptrunk, fleet):
    for name in ("serving", "silent", "stopped", "lost"):
        fleet.beat(name)
    fleet.go_silent("silent")
    fleet.stop("stopped")
    fleet.lose("lost")
    rows = siptrunk.json("server", "list")
    assert all(row["name"] == row["state"] for row in rows)
    assert len(rows) == 4
    assert "silent" in siptrunk("server", "list").stdout


def test_a_server_is_removed_once_it_is_gone(siptrunk, fleet):
    fleet.beat("old")
    assert "gives signs of life" in siptrunk("server", "remove", "old", "--yes", fails=1).stderr
    fleet.lose("old")
    siptrunk("server", "remove", "old", stdin="n\n", fails=1)
    assert "Server old removed." in siptrunk("server", "remove", "old", "--yes").stderr
    assert siptrunk.json("server", "list") == []
    assert "no server 'old'" in siptrunk("server", "remove", "old", fails=1).stderr


def test_the_shell_completes_names_of_servers(siptrunk, fleet):
    fleet.beat("pbx1")
    siptrunk.environment |= {
        "_SIPTRUNK_COMPLETE": "bash_complete",
        "COMP_WORDS": "siptrunk server remove p",
        "COMP_CWORD": "3",
    }
    assert "pbx1" in siptrunk().stdout


# --- config on several servers ---


def test_the_only_server_waits_for_nobody(acme, asterisk, fleet, asleep):
    del asterisk, asleep
    fleet.beat("asterisk")
    done = acme("config", "apply", "--yes")
    assert done.stdout == ""
    (own,) = acme.json("server", "list")
    assert own["follows"]
    assert own["generation"] in done.stderr


def test_apply_waits_until_all_that_live_have_followed(acme, asterisk, fleet, asleep):
    del asterisk
    for name in ("two", "three", "lost", "stopped"):
        fleet.beat(name)
    fleet.lose("lost")
    fleet.stop("stopped")
    asleep += [lambda: None, lambda: fleet.follow("two"), lambda: fleet.follow("three")]
    shown = acme("config", "apply", "--yes").stdout
    assert asleep == []
    assert shown.count("follows") == 2
    assert shown.count("will follow when it is back") == 2


def test_apply_fails_where_another_server_did(acme, asterisk, fleet, asleep):
    del asterisk
    for name in ("two", "three"):
        fleet.beat(name)
    asleep += [lambda: fleet.follow("two"), lambda: fleet.fail("three", "extensions.conf:7: no")]
    done = acme("config", "apply", "--yes", fails=1)
    assert "extensions.conf:7: no" in done.stdout
    assert "Applied here, but not on three" in done.stderr
    assert [row["error"] for row in acme.json("server", "list")] == ["extensions.conf:7: no", ""]


def test_apply_waits_for_no_server_that_goes_silent(acme, asterisk, fleet, asleep):
    del asterisk
    fleet.beat("two")
    asleep += [lambda: fleet.go_silent("two")]
    assert "will follow when it is back" in acme("config", "apply", "--yes").stdout


def test_apply_waits_for_so_long_and_no_longer(acme, asterisk, fleet, asleep, monkeypatch):
    del asterisk, asleep
    monkeypatch.setattr(module, "WAIT_SECONDS", -1.0)
    fleet.beat("two")
    done = acme("config", "apply", "--yes", fails=1)
    assert "has not followed" in done.stdout


def test_apply_with_nothing_to_change_here_is_asked_of_the_others(acme, asterisk, fleet, asleep):
    del asterisk
    acme("config", "apply", "--yes")
    fleet.beat("two")
    asleep += [lambda: fleet.follow("two")]
    assert "follows" in acme("config", "apply", "--yes").stdout


def test_apply_here_asks_nothing_of_the_others(acme, asterisk, fleet, asleep):
    del asterisk, asleep
    for name in ("asterisk", "two"):
        fleet.beat(name)
    done = acme("config", "apply", "--here", "--yes")
    assert done.stdout == ""
    assert [row["follows"] for row in acme.json("server", "list")] == [True, True]
    assert acme.json("server", "list")[0]["generation"] in done.stderr


def test_rollback_stays_here_and_is_not_undone(acme, asterisk, fleet, asleep):
    del asterisk
    for name in ("asterisk", "two"):
        fleet.beat(name)
    asleep += [lambda: fleet.follow("two")] * 2
    first = acme("config", "apply", "--yes").stderr
    acme("trunk", "set", "acme-paris", "--address", "192.0.2.0/24")
    acme("config", "apply", "--yes")
    fleet.want("two")
    said = acme("config", "rollback", "--yes").stderr
    assert "On this server alone; with what they have: two." in said
    own, _ = acme.json("server", "list")
    assert own["follows"]
    assert own["generation"] in first


def test_rollback_needs_no_database(acme, asterisk, tmp_path):
    acme("config", "apply", "--yes")
    acme("trunk", "set", "acme-paris", "--address", "192.0.2.0/24")
    acme("config", "apply", "--yes")
    asterisk.reloads.clear()
    (tmp_path / "siptrunk.db").unlink()
    said = acme("config", "rollback", "--yes").stderr
    assert asterisk.reloads
    assert "The database knows nothing of this" in said
