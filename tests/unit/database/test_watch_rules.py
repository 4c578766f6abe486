"""The rules as they were changed: for all, for one trunk, and back again."""

from dataclasses import replace

import pytest

from asterisk_siptrunk.anomaly.rule import Action
from asterisk_siptrunk.database import audit, watch_rules
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.errors import InvalidInput, NotFound
from tests.unit.database.builders import BY, provide
from tests.unit.database.watching import RULE

PARIS = "acme-paris"
BASE = (RULE,)


@pytest.fixture
def connection(engine):
    provide(engine)
    with transaction(engine) as connection:
        yield connection


def criticals(connection):
    book = watch_rules.book(connection, BASE)
    return [book.of_trunk(name)[0].critical for name in (None, PARIS, "another")]


def test_what_is_changed_for_a_trunk_prevails_over_what_is_for_all(connection):
    assert criticals(connection) == [3, 3, 3]
    watch_rules.put(connection, BY, BASE, RULE.name, {"critical": 9})
    assert criticals(connection) == [9, 9, 9]
    watch_rules.put(connection, BY, BASE, RULE.name, {"critical": 5}, trunk_name=PARIS)
    assert criticals(connection) == [9, 5, 9]
    watch_rules.reset(connection, BY, RULE.name, None)
    assert criticals(connection) == [3, 5, 3]
    watch_rules.reset(connection, BY, RULE.name, PARIS)
    assert criticals(connection) == [3, 3, 3]


def test_a_second_change_keeps_the_first(connection):
    watch_rules.put(connection, BY, BASE, RULE.name, {"critical": 9})
    after = watch_rules.put(connection, BY, BASE, RULE.name, {"on-critical": "notify"})
    assert (after.critical, after.on_critical) == (9, Action.NOTIFY)
    said = [each.change for each in audit.history(connection, "rule", RULE.name)]
    assert said == ["all trunks: on-critical: notify", "all trunks: critical: 9"]


def test_each_change_makes_another_edition(connection):
    editions = [watch_rules.edition(connection)]
    watch_rules.put(connection, BY, BASE, RULE.name, {"critical": 9})
    editions.append(watch_rules.edition(connection))
    watch_rules.reset(connection, BY, RULE.name, None)
    assert editions[0] != editions[1]
    assert watch_rules.edition(connection) == editions[0]


def test_what_cannot_be_used_changes_nothing(connection):
    with pytest.raises(InvalidInput, match="critical: 'much' is no whole number"):
        watch_rules.put(connection, BY, BASE, RULE.name, {"critical": "much"})
    with pytest.raises(InvalidInput, match="There is no rule 'no'"):
        watch_rules.put(connection, BY, BASE, "no", {"critical": 9})
    with pytest.raises(NotFound, match="There is no trunk no"):
        watch_rules.put(connection, BY, BASE, RULE.name, {"critical": 9}, trunk_name="no")
    with pytest.raises(NotFound, match="Nothing of rule new-zone was changed for all trunks"):
        watch_rules.reset(connection, BY, RULE.name, None)
    assert watch_rules.changes(connection, None) == {}


def test_a_rule_that_the_file_has_no_more_is_passed_over(connection):
    watch_rules.put(connection, BY, BASE, RULE.name, {"critical": 9})
    assert watch_rules.book(connection, ()).every == ()


def test_what_does_not_go_with_the_rule_as_it_is_now_is_left_out_and_told(connection, caplog):
    watch_rules.put(connection, BY, BASE, RULE.name, {"warning": 3})
    watch_rules.put(connection, BY, BASE, RULE.name, {"critical": 7}, trunk_name=PARIS)
    lower = (replace(RULE, critical=2),)  # another edition of the file
    book = watch_rules.book(connection, lower)
    assert (book.every, book.own[PARIS][0].critical) == (lower, 7)
    (told,) = caplog.messages
    assert f"rule {RULE.name} for all trunks" in told
    assert "warning: it is higher than 'critical'" in told
    assert f"siptrunk anomaly set {RULE.name} --reset" in told
    watch_rules.put(connection, BY, lower, RULE.name, {"critical": 1}, trunk_name=PARIS)
    watch_rules.put(connection, BY, lower, RULE.name, {"warning": 1})
    assert watch_rules.book(connection, lower).every[0].warning == 1
