"""The PBXs that customers may use: how each stands, and which one a User-Agent tells of."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources

from asterisk_siptrunk.errors import InvalidInput

LONGEST_PBX_NAME = 80
LONGEST_AGENT = 80
LONGEST_NOTE = 500


class PbxState(StrEnum):
    """How far a PBX is known to work with our trunks."""

    TESTED = "tested"
    """Our own tests connect it."""
    WORKS = "works"
    """It is known to, and no test of ours says so."""
    UNSUPPORTED = "unsupported"
    """It may work; nobody helps where it does not."""
    REMOVED = "removed"
    """It has left the list."""

    @property
    def is_recommended(self) -> bool:
        """Whether a customer may rely on it."""
        return self in {PbxState.TESTED, PbxState.WORKS}


@dataclass(frozen=True, slots=True)
class Pbx:
    """A PBX on the list.

    Attributes:
        agent: how its User-Agent begins; "" where it is not known by that.
        note: what a customer should know, or why it stands as it does.
        settings: which ready settings suit it, a word of `generation.pbx.PbxKind`, or "".
        changed_on: the day from which on it stands so.
    """

    name: str
    agent: str
    state: PbxState
    note: str
    settings: str
    changed_on: date

    def __post_init__(self) -> None:
        """Refuse what cannot be shown, or would mean every PBX.

        Raises:
            InvalidInput: which part, and why.
        """
        for what, text, longest in (
            ("name", self.name, LONGEST_PBX_NAME),
            ("User-Agent", self.agent, LONGEST_AGENT),
            ("note", self.note, LONGEST_NOTE),
        ):
            if len(text) > longest or not text.isprintable() or text != text.strip():
                raise InvalidInput(
                    f"The {what} of a PBX is one line of up to {longest} characters."
                )
        if not self.name:
            raise InvalidInput("A PBX has a name.")


def pbx_of(listed: Iterable[Pbx], user_agent: str) -> Pbx | None:
    """The PBX that calls itself so: of several the one that says most of it; None for none."""
    called = user_agent.casefold()
    found = [each for each in listed if each.agent and called.startswith(each.agent.casefold())]
    return max(found, key=lambda each: len(each.agent), default=None)


@cache
def shipped_pbxs() -> tuple[Pbx, ...]:
    """The list that a new provider begins with; it is the provider's to change from then on."""
    file = resources.files("asterisk_siptrunk.trunk") / "data" / "pbxs.toml"
    entries = tomllib.loads(file.read_text(encoding="utf-8"))["pbx"]
    return tuple(Pbx(**{**each, "state": PbxState(each["state"])}) for each in entries)
