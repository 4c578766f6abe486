"""One configuration on all servers: asks the others to follow, and waits until they have."""

from collections.abc import Sequence
from time import monotonic, sleep

from asterisk_siptrunk.bootstrap import rollout, servers
from asterisk_siptrunk.call.server import ServerRecord, ServerState
from asterisk_siptrunk.cli.desk import Desk
from asterisk_siptrunk.cli.output import Form, show_rows
from asterisk_siptrunk.cli.progress import working
from asterisk_siptrunk.errors import ApplyFailed

WAIT_SECONDS = 30.0
"""For the others: each sees it within two seconds, and 10,000 trunks take it some seconds more."""
POLL_SECONDS = 0.5
_COLUMNS = ("server", "state", "generation", "outcome")


def settle(desk: Desk, generation: str) -> tuple[str, ...]:
    """Note what this server was given for itself; gives the names of the others."""
    own = desk.settings.asterisk.server
    with desk.changing() as (connection, _):
        rollout.settle(connection, own, generation)
        return tuple(one.name for one in servers.every(connection) if one.name != own)


def bring_to_others(desk: Desk, generation: str) -> None:
    """Have every other server apply what the database says, and show what became of it.

    Raises:
        ApplyFailed: one that gives signs of life did not.
    """
    with desk.changing() as (connection, _):
        number = rollout.want(connection, desk.settings.asterisk.server, generation)
    with working("Waiting for the other servers"):
        others = _awaited(desk, number)
    if not others:
        return
    rows = [
        {
            "server": one.name,
            "state": one.state,
            "generation": one.config_generation,
            "outcome": _outcome(one, number),
        }
        for one in others
    ]
    show_rows(rows, _COLUMNS, Form.TABLE, desk.zone)
    if lacking := [one.name for one in others if one.is_due(number)]:
        raise ApplyFailed(
            f"Applied here, but not on {', '.join(lacking)}: what was there before is in place."
        )


def _awaited(desk: Desk, number: int) -> Sequence[ServerRecord]:
    """The other servers, once each that lives has followed or failed, or the time is over."""
    deadline = monotonic() + WAIT_SECONDS
    while True:
        with desk.reading() as connection:
            own = desk.settings.asterisk.server
            others = [one for one in servers.every(connection) if one.name != own]
        open_yet = any(one.is_due(number) and not one.config_error for one in others)
        if not open_yet or monotonic() > deadline:
            return others
        sleep(POLL_SECONDS)


def _outcome(one: ServerRecord, number: int) -> str:
    if one.config_applied >= number:
        return "follows"
    if one.state is not ServerState.SERVING:
        return "will follow when it is back"
    return one.config_error or f"has not followed within {WAIT_SECONDS:.0f} s; its log may say why"
