import pytest

from asterisk_siptrunk.anomaly.finding import span_words
from asterisk_siptrunk.anomaly.rule import Action, Level, Measure, Per
from asterisk_siptrunk.anomaly.rule_file import (
    changed,
    read_rule,
    read_rules,
    shipped_rules,
    written,
)
from asterisk_siptrunk.anomaly.trait import Trait
from asterisk_siptrunk.errors import InvalidInput
from tests.unit.anomaly.builders import rule

TEXT = """
[[rules]]
name = "costly"
version = 2
measure = "cost"
of = ["outbound", "dear"]
per = "zone"
window = "1 day"
least = 3
warning = 10
critical = 20.5
usual-times = 3
on-warning = "notify"
on-critical = "block-zone"
end-calls = true
expiry = "12 hours"
"""


def test_a_rule_is_read():
    (read,) = read_rules(TEXT, "mine.toml")
    count = read.count
    assert (read.name, read.version, read.least, read.usual_times) == ("costly", 2, 3, 3.0)
    assert (count.measure, count.per, count.window) == (Measure.COST, Per.ZONE, 86_400)
    assert count.of == Trait.OUTBOUND | Trait.DEAR
    assert (read.warning, read.critical) == (10_000_000, 20_500_000)
    assert (read.action(Level.WARNING), read.action(Level.CRITICAL)) == (
        Action.NOTIFY,
        Action.BLOCK_ZONE,
    )
    assert (read.end_calls, read.expiry) == (True, 43_200)
    assert read.calls is not None
    assert read.calls.measure is Measure.ATTEMPTS


def test_minutes_of_talk_are_given_in_minutes():
    assert rule(measure="talk", critical=90).critical == 5400


def test_a_number_may_be_left_out_of_what_calls_cost():
    given = {"measure": "cost", "window": "1 day", "critical": 9, "least": 2}
    kept, left = rule(**given), rule(**given, but_dearest=True)
    assert (kept.count.but_dearest, left.count.but_dearest) == (False, True)
    assert left.calls == kept.calls  # they are counted all


def test_a_dry_run_only_notes():
    dry = rule(critical=3, on_critical="block-outbound").dry()
    assert dry.action(Level.CRITICAL) is Action.NOTE


@pytest.mark.parametrize("each", shipped_rules(), ids=lambda each: each.name)
def test_a_shipped_rule_is_written_as_it_is_read(each):
    assert read_rule(written(each)) == each


def test_shipped_rules_stop_only_what_ends_or_is_released_and_have_names_of_their_own():
    rules = shipped_rules()
    assert len({each.name for each in rules}) == len(rules)
    assert all(each.end_calls for each in rules if each.on_critical.stops)
    assert not any(each.on_warning.stops for each in rules)


def test_a_trunk_s_own_values_change_rules_by_name():
    rules = read_rules(TEXT, "mine.toml")
    (own,) = changed(rules, {"costly": {"critical": 100, "dry-run": True}})
    assert (own.critical, own.dry_run, own.warning) == (100_000_000, True, 10_000_000)
    assert changed(rules, {}) == rules
    with pytest.raises(InvalidInput, match="no rule 'cheap'"):
        changed(rules, {"cheap": {}})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"measure": "calls"}, "measure: 'calls' is none of attempts"),
        ({"critical": 0}, "critical: 0 is no whole number"),
        ({"critical": True}, "critical: True is no whole number"),
        ({"measure": "cost", "critical": "much"}, "'much' is no amount of money"),
        ({"measure": "cost", "critical": "NaN"}, "'NaN' is no amount of money"),
        ({"measure": "cost", "critical": True}, "True is no amount of money"),
        ({"measure": "talk", "critical": 0}, "critical: 0 is no whole number"),
        ({"window": "8 days"}, "window: '8 days' is no time up to 7 days"),
        ({"window": "soon"}, "window: 'soon' is no time"),
        ({"window": "ten minutes"}, "is no time"),
        ({"window": "0 minutes"}, "is no time"),
        ({"of": ["outbound", "odd"]}, "of: 'odd' is no trait; there are inbound"),
        ({"of": 3}, "of: 3 is no trait"),
        ({"usual_times": -1}, "usual-times: -1 is no number of times"),
        ({"usual_times": True}, "usual-times: True is no number of times"),
        ({"dry_run": "yes"}, "dry-run: 'yes' is neither true nor false"),
        ({"name": "Übel"}, "name: "),
        ({"name": 3}, "name: 3 is no text"),
        ({"critical": None}, "critical: None is no whole number"),
        ({"warning": 9}, "it is higher than 'critical'"),
        ({"measure": "callers", "per": "zone"}, "callers are counted for a trunk or"),
        ({"measure": "cost", "among": ["outbound"]}, "among: a share is one of"),
        ({"per": "provider", "among": ["outbound"]}, "among: a share is one of"),
        ({"usual_times": 3, "window": "1 minute"}, "usual-times: what is usual is learned of"),
        (
            {"usual_times": 3, "window": "10 minutes", "of": ["new"]},
            "usual-times: what is usual is learned of",
        ),
        ({"usual_times": 3, "per": "zone"}, "usual-times: what is usual is learned of"),
        ({"but_dearest": True}, "but-dearest: it is for the cost and committed of a trunk"),
        (
            {"but_dearest": True, "measure": "cost", "per": "zone"},
            "but-dearest: it is for the cost and committed of a trunk",
        ),
        (
            {"but_dearest": True, "measure": "cost", "per": "provider"},
            "but-dearest: it is for the cost and committed of a trunk",
        ),
        ({"but_dearest": 1}, "but-dearest: 1 is neither true nor false"),
        ({"on_critical": "block-zone"}, "on-critical: block-zone asks for per = callee or zone"),
        ({"on_warning": "block-caller"}, "on-warning: block-caller asks for per = caller"),
        ({"per": "provider", "on_critical": "block-all"}, "per: of all trunks together nothing"),
        ({"colour": "red"}, "there is no key 'colour'; there are among, "),
    ],
    ids=str,
)
def test_mistakes_are_told(values, said):
    with pytest.raises(InvalidInput) as error:
        rule(**({"critical": 5} | values))
    assert said in str(error.value)


def test_a_rule_that_would_say_nothing_is_one():
    with pytest.raises(InvalidInput, match="never say anything"):
        rule()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rules]", "mine.toml: this is not TOML"),
        ("rules = 3", "mine.toml: rules: give each rule"),
        ("rules = [3]", "mine.toml: rule 1: give keys and their values"),
        (TEXT + TEXT, "mine.toml: two rules have the name 'costly'."),
        (TEXT + "\n[[rules]]\n", "mine.toml: rule 2: the key 'name' is missing."),
    ],
    ids=["toml", "no-list", "no-table", "twice", "missing"],
)
def test_mistakes_of_a_file_are_told(text, said):
    with pytest.raises(InvalidInput) as error:
        read_rules(text, "mine.toml")
    assert said in str(error.value)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(InvalidInput) as error:
        read_rules(TEXT.replace("cost", "coat").replace("zone", "zoo"), "mine.toml")
    assert str(error.value).count("\n") >= 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(45, "45 seconds"), (60, "1 minute"), (5400, "90 minutes"), (604_800, "7 days")],
)
def test_spans_in_words(seconds, text):
    assert span_words(seconds) == text
