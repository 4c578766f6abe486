"""`siptrunk trunk`."""

import hashlib
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from asterisk_siptrunk.call import RegistrationChange
from asterisk_siptrunk.cli import trunk
from asterisk_siptrunk.database import usage
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.generation.pbx import PbxKind
from tests.unit.cli.records import NOON

ADD = ("trunk", "add", "t", "--customer", "acme", "--channels", "2")


def test_add_shows_the_secret_once_and_stores_its_digest_only(acme, tmp_path):
    made = acme(*ADD, "--format", "json").data
    secret, username = made["secret"], made["username"]
    assert username == "trunk-t"
    assert len(secret) == 24
    with sqlite3.connect(tmp_path / "siptrunk.db") as database:
        query = "SELECT credentials_sha256 FROM trunk WHERE name = 't'"
        (stored,) = database.execute(query).fetchone()
        whole = "\n".join(database.iterdump())
    database.close()
    assert stored == hashlib.sha256(f"{username}:siptrunk:{secret}".encode()).hexdigest()
    assert secret not in whole
    for words in (("list",), ("show", "t"), ("history", "t")):
        for form in ("table", "json", "csv"):
            assert secret not in acme("trunk", *words, "--format", form).stdout


def test_rotate_secret_shows_another_one_once(acme):
    first = acme(*ADD, "--format", "json").data["secret"]
    rotated = acme("trunk", "rotate-secret", "t", "--yes", "--format", "json")
    assert rotated.data["secret"] != first
    assert "shown once" in rotated.stderr
    shown = acme("trunk", "show", "t", "--format", "json").data
    assert "secret" not in shown
    assert acme.json("trunk", "history", "t")[0]["change"] == "secret rotated"


def test_with_a_grace_both_secrets_are_good(acme):
    acme(*ADD)
    assert acme.json("trunk", "show", "t")["previous_until"] is None
    made = acme.json("trunk", "rotate-secret", "t", "--yes", "--grace", "24h")
    until = datetime.fromisoformat(made["previous_until"])
    assert timedelta(hours=23.9) < until - datetime.now(UTC) <= timedelta(hours=24)
    assert acme.json("trunk", "show", "t")["previous_until"] == made["previous_until"]
    acme("trunk", "rotate-secret", "t", "--yes")
    assert acme.json("trunk", "show", "t")["previous_until"] is None


@pytest.mark.parametrize(
    ("grace", "said", "status"),
    [("soon", "'soon' is no length of time", 2), ("31d", "30 days at most", 1)],
)
def test_a_grace_that_cannot_be_is_refused(acme, grace, said, status):
    acme(*ADD)
    words = ("trunk", "rotate-secret", "t", "--yes", "--grace", grace)
    assert said in acme(*words, fails=status).stderr
    assert [each["change"] for each in acme.json("trunk", "history", "t")] == [
        "added for acme: 2 channels"
    ]


def test_a_trunk_known_by_address_has_no_secret(acme):
    address = ("--kind", "address", "--address", "192.0.2.7", "--contact", "192.0.2.7")
    assert "secret" not in acme(*ADD, *address, "--format", "json").data
    refused = acme("trunk", "rotate-secret", "t", "--yes", fails=1)
    assert "does not register" in refused.stderr


def test_list_and_show_agree(acme):
    (line,) = acme.json("trunk", "list")
    assert line == {
        "name": "acme-paris",
        "customer": "acme",
        "kind": "registered",
        "channels": 3,
        "in_use": 0,
        "country": "FR",
        "main_number": "+33123456789",
        "numbers": 2,
        "registered": False,
        "registered_since": None,
        "registered_from": None,
        "user_agent": None,
        "status": "active",
    }
    shown = acme.json("trunk", "show", "acme-paris")
    assert shown["numbers"] == ["+33123456789", "+33123456790"]
    assert (shown["in_use"], shown["registrations"], shown["suspensions"]) == (0, [], [])
    assert acme.json("trunk", "list", "--customer", "other") == []


def test_list_and_show_tell_who_is_registered(acme, sqlite_url):
    engine = open_engine(sqlite_url)
    for server, minute, registered in (("one", 1, True), ("two", 2, True), ("three", 3, False)):
        change = RegistrationChange(
            "acme-paris",
            registered=registered,
            at=NOON + timedelta(minutes=minute),
            contact=f"192.0.2.{minute}:5060",
            user_agent="PBX 1.2" if registered else "",
        )
        with transaction(engine) as connection:
            usage.note_registrations(connection, server, [change])
    engine.dispose()

    (line,) = acme.json("trunk", "list")
    known = ("registered", "registered_since", "registered_from", "user_agent")
    assert [line[key] for key in known] == [
        True,
        "2026-11-23T12:02:00.000000Z",
        "192.0.2.2:5060",
        "PBX 1.2",
    ]
    table = acme("trunk", "show", "acme-paris").stdout
    assert "2026-11-23 13:02:00 CET" in table or "2026-11-23 12:02:00 UTC" in table
    assert "192.0.2.2:5060" in table
    assert "PBX 1.2" in table
    shown = acme.json("trunk", "show", "acme-paris")["registrations"]
    assert [(one["server"], one["registered"], one["contact"]) for one in shown] == [
        ("one", True, "192.0.2.1:5060"),
        ("three", False, ""),
        ("two", True, "192.0.2.2:5060"),
    ]
    assert shown[0]["user_agent"] == "PBX 1.2"
    assert shown[0]["changed_at"] == "2026-11-23T12:01:00.000000Z"


def test_set_keeps_what_was_not_given(acme):
    acme("trunk", "set", "acme-paris", "--channels", "5", "--calls-per-second", "2")
    acme("trunk", "set", "acme-paris", "--address", "192.0.2.0/24", "--away-policy", "closed")
    shown = acme.json("trunk", "show", "acme-paris")
    assert (shown["channels"], shown["calls_per_second"]) == (5, 2)
    assert (shown["addresses"], shown["away_policy"]) == (["192.0.2.0/24"], "closed")
    acme("trunk", "set", "acme-paris", "--calls-per-second", "none", "--any-address")
    shown = acme.json("trunk", "show", "acme-paris")
    assert (shown["channels"], shown["calls_per_second"], shown["addresses"]) == (5, None, [])
    changes = [entry["change"] for entry in acme.json("trunk", "history", "acme-paris")]
    assert "channels: 3 → 5, calls_per_second: none → 2" in changes


@pytest.mark.parametrize(
    ("options", "said", "status"),
    [
        (("--channels", "0"), "'0': give a whole number, 1 to ", 2),
        (("--channels", "20000"), "give a whole number, ", 2),
        (("--reserved-inbound", "3"), "(--reserved-inbound): the trunk has 2 in all", 1),
        (("--srtp",), "TLS", 1),
        (("--kind", "address"), "at least one address (--address)", 1),
        (("--kind", "local"), "(--inbound-context)", 1),
        (("--address", "192.0.2.7/24"), "for the network give 192.0.2.0/24", 2),
        (("--address", "2001:db8::1/32"), "2001:db8::/32", 2),
        (("--address", "pbx.example"), "no IP address", 2),
        (("--country", "ZZ"), "'ZZ'", 2),
        (("--calls-per-second", "0"), "give 1 to 10000, or 'none'", 2),
        (("--number", "hello"), "--number: 'hello' is no telephone number in FR", 1),
        (("--number", "0123456789"), "belongs to trunk acme-paris already", 1),
        (("--customer", "nobody"), "There is no customer nobody", 1),
        (
            ("--kind", "address", "--contact", "h", "--address", "192.0.2.0/24"),
            "overlaps 192.0.2.10 of carrier one",
            1,
        ),
    ],
)
def test_what_cannot_work_is_refused_whole(acme, options, said, status):
    assert said in acme(*ADD, *options, fails=status).stderr
    assert [row["name"] for row in acme.json("trunk", "list")] == ["acme-paris"]


def test_a_trunk_that_only_emergencies_could_use_when_away_is_warned_of(acme, monkeypatch):
    assert "only emergency" not in acme(*ADD).stderr
    monkeypatch.setattr(trunk, "domestic_patterns", lambda _country: ())
    assert "only emergency" in acme("trunk", "set", "t", "--channels", "1").stderr
    assert "only emergency" not in acme("trunk", "set", "t", "--away-policy", "closed").stderr


def test_suspend_and_resume(acme):
    suspend = ("trunk", "suspend", "acme-paris", "--reason", "fraud")
    acme(*suspend, "--scope", "international")
    acme(*suspend)
    assert "already" in acme(*suspend, fails=1).stderr
    assert acme.json("trunk", "list")[0]["status"] == "suspended: all, international"
    shown = acme.json("trunk", "show", "acme-paris")["suspensions"]
    assert [(each["scope"], each["reason"], each["source"]) for each in shown] == [
        ("international", "fraud", "admin"),
        ("all", "fraud", "admin"),
    ]
    acme("trunk", "resume", "acme-paris", "--scope", "all")
    assert acme.json("trunk", "list")[0]["status"] == "suspended: international"
    acme("trunk", "resume", "acme-paris")
    assert acme.json("trunk", "list")[0]["status"] == "active"
    assert "not suspended" in acme("trunk", "resume", "acme-paris").stderr


@pytest.mark.parametrize(
    ("option", "part"),
    [
        (("--destination", "LV:premium"), "destination lv:premium"),
        (("--caller", "06 12 34 56 78"), "caller +33612345678"),
        (("--caller", "100"), "caller 100"),
        ((), "all"),
    ],
)
def test_suspend_in_part_and_resume_that_part(acme, option, part):
    acme("trunk", "suspend", "acme-paris", "--scope", "inbound", "--reason", "x")
    assert f"({part})" in acme("trunk", "suspend", "acme-paris", *option, "--reason", "x").stderr
    assert (
        acme.json("trunk", "list")[0]["status"]
        == f"suspended: {', '.join(sorted((part, 'inbound')))}"
    )
    option = option or ("--scope", "all")
    acme("trunk", "resume", "acme-paris", *option, "--reason", "they rang")
    assert acme.json("trunk", "list")[0]["status"] == "suspended: inbound"
    last = acme.json("trunk", "history", "acme-paris")[0]
    assert last["change"] == f"resumed ({part}): they rang"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--destination", "lv", "--caller", "100"), "Give one of --scope, --destination"),
        (("--destination", "nowhere"), "Destination 'nowhere' is not understood"),
        (("--caller", "bob"), "'bob' is no caller's number"),
        (("--scope", "caller"), "'caller' is not one of"),
    ],
)
def test_a_part_that_cannot_be_told_is_refused(acme, words, said):
    assert said in acme("trunk", "suspend", "acme-paris", "--reason", "x", *words, fails=2).stderr


def test_a_suspension_that_is_over_already_is_refused(acme):
    words = ("trunk", "suspend", "acme-paris", "--reason", "x", "--until", "2020-01-01")
    assert "has passed: give a later end." in acme(*words, fails=1).stderr


def test_remove_ends_the_contract_and_keeps_the_record(acme):
    done = acme("trunk", "remove", "acme-paris", "--yes")
    assert "+33123456789, +33123456790" in done.stderr
    (line,) = acme.json("trunk", "list")
    assert (line["status"], line["registered"]) == ("ended", None)


@pytest.mark.parametrize(
    "words",
    [
        ("trunk", "suspend", "acme-paris", "--reason", "x"),
        ("trunk", "resume", "acme-paris"),
        ("trunk", "rotate-secret", "acme-paris", "--yes"),
        ("trunk", "set", "acme-paris", "--channels", "2"),
        ("trunk", "remove", "acme-paris", "--yes"),
        ("number", "add", "0145678901", "--trunk", "acme-paris"),
    ],
)
def test_of_an_ended_trunk_nothing_changes(acme, words):
    acme("trunk", "remove", "acme-paris", "--yes")
    told = acme(*words, fails=1).stderr
    assert "Trunk acme-paris has ended. Open another with 'siptrunk trunk add'" in told


def test_the_name_of_an_ended_trunk_stays_taken(acme):
    acme("trunk", "remove", "acme-paris", "--yes")
    again = ("trunk", "add", "acme-paris", "--customer", "acme", "--channels", "2")
    assert "Trunk acme-paris has ended" in acme(*again, fails=1).stderr


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("registered", ("--contact", "192.0.2.7")),
        ("registered", ("--inbound-context", "phones")),
        ("address", ("--inbound-context", "phones")),
        ("local", ("--contact", "192.0.2.7")),
        ("local", ("--address", "192.0.2.7")),
        ("local", ("--transport", "tls")),
    ],
)
def test_options_that_do_nothing_for_a_kind_are_refused(acme, kind, options):
    needed = {
        "registered": (),
        "address": ("--address", "192.0.2.8", "--contact", "192.0.2.8"),
        "local": ("--inbound-context", "phones"),
    }[kind]
    said = f"{options[0]} does nothing for a trunk of kind {kind}"
    assert said in acme(*ADD, "--kind", kind, *needed, *options, fails=1).stderr
    acme(*ADD, "--kind", kind, *needed)
    assert said in acme("trunk", "set", "t", *options, fails=1).stderr


@pytest.mark.parametrize(("reason", "said"), [("", "empty"), (" ", "empty"), ("a\nb", "'\\n'")])
def test_a_reason_that_says_nothing_or_steers_is_refused(acme, reason, said):
    told = acme("trunk", "suspend", "acme-paris", "--reason", reason, fails=2).stderr
    assert said in told
    assert "--reason" in told


@pytest.mark.parametrize("kind", PbxKind)
def test_settings_for_the_customer_s_pbx(acme, kind):
    acme.environment["SIPTRUNK_ASTERISK_ADDRESS"] = "sip.provider.example"
    done = acme("trunk", "pbx-settings", "acme-paris", "--pbx", kind.value)
    assert "sip.provider.example" in done.stdout
    assert "trunk-acme-paris" in done.stdout
    assert done.stderr == ""


def test_settings_for_a_pbx_need_an_address_and_a_pbx(acme):
    assert "address is not set" in acme("trunk", "pbx-settings", "acme-paris").stderr
    acme(*ADD, "--kind", "local", "--inbound-context", "phones")
    assert "no PBX connects" in acme("trunk", "pbx-settings", "t", fails=1).stderr


def test_the_kinds_of_pbx_are_those_that_have_settings():
    assert set(trunk.PBX_KINDS) == set(PbxKind)


def test_a_missing_trunk_says_where_to_look(siptrunk):
    for words in (("show", "no"), ("set", "no", "--srtp"), ("resume", "no")):
        assert "'siptrunk trunk list'" in siptrunk("trunk", *words, fails=1).stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--contact", "h;x:5060", "is no host"), ("--inbound-context", "a b]", "cannot be a context")],
)
def test_what_asterisk_s_files_cannot_hold_is_refused_when_it_is_given(acme, option, value, said):
    for words in (ADD, ("trunk", "set", "acme-paris")):
        done = acme(*words, option, value, fails=2)
        assert said in done.stderr
        assert option in done.stderr


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--calls-per-second", "is no limit"),
        ("--channels", "give a whole number, 1 to 10000."),
        ("--reserved-inbound", "give a whole number, "),
    ],
)
def test_numbers_that_no_database_holds_are_refused(acme, option, said):
    assert said in acme("trunk", "set", "acme-paris", option, str(2**63), fails=2).stderr


def test_the_contact_of_an_ended_trunk_does_not_block_the_configuration(acme, asterisk, tmp_path):
    del asterisk
    acme(*ADD, "--kind", "address", "--address", "192.0.2.7", "--contact", "192.0.2.7")
    database = sqlite3.connect(tmp_path / "siptrunk.db")
    with database:
        database.execute("UPDATE trunk SET contact = 'h;x', version = 9 WHERE name = 't'")
    database.close()
    assert "trunk t: contact" in acme("config", "plan", fails=1).stderr
    acme("trunk", "remove", "t", "--yes")
    acme("config", "plan")
