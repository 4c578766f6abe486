"""`siptrunk destination`."""

import pytest
from sqlalchemy import create_engine, insert

from asterisk_siptrunk.database.tables import call
from tests.unit.cli.records import record

CHECK = ("--trunk", "acme-paris")


def check(run, number, *options):
    return run.json("destination", "check", number, *CHECK, *options)


def rules(run, *options):
    listed = run.json("destination", "list", *options)
    return {(row["owner"], row["target"]): row for row in listed}


def test_the_provider_s_defaults_are_there(siptrunk):
    listed = rules(siptrunk)
    assert ("provider", "*:premium") in listed
    assert {row["action"] for row in listed.values()} == {"block"}


@pytest.mark.parametrize(
    ("number", "verdict", "reason", "rule"),
    [
        ("0612345678", "admitted", "admitted", "no rule speaks of it"),
        ("0899123456", "refused", "destination-blocked", "*:premium"),
        ("0088213123456", "refused", "destination-blocked", "*:satellite"),
        ("112", "admitted", "emergency", "emergency number"),
        ("999999", "refused", "unknown-number", None),
    ],
)
def test_check_says_what_would_happen_and_by_which_rule(acme, number, verdict, reason, rule):
    seen = check(acme, number)
    assert (seen["verdict"], seen["reason"]) == (verdict, reason)
    assert seen["rule"] is None if rule is None else rule in seen["rule"]
    assert seen["because"].endswith(".")


def test_check_says_the_way_and_the_number_shown(acme):
    seen = check(acme, "0612345678", "--from", "+33611111111")
    assert seen["callee"] == "+33612345678"
    assert (seen["caller_given"], seen["caller_shown"]) == ("+33611111111", "+33123456789")
    assert seen["carriers"] == ["one"]
    assert (seen["hangup_cause"], seen["sip_answer"]) == (None, None)
    refused = check(acme, "0899123456")
    assert (refused["hangup_cause"], refused["sip_answer"]) == (21, 403)


def test_check_takes_numbers_as_people_write_them(acme):
    for text in ("06 12 34 56 78", "06.12.34.56.78", "06-12-34-56-78", "+33 6 12 34 56 78"):
        assert check(acme, text, "--from", "01 23 45 67 90")["caller_shown"] == "+33123456790"


def test_history_is_a_trunk_s_or_the_provider_s(acme):
    acme("destination", "block", "be")
    assert acme.json("destination", "history", "provider")[0]["change"] == "block be"
    shown = acme("destination", "history", "--help").stdout
    assert "NAME is a trunk, for its own rules, or 'provider'" in shown
    add = ("trunk", "add", "provider", "--customer", "acme", "--channels", "1")
    assert "choose another name" in acme(*add, fails=1).stderr


def test_check_refuses_a_caller_that_is_not_the_trunk_s(acme):
    acme("trunk", "set", "acme-paris", "--caller-policy", "refuse")
    assert check(acme, "0612345678", "--from", "0611111111")["reason"] == "caller-not-owned"


def test_check_says_that_a_trunk_without_a_number_calls_nobody(acme):
    added = acme("trunk", "add", "bare", "--customer", "acme", "--channels", "1").stderr
    assert "bare has no number yet: outbound calls are refused until 'siptrunk number add" in added
    for options in ((), ("--from", "0611111111")):
        seen = acme.json("destination", "check", "0612345678", "--trunk", "bare", *options)
        assert (seen["reason"], seen["facts"]) == ("caller-not-owned", "the trunk has no number")
    acme("number", "add", "0123456777", "--trunk", "bare")
    assert acme.json("destination", "check", "0612345678", "--trunk", "bare")["reason"] == (
        "admitted"
    )


def test_check_counts_the_calls_of_this_moment_and_keeps_nothing(acme, sqlite_url):
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(insert(call), [record(n, trunk_id=1, carrier_id=1) for n in range(3)])
    engine.dispose()
    seen = check(acme, "0612345678")
    assert (seen["reason"], seen["sip_answer"]) == ("channels-full", 503)
    assert seen["facts"].startswith("3 of 3 channels in use")
    assert len(acme.json("call", "list")) == 3


def test_check_counts_a_carrier_s_channels(acme, sqlite_url):
    acme("carrier", "set", "one", "--channels", "1")
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(insert(call), record(1, trunk_id=1, carrier_id=1))
    engine.dispose()
    assert check(acme, "0612345678")["reason"] == "carriers-full"


def test_a_customer_opens_what_the_provider_blocks_and_history_is_kept(acme):
    acme("destination", "allow", "fr:premium", *CHECK, "--note", "hotline")
    assert "the customer's rule fr:premium (hotline)" in check(acme, "0899123456")["rule"]
    row = rules(acme, *CHECK)["acme-paris", "fr:premium"]
    assert (row["action"], row["layer"], row["author"]) == ("allow", "customer", "alice")
    acme("destination", "remove", "fr:premium", *CHECK, "--yes")
    assert check(acme, "0899123456")["reason"] == "destination-blocked"
    changes = [entry["change"] for entry in acme.json("destination", "history", "acme-paris")]
    assert changes == ["removed the rule for fr:premium", "allow fr:premium"]


def test_a_provider_s_lock_prevails_over_the_customer(acme):
    acme("destination", "block", "lv", "--lock", "--note", "fraud of May")
    refused = acme("destination", "allow", "lv", *CHECK, fails=1)
    assert "The provider locked lv: fraud of May" in refused.stderr
    assert "locked rule lv" in check(acme, "0037120000000")["rule"]
    assert rules(acme)["provider", "lv"]["locked"]


def test_a_lock_on_one_trunk_is_the_provider_s_rule(acme):
    acme("destination", "block", "be", *CHECK, "--lock")
    row = rules(acme, *CHECK)["acme-paris", "be"]
    assert (row["layer"], row["locked"]) == ("provider", True)
    assert ("provider", "be") not in rules(acme)
    acme("destination", "remove", "be", *CHECK, "--yes")
    assert ("acme-paris", "be") not in rules(acme, *CHECK)


def test_a_rule_put_again_takes_the_place_of_the_first(acme):
    acme("destination", "block", "be")
    acme("destination", "allow", "be")
    assert rules(acme)["provider", "be"]["action"] == "allow"


def test_to_remove_a_rule_for_what_ships_blocked_blocks_it_again(acme):
    acme("destination", "allow", "*:premium", "--note", "a try")
    assert check(acme, "0899123456")["verdict"] == "admitted"
    done = acme("destination", "remove", "*:premium", "--yes")
    assert "*:premium is blocked again for all trunks, as shipped" in done.stderr
    assert check(acme, "0899123456")["reason"] == "destination-blocked"
    assert rules(acme)["provider", "*:premium"]["note"] == "surcharged numbers"


def test_what_ships_blocked_is_opened_by_a_rule_and_not_by_none(acme):
    told = acme("destination", "remove", "*:premium", "--yes", fails=1).stderr
    assert "siptrunk destination allow '*:premium'" in told
    assert check(acme, "0899123456")["reason"] == "destination-blocked"


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        (("block", "nowhere"), "give a prefix (+88213)", 2),
        (("block", "be", "--trunk", "no"), "There is no trunk no", 1),
        (("remove", "be", "--yes"), "There is no rule for be of provider", 1),
        (("check", "0612345678", "--trunk", "no"), "There is no trunk no", 1),
        (("check", "+33 x 12", "--trunk", "acme-paris"), "cannot be dialled", 1),
        (("check", "0" * 21, "--trunk", "acme-paris"), "it has 21 digits, and 20 are the most", 1),
        (("block", "112"), "112 is an emergency number of FR: it always passes", 1),
        (("allow", "15", *CHECK), "15 is an emergency number of FR", 1),
        (("block", "be", "--note", "a\x1b[2J"), "cannot stand in it", 2),
        (("check", "0612345678"), "Missing option '--trunk'", 2),
    ],
)
def test_what_cannot_be_is_refused(acme, words, said, status):
    assert said in acme("destination", *words, fails=status).stderr
