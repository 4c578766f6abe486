"""The queue of findings, and what is suspended."""

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.anomaly.rule import Action, Level
from asterisk_siptrunk.bootstrap import base_rules, calls, findings, suspensions, watch_rules
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.trunk import parse_line_or_none
from asterisk_siptrunk.web.given import asked, asked_id, choice, line, row_id
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.site.provider import said
from asterisk_siptrunk.web.view import View

PAGES = Pages()
MOST = 50
_LEVELS = {level.name.lower(): level for level in Level}
_ARMED = {"yes": True, "no": False}


@PAGES.get("/provider/anomalies", Right.SEE_ALL)
def show_queue(view: View) -> Response:
    """What was found, newest first, and the suspensions that stand."""
    wanted = findings.FindingFilter(
        trunk=asked(view, "trunk"),
        level=_LEVELS.get(asked(view, "level") or ""),
        rule=asked(view, "rule"),
        before=asked_id(view, "before"),
        done=asked(view, "state") == "all",
    )
    with view.reading() as connection:
        found = findings.listed(connection, wanted, MOST + 1)
        standing = suspensions.listed(connection)
    names = ("trunk", "level", "rule", "state")
    return view.page(
        "provider/anomalies.html",
        findings=found[:MOST],
        older=found[MOST - 1].id if len(found) > MOST else None,
        suspensions=standing,
        asked={name: asked(view, name) or "" for name in names},
        levels=said.levels(view),
        rules=sorted(rule.name for rule in base_rules(view.house.settings)),
        actions=_actions(view),
    )


@PAGES.get("/provider/anomalies/{finding}", Right.SEE_ALL)
def show_finding(view: View, finding: str) -> Response:
    """One finding, and the calls that it rests on."""
    with view.reading() as connection:
        found = findings.get(connection, _number(view, finding))
        evidence = [one for each in found.evidence if (one := calls.by_number(connection, each))]
        standing = suspensions.listed(connection, found.trunk) if found.trunk else []
    return view.page(
        "provider/finding.html",
        finding=found,
        evidence=evidence,
        suspensions=standing,
        levels=said.levels(view),
        actions=_actions(view),
    )


@PAGES.post("/provider/anomalies/{finding}/acknowledge", Right.SEE_ALL)
def acknowledge_finding(view: View, finding: str) -> Response:
    """Note that somebody has seen to it; what was stopped stays so."""
    remark = line(view, "reason", parse_line_or_none, view.say("Reason"))
    with view.changing() as (connection, by):
        findings.acknowledge(connection, by, _number(view, finding), remark)
    sentence = view.say("Noted. What was stopped for it stays so.")
    return view.go("/provider/anomalies", sentence)


@PAGES.post("/provider/suspensions/{suspension}/lift", Right.SEE_ALL)
def lift_suspension(view: View, suspension: str) -> Response:
    """Have what was stopped pass again; what the watch stopped it for is released."""
    there_is_none = view.say("There is no suspension %(number)s.", number=suspension[:20])
    reason = line(view, "reason", parse_line_or_none, view.say("Reason"))
    with view.changing() as (connection, by):
        lifted = suspensions.lift(connection, by, row_id(suspension, there_is_none), reason)
    sentence = view.say("Trunk %(name)s: lifted, from the next call on.", name=lifted.trunk)
    return view.go("/provider/anomalies", sentence)


@PAGES.get("/provider/rules", Right.SEE_ALL)
def show_rules(view: View) -> Response:
    """The rules of the watch: which are armed."""
    base = base_rules(view.house.settings)
    with view.reading() as connection:
        book = watch_rules.book(connection, base)
        changed = watch_rules.changes(connection, None)
    return view.page(
        "provider/rules.html",
        rules=book.every,
        own=sorted(book.own),
        changed=changed,
        actions=_actions(view),
    )


@PAGES.post("/provider/rules/{rule}", Right.RUN, confirmed=True)
def arm_rule(view: View, rule: str) -> Response:
    """Have a rule stop calls, or only note what it would."""
    armed = choice(view, "armed", _ARMED)
    base = base_rules(view.house.settings)
    with view.changing() as (connection, by):
        if rule not in {each.name for each in base}:
            raise NotFound(view.say("There is no rule %(name)s.", name=rule[:40]))
        watch_rules.put(connection, by, base, rule, {"dry-run": not armed})
    sentence = (
        "Rule %(name)s is armed: it stops what it finds, within seconds."
        if armed
        else "Rule %(name)s only notes what it finds from now on. What it stopped stays so."
    )
    return view.go("/provider/rules", view.say(sentence, name=rule))


def _number(view: View, finding: str) -> int:
    return row_id(finding, view.say("There is no finding %(number)s.", number=finding[:20]))


def _actions(view: View) -> dict[Action, str]:
    """What follows a finding."""
    return {
        Action.NOTE: view.say("noted"),
        Action.NOTIFY: view.say("people are told"),
        Action.BLOCK_ZONE: view.say("this destination is stopped"),
        Action.BLOCK_CALLER: view.say("this caller is stopped"),
        Action.BLOCK_INTERNATIONAL: view.say("calls abroad are stopped"),
        Action.BLOCK_OUTBOUND: view.say("outbound calls are stopped"),
        Action.BLOCK_ALL: view.say("all calls are stopped, except emergency calls"),
    }
