"""`siptrunk carrier`."""

from collections.abc import Callable
from typing import Any, TextIO, TypeVar

import click

from asterisk_siptrunk.bootstrap import carriers, occupancy
from asterisk_siptrunk.cli.complete import carrier_names, profile_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import (
    confirm,
    form_option,
    given,
    history_command,
    name_argument,
    nothing_to_set,
    yes_option,
)
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows
from asterisk_siptrunk.cli.values import (
    CARRIER_CHANNELS,
    COUNTRY,
    NETWORK,
    SERVER,
    USERNAME,
    WholeNumber,
    limit,
    secret_from,
)
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import (
    HIGHEST_PRIORITY,
    HIGHEST_WEIGHT,
    LONGEST_QUALIFY,
    Carrier,
    CarrierMode,
    port_of,
)
from asterisk_siptrunk.trunk.profiles import load_profile, profiles

C = TypeVar("C", bound=Callable[..., Any])

_COLUMNS = (
    "name",
    "profile",
    "mode",
    "server",
    "priority",
    "weight",
    "channels",
    "in_use",
    "enabled",
)
_PROFILE_COLUMNS = ("name", "title", "mode", "server", "as_of", "source")
_APPLY = "Asterisk knows of it after 'siptrunk config apply'."

_WAYS = (
    click.option("--server", type=SERVER, help="Its SIP server, where the profile names none."),
    click.option("--country", type=COUNTRY, help="How it writes national numbers (FR)."),
    click.option(
        "--priority",
        type=WholeNumber(0, HIGHEST_PRIORITY),
        help="The lowest is tried first.",
    ),
    click.option(
        "--weight",
        type=WholeNumber(1, HIGHEST_WEIGHT),
        help="Share among equals in priority.",
    ),
    click.option(
        "--channels", type=CARRIER_CHANNELS, help="Calls at once that it takes, or 'none'."
    ),
    click.option(
        "--qualify",
        type=WholeNumber(0, LONGEST_QUALIFY),
        help="Seconds between OPTIONS, 0 if it answers none.  [default: its profile's]",
    ),
    click.option("--username", type=USERNAME, help="Our name at its registrar."),
    click.option(
        "--secret-file",
        type=click.File(),
        help="Read the secret from a file, '-' is stdin.  [default: a hidden prompt]",
    ),
    click.option(
        "--match",
        type=NETWORK,
        multiple=True,
        help="Where it calls from, besides its profile's; may be repeated.",
    ),
    click.option("--enabled/--disabled", default=None, help="Whether calls may be put to it."),
)


def ways_options(command: C) -> C:
    """The options of `add` and `set`; each is None where it was not given."""
    for option in reversed(_WAYS):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """The operators upstream."""


@command.command()
@click.argument("name")
@click.option(
    "--profile",
    required=True,
    shell_complete=profile_names,
    help="Its ways; see 'siptrunk carrier profiles'.",
)
@ways_options
@pass_desk
def add(
    desk: Desk,
    /,
    *,
    name: str,
    profile: str,
    secret_file: TextIO | None,
    **ways: Any,  # noqa: ANN401 - those of ways_options
) -> None:
    """Add an operator. Its secret is asked for, or read from a file: never an argument.

    \b
    Examples:
      siptrunk carrier add ovh --profile ovh --username 0033123456789
      siptrunk carrier add backup --profile generic --server sip.example.net \\
          --username us --secret-file - --priority 20 < secret
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    values = _values(ways)
    chosen = load_profile(profile)
    with desk.reading() as connection:
        carriers.check_new(connection, name)
    values.setdefault("server", chosen.server)
    values.setdefault("country", desk.settings.provider.country)
    if secret_file:
        _refuse_idle_secret(values.get("username", ""))
    if secret_file or chosen.mode is not CarrierMode.ADDRESS:
        values["secret"] = secret_from(secret_file, f"{values.get('username', '')}@{name}")
    with desk.changing() as (connection, by):
        carriers.add(connection, by, Carrier(id=0, name=name, profile=chosen, **values))
    say(f"Carrier {name} added. {_APPLY}")


@command.command("list")
@form_option
@pass_desk
def list_(desk: Desk, form: Form) -> None:
    """List operators in the order of their priority.

    Example: siptrunk carrier list
    """
    with desk.reading() as connection:
        found = carriers.every(connection)
        in_use = occupancy.carriers_in_use(connection)
    rows: list[Row] = [
        {
            "name": one.name,
            "profile": one.profile.name,
            "mode": one.profile.mode,
            "server": one.server,
            "priority": one.priority,
            "weight": one.weight,
            "channels": one.channels,
            "in_use": in_use[one.name],
            "enabled": one.enabled,
        }
        for one in found
    ]
    show_rows(rows, _COLUMNS, form, desk.zone)


@command.command()
@name_argument(carrier_names)
@form_option
@pass_desk
def show(desk: Desk, name: str, form: Form) -> None:
    """Show all of an operator, its profile's ways too; never its secret.

    Example: siptrunk carrier show ovh
    """
    with desk.reading() as connection:
        found = carriers.get(connection, name)
        in_use = occupancy.carriers_in_use(connection)[name]
    show_row(_sheet(found, in_use), form, desk.zone)


@command.command("set")
@name_argument(carrier_names)
@ways_options
@click.option("--new-secret", is_flag=True, help="Ask for another secret.")
@pass_desk
def set_(
    desk: Desk,
    /,
    *,
    name: str,
    secret_file: TextIO | None,
    new_secret: bool,
    **ways: Any,  # noqa: ANN401 - those of ways_options
) -> None:
    """Change how calls are put to an operator.

    \b
    Examples:
      siptrunk carrier set ovh --channels 30 --priority 5
      siptrunk carrier set ovh --disabled
      siptrunk carrier set ovh --new-secret
    """  # noqa: D301
    values = _values(ways)
    with desk.reading() as connection:
        before = carriers.get(connection, name)
    if secret_file or new_secret:
        _refuse_idle_secret(values.get("username", before.username))
        values["secret"] = secret_from(secret_file, name)
    if not values:
        raise nothing_to_set()
    with desk.changing() as (connection, by):
        carriers.change(connection, by, name, **values)
    say(f"Carrier {name} changed. {_APPLY}")


@command.command()
@name_argument(carrier_names)
@yes_option
@pass_desk
def remove(desk: Desk, name: str, *, yes: bool) -> None:
    """Forget an operator that never had a call; others are set --disabled.

    Example: siptrunk carrier remove backup
    """
    with desk.reading() as connection:
        carriers.get(connection, name)
    confirm(f"Remove carrier {name}?", yes=yes)
    with desk.changing() as (connection, by):
        carriers.remove(connection, by, name)
    say(f"Carrier {name} removed. {_APPLY}")


@command.command("profiles")
@form_option
@pass_desk
def list_profiles(desk: Desk, form: Form) -> None:
    """List the operators whose ways we ship, with the day and the source of what we know.

    Example: siptrunk carrier profiles
    """
    rows: list[Row] = [
        {
            "name": one.name,
            "title": one.title,
            "mode": one.mode,
            "server": one.server,
            "as_of": one.as_of,
            "source": one.source,
        }
        for one in map(load_profile, profiles())
    ]
    show_rows(rows, _PROFILE_COLUMNS, form, desk.zone)


command.add_command(history_command("carrier", carrier_names, "ovh"))


def _values(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as attributes of `Carrier`."""
    values = given(options)
    if not values["match"]:
        del values["match"]
    if "channels" in values:
        values["channels"] = limit(values["channels"])
    return values


def _refuse_idle_secret(username: str) -> None:
    if not username:
        raise InvalidInput("A secret does nothing without a user name: give --username too.")


def _sheet(one: Carrier, in_use: int) -> Row:
    return {
        "name": one.name,
        "profile": one.profile.name,
        "title": one.profile.title,
        "mode": one.profile.mode,
        "server": one.server,
        "port": port_of(one.server) or one.profile.port,
        "transport": one.profile.transport,
        "username": one.username,
        "country": one.country,
        "priority": one.priority,
        "weight": one.weight,
        "channels": one.channels,
        "in_use": in_use,
        "enabled": one.enabled,
        "qualify": one.qualify_seconds,
        "match": tuple(map(str, (*one.profile.match, *one.match))),
        "called_format": one.profile.called_format,
        "caller_format": one.profile.caller_format,
        "caller_header": one.profile.caller_header,
        "codecs": one.profile.codecs,
        "notes": one.profile.notes,
        "as_of": one.profile.as_of,
    }
