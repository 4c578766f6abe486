"""The one place that wires settings, stores, services and edges.

An edge knows rooms and no other edge, so what the command line and the launchers need of the
database they get from here: its modules, by name. Jinja2, panoramisk and the AGI service load only
when a function asks for them: most commands do without.
"""

import asyncio
import logging
import os
import pwd
import random
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from asterisk_siptrunk.anomaly.countries import Countries, read_countries
from asterisk_siptrunk.anomaly.rule import Rule
from asterisk_siptrunk.anomaly.rule_file import read_rules, shipped_rules
from asterisk_siptrunk.asterisk.variables import APPLY_USER, END_USER, TRUNK_PREFIX
from asterisk_siptrunk.billing.dunning import Patience
from asterisk_siptrunk.billing.invoice import InvoiceDocument, Party
from asterisk_siptrunk.billing.office import Office
from asterisk_siptrunk.billing.payment import Outcome, Payment, PaymentState
from asterisk_siptrunk.billing_run import BillingRun, Ears
from asterisk_siptrunk.database import (
    accounts,
    answers,
    audit,
    backtest,
    backup,
    calls,
    carriers,
    catalogues,
    connecting,
    credit_notes,
    customers,
    dunning,
    estimate,
    exports,
    findings,
    foresight,
    holdings,
    invoices,
    itemised,
    months,
    notices,
    occupancy,
    orders,
    payments,
    pbxs,
    proofs,
    prune,
    quality,
    rates,
    rating,
    renewals,
    rollout,
    rules,
    schema,
    security,
    selling,
    servers,
    sessions,
    sightings,
    subscriptions,
    suspensions,
    tariffs,
    tokens,
    trunks,
    usage,
    watch_rules,
)
from asterisk_siptrunk.database import provider as provider_row
from asterisk_siptrunk.database.accounts import Closed, Keys
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.calls import Count, Registration
from asterisk_siptrunk.database.customers import Customer
from asterisk_siptrunk.database.engine import be_brief, describe, open_engine, reading, transaction
from asterisk_siptrunk.database.invoices import Invoice
from asterisk_siptrunk.database.ordering import Counter, Request
from asterisk_siptrunk.database.payments import Cashier, UnassignedPayment
from asterisk_siptrunk.database.rating import Rating
from asterisk_siptrunk.database.renewals import Bill, Refusal, Renewal, Rerating
from asterisk_siptrunk.database.trunks import Limit
from asterisk_siptrunk.delivery.ways import ways_of
from asterisk_siptrunk.destination import country_code
from asterisk_siptrunk.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    InvalidInput,
    SettingsError,
    SiptrunkError,
)
from asterisk_siptrunk.proving import Prover, Shown
from asterisk_siptrunk.settings import DEFAULT_FILE, Settings, load, settings_file
from asterisk_siptrunk.trunk import Carrier, Credentials, Trunk, digest, new_secret

if TYPE_CHECKING:
    from asterisk_siptrunk.asterisk.agi import AgiRequest
    from asterisk_siptrunk.asterisk.ami import AmiLogin
    from asterisk_siptrunk.asterisk.archive import JournalArchive
    from asterisk_siptrunk.asterisk.control import AmiControl
    from asterisk_siptrunk.asterisk.ending import AmiEnding
    from asterisk_siptrunk.database.inventory import DatabaseInventory
    from asterisk_siptrunk.delivery.courier import Courier
    from asterisk_siptrunk.generation.firewall import Limits
    from asterisk_siptrunk.generation.plan import Plan
    from asterisk_siptrunk.generation.store import Store
    from asterisk_siptrunk.web.server import WebServer

__all__ = [
    "PAPERS",
    "Bill",
    "BillingRun",
    "Business",
    "By",
    "Change",
    "Closed",
    "Count",
    "Customer",
    "Ears",
    "Invoice",
    "Keys",
    "Limit",
    "Prover",
    "Rating",
    "Refusal",
    "Registration",
    "Renewal",
    "Request",
    "Shown",
    "TakenPayment",
    "UnassignedPayment",
    "accounts",
    "agi_process",
    "answers",
    "ask_service",
    "audit",
    "backtest",
    "backup",
    "base_rules",
    "be_brief",
    "book_of_calls",
    "business",
    "calls",
    "carriers",
    "cashier",
    "catalogues",
    "connecting",
    "control",
    "counter",
    "courier",
    "credit_notes",
    "customers",
    "describe",
    "dunning",
    "engine",
    "estimate",
    "exports",
    "findings",
    "firewall",
    "foresight",
    "holdings",
    "inventory",
    "invoices",
    "issue_credentials",
    "itemised",
    "journal",
    "journal_is_lost",
    "load_settings",
    "months",
    "notices",
    "occupancy",
    "on_paper",
    "open_engine",
    "orders",
    "papers",
    "payments",
    "pbx_settings",
    "pbxs",
    "planned",
    "proofs",
    "prover",
    "provider_row",
    "prune",
    "quality",
    "rates",
    "rating",
    "reading",
    "renewals",
    "rerating",
    "roll_back",
    "rollout",
    "rules",
    "schema",
    "security",
    "selling",
    "serve",
    "serve_web",
    "servers",
    "sessions",
    "signature",
    "sip_server",
    "store",
    "subscriptions",
    "suspensions",
    "system_name",
    "take_payment",
    "tariffs",
    "tokens",
    "transaction",
    "trunks",
    "watch_rules",
    "way_back",
    "ways_of",
    "web_server",
]

PAPERS = ("pdf", "factur-x", "xml", "csv", "json")
"""How an invoice can be written to a file."""

log = logging.getLogger(__name__)


def load_settings(file: Path | None = None) -> Settings:
    """The settings of a file, or of the one that the environment names.

    Only the default file may be missing: whoever named another one means what stands in it.

    Raises:
        SettingsError: a value in it cannot be used, or a file that was named is not there.
    """
    file = file or settings_file()
    if file != DEFAULT_FILE and _is_missing(file):
        raise SettingsError(
            f"{file} is not there: 'siptrunk --config {shlex.quote(str(file))} init' makes it."
        )
    settings = load(file)
    try:
        country_code(settings.provider.country)
    except InvalidInput as error:
        raise SettingsError(f"{file}: [provider] country: {error}") from None
    return settings


def _is_missing(file: Path) -> bool:
    try:
        file.stat()
    except FileNotFoundError:
        return True
    except OSError:  # reading it tells more
        return False
    return False


def engine(settings: Settings, *, patient: bool = False) -> Engine:
    """The usage database; `patient` for commands whose one statement may read a whole month."""
    return open_engine(settings.database.url, patient=patient)


def signature() -> By:
    """Who makes a change, and when: the person behind sudo, else the account at work."""
    account = os.environ.get("SUDO_USER") or _account(os.getuid())
    return By(account, datetime.now(UTC))


def _account(uid: int) -> str:
    # Not getpass.getuser(): it believes $LOGNAME, which anyone can set.
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's made-up user
        return f"uid {uid}"


def issue_credentials(settings: Settings, trunk: str) -> tuple[Credentials, str]:
    """Make new credentials for a trunk: what is stored, and the secret to show once."""
    secret = new_secret()
    return digest(TRUNK_PREFIX + trunk, settings.asterisk.realm, secret), secret


def business(settings: Settings) -> Business:
    """How the provider sells, and who is told of it."""
    billing = settings.billing
    seller = Party(
        name=settings.provider.name,
        address=billing.address,
        country=settings.provider.country,
        tax_id=billing.tax_id,
        email=billing.email,
    )
    office = Office(
        seller=seller,
        zone=settings.provider.zone,
        percent=Decimal(billing.tax),
        prefix=billing.prefix,
        payment=billing.payment,
        order_time=timedelta(billing.order_days),
        due_time=timedelta(billing.due_days),
        patience=Patience(billing.reminder_days, billing.outbound_days, billing.all_days),
        reverse_charge=billing.reverse_charge,
    )
    return Business(office, ways_of(settings))


def base_rules(settings: Settings) -> tuple[Rule, ...]:
    """The watch's rules before anything was changed of them.

    Raises:
        SettingsError: the file of rules that the settings name cannot be read.
        InvalidInput: it has mistakes; a line for each.
    """
    if not settings.watch.rules:
        armed = settings.watch.armed
        return tuple(replace(rule, dry_run=rule.dry_run or not armed) for rule in shipped_rules())
    file = Path(settings.watch.rules)
    return read_rules(_text_for_watch(settings, "rules", file), str(file))


def countries(settings: Settings) -> Countries:
    """Where addresses are; nowhere, where the settings name no file of it.

    Raises:
        SettingsError: the file cannot be read.
        InvalidInput: it has mistakes; a line for each.
    """
    if not settings.watch.countries:
        return Countries()
    file = Path(settings.watch.countries)
    return read_countries(_text_for_watch(settings, "countries", file).splitlines(), str(file))


def _text_for_watch(settings: Settings, key: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise SettingsError(f"{settings.file}: [watch] {key}: {file}: {why}.") from None


def book_of_calls(settings: Settings, connection: Connection, at: datetime) -> sightings.Book:
    """What has to be known of trunks to see their calls as the watch does."""
    zone = settings.provider.zone
    return sightings.read_book(connection, zone, at, settings.watch.deck)


def counter(settings: Settings, connection: Connection, by: By) -> Counter:
    """Where orders are quoted."""
    return Counter(connection, by, business(settings))


def cashier(settings: Settings, connection: Connection, by: By) -> Cashier:
    """Where payments are taken."""
    return Cashier(connection, by, business(settings))


@dataclass(frozen=True, slots=True)
class TakenPayment:
    """What became of a payment; with it the credentials of a trunk that it made, to show once."""

    outcome: Outcome
    credentials: Credentials | None = None
    secret: str | None = field(default=None, repr=False)


def _take_told_payment(settings: Settings, given: Payment) -> Outcome:
    """A payment that other systems tell of; who gets a new trunk makes a secret for it later."""
    database = engine(settings)
    try:
        return take_payment(settings, database, given, author="webhook").outcome
    finally:
        database.dispose()


def take_payment(
    settings: Settings,
    database: Engine,
    given: Payment,
    author: str = "",
    at: datetime | None = None,
) -> TakenPayment:
    """Apply a payment: what it is for takes effect with it.

    `author` is who says so, where that is not the account at work; `at` is when, if not now.

    Raises:
        SiptrunkError: nothing of it was kept, and why.
    """
    made: list[tuple[Credentials, str]] = []

    def issue(trunk: str) -> Credentials:
        made.append(issue_credentials(settings, trunk))
        return made[-1][0]

    by = By(author, at or datetime.now(UTC)) if author else signature()
    with transaction(database) as connection:
        outcome = cashier(settings, connection, by).pay(given, issue)
    applied = outcome.state is PaymentState.APPLIED
    return TakenPayment(outcome, *(made[-1] if made and applied else ()))


def control(settings: Settings) -> "AmiControl":
    """The Asterisk beside us, to be told and asked; it connects at each question."""
    from asterisk_siptrunk.asterisk.control import AmiControl  # noqa: PLC0415 - see above

    return AmiControl(_login(settings))


def _ending(settings: Settings) -> "AmiEnding | None":
    """Who ends calls of the Asterisk beside us; None where its secret is not given."""
    from asterisk_siptrunk.asterisk.ami import AmiLogin  # noqa: PLC0415
    from asterisk_siptrunk.asterisk.ending import AmiEnding  # noqa: PLC0415

    secret = settings.secrets.ami_end
    login = AmiLogin(settings.ami.host, settings.ami.port, END_USER, secret)
    return AmiEnding(login) if secret else None


def _login(settings: Settings) -> "AmiLogin":
    from asterisk_siptrunk.asterisk.ami import AmiLogin  # noqa: PLC0415

    return AmiLogin(settings.ami.host, settings.ami.port, APPLY_USER, settings.secrets.ami_apply)


def system_name(settings: Settings) -> str:
    """What the Asterisk beside us calls itself, "" if nothing.

    Raises:
        AmiError: it cannot be asked.
    """
    from asterisk_siptrunk.asterisk.ami import connect  # noqa: PLC0415

    async def ask() -> str:
        async with connect(_login(settings), events=False) as connection:
            return (await connection.action("CoreSettings")).fields.get("SystemName", "")

    return asyncio.run(ask())


def ask_service(settings: Settings) -> str:
    """Ask the admission service as Asterisk would: a word of `asterisk.probe.Service`."""
    from asterisk_siptrunk.asterisk import probe  # noqa: PLC0415

    return probe.ask_service(settings.agi.host, settings.agi.port)


def journal_is_lost(settings: Settings, connection: Connection) -> bool:
    """Whether the journal that is to be read on is gone, or compressed, before it was read."""
    from asterisk_siptrunk.asterisk.journal import is_lost  # noqa: PLC0415

    position = usage.position(connection, settings.asterisk.server)
    return position is not None and is_lost(settings.asterisk.journal, position)


def journal(settings: Settings, since: datetime) -> "JournalArchive":
    """The whole call journal of the Asterisk beside us, with every call that ended since then.

    Raises:
        JournalUnreadable: there is none, or it cannot be read.
    """
    from asterisk_siptrunk.asterisk.archive import JournalArchive  # noqa: PLC0415

    return JournalArchive(settings.asterisk.journal, since)


def prover(
    settings: Settings, database: Engine, sign: Callable[[], By], shown: Shown | None = None
) -> Prover:
    """What proves that the usage of the Asterisk beside us is complete."""
    server = settings.asterisk.server
    return Prover(database, server, partial(journal, settings), sign, shown or Shown())


def inventory(database: Engine) -> "DatabaseInventory":
    """What configuration is rendered from."""
    from asterisk_siptrunk.database.inventory import DatabaseInventory  # noqa: PLC0415

    return DatabaseInventory(database)


def store(settings: Settings) -> "Store":
    """Our folder beside Asterisk's own files."""
    from asterisk_siptrunk.generation.store import Store  # noqa: PLC0415

    return Store(settings.asterisk.config_dir, settings.asterisk.group)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the configuration of the Asterisk beside us, for people; without secrets."""

    generation: str
    is_empty: bool
    words: str
    diff: str


def planned(settings: Settings, database: Engine) -> Change | None:
    """What an apply would change here; None where there is no Asterisk of ours on this machine.

    Raises:
        SiptrunkError: nothing can be applied, and why.
    """
    from asterisk_siptrunk.generation.plan import make_plan  # noqa: PLC0415

    ours = store(settings)
    if not ours.is_here:
        return None
    return _change(make_plan(inventory(database), settings, ours))


def way_back(settings: Settings) -> Change | None:
    """What going back to the generation before would change here; None where there is none.

    Raises:
        ConfigurationError: its files cannot be read.
    """
    from asterisk_siptrunk.generation.plan import plan_back  # noqa: PLC0415

    back = plan_back(store(settings))
    return None if back is None else _change(back)


def _change(plan: "Plan") -> Change:
    return Change(plan.after.generation, plan.is_empty, plan.in_words(), plan.diff(whole=False))


def roll_back(settings: Settings, database: Engine) -> tuple[str, tuple[str, ...]]:
    """Have the Asterisk beside us go back to the generation before.

    Returns:
        The generation, and what a person should know although it went well.

    Raises:
        SiptrunkError: it does not; then all is as it was.
    """
    from asterisk_siptrunk.generation import apply  # noqa: PLC0415

    done, notes = apply.roll_back(store(settings), control(settings))
    try:
        with transaction(database) as connection:
            rollout.settle(connection, settings.asterisk.server, done.after.generation)
    except DatabaseUnavailable as error:  # no reason not to go back
        notes += (f"The database knows nothing of this: {error}",)
    return done.after.generation, notes


def pbx_settings(
    settings: Settings, trunk: Trunk, credentials: Credentials | None, kind: str
) -> str:
    """What the customer of a trunk pastes into its PBX, of a kind of `generation.pbx.PbxKind`.

    Raises:
        TemplateFailed: the address that customers call, or a template, cannot be used.
    """
    from asterisk_siptrunk.generation import pbx  # noqa: PLC0415
    from asterisk_siptrunk.generation.render import site_templates  # noqa: PLC0415

    username = credentials.username if credentials else TRUNK_PREFIX + trunk.name
    asterisk = settings.asterisk
    templates = site_templates(asterisk)
    return pbx.pbx_settings(trunk, username, asterisk, pbx.PbxKind(kind), templates)


def sip_server(settings: Settings, trunk: Trunk) -> tuple[str, int]:
    """Where the PBX of a trunk finds us: host and port."""
    from asterisk_siptrunk.generation import pbx  # noqa: PLC0415

    return pbx.sip_server(trunk, settings.asterisk)


def firewall(settings: Settings, upstream: Iterable[Carrier], limits: "Limits") -> str:
    """The table of nftables that keeps a flood from the Asterisk beside us.

    Raises:
        InvalidInput: it is not known where SIP is listened for.
        TemplateFailed: a template cannot be used.
    """
    from asterisk_siptrunk.generation.firewall import ruleset  # noqa: PLC0415
    from asterisk_siptrunk.generation.render import site_templates  # noqa: PLC0415

    return ruleset(settings.asterisk, upstream, limits, site_templates(settings.asterisk))


def serve(settings: Settings, ready: Callable[[int], None]) -> None:
    """Admit calls and record their usage until told to stop; `ready` is told the AGI port.

    Raises:
        SiptrunkError: the service cannot begin.
    """
    from asterisk_siptrunk import daemon  # noqa: PLC0415

    database = engine(settings)
    try:
        # Whoever starts a service wants to hear at once that it cannot work.
        with transaction(database):
            pass
        schema.require_current(database)
        bring = partial(_bring, settings.file)
        means = daemon.Means(
            engine=database,
            control=control(settings),
            bring=bring,
            web=web_server(settings),
            business=business(settings),
            rules=base_rules(settings),
            countries=countries(settings),
            ending=_ending(settings),
        )
        daemon.run(settings, means, ready)
    finally:
        database.dispose()


def serve_web(settings: Settings, ready: Callable[[int], None]) -> None:
    """Serve what `serve` serves over HTTP, and nothing else; `ready` is told the port.

    Raises:
        SiptrunkError: it cannot begin.
    """
    database = engine(settings)
    try:
        schema.require_current(database)
    finally:
        database.dispose()
    server = web_server(settings)
    if server is None:
        raise SettingsError(f"{settings.file}: [web] port is 0: say where to serve.")
    server.start()
    ready(server.port)
    server.until_stopped()


def web_server(settings: Settings) -> "WebServer | None":
    """What serves the management interface, its API and the webhooks; None where none is wanted.

    Raises:
        SiptrunkError: its address cannot be had.
    """
    if not settings.web.port:
        return None
    # Late: who serves nothing over HTTP does without the memory that this takes.
    from asterisk_siptrunk.web.app import make_app  # noqa: PLC0415
    from asterisk_siptrunk.web.house import House  # noqa: PLC0415
    from asterisk_siptrunk.web.server import WebServer  # noqa: PLC0415

    # Connections of its own: pages must not wait for calls, nor calls for pages.
    house = House(settings, engine(settings, patient=True), lambda: datetime.now(UTC))
    return WebServer(make_app(house, partial(_take_told_payment, settings)), settings.web)


def rerating(settings: Settings, database: Engine, trunk: str, first: date) -> Rerating:
    """A period of a trunk, to be rated again.

    Raises:
        NotFound: there is no such trunk, or no period of it begins that day.
    """
    return Rerating(database, business(settings), trunk, first)


def papers() -> tuple[str, ...]:
    """Those of `PAPERS` that can be made here."""
    from asterisk_siptrunk import documents  # noqa: PLC0415

    return PAPERS if documents.has_extra() else ("csv", "json")


def on_paper(document: InvoiceDocument, kind: str) -> bytes:
    """An invoice as a file of one of the `PAPERS`.

    Raises:
        InvalidInput: it needs the extra `invoices`, which is not installed.
    """
    from asterisk_siptrunk import documents  # noqa: PLC0415

    match kind:
        case "pdf":
            return documents.to_pdf(document)
        case "factur-x":
            return documents.to_factur_x(document)
        case "xml":
            return documents.to_xml(document)
        case "csv":
            return documents.to_csv(document).encode()
        case _:
            return documents.to_json(document).encode()


def courier(settings: Settings) -> "Courier":
    """Takes notices to people and to other systems, at once."""
    from asterisk_siptrunk.delivery.courier import Courier  # noqa: PLC0415

    return Courier(settings, lambda: datetime.now(UTC))


def _bring(file: Path) -> str:
    """Have the Asterisk beside us go by what the database says now; gives the generation.

    By the settings as they stand now, as the command would: the service may run since before.

    Raises:
        SiptrunkError: it does not; what it went by before is in place.
    """
    from asterisk_siptrunk.generation.apply import apply_plan  # noqa: PLC0415
    from asterisk_siptrunk.generation.plan import make_plan  # noqa: PLC0415
    from asterisk_siptrunk.generation.surroundings import require_fit  # noqa: PLC0415

    settings = load_settings(file)
    if settings.agi.process and "CREDENTIALS_DIRECTORY" in os.environ:
        # Its path would go into the dialplan, and only this service sees that file.
        raise ConfigurationError(
            "with [agi] process the service cannot apply by systemd's copy of the settings: run "
            "'siptrunk config apply --here' on this server."
        )
    database = engine(settings, patient=True)
    try:
        schema.require_current(database)
        require_fit(settings.asterisk)
        plan = make_plan(inventory(database), settings, store(settings))
    finally:
        database.dispose()
    for note in apply_plan(plan, store(settings), control(settings)):
        log.warning(note)
    return plan.after.generation


def agi_process(file: Path) -> int:
    """Answer one AGI request on stdin and stdout by these settings; the process's exit status.

    Whatever fails here leaves the call to the dialplan's own rules.
    """
    from asterisk_siptrunk.admission_service import AdmissionService  # noqa: PLC0415
    from asterisk_siptrunk.asterisk.process import answer_once  # noqa: PLC0415
    from asterisk_siptrunk.call import Via  # noqa: PLC0415
    from asterisk_siptrunk.call.memory import CallMemory  # noqa: PLC0415
    from asterisk_siptrunk.database.admission import Admission  # noqa: PLC0415
    from asterisk_siptrunk.database.terms import TermsMemory  # noqa: PLC0415

    try:
        settings = load_settings(file)
        country = settings.provider.country
        admission = Admission(country, random.random, Via.PROCESS, CallMemory(), TermsMemory())
        service = AdmissionService(
            settings.asterisk.server,
            admission,
            lambda: datetime.now(UTC),
            settings.asterisk.admission_seconds,
        )
        database = engine(settings)

        def answer(request: "AgiRequest") -> Mapping[str, str]:
            with transaction(database) as connection:
                return service.work(request)(connection)

        return 0 if answer_once(sys.stdin, sys.stdout, answer) else 1
    except SiptrunkError as error:
        print(error, file=sys.stderr)  # noqa: T201 - Asterisk's console shows it
        return 1
    except Exception as error:  # noqa: BLE001 - no traceback on Asterisk's console
        print(f"siptrunk: {type(error).__name__}: a defect", file=sys.stderr)  # noqa: T201
        return 1
