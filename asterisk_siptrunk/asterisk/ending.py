"""Ends calls, and tells others of what was found: as the user `siptrunk-end`.

Its rights are `call` and `user`: to hang up, and to send a UserEvent; it hears nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from asterisk_siptrunk.asterisk.ami import ACTION_SECONDS, AmiConnection, AmiLogin, connect
from asterisk_siptrunk.call.reason import Cause
from asterisk_siptrunk.errors import AmiRefused

USER_EVENT = "SiptrunkAnomaly"
_NOT_THERE = "No such channel"


class AmiEnding:
    """One Asterisk, to be told; it connects each time. Inside an event loop, use a thread."""

    def __init__(self, login: AmiLogin) -> None:
        self._login = login

    def hang_up(self, uniqueids: Collection[str]) -> int:
        """End calls by the UniqueIDs of their channels; gives how many of them were there.

        Raises:
            AmiError: Asterisk cannot be told, or refuses; those before are ended.
        """

        async def ask(connection: AmiConnection) -> int:
            return sum([await _hang_up(connection, uniqueid) for uniqueid in uniqueids])

        return self._tell(ask)

    def tell(self, facts: Mapping[str, str]) -> None:
        """Send a UserEvent `SiptrunkAnomaly`, for wallboards and the like.

        Raises:
            AmiError: Asterisk cannot be told.
        """

        async def ask(connection: AmiConnection) -> int:
            await connection.action(
                "UserEvent", seconds=ACTION_SECONDS, UserEvent=USER_EVENT, **facts
            )
            return 1

        self._tell(ask)

    def _tell(self, what: Callable[[AmiConnection], Awaitable[int]]) -> int:
        async def tell() -> int:
            async with connect(self._login, events=False) as connection:
                return await what(connection)

        return asyncio.run(tell())


async def _hang_up(connection: AmiConnection, uniqueid: str) -> bool:
    # A channel is found by its UniqueID, too (main/channel.c, ast_channel_get_by_name_prefix).
    try:
        await connection.action("Hangup", Channel=uniqueid, Cause=str(int(Cause.CALL_REJECTED)))
    except AmiRefused as refused:
        if _NOT_THERE in str(refused):
            return False
        raise
    return True
