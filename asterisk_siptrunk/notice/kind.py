"""The kinds of notice, the facts that each tells, and its words for people."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self, TypeAlias

Fact: TypeAlias = str | int
Facts: TypeAlias = Mapping[str, Fact]
"""As they are stored, and as webhooks tell them: amounts and days are strings."""


class NoticeKind(StrEnum):
    """What happened; `subject` and `text` are for people, with the facts' names in braces.

    Attributes:
        keys: the facts that a notice of this kind has, all of them and no other.
    """

    keys: frozenset[str]
    subject: str
    text: str

    def __new__(cls, value: str, keys: str, subject: str, text: str) -> Self:
        """Make a member that is its word, and carries what it is told with."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.keys = frozenset(keys.split())
        member.subject = subject
        member.text = text
        return member

    ORDER_PAID = (
        "order-paid",
        "customer trunk order channels amount currency",
        "Order {order} is paid",
        """\
Order {order} for trunk {trunk} is paid: {amount} {currency}. Thank you.

With it the trunk has {channels} channels.
""",
    )
    """`channels`: those of the trunk once the order has taken effect."""
    CHANNELS_CHANGED = (
        "channels-changed",
        "customer trunk before after since reason",
        "Trunk {trunk} has {after} channels",
        """\
Trunk {trunk} had {before} channels; from {since} on it has {after}.

Why: {reason}
""",
    )
    """`since`: the first day; `reason`: a sentence."""
    INVOICE_ISSUED = (
        "invoice-issued",
        "customer invoice amount currency due",
        "Invoice {invoice}: {amount} {currency}",
        """\
Your invoice {invoice} is ready.

To pay:  {amount} {currency}
Due on:  {due}
""",
    )
    INVOICE_REMINDER = (
        "invoice-reminder",
        "customer invoice amount currency due consequence",
        "Reminder: invoice {invoice} is not paid",
        """\
Your invoice {invoice} was due on {due}, and {amount} {currency} of it are not paid.

{consequence}

If you have paid in the meantime, please take this for settled.
""",
    )
    """`consequence`: a sentence about what follows, and when."""
    TRUNK_SUSPENDED = (
        "trunk-suspended",
        "customer trunk scope reason",
        "Trunk {trunk} is suspended ({scope})",
        """\
Calls of trunk {trunk} are suspended. The part that is: {scope}.

Why: {reason}

Emergency calls pass all the same.
""",
    )
    """`scope`: a word of `trunk.SuspensionScope`."""
    TRUNK_RESUMED = (
        "trunk-resumed",
        "customer trunk scope reason",
        "Trunk {trunk} is in service again ({scope})",
        """\
Calls of trunk {trunk} pass again. The part that was suspended: {scope}.

Why: {reason}
""",
    )
    ANOMALY = (
        "anomaly",
        "customer trunk finding level rule sentence stopped",
        "Unusual calls of trunk {trunk}: {stopped}",
        """\
Something unusual was found on trunk {trunk} (finding {finding}, rule {rule}, {level}):

{sentence}

What is stopped: {stopped}.

If these calls are not yours, change the password of your PBX and look for who is in it. If they
are, tell us, and they pass again. Emergency calls pass all the same.
""",
    )
    """`stopped`: the part that is suspended, or "nothing"; `trunk` is "" for all trunks together,
    which only the provider is told of."""
    PBX_UNSUPPORTED = (
        "pbx-unsupported",
        "customer trunk pbx agent state since reason",
        "The PBX of trunk {trunk} is {state}",
        """\
Trunk {trunk} is registered by a PBX that calls itself "{agent}". On our list of PBXs that is
{pbx}, and since {since} it stands there as "{state}".

Why: {reason}

Nothing is cut off. But nobody promises that it goes on working: plan for another version or PBX.
""",
    )
    """`state`: unsupported, or removed from the list; `since`: that day."""
    TEST = (
        "test",
        "author",
        "Test of your notices",
        """\
This is a test that {author} asked for. Notices arrive here.
""",
    )
    """Sent by 'siptrunk notice test' alone, and never stored."""


_BY_WORD = {kind.value: kind for kind in NoticeKind}


def kind_of(word: str) -> NoticeKind:
    """Find a kind by its word.

    Raises:
        KeyError: there is none.
    """
    return _BY_WORD[word]


def facts_of(kind: NoticeKind, given: Mapping[str, Fact | Decimal | date]) -> Facts:
    """The facts of a notice, as they are stored; moments in UTC.

    Raises:
        ValueError: one is missing, or is not of this kind: a defect of whoever tells.
    """
    if wrong := kind.keys ^ set(given):
        raise ValueError(f"{kind}: these facts are missing or too many: {', '.join(sorted(wrong))}")
    return {key: _plain(value) for key, value in given.items()}


def moment(at: datetime) -> str:
    """A moment for programs: RFC 3339, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def _plain(value: Fact | Decimal | date) -> Fact:
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return moment(value)
        case date():
            return value.isoformat()
        case _:
            return value
