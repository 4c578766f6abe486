"""Settings: read once, frozen, from siptrunk.toml and then from SIPTRUNK_* variables.

A key `ring_seconds` of the table `[asterisk]` is overridden by `SIPTRUNK_ASTERISK_RING_SECONDS`.
Secrets stand in a file of their own, readable by its owner alone: `secrets.toml` beside it.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from asterisk_siptrunk.errors import SettingsError

DEFAULT_FILE = Path("/etc/siptrunk/siptrunk.toml")
SECRETS_FILE = "secrets.toml"
SERVER_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
"""What `server` of `[asterisk]` may be."""
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_VERSION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,5})*", re.ASCII)
_HIGHEST_PORT = 65_535
_LONGEST_RINGING = 3600
# A caller hears nothing meanwhile; and a look at the channels must not take a call that still
# asks for one that was missed.
_LONGEST_ADMISSION = 5
_WHOLE = 100
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,4})?", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z0-9._/-]{0,20}", re.ASCII)
_MOST_DAYS = 365


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Who runs the service.

    Attributes:
        country: ISO 3166, where a trunk is unless it says otherwise.
        timezone: IANA name, what people see times in; the database is in UTC.
    """

    name: str = "provider"
    country: str = "FR"
    timezone: str = "Europe/Paris"

    @property
    def zone(self) -> ZoneInfo:
        """The provider's time zone."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where calls and trunks are kept: SQLite by default, PostgreSQL by URL."""

    url: str = field(default="sqlite:////var/lib/siptrunk/siptrunk.db", repr=False)


@dataclass(frozen=True, slots=True)
class AgiSettings:
    """The admission service.

    Attributes:
        host, port: where it listens, and where the dialplan asks; an IP address, since Asterisk
            would look a name up in the call's own thread.
        peers: addresses that may ask.
        process: for an Asterisk that can reach no service: the dialplan starts a process for each
            call instead (agi_scripts/siptrunk_agi.py), at some fifty times the cost.
    """

    host: str = "127.0.0.1"
    port: int = 4573
    peers: tuple[str, ...] = ("127.0.0.1", "::1")
    process: bool = False


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """Asterisk's manager interface; our two users of it are `siptrunk-listen` and `-apply`."""

    host: str = "127.0.0.1"
    port: int = 5038


@dataclass(frozen=True, slots=True)
class AsteriskSettings:
    """The Asterisk server beside us.

    Attributes:
        server: its name in the usage database; must be `systemname` in its asterisk.conf.
        config_dir: its astetcdir, where our folder `siptrunk/` is kept.
        journal: the call journal (CDR) that it writes for us.
        group: the group that may read the files, since Asterisk has its own user; "" leaves it.
        binary: the program, for `config check`; "" checks without a throw-away Asterisk.
        root: the directory it is chrooted to, if it is; paths it sees begin below.
        version: of Asterisk, "22.10": which digests it takes.
        realm: the protection domain of our trunks' credentials.
        dedicated: nobody else listens to this Asterisk's manager interface, so events that we do
            not read are switched off for the whole server: each call costs less.
        global_section: write `[global]` of PJSIP; off where the server's own pjsip.conf has one.
        ring_seconds: how long a call may ring.
        admission_seconds: how long the dialplan waits for the admission service.
        tls_certificate, tls_key: files for the TLS transport; both empty: no TLS offered.
        tls_port: where TLS is offered.
        address: the public IP or name that customers' PBXs call; only shown to them.
        bind: addresses that SIP listens on; add "::" for IPv6.
        sip_port: for UDP and TCP; 0 leaves the transports to the server's own pjsip.conf.
        templates: a folder whose templates replace ours, file by file; "" is none.
        alone_share: percent of each trunk's channels that this server may use while it cannot
            reach the database, or its service is away. 100 is for the only server. Where several
            serve the same trunks, 0 has their calls go on to another server (503) then; a share is
            left free by the others while this server gives them no sign of life.
    """

    server: str = "asterisk"
    config_dir: Path = Path("/etc/asterisk")
    journal: Path = Path("/var/log/asterisk/cdr-custom/siptrunk.csv")
    group: str = "asterisk"
    binary: str = "asterisk"
    root: str = ""
    version: str = "22.10"
    realm: str = "siptrunk"
    dedicated: bool = False
    global_section: bool = True
    ring_seconds: int = 120
    admission_seconds: int = 3
    tls_certificate: str = ""
    tls_key: str = ""
    tls_port: int = 5061
    address: str = ""
    # A SIP server is there to be called.
    bind: tuple[str, ...] = ("0.0.0.0",)  # noqa: S104 # nosec B104
    sip_port: int = 5060
    templates: str = ""
    alone_share: int = 100

    @property
    def version_pair(self) -> tuple[int, int]:
        """Major and minor version as numbers."""
        major, _, rest = self.version.partition(".")
        return int(major), int(rest.split(".")[0] or 0)


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """What Prometheus may read of the service.

    Attributes:
        host: an IP address; what is told there tells how busy each trunk is.
        port: 0 opens none.
    """

    host: str = "127.0.0.1"
    port: int = 0


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How mails to customers go out.

    Attributes:
        host: the server that takes them; "" sends none.
        security: "starttls", "tls" from the first byte on, or "none".
        sender: the address that they come from.
        username: what to log in as, with `mail_password` of secrets.toml; "" logs in nowhere.
    """

    host: str = ""
    port: int = 587
    security: str = "starttls"
    sender: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """The provider's own systems that are told what happens to its customers.

    Attributes:
        url: where they are told, http or https; "" is nowhere. It is never shown: a token may
            stand in it.
    """

    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What is served over HTTP: the management interface, its API, and payments by webhook.

    Attributes:
        host: an IP address; other machines come by a reverse proxy, which has the certificate.
        port: 0 serves nothing.
        proxies: addresses of such proxies: what their X-Forwarded-For says is believed.
    """

    host: str = "127.0.0.1"
    port: int = 0
    proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What the service writes to its log.

    Attributes:
        format: "text" for people, "json" for programs: one object a line.
        level: the least that is written; "debug" has a line for each verdict.
    """

    format: str = "text"
    level: str = "info"


@dataclass(frozen=True, slots=True)
class BillingSettings:
    """What invoices say of the provider, and how long it waits for its money.

    Attributes:
        address: its lines, as on a letter.
        tax_id: its VAT number.
        email: where customers write about invoices.
        tax: percent, of customers who have no rate of their own.
        payment: how to pay, as it stands on invoices.
        prefix: begins each invoice's number.
        reverse_charge: what an invoice without tax says of it.
        order_days: how long an order may be paid at its price; never beyond its period.
        due_days: from an invoice's day to the last one on which it is paid in time.
        reminder_days, outbound_days, all_days: after that: a reminder is sent, outbound calls are
            suspended, all calls are. Emergency calls pass, as ever.
    """

    address: tuple[str, ...] = ()
    tax_id: str = ""
    email: str = ""
    tax: str = "20"
    payment: str = ""
    prefix: str = ""
    reverse_charge: str = "Reverse charge: the tax is due by the customer."
    order_days: int = 3
    due_days: int = 30
    reminder_days: int = 3
    outbound_days: int = 14
    all_days: int = 28


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """The watch over abnormal use.

    Attributes:
        armed: whether the rules that ship do what they say; else they note what they would have
            done. Each rule can be armed by itself, and in a file of your own each says it itself.
        rules: a file of rules in the place of those that ship; "" is these.
        deck: the rates that calls of trunks without a subscription are counted by; "" counts
            nothing for them.
        countries: a file of networks and their countries; "" tells no registration's country.
    """

    armed: bool = False
    rules: str = ""
    deck: str = ""
    countries: str = ""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Secrets; never shown.

    Attributes:
        ami_listen, ami_apply, ami_end: of our AMI users; without the last no running call is ended.
        mail_password: what we log in with at the server that takes our mails.
        webhook_secret: signs what we tell the provider's systems.
        payment_secret: signs what we are told of payments.
    """

    ami_listen: str = field(default="", repr=False)
    ami_apply: str = field(default="", repr=False)
    ami_end: str = field(default="", repr=False)
    mail_password: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
    payment_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it; `kept` are the secrets, or why this account may not read them."""

    file: Path
    provider: ProviderSettings = ProviderSettings()
    database: DatabaseSettings = DatabaseSettings()
    agi: AgiSettings = AgiSettings()
    ami: AmiSettings = AmiSettings()
    asterisk: AsteriskSettings = AsteriskSettings()
    metrics: MetricsSettings = MetricsSettings()
    mail: MailSettings = MailSettings()
    webhook: WebhookSettings = WebhookSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    billing: BillingSettings = BillingSettings()
    watch: WatchSettings = WatchSettings()
    kept: Secrets | str = field(default=Secrets(), repr=False)

    @property
    def secrets(self) -> Secrets:
        """The secrets.

        Raises:
            SettingsError: this account may not read them; most commands do without.
        """
        if isinstance(self.kept, str):
            raise SettingsError(self.kept)
        return self.kept


_TABLES = {
    "provider": ProviderSettings,
    "database": DatabaseSettings,
    "agi": AgiSettings,
    "ami": AmiSettings,
    "asterisk": AsteriskSettings,
    "metrics": MetricsSettings,
    "mail": MailSettings,
    "webhook": WebhookSettings,
    "web": WebSettings,
    "log": LogSettings,
    "billing": BillingSettings,
    "watch": WatchSettings,
}
_WORDS = {
    "format": ("text", "json"),
    "level": ("debug", "info", "warning", "error"),
}
"""What the keys of [log] may be."""
_SECURITY = ("starttls", "tls", "none")
_EMAIL = re.compile(r"[^\s@<>,;:\"()]+@[^\s@<>,;:\"()]+")
_SCHEMES = {"http", "https"}


def settings_file(environment: Mapping[str, str] | None = None) -> Path:
    """The file that holds: $SIPTRUNK_CONFIG, else /etc/siptrunk/siptrunk.toml."""
    environment = os.environ if environment is None else environment
    return Path(environment.get("SIPTRUNK_CONFIG") or DEFAULT_FILE)


def load(file: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; a file that is not there leaves every default.

    A file that was named and is not there is for whoever named it: see `bootstrap.load_settings`.

    Raises:
        SettingsError: a table, key or value that we do not know, and where it stands.
    """
    environment = os.environ if environment is None else environment
    tables = _read_toml(file)
    if unknown := sorted(set(tables) - set(_TABLES)):
        raise SettingsError(
            f"{file}: there is no table [{unknown[0]}]; there are {', '.join(sorted(_TABLES))}."
        )
    made = {
        name: _table(kind, name, tables.get(name, {}), file, environment)
        for name, kind in _TABLES.items()
    }
    return _checked(Settings(file=file, kept=_secrets(file, environment), **made))


def _secrets(file: Path, environment: Mapping[str, str]) -> Secrets | str:
    """The secrets beside a settings file, or why this account cannot have them."""
    secrets = file.with_name(SECRETS_FILE)
    if os.access(secrets, os.F_OK) and not os.access(secrets, os.R_OK):
        return f"{secrets} cannot be read by this account, and this needs it: run it as its owner."
    made: Secrets = _table(Secrets, "secrets", _read_toml(secrets), secrets, environment)
    return made


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: this is not TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}.") from None


def _table(
    kind: type[Any], name: str, given: object, file: Path, environment: Mapping[str, str]
) -> Any:  # noqa: ANN401 - one of the dataclasses above
    if not isinstance(given, dict):
        raise SettingsError(f"{file}: {name} must be a table, [{name}].")
    hints = get_type_hints(kind)
    if unknown := sorted(set(given) - set(hints)):
        raise SettingsError(f"{file}: [{name}] has no key {unknown[0]!r}.")
    values = {
        key: _typed(hints[key], value, f"{file}: [{name}] {key}") for key, value in given.items()
    }
    for key in (known.name for known in fields(kind)):
        variable = f"SIPTRUNK_{name}_{key}".upper()
        if variable in environment:
            values[key] = _from_text(hints[key], environment[variable], variable)
    return kind(**values)


def _typed(hint: object, value: object, where: str) -> object:
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint == tuple[str, ...] and isinstance(value, list):
        return tuple(map(str, value))
    if isinstance(hint, type) and type(value) is hint:
        return value
    expected = "list of strings" if hint == tuple[str, ...] else getattr(hint, "__name__", hint)
    # The value itself is not shown: it may be a secret that was written without its quotes.
    kind = type(value).__name__
    raise SettingsError(f"{where}: this is of the kind {kind}, and {expected} is needed.")


def _from_text(hint: object, text: str, variable: str) -> object:
    if hint == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if hint is bool and text.lower() in {"true", "false", "yes", "no", "1", "0"}:
        return text.lower() in {"true", "yes", "1"}
    if hint is int and text.isascii() and text.isdigit():
        return int(text)
    if hint is str or hint is Path:
        return hint(text)
    raise SettingsError(f"{variable}: {text[:40]!r} cannot be used there.")


def _checked(settings: Settings) -> Settings:
    for where, wrong in _mistakes(settings):
        raise SettingsError(f"{settings.file}: {where}: {wrong}.")
    return settings


def _mistakes(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot be used, one by one: the place, and what is wrong with it."""
    yield from _mistakes_of_provider(settings.provider)
    yield from _mistakes_of_addresses(settings)
    yield from _mistakes_of_asterisk(settings.asterisk)
    yield from _mistakes_of_tls(settings.asterisk)
    yield from _mistakes_of_mail(settings.mail)
    yield from _mistakes_of_webhook(settings.webhook.url)
    yield from _mistakes_of_log(settings.log)
    yield from _mistakes_of_billing(settings.billing)


def _mistakes_of_provider(provider: ProviderSettings) -> Iterator[tuple[str, str]]:
    if not _COUNTRY.fullmatch(provider.country):
        yield "[provider] country", f"{provider.country!r}: give two capital letters, as in FR"
    try:
        provider.zone  # noqa: B018 - asked for its error
    except (ValueError, KeyError, OSError):
        wrong = f"{provider.timezone!r} is no time zone; give one like Europe/Paris"
        yield "[provider] timezone", wrong


def _mistakes_of_addresses(settings: Settings) -> Iterator[tuple[str, str]]:
    lists = {
        "[agi] host": (settings.agi.host,),
        "[agi] peers": settings.agi.peers,
        "[metrics] host": (settings.metrics.host,),
        "[web] host": (settings.web.host,),
        "[web] proxies": settings.web.proxies,
        "[asterisk] bind": settings.asterisk.bind,
    }
    for where, addresses in lists.items():
        for text in addresses:
            if not _is_address(text):
                yield where, f"{text!r} is no IP address"
    ports = {
        "[agi] port": (settings.agi.port, 1),
        "[ami] port": (settings.ami.port, 1),
        "[metrics] port": (settings.metrics.port, 0),
        "[mail] port": (settings.mail.port, 1),
        "[web] port": (settings.web.port, 0),
        "[asterisk] tls_port": (settings.asterisk.tls_port, 1),
        "[asterisk] sip_port": (settings.asterisk.sip_port, 0),
    }
    for where, (port, lowest) in ports.items():
        if not lowest <= port <= _HIGHEST_PORT:
            yield where, f"{port} is no port; give {lowest} to {_HIGHEST_PORT}"


def _mistakes_of_asterisk(asterisk: AsteriskSettings) -> Iterator[tuple[str, str]]:
    if not SERVER_NAME.fullmatch(asterisk.server):
        wrong = f"{asterisk.server!r}: use 1 to 64 letters, digits, '.', '_' and '-'"
        yield "[asterisk] server", wrong
    if not _VERSION.fullmatch(asterisk.version):
        yield "[asterisk] version", f"{asterisk.version!r} is no version; give it as in 22.10"
    if not 1 <= asterisk.ring_seconds <= _LONGEST_RINGING:
        wrong = f"{asterisk.ring_seconds} is not between 1 and {_LONGEST_RINGING}"
        yield "[asterisk] ring_seconds", wrong
    if not 1 <= asterisk.admission_seconds <= _LONGEST_ADMISSION:
        wrong = f"{asterisk.admission_seconds} is not between 1 and {_LONGEST_ADMISSION}"
        yield "[asterisk] admission_seconds", wrong
    if not 0 <= asterisk.alone_share <= _WHOLE:
        yield "[asterisk] alone_share", f"{asterisk.alone_share} is no percentage; give 0 to 100"


def _mistakes_of_tls(asterisk: AsteriskSettings) -> Iterator[tuple[str, str]]:
    for key in ("templates", "tls_certificate", "tls_key"):
        text = getattr(asterisk, key)
        if text and not (text.strip() and text.isprintable()):
            yield f"[asterisk] {key}", f"{text!r} is no path"
    given = {"tls_certificate": asterisk.tls_certificate, "tls_key": asterisk.tls_key}
    missing = [key for key, path in given.items() if not path]
    if len(missing) == 1:
        yield f"[asterisk] {missing[0]}", "TLS needs the certificate and its key; give both or none"


def _mistakes_of_mail(mail: MailSettings) -> Iterator[tuple[str, str]]:
    if mail.security not in _SECURITY:
        yield "[mail] security", f"{mail.security!r}: give one of {', '.join(_SECURITY)}"
    if mail.host and not (mail.sender.isprintable() and _EMAIL.fullmatch(mail.sender)):
        yield "[mail] sender", f"{mail.sender!r} is no address that mails could come from"
    if mail.username and mail.security == "none":
        wrong = 'a password goes over no line that is open to all; set security to "starttls"'
        yield "[mail] username", wrong


def _mistakes_of_webhook(url: str) -> Iterator[tuple[str, str]]:
    # The URL is not repeated: a token may stand in it.
    if url and not _is_web_address(url):
        wrong = "this is no URL; give one like https://erp.example/siptrunk, in ASCII"
        yield "[webhook] url", wrong


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - asked for its error
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and " " not in url
    named = parts.hostname is not None and parts.username is None
    return plain and named and parts.scheme in _SCHEMES


def _mistakes_of_log(log: LogSettings) -> Iterator[tuple[str, str]]:
    for key, words in _WORDS.items():
        if (given := getattr(log, key)) not in words:
            yield f"[log] {key}", f"{given!r}: give one of {', '.join(words)}"


def _mistakes_of_billing(billing: BillingSettings) -> Iterator[tuple[str, str]]:
    if not _PERCENT.fullmatch(billing.tax) or float(billing.tax) > _WHOLE:
        yield "[billing] tax", f"{billing.tax!r} is no percentage; give 0 to 100, as in 5.5"
    if not _PREFIX.fullmatch(billing.prefix):
        wrong = f"{billing.prefix!r}: use at most 20 letters, digits, '-', '_', '.' and '/'"
        yield "[billing] prefix", wrong
    for key in ("order_days", "due_days", "reminder_days", "outbound_days", "all_days"):
        days = getattr(billing, key)
        least = 1 if key == "order_days" else 0
        if not least <= days <= _MOST_DAYS:
            yield f"[billing] {key}", f"{days}: give {least} to {_MOST_DAYS} days"
    if not billing.reminder_days <= billing.outbound_days <= billing.all_days:
        wrong = "the steps are reminder_days, then outbound_days, then all_days: let them rise"
        yield "[billing]", wrong


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a scope: no file of Asterisk's takes one
