"""`siptrunk doctor`."""

import stat
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import accounts, servers, trunks
from asterisk_siptrunk.call.lease import WHOLE
from asterisk_siptrunk.call.server import ServerRecord, ServerState
from asterisk_siptrunk.cli import running, selling
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.finding import Check, Finding, Health
from asterisk_siptrunk.cli.options import form_option
from asterisk_siptrunk.cli.output import Form, Row, show_rows
from asterisk_siptrunk.destination import domestic_patterns
from asterisk_siptrunk.errors import AmiRefused, SiptrunkError
from asterisk_siptrunk.generation.apply import LOAD_JOURNAL
from asterisk_siptrunk.generation.install import missing_edits
from asterisk_siptrunk.generation.plan import make_plan
from asterisk_siptrunk.generation.server import Module
from asterisk_siptrunk.generation.store import rights_hint
from asterisk_siptrunk.generation.surroundings import obstacles, tls_problems
from asterisk_siptrunk.generation.transports import other_transports, transports_in
from asterisk_siptrunk.settings import SECRETS_FILE, Settings
from asterisk_siptrunk.trunk import AwayPolicy, Transport, TrunkKind

_WHO_RUNS = "Somebody may log in to run the service."
_COLUMNS = ("check", "state", "found", "advice")


@click.command()
@form_option
@click.pass_context
@pass_desk
def command(desk: Desk, context: click.Context, form: Form) -> None:
    """Look for what is wrong, and say what to do; the exit status is 1 if anything fails.

    Example: siptrunk doctor
    """
    findings = _findings(desk)
    rows: list[Row] = [
        {"check": f.check, "state": f.state, "found": f.found, "advice": f.advice} for f in findings
    ]
    # Not in the provider's zone: no time is shown, and settings may be what is broken.
    show_rows(rows, _COLUMNS, form, ZoneInfo("UTC"))
    context.exit(any(finding.state is Health.FAIL for finding in findings))


def _findings(desk: Desk) -> list[Finding]:
    """What all checks find; one that needs what has failed, or meets it again, is skipped."""
    found: list[Finding] = []
    for name, check in _CHECKS.items():
        failed = {each.check for each in found if each.state in {Health.FAIL, Health.SKIPPED}}
        missing = [need for need in _NEEDS.get(name, ()) if need in failed]
        if missing:
            found.append(Finding(name, Health.SKIPPED, f"See {missing[0]}."))
        else:
            found += _new(list(_run(name, check, desk)), found)
    return found


def _new(findings: list[Finding], before: list[Finding]) -> Iterator[Finding]:
    """The findings, where a fault that another check has told already is not told again."""
    told = {each.found: each.check for each in before if each.state is Health.FAIL}
    for each in findings:
        earlier = told.get(each.found)
        yield Finding(each.check, Health.SKIPPED, f"See {earlier}.") if earlier else each


def _run(name: str, check: Check, desk: Desk) -> Iterator[Finding]:
    """All that a check finds; an error of ours ends it and is a finding, too."""
    try:
        yield from check(desk)
    except SiptrunkError as error:
        yield Finding(name, Health.FAIL, str(error))
    except OSError as error:
        yield Finding(name, Health.FAIL, f"{error.filename}: {error.strerror}.{rights_hint(error)}")


def _settings(desk: Desk) -> Iterator[Finding]:
    desk.settings  # noqa: B018 - asked for its error
    if not desk.file.exists():
        yield Finding("settings", Health.WARN, f"{desk.file} is not there.", "Run 'siptrunk init'.")
        return
    yield _mode("settings", desk.file, 0o640)


def _secrets(desk: Desk) -> Iterator[Finding]:
    file = desk.file.with_name(SECRETS_FILE)
    if file.exists():
        yield _mode("secrets", file, 0o600)
    secrets = desk.settings.secrets
    if not (secrets.ami_listen and secrets.ami_apply):
        advice = f"Give ami_listen and ami_apply in {file}; 'siptrunk init' makes them."
        yield Finding("secrets", Health.FAIL, "A secret of the manager interface is empty.", advice)
    elif not secrets.ami_end:
        said = "ami_end is empty: what the watch suspends is stopped, and running calls go on."
        advice = f"Give ami_end in {file}, any long text, then 'siptrunk config apply'."
        yield Finding("secrets", Health.WARN, said, advice)
    for name in _missing_secrets(desk.settings):
        said = f"{name} is empty, and the settings need it."
        yield Finding("secrets", Health.FAIL, said, f"Give {name} in {file}.")


def _missing_secrets(settings: Settings) -> Iterator[str]:
    """Secrets without which what is set up cannot work."""
    secrets = settings.secrets
    if settings.mail.username and not secrets.mail_password:
        yield "mail_password"
    if settings.webhook.url and not secrets.webhook_secret:
        yield "webhook_secret"
    if settings.web.port and not secrets.payment_secret:
        yield "payment_secret"


def _mode(check: str, file: Path, right: int) -> Finding:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & ~right:
        found = f"{file} is open to more than it should be ({mode:04o})."
        return Finding(check, Health.WARN, found, f"chmod {right:04o} {file}")
    return Finding(check, Health.OK, f"{file} ({mode:04o})")


def _away(desk: Desk) -> Iterator[Finding]:
    with desk.reading() as connection:
        found = [one for one in trunks.every(connection) if not one.ended]
    asking = {one.country for one in found if one.away_policy is not AwayPolicy.CLOSED}
    closed = sorted(country for country in asking if not domestic_patterns(country))
    if closed:
        said = f"No patterns for {', '.join(closed)}: only emergency calls pass there when away."
        yield Finding("away", Health.WARN, said, "Set --away-policy closed to say so on purpose.")
    else:
        yield Finding("away", Health.OK, "Every trunk's away policy can be rendered.")


def _tls(desk: Desk) -> Iterator[Finding]:
    """Whether trunks that call over TLS find it offered, where we open the transports."""
    asterisk = desk.settings.asterisk
    with desk.reading() as connection:
        found = [one for one in trunks.every(connection) if not one.ended]
    asking = _counted([one.name for one in found if one.transport is Transport.TLS])
    advice = "See tls_certificate and tls_key of [asterisk]; then 'siptrunk config apply'."
    if not asterisk.sip_port:
        yield Finding("tls", Health.OK, "The server's own pjsip.conf opens the transports.")
    elif problems := tls_problems(asterisk):
        for problem in problems:
            yield Finding("tls", Health.FAIL, problem, advice)
    elif asking and not asterisk.tls_certificate:
        yield Finding("tls", Health.FAIL, f"No TLS is offered, and {asking} over it.", advice)
    else:
        yield Finding("tls", Health.OK, f"{asking or 'No trunk calls'} over TLS.")


def _counted(names: list[str]) -> str:
    """`t1 calls`, or `2 trunks, t1 the first, call`; "" where there is none."""
    if len(names) < 2:  # noqa: PLR2004 - one
        return "".join(f"{name} calls" for name in names)
    return f"{len(names)} trunks, {names[0]} the first, call"


def _address(desk: Desk) -> Iterator[Finding]:
    """Whether customers can be told where to call."""
    with desk.reading() as connection:
        found = [one for one in trunks.every(connection) if not one.ended]
    address = desk.settings.asterisk.address
    if not address and any(one.kind is not TrunkKind.LOCAL for one in found):
        said = "Customers are not told where to call: address of [asterisk] is not set."
        advice = 'address = "sip.example.com", the public name or IP address of this server.'
        yield Finding("address", Health.WARN, said, advice)
    else:
        yield Finding("address", Health.OK, address or "No trunk needs one.")


def _asterisk(desk: Desk) -> Iterator[Finding]:
    asterisk = desk.settings.asterisk
    version = bootstrap.control(desk.settings).version()
    yield Finding("asterisk", Health.OK, f"Asterisk {version} answers.")
    if _pair(version) != asterisk.version_pair:
        said = f"The settings say {asterisk.version}, Asterisk says {version}."
        yield Finding("version", Health.WARN, said, f'[asterisk] version = "{version}"')
    name = bootstrap.system_name(desk.settings)
    if name != asterisk.server:
        said = f"Asterisk calls itself {name!r}, the settings say {asterisk.server!r}."
        advice = f"systemname = {asterisk.server} in asterisk.conf, and restart Asterisk."
        yield Finding("systemname", Health.FAIL, said, advice)


def _pair(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _includes(desk: Desk) -> Iterator[Finding]:
    asterisk = desk.settings.asterisk
    problems, missing = obstacles(asterisk), missing_edits(asterisk)
    for problem in problems:
        yield Finding("includes", Health.FAIL, problem)
    if missing:
        said = f"Asterisk's own files lack {len(missing)} of our lines: {missing[0]}"
        yield Finding("includes", Health.FAIL, said, "Run 'siptrunk config install'.")
    elif not problems:
        yield Finding("includes", Health.OK, "Asterisk's own files include ours.")


def _configuration(desk: Desk) -> Iterator[Finding]:
    store = bootstrap.store(desk.settings)
    plan = make_plan(bootstrap.inventory(desk.engine), desk.settings, store)
    if plan.is_empty:
        yield Finding("configuration", Health.OK, "The files are what the database asks for.")
    else:
        said = f"{len(plan.new)} files are not what the database asks for."
        yield Finding("configuration", Health.WARN, said, "siptrunk config plan, then apply")


def _generation(desk: Desk) -> Iterator[Finding]:
    ours = f"g{bootstrap.store(desk.settings).manifest().generation}"
    running = bootstrap.control(desk.settings).generation()
    if running is None:
        advice = "Run 'siptrunk config apply'."
        yield Finding("generation", Health.FAIL, "Asterisk has not read our dialplan.", advice)
    elif running != ours:
        said = f"Asterisk runs {running}, the files are {ours}."
        yield Finding("generation", Health.FAIL, said, "Run 'siptrunk config apply'.")
    else:
        yield Finding("generation", Health.OK, f"Asterisk runs {running}, the files' own.")


def _transports(desk: Desk) -> Iterator[Finding]:
    expected = transports_in(bootstrap.store(desk.settings))
    try:
        others = list(other_transports(expected, bootstrap.control(desk.settings)))
    except AmiRefused as refused:
        yield Finding("transports", Health.WARN, str(refused))
        return
    for other in others:
        yield Finding("transports", Health.FAIL, other)
    if not others:
        count = len(expected)
        yield Finding("transports", Health.OK, f"Asterisk has all {count} that our files open.")


def _records(desk: Desk) -> Iterator[Finding]:
    if bootstrap.control(desk.settings).runs(Module.CDR_CUSTOM):
        yield Finding("records", Health.OK, f"Asterisk runs {Module.CDR_CUSTOM}, the journal's.")
    else:
        said = f"Asterisk keeps no call journal: {Module.CDR_CUSTOM} is not running."
        advice = f"Run 'siptrunk config apply', or: {LOAD_JOURNAL}"
        yield Finding("records", Health.FAIL, said, advice)


def _servers(desk: Desk) -> Iterator[Finding]:
    """Whether all live, on one program and one configuration, and what each may do alone."""
    with desk.reading() as connection:
        found = list(servers.every(connection))
    wrong = list(_wrong_with(found))
    for said, advice in wrong:
        yield Finding("servers", Health.WARN, said, advice)
    if not wrong:
        yield Finding("servers", Health.OK, _names(found) or "None has given a sign of life yet.")


def _wrong_with(found: list[ServerRecord]) -> Iterator[tuple[str, str]]:
    """What is wrong, and what to do."""
    gone = [one for one in found if one.state in {ServerState.SILENT, ServerState.LOST}]
    if gone:
        advice = "Look at its log; 'siptrunk server remove NAME' if it is gone for good."
        yield f"No sign of life of {_names(gone)}.", advice
    shares = sum(one.vitals.share for one in found)
    if len(found) > 1 and shares > WHOLE:
        said = f"Alone, {_names(found)} may use {shares} % of each trunk's channels together."
        yield said, "alone_share of [asterisk] on each: 0, or what makes 100 with the others."
    programs = sorted({one.vitals.program for one in found})
    if len(programs) > 1:
        yield f"Servers run different versions: {', '.join(programs)}.", "Upgrade all of them."
    behind = [one for one in found if not one.follows]
    if behind:
        why = next((f" ({one.config_error})" for one in behind if one.config_error), "")
        said = f"Not on the configuration of the newest apply: {_names(behind)}{why}."
        yield said, "siptrunk server list; then 'siptrunk config apply' again."


def _names(found: list[ServerRecord]) -> str:
    return ", ".join(one.name for one in found)


def _people(desk: Desk) -> Iterator[Finding]:
    """Whether anybody can run the service by the management interface, where it is served."""
    with desk.reading() as connection:
        somebody = accounts.has_admin(connection)
    if desk.settings.web.port and not somebody:
        said = "The management interface is served, and nobody may log in to run the service."
        yield Finding("people", Health.WARN, said, "siptrunk web create-admin")
    else:
        yield Finding("people", Health.OK, _WHO_RUNS if somebody else "No port is set in [web].")


def _uvloop(_desk: Desk) -> Iterator[Finding]:
    if find_spec("uvloop"):
        yield Finding("uvloop", Health.OK, "Installed.")
    else:
        said = "Not installed: admitting a call costs two to three times the processor time."
        yield Finding("uvloop", Health.WARN, said, f"{sys.prefix}/bin/pip install uvloop")


_CHECKS: dict[str, Check] = {
    "settings": _settings,
    "secrets": _secrets,
    "database": running.database,
    "storage": running.storage,
    "disk": running.disks,
    "away": _away,
    "tls": _tls,
    "address": _address,
    "includes": _includes,
    "asterisk": _asterisk,
    "configuration": _configuration,
    "generation": _generation,
    "transports": _transports,
    "service": running.service,
    "beat": running.beat,
    "journal": running.journal,
    "rotated": running.rotated,
    "records": _records,
    "servers": _servers,
    "people": _people,
    "notices": running.waiting_notices,
    "seller": selling.seller,
    "invoices": selling.late_invoices,
    "payments": selling.loose_payments,
    "rates": selling.decks,
    "clock": running.clock,
    "database-clock": running.database_clock,
    "unit": running.unit,
    "uvloop": _uvloop,
}

_NEEDS = {
    "secrets": ("settings",),
    "database": ("settings",),
    "storage": ("settings", "database"),
    "disk": ("settings",),
    "away": ("settings", "database"),
    "tls": ("settings", "database"),
    "address": ("settings", "database"),
    "includes": ("settings",),
    "asterisk": ("settings",),
    "configuration": ("settings", "database"),
    "generation": ("settings", "asterisk"),
    "transports": ("settings", "asterisk"),
    "service": ("settings",),
    "beat": ("settings", "database"),
    "journal": ("settings",),
    "rotated": ("settings", "database", "journal"),
    "records": ("settings", "asterisk"),
    "servers": ("settings", "database"),
    "people": ("settings", "database"),
    "notices": ("settings", "database"),
    "seller": ("settings", "database"),
    "invoices": ("settings", "database"),
    "payments": ("settings", "database"),
    "rates": ("settings", "database"),
    "clock": ("settings", "asterisk"),
    "database-clock": ("settings", "database"),
    "unit": ("settings",),
}
"""The checks without which one could only repeat their error."""
