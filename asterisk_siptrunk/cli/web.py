"""`siptrunk web`."""

import getpass
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.account.model import Account
from asterisk_siptrunk.account.role import Role
from asterisk_siptrunk.bootstrap import accounts
from asterisk_siptrunk.cli.complete import customer_names, logins
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.log import begin_log
from asterisk_siptrunk.cli.options import (
    confirm,
    form_option,
    given,
    history_command,
    name_argument,
    nothing_to_set,
    yes_option,
)
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows, warn
from asterisk_siptrunk.cli.values import LOGIN, PERSON
from asterisk_siptrunk.errors import InvalidInput

C = TypeVar("C", bound=Callable[..., Any])

_COLUMNS = ("login", "name", "role", "customer", "second_factor", "disabled")
_ROLE = click.Choice([role.value for role in Role])  # click would show an enum by its names
_LONGEST_PASSWORD_LINE = 1000

_PASSWORD = (
    click.option("--password-stdin", "piped", is_flag=True, help="Read the password from stdin."),
    click.option("--generate", is_flag=True, help="Make a password, and show it this once."),
)


def _password_options(command: C) -> C:
    for option in reversed(_PASSWORD):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """The management interface: who may log in, and where it is served."""


@command.command()
@pass_desk
def serve(desk: Desk) -> None:
    """Serve [web] by itself, until SIGTERM or Ctrl-C.

    'siptrunk serve' does so as well where [web] port is set, beside its calls. Served by itself, on
    this machine or another one with the same database, it shares no processor time with them.

    \b
      /                         the management interface, for who can log in
      POST /webhooks/payment    signed with payment_secret of secrets.toml:
                                {"reference": …, "amount": "12.50", "currency": "EUR",
                                 "order": …} or "invoice": … in its place
      GET /healthz              whether requests are answered

    \b
    Example:
      siptrunk web serve
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    begin_log(desk.settings.log)
    host = desk.settings.web.host
    if not desk.settings.secrets.payment_secret:
        warn("payment_secret in secrets.toml is empty: no payment that is told of is believed.")
    bootstrap.serve_web(desk.settings, lambda port: say(f"Serving the web at {host}:{port}."))


@command.command("create-admin")
@click.option("--login", type=LOGIN, prompt="E-mail address", help="To log in by.")
@click.option("--name", type=PERSON, default="", help="Who it is.")
@_password_options
@pass_desk
def create_admin(desk: Desk, login: str, name: str, *, piped: bool, generate: bool) -> None:
    """Let in somebody who runs the service; the first one lets in the others.

    The password is asked for twice, and never an argument: others would see it in 'ps'.

    \b
    Examples:
      siptrunk web create-admin --login alice@provider.example --name Alice
      siptrunk web create-admin --login alice@provider.example --generate
    """  # noqa: D301
    _add(desk, login, name, Role.PROVIDER_ADMIN, "", piped=piped, generate=generate)


@command.command("add-user")
@click.argument("login", type=LOGIN)
@click.option("--role", type=_ROLE, required=True, help="What it may do, see above.")
@click.option("--customer", default="", shell_complete=customer_names, help="Whose it is.")
@click.option("--name", type=PERSON, default="", help="Who it is.")
@_password_options
@pass_desk
def add_user(  # noqa: PLR0913 - what a person is
    desk: Desk, login: str, role: str, customer: str, name: str, *, piped: bool, generate: bool
) -> None:
    """Let somebody in.

    \b
    Roles:
      customer-user       sees all that is its customer's
      customer-admin      orders channels, opens destinations, lets in others of its customer
      provider-support    does the same for all customers, and sees what is the provider's
      provider-admin      runs the service

    \b
    Example:
      siptrunk web add-user bob@acme.example --role customer-admin --customer acme --generate
    """  # noqa: D301
    _add(desk, login, name, Role(role), customer, piped=piped, generate=generate)


def _add(  # noqa: PLR0913 - what a person is
    desk: Desk, login: str, name: str, role: Role, customer: str, *, piped: bool, generate: bool
) -> None:
    password = _new_password(login, piped=piped, generate=generate)
    kept = _hashed(password)
    with desk.changing() as (connection, by):
        accounts.add(
            connection,
            by,
            login=login,
            name=name,
            role=role,
            customer=customer,
            password_hash=kept,
        )
    say(f"{login} may log in as {role}.")
    _show_generated(desk, login, password, generate=generate)


@command.command()
@click.option("--customer", shell_complete=customer_names, help="Only the people of this one.")
@form_option
@pass_desk
def users(desk: Desk, customer: str | None, form: Form) -> None:
    """List who may log in.

    Example: siptrunk web users --customer acme
    """
    with desk.reading() as connection:
        rows = [_row(one) for one in accounts.listed(connection, customer)]
    show_rows(rows, _COLUMNS, form, desk.zone)


@command.command("set-user")
@name_argument(logins, "login")
@click.option("--role", type=_ROLE, help="What it may do; see 'add-user --help'.")
@click.option("--name", type=PERSON, help="Who it is.")
@click.option("--disable/--enable", "disabled", default=None, help="Put it out at once, or not.")
@pass_desk
def set_user(desk: Desk, /, login: str, **options: Any) -> None:  # noqa: ANN401 - see above
    """Give somebody another role or name, or put somebody out.

    \b
    Examples:
      siptrunk web set-user bob@acme.example --role customer-user
      siptrunk web set-user bob@acme.example --disable
    """  # noqa: D301
    values = given(options)
    if not values:
        raise nothing_to_set()
    with desk.changing() as (connection, by):
        accounts.change(connection, by, login, **values)
    say(f"{login} changed.")


@command.command()
@name_argument(logins, "login")
@_password_options
@pass_desk
def password(desk: Desk, login: str, *, piped: bool, generate: bool) -> None:
    """Give somebody a new password; whoever is logged in with the old one is out.

    Example: siptrunk web password bob@acme.example --generate
    """
    with desk.reading() as connection:
        accounts.get(connection, login)
    new = _new_password(login, piped=piped, generate=generate)
    kept = _hashed(new)
    with desk.changing() as (connection, by):
        accounts.set_password(connection, by, login, kept)
    say(f"{login} has a new password.")
    _show_generated(desk, login, new, generate=generate)


@command.command("second-off")
@name_argument(logins, "login")
@yes_option
@pass_desk
def second_off(desk: Desk, login: str, *, yes: bool) -> None:
    """Ask somebody for codes no more, whose authenticator is lost.

    Example: siptrunk web second-off bob@acme.example
    """
    with desk.reading() as connection:
        found = accounts.get(connection, login)
    if not found.second:
        raise InvalidInput(f"{found.login} has no second factor.")
    confirm(f"Switch the second factor of {found.login} off?", yes=yes)
    with desk.changing() as (connection, by):
        accounts.set_second(connection, by, login, None, 0)
    say(f"{found.login} logs in by password alone.")


command.add_command(
    history_command("account", logins, "bob@acme.example", group="web", whose="NAME is a login.")
)


def _new_password(login: str, *, piped: bool, generate: bool) -> str:
    """A password from where the options say, fit to be one."""
    # Late: argon2 is for who needs it.
    from asterisk_siptrunk.account.password import (  # noqa: PLC0415
        check_password,
        new_password,
    )

    if piped and generate:
        raise click.UsageError("Give --password-stdin or --generate, not both.")
    if generate:
        return new_password()
    typed = _piped_password() if piped else _typed_password(login)
    check_password(typed, login)
    return typed


def _hashed(password: str) -> str:
    from asterisk_siptrunk.account.password import hash_password  # noqa: PLC0415

    return hash_password(password)


def _piped_password() -> str:
    try:
        return sys.stdin.readline(_LONGEST_PASSWORD_LINE).rstrip("\r\n")
    except UnicodeDecodeError:
        raise InvalidInput("The password on stdin is no text in UTF-8.") from None


def _typed_password(login: str) -> str:
    with warnings.catch_warnings():
        # Without a terminal getpass only warns, and what is typed would be seen.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return str(
                click.prompt(
                    f"Password of {login}", hide_input=True, confirmation_prompt=True, err=True
                )
            )
        except getpass.GetPassWarning:
            raise InvalidInput(
                f"There is no terminal to ask for the password of {login}: give --password-stdin "
                "and the password on stdin, or --generate."
            ) from None


def _show_generated(desk: Desk, login: str, password: str, *, generate: bool) -> None:
    if generate:
        show_row({"login": login, "password": password}, Form.TABLE, desk.zone)
        warn("this password is shown once; 'siptrunk web password' makes another.")


def _row(one: Account) -> Row:
    return {
        "login": one.login,
        "name": one.name,
        "role": one.role,
        "customer": one.customer,
        "second_factor": one.second,
        "disabled": one.disabled,
    }
