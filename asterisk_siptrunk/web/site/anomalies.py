"""What the watch has seen on a trunk, and what it stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.bootstrap import calls, findings, suspensions
from asterisk_siptrunk.call import CallRecord
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.trunk import parse_line
from asterisk_siptrunk.web.given import line, row_id
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.trunk_card import part_words
from asterisk_siptrunk.web.view import View

PAGES = Pages()
MOST_FINDINGS = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding, and all that belongs to it.

    Attributes:
        calls: the last of those that it rests on; `pruned` are not kept any more.
        stopped: what was suspended for it, that which is over, too.
    """

    finding: findings.FindingRecord
    calls: Sequence[CallRecord]
    pruned: int
    stopped: Sequence[suspensions.SuspensionRecord]


@PAGES.get("/trunks/{trunk}/anomalies", Right.SEE)
def anomalies(view: View, trunk: str) -> Response:
    """What was seen, what was stopped for it, and what is stopped besides."""
    with view.reading() as connection:
        one = view.trunk(connection, trunk)
        wanted = findings.FindingFilter(trunk=trunk, done=True)
        found = findings.listed(connection, wanted, MOST_FINDINGS + 1)
        suspended = suspensions.listed(connection, trunk, lifted=True)
        ids = {number for each in found[:MOST_FINDINGS] for number in each.evidence}
        evidence = calls.of_ids(connection, ids)
    now = view.house.now()
    standing = [each for each in suspended if _stands(view, each)]
    return view.page(
        "anomalies.html",
        trunk=one,
        shown=[_shown(each, suspended, evidence) for each in found[:MOST_FINDINGS]],
        standing=standing,
        more=len(found) > MOST_FINDINGS,
        releasable={each.id for each in standing if _may_release(view, each)},
        now=now,
        part=partial(part_words, words=view.words),
    )


@PAGES.post("/trunks/{trunk}/anomalies/{finding}/keep", Right.MANAGE)
def keep(view: View, trunk: str, finding: str) -> Response:
    """Say that somebody has seen to a finding; what was stopped for it stays so."""
    there_is_none = view.say("There is no finding %(number)s.", number=finding[:20])
    with view.changing() as (connection, by):
        number = row_id(finding, there_is_none)
        if findings.get(connection, number).trunk != trunk:
            raise NotFound(there_is_none)
        remark = line(view, "reason", parse_line, view.say("Reason"))
        findings.acknowledge(connection, by, number, remark)
    return view.go(f"/trunks/{trunk}/anomalies", view.say("Noted. What is stopped stays stopped."))


@PAGES.post("/trunks/{trunk}/anomalies/suspensions/{suspension}/release", Right.MANAGE)
def release(view: View, trunk: str, suspension: str) -> Response:
    """Have what was stopped pass again."""
    there_is_none = view.say("There is no suspension %(number)s.", number=suspension[:20])
    with view.changing() as (connection, by):
        number = row_id(suspension, there_is_none)
        own = suspensions.listed(connection, trunk, lifted=True)
        found = next((each for each in own if each.id == number), None)
        if found is None:
            raise NotFound(there_is_none)
        if not _may_release(view, found):
            raise InvalidInput(
                view.say("Your provider has suspended this: ask there to have it released.")
            )
        reason = line(view, "reason", parse_line, view.say("Reason"))
        suspensions.lift(connection, by, number, reason)
    said = view.say("Released: these calls pass again, from the next one on.")
    return view.go(f"/trunks/{trunk}/anomalies", said)


def _shown(
    found: findings.FindingRecord,
    suspended: Sequence[suspensions.SuspensionRecord],
    evidence: Mapping[int, CallRecord],
) -> Shown:
    there = [evidence[number] for number in found.evidence if number in evidence]
    return Shown(
        found,
        calls=there,
        pruned=len(found.evidence) - len(there),
        stopped=[each for each in suspended if found.id in each.findings],
    )


def _stands(view: View, one: suspensions.SuspensionRecord) -> bool:
    return one.lifted_at is None and one.suspension.holds(view.house.now())


def _may_release(view: View, one: suspensions.SuspensionRecord) -> bool:
    """A customer releases what the watch has suspended, and nothing that people have."""
    by_us = view.account.role.of_provider
    return view.may(Right.MANAGE) and (by_us or one.suspension.source.is_lifted_by_customers)
