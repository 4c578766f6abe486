"""`siptrunk trunk`."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import calls, issue_credentials, suspensions, trunks
from asterisk_siptrunk.cli.complete import customer_names, trunk_names
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
from asterisk_siptrunk.cli.output import Form, Row, Value, say, show_row, show_rows, warn
from asterisk_siptrunk.cli.suspension import suspension_rows
from asterisk_siptrunk.cli.values import (
    CALLER,
    CALLS_PER_SECOND,
    CONTEXT,
    COUNTRY,
    LENGTH,
    LINE,
    LINE_OR_NONE,
    MOMENT,
    NETWORK,
    SERVER,
    TARGET,
    WholeNumber,
    limit,
)
from asterisk_siptrunk.destination import Target, caller_number, domestic_patterns
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import (
    IN_PART,
    MOST_CHANNELS,
    AwayPolicy,
    CallerPolicy,
    Credentials,
    Suspension,
    SuspensionScope,
    Transport,
    Trunk,
    TrunkKind,
)
from asterisk_siptrunk.trunk.terms import require_use
from asterisk_siptrunk.typed import phone_number

C = TypeVar("C", bound=Callable[..., Any])

_COLUMNS = (
    "name",
    "customer",
    "kind",
    "channels",
    "in_use",
    "country",
    "main_number",
    "numbers",
    "registered",
    "registered_since",
    "registered_from",
    "user_agent",
    "status",
)
_IN_TABLE = (
    "name",
    "customer",
    "kind",
    "channels",
    "in_use",
    "main_number",
    "numbers",
    "registered",
    "status",
)
# Those of `generation.pbx.PbxKind`, which would bring Jinja2 into every command of this noun.
PBX_KINDS = ("asterisk", "freepbx", "3cx", "generic")
_APPLY = "Asterisk knows of it after 'siptrunk config apply'."

_TERMS = (
    click.option(
        "--channels", type=WholeNumber(1, MOST_CHANNELS), help="Calls at once, both ways."
    ),
    click.option(
        "--reserved-inbound",
        type=WholeNumber(0, MOST_CHANNELS),
        help="Channels of these that outbound calls never take.",
    ),
    click.option(
        "--calls-per-second",
        type=CALLS_PER_SECOND,
        help="How fast calls may arrive, or 'none' for no limit.",
    ),
    click.option("--country", type=COUNTRY, help="Where its PBX is: how it dials (FR)."),
    click.option(
        "--transport",
        type=click.Choice(Transport, case_sensitive=False),
        help="What SIP runs over.",
    ),
    click.option("--srtp/--no-srtp", default=None, help="Encrypt the voice; needs TLS."),
    click.option(
        "--caller-policy",
        type=click.Choice(CallerPolicy, case_sensitive=False),
        help="What becomes of a caller number that is not the trunk's.",
    ),
    click.option(
        "--away-policy",
        type=click.Choice(AwayPolicy, case_sensitive=False),
        help="What passes while the admission service is away, besides emergency calls.",
    ),
    click.option(
        "--address",
        "addresses",
        type=NETWORK,
        multiple=True,
        help="Where it calls from, or may register from; may be repeated.",
    ),
    click.option(
        "--contact",
        type=SERVER,
        help="Where inbound calls go (kind address): HOST or HOST:PORT.",
    ),
    click.option(
        "--inbound-context", type=CONTEXT, help="The context of inbound calls (kind local)."
    ),
)


def terms_options(command: C) -> C:
    """The options of `add` and `set`; each is None where it was not given."""
    for option in reversed(_TERMS):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """Channels, credentials and terms of a customer's PBX."""


@command.command()
@click.argument("name")
@click.option("--customer", required=True, shell_complete=customer_names, help="Who holds it.")
@click.option(
    "--kind",
    type=click.Choice(TrunkKind, case_sensitive=False),
    default="registered",
    show_default=True,
    help="How its PBX is known: it registers, by its address, or the phones of this Asterisk.",
)
@click.option("--number", "numbers", multiple=True, help="Its numbers, the main one first.")
@terms_options
@form_option
@pass_desk
def add(  # noqa: PLR0913 - one argument for each option that is not a term
    desk: Desk,
    /,
    *,
    name: str,
    customer: str,
    kind: TrunkKind,
    numbers: tuple[str, ...],
    form: Form,
    **terms: Any,  # noqa: ANN401 - those of terms_options
) -> None:
    """Open a trunk, and show its credentials: this once, since only digests are kept.

    \b
    Examples:
      siptrunk trunk add acme-paris --customer acme --channels 10 --number 0123456789
      siptrunk trunk add acme-lyon --customer acme --channels 4 --kind address \\
          --address 192.0.2.10 --contact 192.0.2.10:5060
      siptrunk trunk add office --customer acme --channels 2 --kind local \\
          --inbound-context from-trunk
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    values = _terms(terms)
    if "channels" not in values:
        raise click.UsageError("Missing option '--channels'.")
    country = values.pop("country", desk.settings.provider.country)
    require_use(kind, values)
    new = Trunk(id=0, name=name, customer=customer, kind=kind, country=country, **values)
    credentials, secret = _credentials(desk, new)
    with desk.changing() as (connection, by):
        trunks.add(connection, by, new, credentials)
        for index, text in enumerate(numbers):
            e164 = _number(text, country)
            trunks.add_number(connection, by, name, e164, main=index == 0)
        stored = trunks.get(connection, name)
    show_row(_sheet(stored, credentials) | _secret_of(secret), form, desk.zone)
    say(f"Trunk {name} added. {_APPLY}")
    _warn_of_secret(secret)
    _warn_of_no_number(stored)
    _warn_if_away_is_closed(stored)


@command.command("list")
@click.option("--customer", shell_complete=customer_names, help="Only those of this customer.")
@form_option
@pass_desk
def list_(desk: Desk, customer: str | None, form: Form) -> None:
    """List trunks with the channels in use now; 'trunk show' tells more of one.

    Example: siptrunk trunk list --customer acme
    """
    with desk.reading() as connection:
        found = [t for t in trunks.every(connection) if customer in {None, t.customer}]
        in_use = calls.in_use(connection)
        registered = _latest(calls.registrations(connection))
    rows = [_line(one, in_use.get(one.name, 0), registered.get(one.name)) for one in found]
    show_rows(rows, _COLUMNS, form, desk.zone, _IN_TABLE)


@command.command()
@name_argument(trunk_names)
@form_option
@pass_desk
def show(desk: Desk, name: str, form: Form) -> None:
    """Show all of a trunk: terms, channels in use, registrations, suspensions.

    Example: siptrunk trunk show acme-paris
    """
    with desk.reading() as connection:
        found = trunks.get(connection, name)
        credentials = trunks.credentials_of(connection, name)
        kept = trunks.grace_of(connection, name)
        in_use = calls.in_use(connection).get(name, 0)
        registered = [r for r in calls.registrations(connection) if r.trunk == name]
        stopped = suspension_rows(suspensions.listed(connection, name))
    registrations: list[Row] = [
        {
            "server": r.server,
            "registered": r.registered,
            "contact": r.contact,
            "user_agent": r.user_agent,
            "changed_at": r.changed_at,
        }
        for r in registered
    ]
    until = kept.until if kept else None
    sheet = {**_sheet(found, credentials), "previous_until": until, "in_use": in_use}
    show_row(sheet, form, desk.zone, suspensions=stopped, registrations=registrations)


@command.command("set")
@name_argument(trunk_names)
@terms_options
@click.option("--any-address", is_flag=True, help="Lift the restriction to addresses.")
@pass_desk
def set_(desk: Desk, /, *, name: str, any_address: bool, **terms: Any) -> None:  # noqa: ANN401
    """Change the terms of a trunk. Channels and pace hold from the next call on.

    \b
    Examples:
      siptrunk trunk set acme-paris --channels 15 --calls-per-second 5
      siptrunk trunk set acme-paris --calls-per-second none --any-address
    """  # noqa: D301
    values = _terms(terms)
    if any_address:
        values["addresses"] = ()
    if not values:
        raise nothing_to_set()
    with desk.changing() as (connection, by):
        require_use(trunks.in_force(connection, name).kind, values)
        changed = trunks.change(connection, by, name, **values)
    say(f"Trunk {name} changed. {_APPLY}")
    _warn_if_away_is_closed(changed)


@command.command()
@name_argument(trunk_names)
@yes_option
@pass_desk
def remove(desk: Desk, name: str, *, yes: bool) -> None:
    """End a trunk's contract: every call but emergencies is refused, its records stay.

    Its numbers stay with it until 'siptrunk number remove' frees them.

    Example: siptrunk trunk remove acme-paris
    """
    with desk.reading() as connection:
        trunks.in_force(connection, name)
    confirm(f"End the contract of trunk {name}?", yes=yes)
    with desk.changing() as (connection, by):
        ended = trunks.change(connection, by, name, ended=True)
    say(f"Trunk {name} ended. {_APPLY}")
    if ended.numbers:
        say(f"Still its own: {', '.join(ended.numbers)}; 'siptrunk number remove' frees them.")


@command.command()
@name_argument(trunk_names)
@click.option(
    "--scope",
    type=click.Choice([s for s in SuspensionScope if s not in IN_PART], case_sensitive=False),
    help="The part of the service to stop; emergency calls are in none.  [default: all]",
)
@click.option("--destination", type=TARGET, help="Only calls to there: lv, lv:premium, +37190.")
@click.option("--caller", type=CALLER, help="Only calls from this number, either way.")
@click.option("--until", type=MOMENT, help="When it is over by itself.  [default: when resumed]")
@click.option("--reason", type=LINE, required=True, help="Why; the customer may be told.")
@pass_desk
def suspend(  # noqa: PLR0913 - one argument for each option
    desk: Desk,
    /,
    *,
    name: str,
    scope: SuspensionScope | None,
    destination: Target | None,
    caller: str | None,
    until: datetime | None,
    reason: str,
) -> None:
    """Stop all or part of a trunk's service, from the next call on.

    \b
    Examples:
      siptrunk trunk suspend acme-paris --scope international --reason "toll fraud"
      siptrunk trunk suspend acme-paris --destination lv:premium --reason "toll fraud"
      siptrunk trunk suspend acme-paris --caller 0612345678 --until 2027-01-01 --reason "nuisance"
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with desk.changing() as (connection, by):
        country = trunks.in_force(connection, name).country
        part, target = _part(scope, destination, caller, country)
        new = Suspension(part or SuspensionScope.ALL, reason, target=target, expires_at=until)
        suspensions.suspend(connection, by, name, new)
    say(f"Trunk {name} suspended ({new.part}). Calls in progress go on.")


@command.command()
@name_argument(trunk_names)
@click.option(
    "--scope",
    type=click.Choice(SuspensionScope, case_sensitive=False),
    help="Only suspensions of this scope.  [default: every one]",
)
@click.option("--destination", type=TARGET, help="Only that of this destination.")
@click.option("--caller", type=CALLER, help="Only that of this caller.")
@click.option("--reason", type=LINE_OR_NONE, default="", help="Why; the history keeps it.")
@pass_desk
def resume(  # noqa: PLR0913 - one argument for each option
    desk: Desk,
    /,
    *,
    name: str,
    scope: SuspensionScope | None,
    destination: Target | None,
    caller: str | None,
    reason: str,
) -> None:
    """Lift suspensions, from the next call on.

    What the watch has suspended for passes again, and is no evidence any more: it suspends anew
    for what comes after.

    \b
    Examples:
      siptrunk trunk resume acme-paris
      siptrunk trunk resume acme-paris --destination lv:premium --reason "the customer rang"
    """  # noqa: D301 - see above
    with desk.changing() as (connection, by):
        country = trunks.in_force(connection, name).country
        part, target = _part(scope, destination, caller, country)
        lifted = suspensions.resume(connection, by, name, part, target=target, reason=reason)
    say(f"Trunk {name} resumed." if lifted else f"Trunk {name} was not suspended so.")


@command.command("rotate-secret")
@name_argument(trunk_names)
@click.option(
    "--grace",
    type=LENGTH,
    default=timedelta(0),
    help="How long the old one works on beside it: 30m, 24h, 7d.  [default: until the next apply]",
)
@yes_option
@form_option
@pass_desk
def rotate_secret(desk: Desk, name: str, *, grace: timedelta, yes: bool, form: Form) -> None:
    """Make a new secret and show it, this once; the old one works until the next apply.

    With --grace both work from the next apply on, and the service ends the old one by itself.
    Give none where the old one is in the wrong hands. Of those that were replaced only the last
    one works on.

    \b
    Examples:
      siptrunk trunk rotate-secret acme-paris
      siptrunk trunk rotate-secret acme-paris --grace 24h
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with desk.reading() as connection:
        _refuse_without_secret(trunks.in_force(connection, name))
    confirm(f"Replace the secret of trunk {name}? Its PBX must be given the new one.", yes=yes)
    with desk.changing() as (connection, by):
        credentials, secret = _credentials(desk, trunks.get(connection, name))
        if credentials is None:
            raise InvalidInput(f"Trunk {name} does not register: it has no secret.")
        trunks.set_credentials(connection, by, name, credentials, grace)
        kept = trunks.grace_of(connection, name)
    row: dict[str, Value] = {
        "name": name,
        "username": credentials.username,
        "realm": credentials.realm,
        "previous_until": kept.until if kept else None,
    }
    show_row(row | _secret_of(secret), form, desk.zone)
    say(f"The secret of trunk {name} was replaced. {_APPLY}")
    _warn_of_secret(secret)


@command.command("pbx-settings")
@name_argument(trunk_names)
@click.option(
    "--pbx",
    type=click.Choice(PBX_KINDS),
    default=PBX_KINDS[-1],
    show_default=True,
    help="What the customer runs.",
)
@pass_desk
def pbx_settings(desk: Desk, name: str, pbx: str) -> None:
    """Write what the customer pastes into its own PBX; its secret goes in by hand.

    Example: siptrunk trunk pbx-settings acme-paris --pbx freepbx
    """
    with desk.reading() as connection:
        found = trunks.get(connection, name)
        credentials = trunks.credentials_of(connection, name)
    if found.kind is TrunkKind.LOCAL:
        raise InvalidInput(f"Trunk {name} is for this server's own phones: no PBX connects to it.")
    if not desk.settings.asterisk.address:
        warn("[asterisk] address is not set: put it where these settings name the provider.")
    click.echo(bootstrap.pbx_settings(desk.settings, found, credentials, pbx))


command.add_command(history_command("trunk", trunk_names, "acme-paris"))


def _part(
    scope: SuspensionScope | None, destination: Target | None, caller: str | None, country: str
) -> tuple[SuspensionScope | None, str]:
    """The one part that was meant, and its target; None where none was named."""
    if sum(each is not None for each in (scope, destination, caller)) > 1:
        raise click.UsageError("Give one of --scope, --destination and --caller.")
    if destination is not None:
        return SuspensionScope.DESTINATION, str(destination)
    if caller is not None:
        return SuspensionScope.CALLER, str(caller_number(caller, country) or caller)
    return scope, ""


def _terms(options: Mapping[str, Any]) -> dict[str, Any]:
    """The terms that were given, as attributes of `Trunk`."""
    values = given(options)
    if not values["addresses"]:
        del values["addresses"]
    if "calls_per_second" in values:
        values["calls_per_second"] = limit(values["calls_per_second"])
    return values


def _number(text: str, country: str) -> str:
    try:
        return phone_number(text, country)
    except InvalidInput as error:
        raise InvalidInput(f"--number: {error}") from None


def _refuse_without_secret(trunk: Trunk) -> None:
    if trunk.kind is not TrunkKind.REGISTERED:
        raise InvalidInput(f"Trunk {trunk.name} does not register: it has no secret.")


def _credentials(desk: Desk, trunk: Trunk) -> tuple[Credentials | None, str | None]:
    if trunk.kind is not TrunkKind.REGISTERED:
        return None, None
    return issue_credentials(desk.settings, trunk.name)


def _secret_of(secret: str | None) -> dict[str, Value]:
    return {"secret": secret} if secret else {}


def _warn_of_secret(secret: str | None) -> None:
    if secret:
        warn("this secret is shown once; 'siptrunk trunk rotate-secret' makes another.")


def _warn_of_no_number(trunk: Trunk) -> None:
    if not trunk.numbers:
        warn(
            f"{trunk.name} has no number yet: outbound calls are refused until 'siptrunk number "
            f"add NUMBER --trunk {trunk.name}'."
        )


def _warn_if_away_is_closed(trunk: Trunk) -> None:
    if trunk.away_policy is not AwayPolicy.CLOSED and not domestic_patterns(trunk.country):
        warn(
            f"the ordinary numbers of {trunk.country} cannot be told from others by the dialplan "
            f"alone: while the admission service is away, {trunk.name} can make only emergency "
            "calls."
        )


def _latest(known: Iterable[calls.Registration]) -> dict[str, calls.Registration]:
    """Where each PBX is registered; at several servers, where it came last."""
    there = (one for one in known if one.registered)
    return {one.trunk: one for one in sorted(there, key=lambda one: one.changed_at)}


def _line(trunk: Trunk, in_use: int, registered: calls.Registration | None) -> Row:
    registers = trunk.kind is TrunkKind.REGISTERED and not trunk.ended
    there = registered if registers else None
    return {
        "name": trunk.name,
        "customer": trunk.customer,
        "kind": trunk.kind,
        "channels": trunk.channels,
        "in_use": in_use,
        "country": trunk.country,
        "main_number": trunk.main_number,
        "numbers": len(trunk.numbers),
        "registered": there is not None if registers else None,
        "registered_since": there.changed_at if there else None,
        "registered_from": there.contact if there else None,
        "user_agent": there.user_agent if there else None,
        "status": trunk.status,
    }


def _sheet(trunk: Trunk, credentials: Credentials | None) -> dict[str, Value]:
    return {
        "name": trunk.name,
        "customer": trunk.customer,
        "kind": trunk.kind,
        "status": trunk.status,
        "channels": trunk.channels,
        "reserved_inbound": trunk.reserved_inbound,
        "calls_per_second": trunk.calls_per_second,
        "country": trunk.country,
        "transport": trunk.transport,
        "srtp": trunk.srtp,
        "caller_policy": trunk.caller_policy,
        "away_policy": trunk.away_policy,
        "addresses": tuple(map(str, trunk.addresses)),
        "contact": trunk.contact,
        "inbound_context": trunk.inbound_context,
        "numbers": trunk.numbers,
        "username": credentials.username if credentials else None,
        "realm": credentials.realm if credentials else None,
    }
