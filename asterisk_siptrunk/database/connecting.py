"""What was seen of a trunk's PBX since somebody began to connect it.

Asterisk tells of wrong passwords and forbidden addresses by the trunk. Of a user name that is none
it cannot say whose PBX sent it: such an attempt is told only where its name is one that this
customer may well have mistyped, or its address is this PBX's own. What strangers try elsewhere is
nobody's business here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from ipaddress import ip_address

from sqlalchemy import Connection, or_, select

from asterisk_siptrunk.call import CallRecord, Verdict
from asterisk_siptrunk.database import calls
from asterisk_siptrunk.database.tables import security_event
from asterisk_siptrunk.trunk import Trunk, TrunkKind

_UNKNOWN = "InvalidAccountID"
_MOST_CALLS = 5


class Sign(StrEnum):
    """What was seen."""

    REGISTERED = auto()
    GONE = auto()
    """It is registered no more."""
    PASSWORD = auto()
    """The user name is right, and the password is wrong."""
    ADDRESS = auto()
    """It came from an address that the trunk does not allow."""
    UNKNOWN = auto()
    """There is no such user name."""
    REFUSED = auto()
    """It asked for something else that it may not."""
    CALL_PASSED = auto()
    CALL_REFUSED = auto()


_KINDS = {
    "ChallengeResponseFailed": Sign.PASSWORD,
    "InvalidPassword": Sign.PASSWORD,
    "FailedACL": Sign.ADDRESS,
    _UNKNOWN: Sign.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that was seen.

    Attributes:
        source: the address that it came from, with its port where the PBX registered; "" unknown.
        account: the user name that was tried.
        user_agent: what the PBX calls itself, "" where it did not say.
        call: the call, of a sign that is about one.
    """

    at: datetime
    sign: Sign
    server: str
    source: str = ""
    account: str = ""
    user_agent: str = ""
    call: CallRecord | None = None


def seen_since(connection: Connection, trunk: Trunk, since: datetime) -> list[Seen]:
    """What was seen of a trunk's PBX then or later, the newest first."""
    registered = calls.registrations(connection, [trunk.id])
    own = {_host(one.contact) for one in registered} - {""}
    found = [
        *_registrations(registered, since),
        *_attempts(connection, trunk, own, since),
        *_calls(connection, trunk, since),
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _registrations(found: list[calls.Registration], since: datetime) -> Iterator[Seen]:
    for one in found:
        if one.changed_at >= since:
            sign = Sign.REGISTERED if one.registered else Sign.GONE
            yield Seen(
                one.changed_at, sign, one.server, source=one.contact, user_agent=one.user_agent
            )


def _attempts(
    connection: Connection, trunk: Trunk, own: set[str], since: datetime
) -> Iterator[Seen]:
    table = security_event
    hour = since.replace(minute=0, second=0, microsecond=0)
    query = select(table).where(
        table.c.hour >= hour,
        table.c.last_at >= since,
        or_(table.c.trunk == trunk.name, table.c.kind == _UNKNOWN),
    )
    likely = _likely_names(trunk)
    for row in connection.execute(query):
        sign = _KINDS.get(row.kind, Sign.REFUSED)
        is_theirs = row.account.casefold() in likely or _is_own(trunk, own, row.source)
        if sign is not Sign.UNKNOWN or is_theirs:
            yield Seen(row.last_at, sign, row.server, source=row.source, account=row.account)


def _likely_names(trunk: Trunk) -> set[str]:
    """User names that somebody gives in the place of this trunk's."""
    numbers = {form for e164 in trunk.numbers for form in (e164, e164.removeprefix("+"))}
    # The right one is unknown as well, until the configuration with the trunk is applied.
    return {trunk.name, f"trunk-{trunk.name}", f"trunk_{trunk.name}", trunk.customer} | numbers


def _is_own(trunk: Trunk, own: set[str], source: str) -> bool:
    try:
        address = ip_address(source)
    except ValueError:
        return False
    # Customers say themselves from where a PBX that registers may come, even from everywhere.
    known = () if trunk.kind is TrunkKind.REGISTERED else trunk.addresses
    return source in own or any(address in network for network in known)


def _host(contact: str) -> str:
    return contact.rpartition(":")[0].strip("[]")


def _calls(connection: Connection, trunk: Trunk, since: datetime) -> Iterator[Seen]:
    wanted = calls.CallFilter(trunk=trunk.name, since=since)
    for one in calls.latest(connection, wanted, _MOST_CALLS):
        passed = one.verdict is Verdict.ADMITTED
        sign = Sign.CALL_PASSED if passed else Sign.CALL_REFUSED
        yield Seen(one.started_at, sign, one.server, user_agent=one.user_agent, call=one)
