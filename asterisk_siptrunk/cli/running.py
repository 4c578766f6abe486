"""The checks of `siptrunk doctor` on what runs: service, database, disks, clocks, rights."""

import grp
import os
import pwd
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import backup, describe, notices, schema, servers
from asterisk_siptrunk.call.lease import BEAT_SECONDS
from asterisk_siptrunk.cli.desk import Desk
from asterisk_siptrunk.cli.finding import Finding, Health
from asterisk_siptrunk.cli.output import for_people
from asterisk_siptrunk.cli.service import ACCOUNT, BILLING_TIMER, UNIT, billing_files, unit_text
from asterisk_siptrunk.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from asterisk_siptrunk.call.server import ServerRecord

SYSTEM = Path("/")
_MOST_CLOCK_DIFFERENCE = 1.0
"""Seconds: the dialplan says since when it waits, and after 3 nobody hears a verdict."""
_MOST_JOURNAL_BEHIND = 2_000_000
"""Bytes, some 9,000 calls: a daemon that was away for long has read that within half a minute."""
_BEAT_TOLERANCE = 3 * BEAT_SECONDS
_WAITS_FOR_LOCK = "2s"
_LEAST_FREE, _LITTLE_FREE = 50_000_000, 500_000_000
"""Bytes: a day of 1,000,000 calls takes about 500 MB in the database, and 230 in the journal."""

_ADVICE = {
    True: {
        ("locked",): "Another program holds its lock: 'fuser -v FILE' names it; end it.",
        ("full", "disk I/O"): "Make room on its disk: calls are decided by memory, then by policy.",
        ("readonly", "unable to open"): (
            "Its disk is full or mounted read-only, or this account may not write there: see df, "
            "dmesg and ls -l. Calls are decided by memory meanwhile, then by each trunk's policy."
        ),
    },
    False: {
        ("lock timeout",): "Another session holds a lock: pg_stat_activity shows it; end it.",
        ("No space", "disk full"): "Make room on PostgreSQL's disk.",
        (
            "read-only",
        ): "This is a standby, or set read-only: have [database] url name the primary.",
        ("refused", "timeout", "timed out", "starting up"): "See whether PostgreSQL runs there.",
    },
}
"""What to do about what SQLite (True) and PostgreSQL say, by words of it."""


def database(desk: Desk) -> Iterator[Finding]:
    """Whether the database is there, of this program, and can be written."""
    try:
        schema.require_current(desk.engine)
        name = describe(desk.engine)
    except DatabaseUnavailable as error:
        yield Finding("database", Health.FAIL, str(error), _advice_on(str(error), desk))
    else:
        yield Finding("database", Health.OK, f"{name}, its schema is the newest.")


def storage(desk: Desk) -> Iterator[Finding]:
    """Whether the database takes a change; one that changes nothing."""
    try:
        with bootstrap.transaction(desk.engine) as connection:
            if not _is_file(desk):
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_WAITS_FOR_LOCK}'")
            bootstrap.provider_row.rewrite(connection)
    except DatabaseUnavailable as error:
        yield Finding("storage", Health.FAIL, str(error), _advice_on(str(error), desk))
        return
    yield Finding("storage", Health.OK, "The database takes changes.")


def _advice_on(complaint: str, desk: Desk) -> str:
    """What to do about what the database said; "" where it says so itself."""
    for words, advice in _ADVICE[_is_file(desk)].items():
        if any(word in complaint for word in words):
            return advice
    return ""


def _is_file(desk: Desk) -> bool:
    return desk.settings.database.url.startswith("sqlite")


def disks(desk: Desk) -> Iterator[Finding]:
    """Whether there is room where we and Asterisk write."""
    asterisk = desk.settings.asterisk
    places = {asterisk.journal.parent: "the journal", asterisk.config_dir: "Asterisk's files"}
    if _is_file(desk):
        places = {backup.place_of(desk.settings.database.url).parent: "the database"} | places
    found = False
    seen: set[int] = set()
    for folder, what in places.items():
        device = folder.stat().st_dev if folder.is_dir() else None
        if device is None or device in seen:
            continue
        seen.add(device)
        free = shutil.disk_usage(folder).free
        if free < _LITTLE_FREE:
            state = Health.FAIL if free < _LEAST_FREE else Health.WARN
            said = f"{folder}, where {what} is, has {free / 1e6:.0f} MB left."
            yield Finding("disk", state, said, "Make room: a full disk stops records of calls.")
            found = True
    if not found:
        yield Finding("disk", Health.OK, "There is room for the database, the journal and files.")


def service(desk: Desk) -> Iterator[Finding]:
    """Whether calls are answered: asked as Asterisk asks."""
    place = f"{desk.settings.agi.host}:{desk.settings.agi.port}"
    restart = "systemctl restart siptrunk, or end it and run 'siptrunk serve'."
    until = "until then each trunk's away policy holds."
    match bootstrap.ask_service(desk.settings):
        case "answers":
            yield Finding("service", Health.OK, f"The admission service answers at {place}.")
        case "frozen":
            said = f"The service at {place} is frozen: it gives no answer within 3 s."
            yield Finding("service", Health.FAIL, said, f"{restart} Calls wait for 3 s meanwhile.")
        case "closed":
            said = f"What listens at {place} gives no answer to us."
            advice = "Is this address among [agi] peers, and is it siptrunk of this version?"
            yield Finding("service", Health.FAIL, said, advice)
        case _:
            said = f"Nobody admits calls at {place}."
            advice = f"systemctl start siptrunk, or run 'siptrunk serve'; {until}"
            yield Finding("service", Health.FAIL, said, advice)


def beat(desk: Desk) -> Iterator[Finding]:
    """Whether this server's service gives signs of life in the database, and what it tells."""
    record = _own(desk)
    if record is None:
        said = f"No service of server {desk.settings.asterisk.server!r} ever began here."
        yield Finding("beat", Health.WARN, said, "Run 'siptrunk serve' on it.")
        return
    since = for_people(record.beat_at, desk.zone)
    if record.stopped_at is not None:
        at = for_people(record.stopped_at, desk.zone)
        yield Finding("beat", Health.WARN, f"The service was stopped at {at}.", "Start it.")
    elif record.lost_at is not None:
        said = f"Other servers took this one for lost; its last sign of life was at {since}."
        yield Finding("beat", Health.FAIL, said, "See 'service'; it returns by itself.")
    elif not _beats(desk, record):
        said = f"The service gives no sign of life in this database since {since}."
        advice = (
            "If it answers (see 'service') it cannot write here, or works with another file: its "
            "log says which. A file that was put back needs the service restarted."
        )
        yield Finding("beat", Health.FAIL, said, advice)
    else:
        yield Finding("beat", Health.OK, f"Server {record.name} gives signs of life.")
        yield from _vitals(desk, record)


def _vitals(desk: Desk, record: "ServerRecord") -> Iterator[Finding]:
    """What a service that lives tells of itself."""
    vitals, ours = record.vitals, version("asterisk-siptrunk")
    since = for_people(vitals.link_since, desk.zone)
    if vitals.link != "up":
        said = f"The service's manager interface is {vitals.link} since {since}. "
        advice = "Ends of calls are read from the journal meanwhile. Run 'siptrunk config install'."
        yield Finding("link", Health.FAIL, f"{said}{vitals.link_detail}".strip(), advice)
    else:
        yield Finding("link", Health.OK, f"The service listens to Asterisk since {since}.")
    if (vitals.journal_behind or 0) > _MOST_JOURNAL_BEHIND:
        said = f"{vitals.journal_behind} bytes of the journal are not recorded yet."
        advice = "Wait; if it does not fall, the database is too slow, see the service's log."
        yield Finding("lag", Health.WARN, said, advice)
    if vitals.program != ours:
        said = f"The service that runs is of version {vitals.program}, this program of {ours}."
        yield Finding("version", Health.WARN, said, "systemctl restart siptrunk")


def _own(desk: Desk) -> "ServerRecord | None":
    with desk.reading() as connection:
        name = desk.settings.asterisk.server
        return next((one for one in servers.every(connection) if one.name == name), None)


def _beats(desk: Desk, record: "ServerRecord") -> bool:
    """Whether the number of its sign of life rises; a fresh sign needs no waiting."""
    if abs((datetime.now(UTC) - record.beat_at).total_seconds()) < _BEAT_TOLERANCE:
        return True
    deadline = time.monotonic() + _BEAT_TOLERANCE
    while time.monotonic() < deadline:
        again = _own(desk)
        if again is not None and again.beat != record.beat:
            return True
        time.sleep(BEAT_SECONDS / 4)
    return False


def journal(desk: Desk) -> Iterator[Finding]:
    """Whether the call journal can be read, and was read on where it was left."""
    file = desk.settings.asterisk.journal
    if not file.exists():
        said = f"{file} is not there: no call has ended yet, or Asterisk writes it elsewhere."
        yield Finding("journal", Health.WARN, said, "Look at [asterisk] journal.")
    elif not os.access(file, os.R_OK):
        said = f"{file} cannot be read: calls that end while we are away would stay unknown."
        yield Finding("journal", Health.FAIL, said, "Give this account the right to read it.")
    else:
        yield Finding("journal", Health.OK, f"{file} can be read.")


def rotated(desk: Desk) -> Iterator[Finding]:
    """Whether a journal was taken away before it was read."""
    with desk.reading() as connection:
        lost = bootstrap.journal_is_lost(desk.settings, connection)
    if lost:
        said = "The journal was compressed or removed before it was read to its end."
        advice = (
            "Run 'siptrunk usage verify' over that time: it reads compressed journals, and names "
            "each call that is missing. Have logrotate use delaycompress."
        )
        yield Finding("rotated", Health.FAIL, said, advice)
    else:
        yield Finding("rotated", Health.OK, "The journal is read on where it was left.")


def waiting_notices(desk: Desk) -> Iterator[Finding]:
    """Whether notices arrive."""
    with desk.reading() as connection:
        found = notices.overdue(connection, datetime.now(UTC) - notices.LONGEST)
    if found is None:
        yield Finding("notices", Health.OK, "No notice waits for more than an hour.")
        return
    error = f" The last error: {found.error}" if found.error else " None was tried yet."
    said = f"Notices that wait for more than an hour: {found.count}.{error}"
    advice = (
        "siptrunk notice list; 'siptrunk notice test' tries the way there. A server with [mail] "
        "host, or [webhook] url, has to run 'siptrunk serve'."
    )
    yield Finding("notices", Health.WARN, said, advice)


def clock(desk: Desk) -> Iterator[Finding]:
    """Whether Asterisk's clock agrees with ours."""
    yield _agreement("clock", "Asterisk's", bootstrap.control(desk.settings).clock() - _now())


def database_clock(desk: Desk) -> Iterator[Finding]:
    """Whether PostgreSQL's clock agrees with ours; SQLite has none of its own."""
    if _is_file(desk):
        return
    with desk.reading() as connection:
        theirs = connection.execute(select(func.clock_timestamp())).scalar_one()
    yield _agreement("clock", "PostgreSQL's", theirs.timestamp() - _now())


def _agreement(check: str, whose: str, ahead: float) -> Finding:
    if abs(ahead) <= _MOST_CLOCK_DIFFERENCE:
        return Finding(check, Health.OK, f"{whose} clock agrees with ours.")
    said = f"{whose} clock is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} ours."
    return Finding(check, Health.FAIL, said, "Have both set by NTP: timedatectl, chronyc tracking.")


def _now() -> float:
    return time.time()


def unit(desk: Desk) -> Iterator[Finding]:
    """Whether the service under systemd is what the settings ask for, and has its rights."""
    file = SYSTEM / UNIT
    if not file.exists():
        yield Finding("unit", Health.OK, "Not installed; see 'siptrunk service install'.")
        return
    wanted = {UNIT: unit_text(desk.settings)}
    if (SYSTEM / BILLING_TIMER).exists():
        wanted |= billing_files(desk.settings)
    for path, text in wanted.items():
        if not (SYSTEM / path).exists() or (SYSTEM / path).read_text(encoding="utf-8") != text:
            said = f"{SYSTEM / path} is not what the settings and this program ask for."
            advice = "siptrunk service install; systemctl daemon-reload"
            yield Finding("unit", Health.WARN, said, advice)
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError:
        said = f"The account {ACCOUNT} of {file} is not there."
        yield Finding("unit", Health.FAIL, said, "Run systemd-sysusers.")
        return
    wrong = list(_without_right(desk, account))
    for path, right, advice in wrong:
        yield Finding("unit", Health.FAIL, f"{ACCOUNT} may not {right} {path}.", advice)
    if not wrong:
        yield Finding("unit", Health.OK, f"{ACCOUNT} has the rights that the service needs.")


def _without_right(desk: Desk, account: pwd.struct_passwd) -> Iterator[tuple[Path, str, str]]:
    """What the service's account may not do, and what gives it the right."""
    groups = {account.pw_gid}
    group = desk.settings.asterisk.group
    with suppress(KeyError):
        groups.add(grp.getgrnam(group).gr_gid)
    journal_file = desk.settings.asterisk.journal
    read = [(journal_file, f"chgrp {group} {journal_file}; chmod g+r {journal_file}")]
    written = []
    if _is_file(desk):
        place = backup.place_of(desk.settings.database.url)
        logs = [place.with_name(f"{place.name}{ending}") for ending in ("-wal", "-shm")]
        written += [
            (path, f"chown -R {ACCOUNT}: {place.parent}") for path in (place.parent, place, *logs)
        ]
    ours = bootstrap.store(desk.settings).folder
    written.append((ours, f"chown -R {ACCOUNT} {ours}"))
    for path, advice in read:
        if path.exists() and not _may(account, groups, path, stat.S_IROTH):
            yield path, "read", advice
    for path, advice in written:
        if path.exists() and not _may(account, groups, path, stat.S_IWOTH):
            yield path, "write", advice


def _may(account: pwd.struct_passwd, groups: set[int], path: Path, right: int) -> bool:
    """Whether an account has a right (as that of others, S_IROTH) on a path, by its mode."""
    status = path.stat()
    if status.st_uid == account.pw_uid:
        right <<= 6
    elif status.st_gid in groups:
        right <<= 3
    return bool(status.st_mode & right)
