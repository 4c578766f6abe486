"""How statements name one call: by what is unique over all servers and months."""

from sqlalchemy import bindparam

from asterisk_siptrunk.call import epoch_of
from asterisk_siptrunk.database.tables import call

IDENTITY = frozenset({"server", "uniqueid", "epoch"})
"""The columns that name a call."""
THIS_CALL = (
    call.c.server == bindparam("of_server"),
    call.c.uniqueid == bindparam("of_call"),
    call.c.epoch == bindparam("of_epoch"),
)
"""Conditions for one call; they take what `this_call` gives."""


def this_call(server: str, uniqueid: str) -> dict[str, str | int]:
    """The parameters that name a call, the month of its row among them."""
    return {"of_server": server, "of_call": uniqueid, "of_epoch": epoch_of(uniqueid)}
