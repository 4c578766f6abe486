"""A trunk at a glance: channels, state, today's calls, and why calls were refused."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from asterisk_siptrunk.billing.period import first_moment
from asterisk_siptrunk.bootstrap import Count, Registration, calls, findings
from asterisk_siptrunk.call import Reason, Verdict
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, Trunk, TrunkKind
from asterisk_siptrunk.web.words import Words

if TYPE_CHECKING:
    from sqlalchemy import Connection

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class State:
    """A sentence on a trunk's state; `level` is good, warn or bad, `detail` why or from where."""

    level: str
    sentence: str
    detail: str = ""


@dataclass(slots=True)
class Today:
    """How the calls of a day went."""

    answered: int = 0
    unanswered: int = 0
    refused: int = 0

    def add(self, one: Count) -> None:
        """Count calls; those that nobody has answered yet are not decided."""
        if one.verdict is Verdict.REFUSED:
            self.refused += one.calls
        elif one.answered:
            self.answered += one.calls
        elif not one.live:
            self.unanswered += one.calls


@dataclass(frozen=True, slots=True)
class Card:
    """What is shown of one trunk.

    Attributes:
        refusals: of the last 24 hours, the most frequent reason first.
        findings: how many things the watch has seen that nobody has seen to.
    """

    trunk: Trunk
    in_use: int
    states: Sequence[State]
    today: Today = field(default_factory=Today)
    refusals: Sequence[tuple[Reason, int]] = ()
    findings: int = 0


def cards(
    connection: "Connection", own: Sequence[Trunk], words: Words, now: datetime
) -> list[Card]:
    """The cards of some trunks, in their order; ended ones last."""
    in_use = calls.in_use(connection)
    ids = [one.id for one in own]
    seen = findings.open_of(connection, ids)
    registered: dict[str, list[Registration]] = {}
    for registration in calls.registrations(connection, ids):
        registered.setdefault(registration.trunk, []).append(registration)
    today, refusals = _counts(connection, ids, words, now)
    return [
        Card(
            trunk=one,
            in_use=in_use.get(one.name, 0),
            states=list(_states(one, registered.get(one.name, []), words, now)),
            today=today.get(one.id, Today()),
            refusals=refusals.get(one.id, Counter()).most_common(),
            findings=seen.get(one.id, 0),
        )
        for one in sorted(own, key=lambda one: (one.ended, one.name))
    ]


def _counts(
    connection: "Connection", ids: Sequence[int], words: Words, now: datetime
) -> tuple[Mapping[int, Today], Mapping[int, Counter[Reason]]]:
    """Today's calls, and the refusals of the last 24 hours: all by one reading of the calls.

    Either may begin first: the day on which summer time ends has 25 hours.
    """
    midnight, day_ago = first_moment(_day(words, now), words.zone), now - DAY
    today: dict[int, Today] = {}
    refusals: dict[int, Counter[Reason]] = {}
    since, later = min(midnight, day_ago), max(midnight, day_ago)
    for one in calls.counted(connection, ids, since, later):
        if one.late or later == day_ago:
            today.setdefault(one.trunk_id, Today()).add(one)
        if one.verdict is Verdict.REFUSED and (one.late or later == midnight):
            refusals.setdefault(one.trunk_id, Counter())[one.reason] += one.calls
    return today, refusals


def _day(words: Words, now: datetime) -> date:
    return now.astimezone(words.zone).date()


def _states(
    trunk: Trunk, registered: Sequence[Registration], words: Words, now: datetime
) -> Iterator[State]:
    if trunk.ended:
        yield State("bad", words.say("The contract of this trunk has ended."))
        return
    standing = [one for one in trunk.suspensions if one.holds(now)]
    for one in standing:
        yield _suspended(one, words)
    if not standing:
        yield State("good", words.say("In service."))
    yield _registration(trunk, registered, words)


def part_words(one: Suspension, words: Words) -> str:
    """What a suspension stops, as a sentence; emergency calls are in none."""
    say, target = words.say, one.target
    return {
        SuspensionScope.ALL: say("Suspended: emergency calls alone pass."),
        SuspensionScope.INBOUND: say("Incoming calls are suspended."),
        SuspensionScope.OUTBOUND: say("Outgoing calls are suspended; emergency calls pass."),
        SuspensionScope.INTERNATIONAL: say("Calls to other countries are suspended."),
        SuspensionScope.DESTINATION: say("Calls to %(target)s are suspended.", target=target),
        SuspensionScope.CALLER: say(
            "Calls from %(target)s are suspended; emergency calls pass.", target=target
        ),
    }[one.scope]


def _suspended(one: Suspension, words: Words) -> State:
    sentence = part_words(one, words)
    if one.expires_at is None:
        return State("bad", sentence, one.reason)
    until = words.say("Until %(moment)s.", moment=words.moment(one.expires_at))
    return State("bad", sentence, f"{one.reason} {until}")


def _registration(trunk: Trunk, found: Sequence[Registration], words: Words) -> State:
    if trunk.kind is TrunkKind.ADDRESS:
        return State("good", words.say("Known by its address: it does not register."))
    if trunk.kind is TrunkKind.LOCAL:
        return State("good", words.say("The phones of this same server: nothing registers."))
    if not found:
        return State("warn", words.say("Your PBX has not registered yet."))
    there = [one for one in found if one.registered]
    if not there:
        since = words.moment(max(one.changed_at for one in found))
        return State("bad", words.say("Your PBX is not registered since %(since)s.", since=since))
    since = words.moment(min(one.changed_at for one in there))
    places = ", ".join(dict.fromkeys(_place(one) for one in there))
    return State("good", words.say("Registered since %(since)s.", since=since), places)


def _place(one: Registration) -> str:
    return f"{one.user_agent} ({one.contact})" if one.user_agent else one.contact
