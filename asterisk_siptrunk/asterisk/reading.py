"""What Asterisk writes alike in AMI and in its journal: times, and names of channels."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from asterisk_siptrunk.asterisk.variables import CARRIER_PREFIX, TRUNK_PREFIX

OUR_CONTEXTS = "siptrunk-"
"""The caller's channel of a call of ours stands in a context of this name; a called channel has
its endpoint's (`trunk-NAME`, `carrier-NAME`), and any other channel one that is not ours."""

AWAY_CONTEXT = "siptrunk-away"
"""Where a call stands that the dialplan let pass alone."""

# `PJSIP/carrier-ovh-0000002a`: technology, endpoint, a number of at least 8 hexadecimal digits
# (chan_pjsip.c, chan_pjsip_new).
_CHANNEL = re.compile(
    rf"PJSIP/({TRUNK_PREFIX}|{CARRIER_PREFIX})([a-z0-9-]{{1,64}})-[0-9a-f]{{8,16}}", re.ASCII
)
# `Local/to0612345678@siptrunk_phones-office-0000002a;2`: the channel of a call from this server's
# own phones (core_local.c); the dialplan makes it, and filters what stands before the `@`.
_PHONES = re.compile(r"Local/[^@]*@siptrunk_phones-([a-z0-9-]{1,64})-[0-9a-f]{8,16};2", re.ASCII)
# `SYSTEMNAME-EPOCH.NUMBER` (main/channel_internal_api.c); any channel can be given another one.
_UNIQUEID = re.compile(r"[A-Za-z0-9_.-]{1,150}", re.ASCII)
# Seconds since the epoch with six decimals, in AMI's Timestamp as in the CDR; ten digits are
# enough until the year 2286, and keep datetime from overflowing.
_EPOCH = re.compile(r"(\d{1,10})\.(\d{6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Leg:
    """Whose channel it is: a trunk's, a carrier's, or (both "") neither's."""

    trunk: str = ""
    carrier: str = ""


def leg_of(channel: str) -> Leg:
    """Tell by a channel's name whose it is."""
    found = _CHANNEL.fullmatch(channel)
    if found is None:
        return Leg()
    prefix, name = found.groups()
    return Leg(trunk=name) if prefix == TRUNK_PREFIX else Leg(carrier=name)


def account_of(channel: str) -> str:
    """Whose account code the channel of a call that asks to pass has; "" for no call of ours."""
    phones = _PHONES.fullmatch(channel)
    if phones is not None:
        return phones[1]
    leg = leg_of(channel)
    return leg.trunk or leg.carrier


def moment(text: str) -> datetime | None:
    """A time that Asterisk wrote as `1795432920.129632`, in UTC; None where it is none, or 0."""
    found = _EPOCH.fullmatch(text)
    if found is None:
        return None
    seconds, micros = map(int, found.groups())
    if not seconds:
        return None  # the CDR writes "never" so
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)


def is_number(text: str) -> bool:
    """Whether an extension is a number as our patterns admit it: digits, perhaps a plus."""
    return text.isascii() and text.removeprefix("+").isdigit()


def is_uniqueid(text: str) -> bool:
    """Whether a text can be a channel's UniqueID."""
    return _UNIQUEID.fullmatch(text) is not None
