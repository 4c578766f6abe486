"""`siptrunk service`."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click
from sqlalchemy import make_url

from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import confirm, yes_option
from asterisk_siptrunk.cli.output import say
from asterisk_siptrunk.errors import InvalidInput, SettingsError
from asterisk_siptrunk.generation.store import rights_hint
from asterisk_siptrunk.settings import SECRETS_FILE, Settings
from asterisk_siptrunk.whole_file import whole_file

ACCOUNT = "siptrunk"
UNIT = Path("etc/systemd/system/siptrunk.service")
BILLING_UNIT = UNIT.with_name("siptrunk-billing.service")
BILLING_TIMER = UNIT.with_name("siptrunk-billing.timer")
_ACCOUNTS = Path("etc/sysusers.d/siptrunk.conf")
_FILE_MODE = 0o644
_STATE_FOLDER = Path("/var/lib/siptrunk")
# A service has no business there, and its sandbox hides them.
_HIDDEN = (
    Path("/home"),
    Path("/root"),
    Path("/run/user"),
    Path("/tmp"),  # noqa: S108 # nosec B108 # refused
    Path("/var/tmp"),  # noqa: S108 # nosec B108 # refused
)

_SANDBOX = """\
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectProc=invisible
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
"""

_UNIT = """\
# Made by 'siptrunk service install', which makes it anew after an upgrade. Put what differs on your
# server into a file beside it: systemctl edit siptrunk
[Unit]
Description=siptrunk: admission and usage of SIP trunks
After=network-online.target time-sync.target asterisk.service postgresql.service
Wants=network-online.target
# However often it ends it is started again: calls ask for it.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} serve
Environment=SIPTRUNK_CONFIG=%d/siptrunk.toml
# systemd reads these as root and shows them to the service alone: its account has no right to them.
LoadCredential=siptrunk.toml:{settings}
LoadCredential=secrets.toml:{secrets}
User={account}
Group={account}
UMask=0007
Restart=always
RestartSec=500ms
# Fed by the event loop that answers calls. The end of a frozen one is to be quick, and to leave no
# picture of its memory.
WatchdogSec=10
WatchdogSignal=SIGKILL
TimeoutStartSec=30
TimeoutStopSec=20
LimitCORE=0
LimitNOFILE=8192
TasksMax=64
MemoryHigh=768M
MemoryMax=1G
OOMScoreAdjust=-500
{places}
{sandbox}# It gives the files of Asterisk's configuration to Asterisk's group.
SystemCallFilter=@chown

[Install]
WantedBy=multi-user.target
"""

_BILLING_UNIT = """\
# Made by 'siptrunk service install --billing-timer', see siptrunk-billing.timer.
[Unit]
Description=siptrunk: what is due today, invoiced and reminded of
After=network-online.target time-sync.target postgresql.service siptrunk.service
Wants=network-online.target

[Service]
Type=oneshot
# It fails where something could not be invoiced: 'systemctl --failed' and its journal show it.
ExecStart={program} billing run
Environment=SIPTRUNK_CONFIG=%d/siptrunk.toml
LoadCredential=siptrunk.toml:{settings}
LoadCredential=secrets.toml:{secrets}
User={account}
Group={account}
UMask=0007
# Calls come first.
Nice=10
CPUWeight=20
IOWeight=20
OOMScoreAdjust=500
LimitCORE=0
TasksMax=64
MemoryMax=1G
{places}
{sandbox}"""

_BILLING_TIMER = """\
# Made by 'siptrunk service install --billing-timer'. Another time of day: systemctl edit
# siptrunk-billing.timer
[Unit]
Description=siptrunk: invoices every morning

[Timer]
OnCalendar=*-*-* 06:00:00 {timezone}
# A morning on which the machine was off is made up for; what is there already is left alone.
Persistent=true

[Install]
WantedBy=timers.target
"""

_SYSUSERS = """\
# Made by 'siptrunk service install': the account of siptrunk.service.
u {account} - "siptrunk" {home} -
"""

_NEXT = """\
Next:
  systemd-sysusers                          (makes the account)
{rights}  systemctl daemon-reload
  systemctl enable --now siptrunk
  systemctl status siptrunk                 (after an upgrade: systemctl restart siptrunk)
To take it away: systemctl disable --now siptrunk, and remove its files."""
_NEXT_TIMER = """\
For the invoices of every morning:
  systemctl enable --now siptrunk-billing.timer
  systemctl start siptrunk-billing          (once, to see that it works: journalctl -u)"""


@click.group()
def command() -> None:
    """The service under systemd."""


@command.command("install")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default="/",
    show_default=True,
    help="The system to put it into, as for systemctl --root.",
)
@click.option(
    "--billing-timer",
    is_flag=True,
    help="Have 'siptrunk billing run' run every morning, too; once put in it is kept up to date.",
)
@yes_option
@pass_desk
def install_(desk: Desk, root: Path, *, billing_timer: bool, yes: bool) -> None:
    """Put the service's unit and its account in place for systemd; each file is shown first.

    It is made from the settings: which folders the service may write, and whose group it has.

    \b
    Examples:
      siptrunk service install
      siptrunk service install --billing-timer
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    files = dict(_files(desk.settings))
    if billing_timer or (root / BILLING_TIMER).exists():
        files |= billing_files(desk.settings)
    fresh = {path: text for path, text in files.items() if _text(root / path) != text}
    if not fresh:
        say("Nothing to put in: the unit and its account are as they should be.")
        return
    for path, text in fresh.items():
        click.echo("".join(f"{line}\n" for line in (f"+++ {root / path}", text)))
    confirm("Put this in?", yes=yes)
    for path, text in fresh.items():
        _write(root / path, text)
    say(_NEXT.format(rights=_rights(desk.settings)))
    if billing_timer:
        say(_NEXT_TIMER)


def unit_text(settings: Settings) -> str:
    """The unit as the settings and this program ask for it."""
    return _filled(_UNIT, settings)


def billing_files(settings: Settings) -> Mapping[Path, str]:
    """The timer of `billing run` and its unit, by their paths below the root."""
    timer = _BILLING_TIMER.format(timezone=settings.provider.timezone)
    return {BILLING_UNIT: _filled(_BILLING_UNIT, settings), BILLING_TIMER: timer}


def _filled(unit: str, settings: Settings) -> str:
    file = settings.file.absolute()
    return unit.format(
        program=_program(),
        settings=file,
        secrets=file.with_name(SECRETS_FILE),
        account=ACCOUNT,
        places="\n".join(_places(settings)),
        sandbox=_SANDBOX,
    )


def _program() -> Path:
    return Path(sys.executable).with_name("siptrunk")


def _files(settings: Settings) -> Mapping[Path, str]:
    """What is to be put in place, by its path below the root."""
    program = _program()
    for path in (program, settings.file.absolute(), *_written(settings)):
        if "%" in str(path) or not str(path).isprintable() or " " in str(path):
            raise InvalidInput(f"{path}: a unit cannot name a path with a space or '%' in it.")
    if any(program.is_relative_to(hidden) for hidden in _HIDDEN):
        raise InvalidInput(
            f"The program stands in {program.parent}, where no service's account may read it: "
            "install it elsewhere, as in /opt/siptrunk."
        )
    accounts = _SYSUSERS.format(account=ACCOUNT, home=_STATE_FOLDER)
    return {UNIT: unit_text(settings), _ACCOUNTS: accounts}


def _places(settings: Settings) -> list[str]:
    """The group that reads Asterisk's journal, and the folders that the service writes."""
    group = settings.asterisk.group
    groups = [f"SupplementaryGroups={group}"] if group else []
    ours, *others = _written(settings)
    written = [f"ReadWritePaths=-{ours}", *(f"ReadWritePaths={folder}" for folder in others)]
    # Made by systemd, and given to the account with all that is in it.
    state = [f"StateDirectory={_STATE_FOLDER.name}", "StateDirectoryMode=0770"]
    return [*groups, *written, *state]


def _written(settings: Settings) -> list[Path]:
    """The folders that the service writes: ours beside Asterisk's files, and the database's."""
    ours, folder = settings.asterisk.config_dir / "siptrunk", _database_folder(settings)
    return [ours] if folder is None or folder == _STATE_FOLDER else [ours, folder]


def _database_folder(settings: Settings) -> Path | None:
    """Where an SQLite database is: its log of changes is made beside it."""
    url = make_url(settings.database.url)
    is_file = url.get_backend_name() == "sqlite"
    return Path(url.database or "").absolute().parent if is_file else None


def _rights(settings: Settings) -> str:
    """What an admin has to do once so that the account may do its work."""
    ours, *others = _written(settings)
    steps = [f"  chown -R {ACCOUNT}: {folder}" for folder in others]
    steps.append(f"  chown -R {ACCOUNT} {ours}")
    return "".join(f"{step}\n" for step in steps)


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}.") from None


def _write(file: Path, text: str) -> None:
    """Put a file in place by rename: systemd may read it at any time."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as fresh:
            fresh.write_text(text, encoding="utf-8")
            fresh.chmod(_FILE_MODE)
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written: {error.strerror}.{rights_hint(error)}"
        ) from None
    say(f"{file} written.")
