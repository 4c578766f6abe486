"""Tells a running Asterisk to read its files again, and asks what it then has.

For the command line, and for what the daemon's listening user has no right to ask: each question is
a connection of its own, of a few milliseconds, as the user `siptrunk-apply` (rights: system,
config, reporting). Inside an event loop, use a thread.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TypeVar

from asterisk_siptrunk.asterisk import events
from asterisk_siptrunk.asterisk.ami import AmiConnection, AmiLogin, connect
from asterisk_siptrunk.asterisk.variables import GENERATION_CONTEXT
from asterisk_siptrunk.call import Contact
from asterisk_siptrunk.errors import AmiRefused
from asterisk_siptrunk.generation.server import Module

RELOAD_SECONDS = 60.0
"""For Asterisk to read its files again; 10,000 endpoints take 2 s."""
LIST_SECONDS = 30.0
"""For Asterisk to list its endpoints; 10,000 take a second or two."""
CONTACTS_SECONDS = 10.0
"""For Asterisk to list who is registered; 10,000 take about a second."""
TOGETHER = 500
"""Questions under way at once: more gain nothing, and their answers would fill the socket."""

# Debian's is `22.10.1~dfsg+~cs6.16.60671434-1`, a certified one is `certified/20.7-cert2`.
_VERSION = re.compile(r"(?:certified[/-])?(\d+(?:\.\d+)*)", re.ASCII)

_NOT_RUNNING = ("No such module", "Module not initialized")

T = TypeVar("T")


class AmiControl:
    """The `RunningAsterisk` of the generation, over AMI."""

    def __init__(self, login: AmiLogin) -> None:
        self._login = login

    def version(self) -> str:
        """Its version, as `22.10.1`."""
        return self._ask(_version)

    def reload(self, module: Module) -> None:
        """Have one part read its files again; returns when it has.

        `res_pjsip.so` alone has every PJSIP object read, those of other modules too.
        """

        async def ask(connection: AmiConnection) -> None:
            await connection.action("Reload", seconds=RELOAD_SECONDS, Module=module)

        self._ask(ask)

    def runs(self, module: Module) -> bool:
        """Whether a module is there and did not decline to load."""
        try:
            self.reload(module)
        except AmiRefused as refused:
            # main/manager.c, action_reload: it is not there, or it declined.
            if any(words in str(refused) for words in _NOT_RUNNING):
                return False
            raise
        return True

    def load(self, module: Module) -> None:
        """Load a module."""

        async def ask(connection: AmiConnection) -> None:
            await connection.action("ModuleLoad", Module=module, LoadType="load")

        self._ask(ask)

    def endpoints(self) -> frozenset[str]:
        """Names of all PJSIP endpoints."""
        return self._ask(_endpoints)

    def endpoint_values(self, names: Collection[str], option: str) -> Mapping[str, str]:
        """One option of each of these endpoints; one that is not there is left out."""

        async def ask(connection: AmiConnection) -> dict[str, str]:
            return await _endpoint_values(connection, sorted(names), option)

        return self._ask(ask)

    def binds(self, transports: Collection[str]) -> Mapping[str, str]:
        """Where each of these transports listens; one that is not there is left out."""

        async def ask(connection: AmiConnection) -> dict[str, str]:
            await _require_sorcery(connection)
            questions = [f"AST_SORCERY(res_pjsip,transport,{name},bind)" for name in transports]
            return await _values(connection, list(transports), questions)

        return self._ask(ask)

    def contacts(self) -> list[Contact]:
        """The contacts of all trunks that are registered now."""
        return self._ask(_contacts)

    def clock(self) -> float:
        """Asterisk's clock now, in epoch seconds."""
        return self._ask(_clock)

    def generation(self) -> str | None:
        """The one extension of the context `siptrunk-generation`; None where that is not there."""
        return self._ask(_generation)

    def _ask(self, question: Callable[[AmiConnection], Awaitable[T]]) -> T:
        async def ask() -> T:
            async with connect(self._login, events=False) as connection:
                return await question(connection)

        return asyncio.run(ask())


async def _clock(connection: AmiConnection) -> float:
    reply = await connection.action("Ping")
    told = reply.fields.get("Timestamp", "")
    try:
        return float(told)
    except ValueError:
        raise AmiRefused(f"Asterisk's answer to Ping has no time in it: {told[:40]!r}.") from None


async def _version(connection: AmiConnection) -> str:
    reply = await connection.action("CoreSettings")
    found = _VERSION.match(reply.fields.get("AsteriskVersion", ""))
    return found[1] if found else ""


async def _endpoints(connection: AmiConnection) -> frozenset[str]:
    try:
        listed = await connection.action_events(
            "PJSIPShowEndpoints", "EndpointListComplete", seconds=LIST_SECONDS
        )
    except AmiRefused as refused:
        # An empty list is an error to Asterisk (res/res_pjsip/pjsip_configuration.c).
        if "No endpoints found" in str(refused):
            return frozenset()
        raise
    return frozenset(event.fields.get("ObjectName", "") for event in listed)


async def _endpoint_values(
    connection: AmiConnection, names: list[str], option: str
) -> dict[str, str]:
    values: dict[str, str] = {}
    for first in range(0, len(names), TOGETHER):
        some = names[first : first + TOGETHER]
        questions = [f"PJSIP_ENDPOINT({name},{option})" for name in some]
        values |= await _values(connection, some, questions)
    return values


async def _values(
    connection: AmiConnection, names: list[str], questions: list[str]
) -> dict[str, str]:
    answers = await asyncio.gather(
        *(connection.action("Getvar", Variable=question) for question in questions)
    )
    # Asterisk gives nothing for an object that is not there (func_pjsip_endpoint.c,
    # func_sorcery.c).
    return {
        name: value
        for name, answer in zip(names, answers, strict=True)
        if (value := answer.fields.get("Value", ""))
    }


async def _require_sorcery(connection: AmiConnection) -> None:
    """Without the function each transport would look as if it were not there."""
    try:
        await connection.action("ModuleCheck", Module="func_sorcery.so")
    except AmiRefused:
        raise AmiRefused(
            "Asterisk has not loaded func_sorcery.so, which tells its transports: "
            "asterisk -rx 'module load func_sorcery.so'"
        ) from None


async def _contacts(connection: AmiConnection) -> list[Contact]:
    # Of the three lists of contacts the one with User-Agent that is empty, not an error, where
    # nobody is registered (res/res_pjsip_registrar.c).
    listed = await connection.action_events(
        "PJSIPShowRegistrationInboundContactStatuses",
        "ContactStatusDetailComplete",
        seconds=CONTACTS_SECONDS,
    )
    return [found for found in map(events.contact, listed) if found is not None]


async def _generation(connection: AmiConnection) -> str | None:
    try:
        listed = await connection.action_events(
            "ShowDialPlan", "ShowDialPlanComplete", Context=GENERATION_CONTEXT
        )
    except AmiRefused as refused:
        if "Did not find" in str(refused):  # main/pbx.c, manager_show_dialplan
            return None
        raise
    extensions = (event.fields.get("Extension", "") for event in listed)
    return next((extension for extension in extensions if extension), None)
