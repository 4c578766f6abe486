"""The transports that our files open, beside those that Asterisk has.

At a reload Asterisk opens a transport that is new, and leaves one that it has as it is: address,
port and TLS files (res_pjsip/config_transport.c). One that cannot be opened is an error in its log,
and nothing else.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address

from asterisk_siptrunk.errors import AmiRefused
from asterisk_siptrunk.generation.check import Transports, transports_of
from asterisk_siptrunk.generation.plan import Plan
from asterisk_siptrunk.generation.server import RunningAsterisk
from asterisk_siptrunk.generation.store import Store

RESTART = "asterisk -rx 'core restart when convenient'"
_FILES = ("pjsip.conf", "pjsip_base.conf")
_BIND = re.compile(r"(?:\[(?P<six>[^]]+)\]|(?P<host>[^:]+))(?::(?P<port>\d+))?")


def transports_in(store: Store) -> Transports:
    """The transports that the files in place open."""
    return transports_of(store.texts(_FILES))


def other_transports(expected: Transports, server: RunningAsterisk) -> Iterator[str]:
    """Say which of these transports Asterisk lacks, or has elsewhere.

    Raises:
        AmiRefused: Asterisk cannot tell.
    """
    there = server.binds(tuple(expected)) if expected else {}
    for name, options in sorted(expected.items()):
        bind = options.get("bind", "")
        if name not in there:
            yield (
                f"Asterisk has no transport {name} (bind = {bind}): its log says why. Mend that, "
                f"and restart Asterisk: {RESTART}"
            )
        elif not _same(bind, there[name]):
            yield (
                f"Transport {name}: Asterisk still listens at {there[name]}, and not at {bind}. "
                f"Restart it: {RESTART}"
            )


def transport_notes(plan: Plan, store: Store, server: RunningAsterisk) -> Iterator[str]:
    """What a person should know of the transports after a plan was put in force."""
    after = transports_in(store)
    try:
        yield from other_transports(after, server)
    except AmiRefused as refused:
        yield f"Whether Asterisk has the transports is not known: {refused}"
    before = _before(plan, store)
    for name in sorted(before.keys() - after):
        # Measured on 22.10: the object is gone at once, its socket is not.
        yield (
            f"Transport {name} is gone, but Asterisk listens at {before[name].get('bind', '')} "
            f"until it is restarted: {RESTART}"
        )
    for name in sorted(before.keys() & after):
        # What is read back here is what stands in the file, and not what Asterisk goes on with.
        if _without_bind(before[name]) != _without_bind(after[name]):
            yield f"Transport {name} has other options now. Restart Asterisk for them: {RESTART}"


def _before(plan: Plan, store: Store) -> Transports:
    now = store.texts(_FILES)
    return transports_of(
        {name: plan.old.get(name, "") if name in plan.new else text for name, text in now.items()}
    )


def _without_bind(options: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in options.items() if key != "bind"}


def _same(written: str, told: str) -> bool:
    """Whether two binds are one; a name, or no port, may stand for whatever Asterisk made of it."""
    ours, theirs = _BIND.fullmatch(written), _BIND.fullmatch(told)
    if not ours or not theirs:
        return written == told
    host, there = ours["six"] or ours["host"], theirs["six"] or theirs["host"]
    with suppress(ValueError):
        if ip_address(host) != ip_address(there):
            return False
    return ours["port"] in {None, theirs["port"]}
