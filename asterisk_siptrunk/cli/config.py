"""`siptrunk config`."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import confirm, yes_option
from asterisk_siptrunk.cli.output import say, warn
from asterisk_siptrunk.cli.progress import working
from asterisk_siptrunk.cli.rollout import bring_to_others, settle
from asterisk_siptrunk.errors import CheckFailed, DatabaseUnavailable, InvalidInput
from asterisk_siptrunk.generation.apply import apply_plan, roll_back
from asterisk_siptrunk.generation.check import check as problems_of
from asterisk_siptrunk.generation.check import require_none
from asterisk_siptrunk.generation.install import (
    Edit,
    install,
    install_edits,
    missing_edits,
    uninstall,
    uninstall_edits,
)
from asterisk_siptrunk.generation.plan import Plan, make_plan, masked, plan_back, render_all
from asterisk_siptrunk.generation.store import Store
from asterisk_siptrunk.generation.surroundings import require_fit
from asterisk_siptrunk.generation.trial import has_asterisk, try_out

_FILE_MODE, _FOLDER_MODE = 0o640, 0o750
_MANAGER = ("manager.conf", "manager_general.conf")
_EVENTS_OFF = re.compile(r"^disabledevents = \S", re.MULTILINE)


@click.group()
def command() -> None:
    """Asterisk's configuration: plan, check, apply, roll back."""


@command.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the files.  [default: stdout, without secrets]",
)
@pass_desk
def render(desk: Desk, output: Path | None) -> None:
    """Show all that Asterisk would be told; nothing of it is changed.

    Example: siptrunk config render --output /tmp/rendered
    """
    files = _rendered(desk)
    if output is None:
        for name, text in sorted(files.items()):
            click.echo(f"; ===== {name}\n{masked(text)}")
        return
    _write_into(output, files)
    say(f"{len(files)} files in {output}.")


@command.command()
@click.option("--all", "whole", is_flag=True, help="Show new files whole, and not a line each.")
@pass_desk
def plan(desk: Desk, *, whole: bool) -> None:
    """Show as a diff what 'config apply' would change; secrets are left out.

    Example: siptrunk config plan
    """
    found = _plan(desk)
    click.echo(found.diff(whole=whole), nl=False)
    _sum_up(desk, found)
    require_fit(desk.settings.asterisk)


@command.command()
@pass_desk
def check(desk: Desk) -> None:
    """Check all files as they would be, then load them in a throw-away Asterisk.

    Asterisk's own files, and those that the settings name, are looked at first.

    Our own check is stricter than Asterisk's. The throw-away one is the program of the settings'
    'binary', on ports of its own; it registers nowhere. Without it our own check stands alone.

    Example: siptrunk config check
    """
    require_fit(desk.settings.asterisk)
    files = _rendered(desk)
    with working("Checking"):
        require_none(problems_of(files))
    say(f"{len(files)} files checked: no problem found.")
    if not has_asterisk(desk.settings.asterisk):
        say("There is no Asterisk at hand to load them in.")
        return
    with working("Loading them in a throw-away Asterisk"):
        complaints = try_out(files, desk.settings.asterisk)
    if complaints:
        raise CheckFailed("\n".join(["A throw-away Asterisk complains:", *complaints]))
    say("A throw-away Asterisk loaded them without complaint.")


@command.command()
@click.option("--here", is_flag=True, help="On this server alone: the others are not asked.")
@yes_option
@pass_desk
def apply(desk: Desk, *, here: bool, yes: bool) -> None:
    """Put the files in place, have Asterisk read them, and make sure that it did.

    Calls in progress go on. Whatever goes wrong, the files from before are put back.

    Where it went well, the other servers' services do the same, each from its own settings; what
    became of that is shown. One that is away does so when it is back.

    Example: siptrunk config apply --yes
    """
    require_fit(desk.settings.asterisk)
    found = _plan(desk)
    _sum_up(desk, found)
    if not found.is_empty:
        confirm("Apply?", yes=yes)
    with working("Applying"):
        notes = apply_plan(found, bootstrap.store(desk.settings), bootstrap.control(desk.settings))
    for note in notes:
        warn(note)
    if not found.is_empty:
        say(f"Applied: Asterisk has generation {found.after.generation}.")
    if here:
        settle(desk, found.after.generation)
    else:
        bring_to_others(desk, found.after.generation)


@command.command()
@yes_option
@pass_desk
def rollback(desk: Desk, *, yes: bool) -> None:
    """Go back to the generation before; doing it twice comes back here.

    The database stays as it is: the next apply, on whichever server, brings what it says. Other
    servers keep what they have.

    Example: siptrunk config rollback
    """
    store = bootstrap.store(desk.settings)
    back = plan_back(store)
    if back is not None:
        click.echo(back.diff(), nl=False)
        say(back.in_words())
        confirm(f"Go back to generation {back.after.generation}?", yes=yes)
    with working("Rolling back"):
        done, notes = roll_back(store, bootstrap.control(desk.settings))
    for note in notes:
        warn(note)
    say(f"Rolled back: Asterisk has generation {done.after.generation}.")
    try:
        others = settle(desk, done.after.generation)
    except DatabaseUnavailable as error:  # no reason not to go back
        warn(f"The database knows nothing of this: {error}")
        return
    if others:
        say(f"On this server alone; with what they have: {', '.join(others)}.")


@command.command("install")
@yes_option
@pass_desk
def install_(desk: Desk, *, yes: bool) -> None:
    """Put one line each into Asterisk's own files that includes ours; each is shown first.

    Our users of the manager interface come with it, so that 'config apply' can log in.

    Example: siptrunk config install
    """
    edits = install_edits(desk.settings.asterisk)
    store = bootstrap.store(desk.settings)
    users = _users_to_write(desk, store)
    if not edits and not users:
        say("Nothing to put in: Asterisk's files include ours.")
        return
    _show("+", edits)
    if users:
        click.echo(f"+ {store.folder / _MANAGER[0]}: our users of the manager interface")
    confirm("Put this in?", yes=yes)
    install(edits, store)
    with store.locked():
        store.put(users)
    say("Installed. Have Asterisk read its users, once: asterisk -rx 'manager reload'")
    say("All else, the call journal's module too, it reads at 'siptrunk config apply'.")


@command.command("uninstall")
@yes_option
@pass_desk
def uninstall_(desk: Desk, *, yes: bool) -> None:
    """Take our lines out of Asterisk's own files; each is shown first.

    Our folder stays, with the secrets of carriers and of the manager interface in it.

    Example: siptrunk config uninstall
    """
    edits = uninstall_edits(desk.settings.asterisk)
    if not edits:
        say("Nothing to take out: Asterisk's files include none of ours.")
        return
    _show("-", edits)
    confirm("Take these lines out? No trunk has service once Asterisk reads its files.", yes=yes)
    uninstall(edits)
    store = bootstrap.store(desk.settings)
    say("Taken out. Have Asterisk read it: asterisk -rx 'core reload'")
    if _EVENTS_OFF.search(store.texts(_MANAGER).get(_MANAGER[1], "")):
        say("The events that 'dedicated' switched off come back when Asterisk is restarted.")
    say(f"What stays is our folder, with secrets in it. To remove it: rm -r {store.folder}")


def _show(sign: str, edits: tuple[Edit, ...]) -> None:
    for edit in edits:
        click.echo(f"{sign} {edit}")


def _users_to_write(desk: Desk, store: Store) -> dict[str, str]:
    """The files of our manager users, where they are not there or have other secrets.

    An apply brings all else, but logs in as one of them.
    """
    rendered, there = _rendered(desk), store.texts(_MANAGER)
    return {name: rendered[name] for name in _MANAGER if there.get(name) != rendered[name]}


def _rendered(desk: Desk) -> dict[str, str]:
    with working("Rendering"):
        return render_all(bootstrap.inventory(desk.engine), desk.settings)


def _plan(desk: Desk) -> Plan:
    with working("Planning"):
        inventory = bootstrap.inventory(desk.engine)
        return make_plan(inventory, desk.settings, bootstrap.store(desk.settings))


def _sum_up(desk: Desk, found: Plan) -> None:
    """Say what changes, and whether Asterisk reads our files at all."""
    missing = missing_edits(desk.settings.asterisk)
    if missing:
        warn(
            f"Asterisk's own files lack {len(missing)} of our lines ({missing[0]}): "
            "run 'siptrunk config install'."
        )
    if missing and found.is_empty:
        say("Our files are as they should be; Asterisk does not read all of them.")
    else:
        say(found.in_words())


def _write_into(folder: Path, files: Mapping[str, str]) -> None:
    """Write files that hold secrets; whatever has these names is replaced."""
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).unlink(missing_ok=True)
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise InvalidInput(f"{error.filename}: {error.strerror}.") from None
