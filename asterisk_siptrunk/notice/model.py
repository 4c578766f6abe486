"""A notice, and who is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from asterisk_siptrunk.notice.kind import Facts, NoticeKind

PROVIDER = "provider"
"""The target of a webhook: the provider's own systems. Their address stands in the settings alone,
since it may hold a token, and one that was mistyped is right for all that waits once it is put
right."""


class Way(StrEnum):
    """How a notice goes."""

    MAIL = "mail"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Target:
    """Who is told: a customer's e-mail address, or `PROVIDER`."""

    way: Way
    address: str


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways that the provider has set up.

    What is told by a way that is not there is not kept for it: opened after a year, it would tell
    customers of last year's invoices.
    """

    mail: bool
    webhook: bool

    def __iter__(self) -> Iterator[Way]:
        """Those that are set up."""
        if self.mail:
            yield Way.MAIL
        if self.webhook:
            yield Way.WEBHOOK

    def to(self, email: str) -> tuple[Target, ...]:
        """Who is told of what happens to a customer; "" is one without an address."""
        mail = (Target(Way.MAIL, email),) if self.mail and email else ()
        webhook = (Target(Way.WEBHOOK, PROVIDER),) if self.webhook else ()
        return mail + webhook


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told, to one target.

    Attributes:
        id: by which a receiver knows one that came before; 0 is a test.
        at: when it happened.
    """

    id: int
    kind: NoticeKind
    target: Target
    facts: Facts
    at: datetime
