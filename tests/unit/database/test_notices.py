"""Notices that wait until they have arrived."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, insert, select

from asterisk_siptrunk.database import audit, notices
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.notices import CLAIM
from asterisk_siptrunk.database.tables import notice
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.notice.kind import NoticeKind
from asterisk_siptrunk.notice.model import Notice, Way
from tests.unit.database.builders import BY, NOON
from tests.unit.notice.builders import INVOICE, MAIL, WEBHOOK

MINUTE = timedelta(minutes=1)
KIND = NoticeKind.INVOICE_ISSUED


def tell(engine, *targets, at=NOON):
    with transaction(engine) as connection:
        notices.tell(connection, at, KIND, INVOICE, targets)


def claim(engine, at=NOON, way=Way.MAIL):
    with transaction(engine) as connection:
        claimed = notices.claim(connection, way, at)
    return claimed and (claimed.notice.id, claimed.tries)


def rows(engine, *, arrived=True, limit=9):
    with reading(engine) as connection:
        return notices.listed(connection, limit, arrived=arrived)


def change(engine, what, *arguments):
    with transaction(engine) as connection:
        what(connection, *arguments)


def test_each_target_has_a_notice_of_its_own(engine):
    tell(engine, MAIL, WEBHOOK)
    told = [(row.id, row.way, row.target, row.kind, row.at, row.tries) for row in rows(engine)]
    assert told == [
        (2, "webhook", "provider", "invoice-issued", NOON, 0),
        (1, "mail", "voice@acme.example", "invoice-issued", NOON, 0),
    ]
    with transaction(engine) as connection:
        claimed = notices.claim(connection, Way.WEBHOOK, NOON)
    assert claimed is not None
    assert claimed.notice == Notice(2, KIND, WEBHOOK, INVOICE, NOON)


def test_nobody_to_tell_is_no_notice(engine):
    tell(engine)
    assert rows(engine) == []


def test_it_is_kept_together_with_what_it_tells_of_or_not_at_all(engine):
    def tell_and_fail(connection):
        notices.tell(connection, NOON, KIND, INVOICE, [MAIL])
        raise RuntimeError("the change failed")

    with pytest.raises(RuntimeError, match="the change failed"):
        change(engine, tell_and_fail)
    assert rows(engine) == []


def test_facts_of_another_kind_are_a_defect(engine):
    with pytest.raises(ValueError, match="missing or too many"):
        change(engine, notices.tell, NOON, NoticeKind.ORDER_PAID, INVOICE, [MAIL])


def test_the_first_due_is_taken_first_and_by_one_alone(engine):
    tell(engine, MAIL, at=NOON)
    tell(engine, MAIL, at=NOON - MINUTE)
    tell(engine, MAIL, at=NOON + MINUTE)
    assert claim(engine) == (2, 1)
    assert claim(engine) == (1, 1)
    assert claim(engine) is None
    assert claim(engine, NOON + MINUTE, Way.WEBHOOK) is None


def test_what_was_taken_and_not_told_of_again_is_due_again(engine):
    """Its server has died."""
    tell(engine, MAIL)
    assert claim(engine) == (1, 1)
    assert claim(engine, NOON + CLAIM - MINUTE) is None
    assert claim(engine, NOON + CLAIM) == (1, 2)


def test_what_has_arrived_is_over(engine):
    tell(engine, MAIL)
    claim(engine)
    change(engine, notices.failed, 1, "550 no such user", NOON + MINUTE)
    claim(engine, NOON + MINUTE)
    change(engine, notices.delivered, 1, NOON + MINUTE)
    assert rows(engine, arrived=False) == []
    (row,) = rows(engine)
    assert (row.said_at, row.tries, row.error) == (NOON + MINUTE, 2, "")
    assert claim(engine, NOON + 9 * CLAIM) is None
    # Another server took it after our time was over, and has just failed.
    change(engine, notices.failed, 1, "timed out", NOON)
    change(engine, notices.delivered, 1, NOON + CLAIM)
    assert rows(engine) == [row]


def test_what_did_not_arrive_is_due_when_that_was_said(engine):
    tell(engine, MAIL)
    claim(engine)
    change(engine, notices.failed, 1, "550 no such user", NOON + 2 * MINUTE)
    (row,) = rows(engine, arrived=False)
    assert (row.error, row.next_at, row.said_at) == ("550 no such user", NOON + 2 * MINUTE, None)
    assert claim(engine, NOON + MINUTE) is None
    assert claim(engine, NOON + 2 * MINUTE) == (1, 2)


def test_the_newest_of_a_long_list(engine):
    for _ in range(3):
        tell(engine, MAIL)
    assert [row.id for row in rows(engine, limit=2)] == [3, 2]


def test_what_a_newer_program_tells_of_is_left_to_it(engine):
    tell(engine, MAIL)
    with transaction(engine) as connection:
        values = connection.execute(select(notice)).mappings().one()
        newer = {**values, "id": 7, "kind": "brand-new"}
        connection.execute(insert(notice).values(newer))
    assert claim(engine) == (1, 1)
    assert [row.kind for row in rows(engine)] == ["brand-new", "invoice-issued"]


@pytest.fixture
def second(database_url) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_servers_share_what_is_due_and_neither_waits(engine, second):
    tell(engine, MAIL)
    tell(engine, MAIL)
    with transaction(engine) as connection:
        ours = notices.claim(connection, Way.MAIL, NOON)
        theirs = claim(second), claim(second)  # while our transaction is open
    assert ours is not None
    assert ours.notice.id == 1
    assert theirs == ((2, 1), None)


def overdue(engine):
    with reading(engine) as connection:
        return notices.overdue(connection, NOON)


def test_what_waits_for_long_is_told_with_its_last_error(engine):
    assert overdue(engine) is None
    tell(engine, MAIL, WEBHOOK, MAIL, at=NOON - MINUTE)
    tell(engine, MAIL, at=NOON)
    assert overdue(engine) == notices.Overdue(3, "")
    change(engine, notices.failed, 1, "550 no such user", NOON)
    change(engine, notices.failed, 2, "503 Service Unavailable", NOON)
    change(engine, notices.failed, 4, "too young", NOON)
    assert overdue(engine) == notices.Overdue(3, "503 Service Unavailable")
    change(engine, notices.delivered, 2, NOON)
    assert overdue(engine) == notices.Overdue(2, "550 no such user")


def history(engine, number):
    with reading(engine) as connection:
        return [entry.change for entry in audit.history(connection, "notice", str(number))]


def test_it_is_tried_at_once_on_demand(engine):
    tell(engine, MAIL)
    claim(engine)
    change(engine, notices.failed, 1, "550", NOON + 9 * MINUTE)
    change(engine, notices.retry, BY, 1)
    assert claim(engine, BY.at) == (1, 2)
    assert history(engine, 1) == ["to be tried at once"]


def test_a_mail_goes_to_another_address_on_demand(engine):
    tell(engine, MAIL)
    change(engine, notices.retry, BY, 1, "bills@acme.example")
    assert [row.target for row in rows(engine)] == ["bills@acme.example"]
    assert history(engine, 1) == ["to be sent to bills@acme.example"]


@pytest.mark.parametrize(
    ("number", "mail_to", "error", "said"),
    [
        (9, None, NotFound, "no notice 9"),
        (1, None, InvalidInput, "Notice 1 has arrived"),
        (2, "a@b.example", InvalidInput, "Notice 2 is no mail"),
    ],
    ids=["unknown", "arrived", "no-mail"],
)
def test_what_cannot_be_tried_again(engine, number, mail_to, error, said):
    tell(engine, MAIL, WEBHOOK)
    change(engine, notices.delivered, 1, NOON)
    with pytest.raises(error, match=said):
        change(engine, notices.retry, BY, number, mail_to)
