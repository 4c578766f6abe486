"""What a notice says: to a person in a mail, to a program in a webhook's body."""

import json
from dataclasses import dataclass

from asterisk_siptrunk.notice.kind import moment
from asterisk_siptrunk.notice.model import Notice


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's words, in plain text."""

    subject: str
    text: str


def letter(notice: Notice, provider: str) -> Letter:
    """What a person reads; `provider` is the name that it is signed with."""
    subject = notice.kind.subject.format_map(notice.facts)
    text = notice.kind.text.format_map(notice.facts)
    # RFC 3676 section 4.3: what follows this line is a signature.
    return Letter(subject, f"{text}\n-- \n{provider}\n")


def body(notice: Notice) -> bytes:
    """What a webhook is sent: JSON with `id`, `kind`, `at` and `facts`."""
    told = {
        "id": notice.id,
        "kind": notice.kind,
        "at": moment(notice.at),
        "facts": dict(notice.facts),
    }
    return json.dumps(told).encode()
