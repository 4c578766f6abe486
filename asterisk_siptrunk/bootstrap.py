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
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from asterisk_siptrunk.asterisk.variables import APPLY_USER, TRUNK_PREFIX
from asterisk_siptrunk.database import (
    audit,
    backup,
    calls,
    carriers,
    customers,
    exports,
    months,
    notices,
    prune,
    rollout,
    rules,
    schema,
    security,
    servers,
    trunks,
    usage,
)
from asterisk_siptrunk.database import provider as provider_row
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import describe, open_engine, reading, transaction
from asterisk_siptrunk.delivery.ways import ways_of
from asterisk_siptrunk.destination import country_code
from asterisk_siptrunk.errors import (
    ConfigurationError,
    InvalidInput,
    SettingsError,
    SiptrunkError,
)
from asterisk_siptrunk.settings import DEFAULT_FILE, Settings, load, settings_file
from asterisk_siptrunk.trunk import Credentials, Trunk, digest, new_secret

if TYPE_CHECKING:
    from asterisk_siptrunk.asterisk.agi import AgiRequest
    from asterisk_siptrunk.asterisk.ami import AmiLogin
    from asterisk_siptrunk.asterisk.archive import JournalArchive
    from asterisk_siptrunk.asterisk.control import AmiControl
    from asterisk_siptrunk.billing.payment import Outcome, Payment
    from asterisk_siptrunk.database.inventory import DatabaseInventory
    from asterisk_siptrunk.delivery.courier import Courier
    from asterisk_siptrunk.generation.store import Store

__all__ = [
    "By",
    "agi_process",
    "ask_service",
    "audit",
    "backup",
    "calls",
    "carriers",
    "control",
    "courier",
    "customers",
    "describe",
    "engine",
    "exports",
    "inventory",
    "issue_credentials",
    "journal",
    "journal_is_lost",
    "load_settings",
    "months",
    "notices",
    "open_engine",
    "pbx_settings",
    "provider_row",
    "prune",
    "reading",
    "rollout",
    "rules",
    "schema",
    "security",
    "serve",
    "serve_web",
    "servers",
    "signature",
    "store",
    "system_name",
    "transaction",
    "trunks",
    "ways_of",
]

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


def control(settings: Settings) -> "AmiControl":
    """The Asterisk beside us, to be told and asked; it connects at each question."""
    from asterisk_siptrunk.asterisk.control import AmiControl  # noqa: PLC0415 - see above

    return AmiControl(_login(settings))


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


def inventory(database: Engine) -> "DatabaseInventory":
    """What configuration is rendered from."""
    from asterisk_siptrunk.database.inventory import DatabaseInventory  # noqa: PLC0415

    return DatabaseInventory(database)


def store(settings: Settings) -> "Store":
    """Our folder beside Asterisk's own files."""
    from asterisk_siptrunk.generation.store import Store  # noqa: PLC0415

    return Store(settings.asterisk.config_dir, settings.asterisk.group)


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
        means = daemon.Means(database, control(settings), bring, _take_payment)
        daemon.run(settings, means, ready)
    finally:
        database.dispose()


def serve_web(settings: Settings, ready: Callable[[int], None]) -> None:
    """Serve what `serve` serves over HTTP, and nothing else; `ready` is told the port.

    Raises:
        SiptrunkError: it cannot begin.
    """
    from asterisk_siptrunk.web.app import make_app  # noqa: PLC0415
    from asterisk_siptrunk.web.server import WebServer  # noqa: PLC0415

    if not settings.web.port:
        raise SettingsError(f"{settings.file}: [web] port is 0: say where to serve.")
    app = make_app(_take_payment, settings.secrets.payment_secret, time.time)
    server = WebServer(app, settings.web)
    server.start()
    ready(server.port)
    server.until_stopped()


def _take_payment(payment: "Payment") -> "Outcome":
    """What becomes of a payment: kept and applied by none so far, so it has to be told again."""
    raise SiptrunkError(f"payment {payment.reference}: nothing can be paid in this version")


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
