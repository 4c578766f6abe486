"""`siptrunk pbx`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import pbxs
from asterisk_siptrunk.cli.complete import pbx_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import (
    form_option,
    given,
    history_command,
    name_argument,
    nothing_to_set,
)
from asterisk_siptrunk.cli.output import Form, Row, say, show_rows
from asterisk_siptrunk.cli.trunk import PBX_KINDS
from asterisk_siptrunk.cli.values import LINE, LINE_OR_NONE
from asterisk_siptrunk.trunk.pbx import Pbx, PbxState, pbx_of

C = TypeVar("C", bound=Callable[..., Any])

_COLUMNS = ("name", "agent", "state", "changed_on", "registered", "settings", "note")
_LISTED = [state for state in PbxState if state is not PbxState.REMOVED]
_WAYS = (
    click.option("--agent", type=LINE_OR_NONE, help="How its User-Agent begins, as in 'FPBX-'."),
    click.option(
        "--state", type=click.Choice(_LISTED, case_sensitive=False), help="How far it works."
    ),
    click.option("--note", type=LINE_OR_NONE, help="What customers should know, or why."),
    click.option("--settings", type=click.Choice(PBX_KINDS), help="Which ready settings suit it."),
)


def _ways_options(command: C) -> C:
    for option in reversed(_WAYS):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """The PBXs that customers may use."""


@command.command("list")
@form_option
@pass_desk
def list_(desk: Desk, form: Form) -> None:
    """List PBXs with how far each works, and on how many trunks it is registered now.

    Example: siptrunk pbx list
    """
    with desk.reading() as connection:
        listed = pbxs.listed(connection)
        found = [pbx_of(listed, one.user_agent) for one in pbxs.in_use(connection)]
    rows: list[Row] = [
        {
            "name": one.name,
            "agent": one.agent or None,
            "state": one.state,
            "changed_on": one.changed_on.isoformat(),
            "registered": found.count(one),
            "settings": one.settings or None,
            "note": one.note,
        }
        for one in listed
    ]
    show_rows(rows, _COLUMNS, form, desk.zone)


@command.command()
@click.argument("name", type=LINE)
@_ways_options
@pass_desk
def add(desk: Desk, /, *, name: str, **ways: Any) -> None:  # noqa: ANN401 - _ways_options
    """Put a PBX on the list; it works unless --state says otherwise.

    \b
    Example:
      siptrunk pbx add "Wildix" --agent "Wildix" --note "As a generic SIP trunk."
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    values = {"agent": "", "state": PbxState.WORKS, "note": "", "settings": "", **given(ways)}
    new = Pbx(name=name, changed_on=desk.today, **values)
    with desk.changing() as (connection, by):
        pbxs.add(connection, by, bootstrap.business(desk.settings), new)
    say(f"PBX {name} is on the list as {new.state}.")


@command.command("set")
@name_argument(pbx_names)
@_ways_options
@pass_desk
def set_(desk: Desk, /, *, name: str, **ways: Any) -> None:  # noqa: ANN401 - _ways_options
    """Change what the list says of a PBX; also puts one back that was removed.

    Customers whose registered PBX is unsupported by that are told.

    Example: siptrunk pbx set "3CX" --state unsupported --note "It sends no DTMF since 20.1."
    """
    values = given(ways)
    if not values:
        raise nothing_to_set()
    with desk.changing() as (connection, by):
        business = bootstrap.business(desk.settings)
        pbxs.change(connection, by, business, name, desk.today, **values)
    say(f"PBX {name} changed.")


@command.command()
@name_argument(pbx_names)
@click.option("--note", type=LINE, required=True, help="Why; customers read it.")
@pass_desk
def remove(desk: Desk, name: str, note: str) -> None:
    """Take a PBX off the list. It stays to be seen as removed, with its date.

    Customers whose PBX it is are told.

    Example: siptrunk pbx remove "3CX" --note "Its maker no longer supports SIP trunks."
    """
    values = {"state": PbxState.REMOVED, "note": note}
    with desk.changing() as (connection, by):
        business = bootstrap.business(desk.settings)
        pbxs.change(connection, by, business, name, desk.today, **values)
    say(f"PBX {name} is off the list.")


command.add_command(history_command("pbx", pbx_names, '"3CX"'))
