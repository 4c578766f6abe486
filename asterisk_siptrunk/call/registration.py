"""Comparing who we believe is registered with who Asterisk says is."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from asterisk_siptrunk.call.change import RegistrationChange


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a trunk's PBX is reached, as it registered.

    Attributes:
        trunk: its name.
        address: host and port of its URI.
        user_agent: what it calls itself, or "".
    """

    trunk: str
    address: str
    user_agent: str = ""


def registration_changes(
    known: Sequence[Contact], listed: Sequence[Contact], at: datetime
) -> Iterator[RegistrationChange]:
    """What makes the registrations known before, one for each trunk, those of a list of `at`."""
    there: dict[str, list[Contact]] = defaultdict(list)
    for contact in listed:
        there[contact.trunk].append(contact)
    before = {contact.trunk: contact for contact in known}
    for trunk, contacts in there.items():
        now = _chosen(contacts, before.get(trunk))
        if now != before.get(trunk):
            yield RegistrationChange(trunk, True, at, now.address, now.user_agent)  # noqa: FBT003
    for trunk, contact in before.items():
        if trunk not in there:
            yield RegistrationChange(trunk, False, at, contact.address)  # noqa: FBT003


def _chosen(contacts: Sequence[Contact], before: Contact | None) -> Contact:
    """Of several contacts the one that was known, for as long as it is there."""
    same = (one for one in contacts if before is not None and one.address == before.address)
    return next(same, contacts[-1])
