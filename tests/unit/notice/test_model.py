"""Who is told what."""

import pytest

from asterisk_siptrunk.notice.model import Way, Ways
from tests.unit.notice.builders import MAIL, WEBHOOK


@pytest.mark.parametrize(
    ("mail", "webhook", "email", "told"),
    [
        (True, True, MAIL.address, (MAIL, WEBHOOK)),
        (True, False, MAIL.address, (MAIL,)),
        (False, True, MAIL.address, (WEBHOOK,)),
        (False, False, MAIL.address, ()),
        (True, True, "", (WEBHOOK,)),
        (True, False, "", ()),
    ],
    ids=["both", "mail", "webhook", "none", "no-address", "no-address-no-webhook"],
)
def test_each_is_told_by_the_ways_that_are_set_up(mail, webhook, email, told):
    assert Ways(mail, webhook).to(email) == told


@pytest.mark.parametrize(
    ("ways", "found"),
    [
        (Ways(mail=True, webhook=True), [Way.MAIL, Way.WEBHOOK]),
        (Ways(mail=True, webhook=False), [Way.MAIL]),
        (Ways(mail=False, webhook=True), [Way.WEBHOOK]),
        (Ways(mail=False, webhook=False), []),
    ],
    ids=["both", "mail", "webhook", "none"],
)
def test_the_ways_that_are_set_up(ways, found):
    assert list(ways) == found
