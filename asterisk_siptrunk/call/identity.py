"""What Asterisk's UniqueID says by itself of when its call began."""

import re

_UNNAMED = 0
"""The epoch of a UniqueID that names none."""

# `SYSTEMNAME-EPOCH.NUMBER`, or `EPOCH.NUMBER` of a server without a name
# (main/channel_internal_api.c). Ten digits last until the year 2286.
_EPOCH = re.compile(r"(?:\A|-)(\d{1,10})\.\d{1,10}\Z", re.ASCII)


def epoch_of(uniqueid: str) -> int:
    """The second, since 1970, in which a UniqueID says that its channel was made.

    A pure function of the UniqueID, whatever stands in it: by it alone the month that a call's
    row is kept in can be told. It is no time of the call: the clock may have been put right since.
    """
    found = _EPOCH.search(uniqueid)
    return int(found[1]) if found else _UNNAMED
