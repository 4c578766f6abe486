"""What people see of findings and of the rules, and what they do with them."""

from datetime import UTC, datetime

import pytest

from asterisk_siptrunk.anomaly.rule import Level
from asterisk_siptrunk.database import findings, suspensions
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, SuspensionSource
from tests.unit.database.watching import found

AT = datetime(2026, 11, 24, 3, tzinfo=UTC)


@pytest.fixture
def watched(acme, sqlite_url):
    """Findings 1 and 2, for which Latvia's premium numbers are suspended."""
    engine = open_engine(sqlite_url)
    with transaction(engine) as connection:
        part = Suspension(
            SuspensionScope.DESTINATION, "finding 1", SuspensionSource.ANOMALY, "lv:premium"
        )
        stands = suspensions.suspend(connection, By("watch", AT), "acme-paris", part)
        for level in (Level.CRITICAL, Level.WARNING):
            number = findings.store(connection, AT, found(level=level))
            findings.tie(connection, number, stands)
    engine.dispose()
    return acme


def test_a_finding_is_listed_until_somebody_has_seen_to_it(watched):
    (one,) = watched.json("anomaly", "list", "--level", "critical", "--trunk", "acme-paris")
    assert one["sentence"].startswith("Trunk acme-paris: 3 attempted calls")
    assert (one["rule"], one["action"], one["evidence"]) == (
        "new-zone",
        "block-zone",
        ["1", "2", "3"],
    )
    told = watched("anomaly", "ack", "1", "--reason", "they rang").stderr
    assert told == "Finding 1 is acknowledged.\n"
    assert [each["id"] for each in watched.json("anomaly", "list")] == [2]
    one = watched.json("anomaly", "list", "--all")[-1]
    assert (one["state"], one["author"], one["remark"]) == ("acknowledged", "alice", "they rang")


@pytest.mark.parametrize("number", ["1", "2"], ids=["first", "second"])
def test_show_tells_what_stands_for_it_and_for_what_else(watched, number):
    shown = watched.json("anomaly", "show", number)
    (part,) = shown["suspensions"]
    assert (part["scope"], part["target"], part["lifted_at"]) == ("destination", "lv:premium", None)
    assert part["findings"] == ["1", "2"]
    assert shown["calls"] == []  # of which none is in this database


@pytest.mark.parametrize("number", ["1", "2"], ids=["first", "second"])
def test_resuming_the_trunk_releases_all_findings_of_its_suspension(watched, number):
    watched("trunk", "resume", "acme-paris", "--reason", "password changed")
    shown = watched.json("anomaly", "show", number)
    assert (shown["state"], shown["remark"]) == ("released", "password changed")


def test_rules_are_shown_and_changed(acme):
    names = [each["name"] for each in acme.json("anomaly", "rules")]
    assert "day-cost" in names
    told = acme("anomaly", "set", "day-cost", "--critical", "400.50", "--dry-run").stderr
    assert told == "Rule day-cost changed for all trunks.\n"
    acme("anomaly", "set", "day-cost", "--trunk", "acme-paris", "--on-critical", "notify")
    every, own = (
        next(each for each in acme.json("anomaly", "rules", *of) if each["name"] == "day-cost")
        for of in ((), ("--trunk", "acme-paris"))
    )
    assert (every["critical"], every["dry_run"], every["on_critical"]) == (
        *("400.5", True, "block-international"),
    )
    assert (own["critical"], own["dry_run"], own["on_critical"]) == ("400.5", True, "notify")
    assert (every["changed"], own["changed"]) == (["critical", "dry-run"], ["on-critical"])
    acme("anomaly", "set", "day-cost", "--reset")
    assert acme.json("anomaly", "rules")[names.index("day-cost")]["changed"] == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("day-cost",), 2, "Nothing to set"),
        (("day-cost", "--critical", "much"), 1, "'much' is no amount of money"),
        (("no-rule", "--critical", "4"), 1, "There is no rule 'no-rule'"),
        (("day-cost", "--reset"), 1, "Nothing of rule day-cost was changed for all trunks"),
    ],
)
def test_what_cannot_be_set_is_told(acme, words, status, said):
    assert said in acme("anomaly", "set", *words, fails=status).stderr


def test_a_file_of_rules_takes_the_place_of_ours(acme, tmp_path):
    file = tmp_path / "rules.toml"
    acme.environment["SIPTRUNK_WATCH_RULES"] = str(file)
    assert "[watch] rules" in acme("anomaly", "rules", fails=1).stderr
    file.write_text(
        '[[rules]]\nname = "mine"\nversion = 1\nmeasure = "attempts"\nper = "trunk"\ncritical = 9\n'
    )
    assert [each["name"] for each in acme.json("anomaly", "rules")] == ["mine"]


CALL = """
INSERT INTO call (server, uniqueid, epoch, sip_call_id, trunk_id, direction, caller, presented,
  withheld, dialled, callee, zone, verdict, reason, facts, via, user_agent, codec, started_at,
  answered_at, ended_at)
VALUES ('lab', 'lab-{n}.1', {n}, '', 1, 'outbound', '+33123456789', '', 0, '', '+88216{n:06}',
  '001:satellite', 'admitted', 'admitted', '', 'service', '', '',
  '2026-11-02 03:{n:02}:00.000000', '2026-11-02 03:{n:02}:05.000000', '2026-11-02 03:55:00.000000')
"""


@pytest.fixture
def called(acme, sqlite_url):
    """Ten calls to satellites in a night, a minute from each other."""
    engine = open_engine(sqlite_url)
    with transaction(engine) as connection:
        for number in range(10):
            connection.exec_driver_sql(CALL.format(n=number))
    engine.dispose()
    return acme


NIGHT = ("--from", "2026-11-02", "--to", "2026-11-03")


def test_a_rule_is_tried_on_the_past(called):
    words = ("anomaly", "backtest", "--rule", "risky-burst", *NIGHT)
    stops = [each for each in called.json(*words) if each["stops"]]
    assert [(each["rule"], each["stops"]) for each in stops] == [("risky-burst", "international")]
    told = called(*words).stderr
    assert f"{stops[0]['refused']} calls refused, {stops[0]['ended']} ended" in told
    stopped = called.json(*words, "--calls")
    assert {each["outcome"] for each in stopped} == {"ended", "refused"}
    assert len(stopped) == 10
    assert called("anomaly", "backtest", *NIGHT).stdout  # all rules


def test_a_threshold_is_tried_before_it_is_set(called):
    words = ("anomaly", "backtest", "--rule", "risky-burst", "--critical", "99", *NIGHT)
    assert "0 of which stop: 0 calls refused" in called(*words).stderr


def test_a_threshold_is_proposed(called):
    words = ("anomaly", "tune", "--rule", "risky-burst", "--trunk", "acme-paris", *NIGHT)
    (proposed,) = (called.json(*words)["proposed"],)
    assert proposed == 11  # one more than there ever were
    assert (
        "siptrunk anomaly set risky-burst --trunk acme-paris --critical 11" in called(*words).stderr
    )


@pytest.mark.parametrize("command", ["backtest", "tune"])
def test_a_rule_that_is_not_there_cannot_be_tried(acme, command):
    words = ("anomaly", command, "--rule", "no", "--trunk", "acme-paris", "--from", "today")
    assert "There is no rule 'no'" in acme(*words, fails=1).stderr


def test_the_rules_that_ship_only_note_until_they_are_armed(acme):
    def disarmed():
        return {each["name"] for each in acme.json("anomaly", "rules") if each["dry_run"]}

    everything = {each["name"] for each in acme.json("anomaly", "rules")}
    assert disarmed() == everything
    acme("anomaly", "set", "day-cost", "--armed")
    assert disarmed() == everything - {"day-cost"}
    acme.environment["SIPTRUNK_WATCH_ARMED"] = "true"
    assert disarmed() == set()
