"""`siptrunk init`."""

import json
import os
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from asterisk_siptrunk.bootstrap import (
    describe,
    months,
    open_engine,
    pbxs,
    provider_row,
    reading,
    rules,
    schema,
)
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.output import say
from asterisk_siptrunk.cli.values import COUNTRY, ReadType
from asterisk_siptrunk.errors import DatabaseUnavailable, InvalidInput, SettingsError
from asterisk_siptrunk.settings import SECRETS_FILE, SERVER_NAME, Settings
from asterisk_siptrunk.trunk import new_secret

# Its group reads the settings: the account that serves. Secrets are for their owner alone.
_SETTINGS_MODE = 0o640
_SECRETS_MODE = 0o600
_FOLDER_MODE = 0o755

_SETTINGS = """\
# Settings of siptrunk, made by 'siptrunk init'. Lines that begin with '#' show the defaults.
# Every key can also come from the environment: ring_seconds of [asterisk] is
# SIPTRUNK_ASTERISK_RING_SECONDS. Secrets are in secrets.toml beside this file.

[provider]
# name = "provider"
country = {country}  # where a trunk is unless it says otherwise
timezone = {timezone}  # what people see times in; the database keeps UTC

[database]
# sqlite:////path/to/siptrunk.db (four slashes), or postgresql+psycopg://user@host:5432/name, whose
# password comes from the environment (PGPASSWORD) or ~/.pgpass, so that it need not stand here.
url = {database_url}

[agi]  # the admission service
# host = "127.0.0.1"  # where it listens and the dialplan asks: an address, not a name
# port = 4573
# peers = ["127.0.0.1", "::1"]  # addresses that may ask

[ami]  # Asterisk's manager interface
# host = "127.0.0.1"
# port = 5038

[asterisk]  # the server beside us
server = {server}  # must be 'systemname' in its asterisk.conf
# config_dir = "/etc/asterisk"
# journal = "/var/log/asterisk/cdr-custom/siptrunk.csv"  # the call journal it writes for us
# group = "asterisk"  # may read the generated files; "" leaves their group
# binary = "asterisk"  # for 'config check'; "" checks without a throw-away Asterisk
# root = ""  # the directory it is chrooted to, if it is
# version = "22.10"  # which digests of passwords it takes
# realm = "siptrunk"  # of the trunks' credentials: changing it voids them all
# dedicated = false  # true where nothing else listens to its manager interface: calls cost less
# global_section = true  # false where its own pjsip.conf has a [global]
# ring_seconds = 120  # how long a call may ring
# admission_seconds = 3  # how long the dialplan waits for the admission service
# bind = ["0.0.0.0"]  # addresses that SIP listens on; add "::" for IPv6
# address = ""  # the public address or name that customers' PBXs call
# sip_port = 5060
# tls_certificate = ""  # this and tls_key: no TLS is offered without both
# tls_key = ""
# tls_port = 5061
# alone_share = 100  # percent of each trunk's channels to use while out of the database's reach;
#                    # 100 for one server, 0 where several serve the same trunks
# templates = ""  # a folder whose templates replace ours, file by file

[metrics]  # for Prometheus, at http://host:port/metrics
# host = "127.0.0.1"
# port = 0  # 0 opens none

[mail]  # how customers are told of orders, invoices and suspensions
# host = ""  # the server that takes mails; "" sends none
# port = 587
# security = "starttls"  # or "tls" from the first byte on (port 465), or "none"
# sender = ""  # the address that they come from
# username = ""  # to log in with mail_password of secrets.toml; "" does without

[webhook]  # how your own systems are told of the same, for all customers
# url = ""  # what is told is signed with webhook_secret of secrets.toml; "" tells nobody

[web]  # the management interface, its API, and payments by webhook
# host = "127.0.0.1"  # a reverse proxy with a certificate stands before it
# port = 0  # 0 serves nothing
# proxies = []  # their addresses: what these say of whom they speak for is believed

[billing]  # fill in address, tax_id and payment before the first invoice: they stand on it
# address = []  # of the provider, its lines as on a letter: ["12 rue de la Paix", "75002 Paris"]
# tax_id = ""  # its VAT number
# email = ""  # where customers write about invoices
# tax = "20"  # percent, of customers who have no rate of their own
# payment = ""  # how to pay, as it stands on invoices: the bank and its IBAN
# prefix = ""  # begins each invoice's number
# reverse_charge = "Reverse charge: the tax is due by the customer."  # what one without tax says
# order_days = 3  # how long an order may be paid at its price; never beyond its period
# due_days = 30  # from an invoice's day to the last one on which it is paid in time
# reminder_days = 3  # after that: a reminder is sent
# outbound_days = 14  # ... outbound calls are suspended
# all_days = 28  # ... all calls are; emergency calls pass, as ever

[watch]  # over abnormal use: 'siptrunk anomaly rules' lists its rules
# armed = false  # true: the rules that ship do what they say, and do not only note it
# rules = ""  # a file of rules in the place of those that ship
# deck = ""  # the rates that calls of trunks without a subscription are counted by
# countries = ""  # a CSV of networks: registrations from a new country are told. Lines like
#                 # 192.0.2.0,192.0.2.255,FR or 2001:db8::/32,DE; it is read at the start

[log]
# format = "text"  # or "json": one object a line
# level = "info"  # "debug" has a line for each verdict
"""

_SECRETS = """\
# Secrets of siptrunk, made by 'siptrunk init'.

# Of its three users of Asterisk's manager interface: 'siptrunk config apply' puts them into
# Asterisk's manager.d.
ami_listen = {ami_listen}
ami_apply = {ami_apply}
ami_end = {ami_end}

# What [webhook] url is told is signed with it: whoever listens there needs it, too.
webhook_secret = {webhook_secret}

# Whoever tells of payments has to sign with it, see [web].
payment_secret = {payment_secret}

# For username of [mail].
# mail_password = ""
"""
_MADE = ("ami_listen", "ami_apply", "ami_end", "webhook_secret", "payment_secret")

_NEXT = """\
Next:
  siptrunk customer add NAME --title "Its name"
  siptrunk trunk add NAME --customer NAME --channels 10 --number NUMBER
  siptrunk carrier add NAME --profile PROFILE    (siptrunk carrier profiles lists them)
  siptrunk config install                        (one #include line in Asterisk's own files)
  siptrunk config apply
  siptrunk serve
  siptrunk web create-admin                      (with a port in [web]: the management interface)
What is still missing, 'siptrunk doctor' says."""


# What PostgreSQL says where it is there and the database is not.
_NO_DATABASE = re.compile(r'database "[^"]*" does not exist')


class _Zone(ReadType[str]):
    name = "zone"

    def read(self, text: str, context: click.Context | None) -> str:
        del context
        try:
            ZoneInfo(text)
        except (KeyError, ValueError, OSError):
            raise InvalidInput(f"{text!r} is no time zone; give one like Europe/Paris.") from None
        return text


class _Url(ReadType[str]):
    name = "url"

    def read(self, text: str, context: click.Context | None) -> str:
        del context
        try:
            url = open_engine(text).url
        except SettingsError as error:
            raise InvalidInput(str(error)) from None
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_absolute():
            raise InvalidInput(
                f"{text!r} names a file from where one stands: give its whole path, with four "
                "slashes, as in sqlite:////var/lib/siptrunk/siptrunk.db."
            )
        if url.password is not None:
            raise InvalidInput(
                "a password on the command line is seen by all, in 'ps'. Leave it out: PGPASSWORD "
                "or ~/.pgpass give it; or write the whole URL into the settings file."
            )
        return text


class _Server(ReadType[str]):
    name = "name"

    def read(self, text: str, context: click.Context | None) -> str:
        del context
        if SERVER_NAME.fullmatch(text):
            return text
        raise InvalidInput(f"{text[:80]!r}: use 1 to 64 letters, digits, '.', '_' and '-'.")


@click.command()
@click.option("--database-url", type=_Url(), help="Where the database is, see above.")
@click.option("--country", type=COUNTRY, help="Where trunks are unless they say otherwise.")
@click.option("--timezone", type=_Zone(), help="What people see times in (Europe/Paris).")
@click.option("--server", type=_Server(), help="This Asterisk's 'systemname'.")
@pass_desk
def command(desk: Desk, /, **options: str | None) -> None:
    """Make the settings, the secrets and the database.

    Run again it brings the database's schema up to date, and changes nothing else.

    \b
    The database's URL:
      sqlite:////var/lib/siptrunk/siptrunk.db       the default; four slashes
      postgresql+psycopg://user@host:5432/name      must exist: createdb name
    The password of PostgreSQL is no part of it: PGPASSWORD or ~/.pgpass give it,
    to this command and to all others.

    \b
    Examples:
      siptrunk init --country FR --timezone Europe/Paris --server pbx1
      siptrunk init --database-url postgresql+psycopg://siptrunk@db.example/siptrunk
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if _is_there(desk.file):
        _refuse_other(desk.settings, options)
        _check_database(desk.settings.database.url)
    else:
        # Before anything is written: settings with a wrong URL would contradict the corrected run.
        held_elsewhere = os.environ.get("SIPTRUNK_DATABASE_URL")
        default = Settings(desk.file).database.url
        _check_database(held_elsewhere or options["database_url"] or default)
    _settings_file(desk.file, options)
    _secrets_file(desk.file.with_name(SECRETS_FILE))
    _refuse_other(desk.settings, options)
    _database(desk)
    say(_NEXT)


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}.") from None


def _check_database(url: str) -> None:
    """Find out whether the database can be used; one of SQLite is made later."""
    engine = open_engine(url)
    if engine.dialect.name == "sqlite":
        return
    try:
        with reading(engine):
            pass
    except DatabaseUnavailable as error:
        if _NO_DATABASE.search(str(error)):
            raise DatabaseUnavailable(
                f"The database {describe(engine)} does not exist: make it first, as in 'createdb "
                f"--owner={engine.url.username or 'siptrunk'} {engine.url.database}', then run "
                "'siptrunk init' again."
            ) from None
        raise
    finally:
        engine.dispose()


def _settings_file(file: Path, options: dict[str, str | None]) -> None:
    if _is_there(file):
        say(f"{file} is there, and stays as it is.")
        return
    default = Settings(file)
    wanted = {
        "country": options["country"] or default.provider.country,
        "timezone": options["timezone"] or default.provider.timezone,
        "server": options["server"] or default.asterisk.server,
        "database_url": options["database_url"] or default.database.url,
    }
    _write(file, _SETTINGS_MODE, _filled(_SETTINGS, wanted))


def _secrets_file(file: Path) -> None:
    if _is_there(file):
        say(f"{file} is there, and stays as it is.")
        return
    _write(file, _SECRETS_MODE, _filled(_SECRETS, {name: new_secret() for name in _MADE}))


def _filled(text: str, values: dict[str, str]) -> str:
    # A JSON string is a TOML string.
    return text.format(**{key: json.dumps(value) for key, value in values.items()})


def _write(file: Path, mode: int, text: str) -> None:
    """Make a file that was never, not for an instant, more open than `mode`."""
    try:
        file.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            os.fchmod(descriptor, mode)  # the umask may have taken the group's bit
            stream.write(text)
    except OSError as error:
        raise SettingsError(f"{file} cannot be written: {error.strerror}.") from None
    say(f"{file} made.")


def _refuse_other(settings: Settings, options: dict[str, str | None]) -> None:
    """A setting that was asked for and does not hold must not be passed over in silence."""
    holds = {
        "country": ("provider", "country", settings.provider.country),
        "timezone": ("provider", "timezone", settings.provider.timezone),
        "server": ("asterisk", "server", settings.asterisk.server),
        "database_url": ("database", "url", settings.database.url),
    }
    for option, wanted in options.items():
        table, key, held = holds[option]
        if wanted is not None and wanted != held:
            raise InvalidInput(
                f"--{option.replace('_', '-')}: {_place(settings.file, table, key)} says "
                "otherwise; change it there, or leave the option out."
            )


def _place(file: Path, table: str, key: str) -> str:
    """Where a setting comes from, for people who are to change it."""
    variable = f"SIPTRUNK_{table}_{key}".upper()
    if variable in os.environ:
        return f"the environment's {variable}"
    inside = ""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        begun = line.strip()
        if begun.startswith("["):
            inside = begun.strip("[").partition("]")[0].strip()
        elif inside == table and begun.partition("=")[0].strip() == key:
            return f"{file}, line {number},"
    return f"the default, since {file} has no {key} in [{table}],"


def _database(desk: Desk) -> None:
    schema.make_place(desk.settings.database.url)
    schema.upgrade(desk.engine)
    with desk.changing() as (connection, by):
        is_new = provider_row.begin(connection)
        if is_new:
            rules.store_defaults(connection, by)
        pbxs.store_shipped(connection)
    with desk.changing() as (connection, by):
        months.make_ahead(connection, by.at)
    say(f"Database {describe(desk.engine)} " + ("made." if is_new else "is up to date."))
