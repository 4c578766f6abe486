"""Who we believe is registered, against Asterisk's list."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.call import Contact, RegistrationChange, registration_changes

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
A, MOVED, NAMELESS = Contact("a", "h:1", "PBX"), Contact("a", "h:2", "PBX"), Contact("a", "h:1")
B = Contact("b", "i:1")


def here(contact: Contact) -> RegistrationChange:
    return RegistrationChange(
        contact.trunk, registered=True, at=NOON, contact=contact.address,
        user_agent=contact.user_agent,
    )  # fmt: skip


def gone(contact: Contact) -> RegistrationChange:
    return RegistrationChange(contact.trunk, registered=False, at=NOON, contact=contact.address)


@pytest.mark.parametrize(
    ("known", "listed", "changes"),
    [
        ([], [], []),
        ([A, B], [B, A], []),
        ([], [A, B], [here(A), here(B)]),
        ([A, B], [B], [gone(A)]),
        ([A], [], [gone(A)]),
        ([A], [MOVED], [here(MOVED)]),
        ([NAMELESS], [A], [here(A)]),
        # Between the new contact's coming and the old one's going both are there.
        ([A], [A, MOVED], []),
        ([], [A, MOVED], [here(MOVED)]),
    ],
)
def test_what_is_put_right(known, listed, changes):
    assert list(registration_changes(known, listed, NOON)) == changes


CONTACTS = st.lists(st.builds(Contact, st.sampled_from("abc"), st.sampled_from("xyz")), max_size=6)


@given(known=CONTACTS, listed=CONTACTS)
def test_what_is_put_right_once_stays_right(known, listed):
    now = {contact.trunk: contact for contact in known}
    for change in registration_changes(list(now.values()), listed, NOON):
        if change.registered:
            now[change.trunk] = Contact(change.trunk, change.contact, change.user_agent)
        else:
            del now[change.trunk]
    assert set(now) == {contact.trunk for contact in listed}
    assert set(now.values()) <= set(listed)
    assert not list(registration_changes(list(now.values()), listed, NOON))
