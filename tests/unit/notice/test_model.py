"""Who is told what."""

import pytest

from asterisk_siptrunk.notice.model import Ways
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
