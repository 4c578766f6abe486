"""Notices as most cases want them."""

from datetime import UTC, datetime

from asterisk_siptrunk.notice.kind import NoticeKind
from asterisk_siptrunk.notice.model import PROVIDER, Notice, Target, Way

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
INVOICE = {
    "customer": "acme",
    "invoice": "F2026-00017",
    "amount": "59.40",
    "currency": "EUR",
    "due": "2026-12-23",
}
MAIL = Target(Way.MAIL, "voice@acme.example")
WEBHOOK = Target(Way.WEBHOOK, PROVIDER)


def issued(target=MAIL, number=17) -> Notice:
    """An invoice of acme's is issued."""
    return Notice(number, NoticeKind.INVOICE_ISSUED, target, INVOICE, NOON)
