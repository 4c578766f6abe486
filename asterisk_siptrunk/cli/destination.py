"""`siptrunk destination`."""

from typing import TYPE_CHECKING

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import foresight, rules, trunks
from asterisk_siptrunk.cli.complete import rule_owners, ruled_targets, targets, trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import confirm, form_option, history_command, yes_option
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows
from asterisk_siptrunk.cli.values import LINE_OR_NONE, TARGET
from asterisk_siptrunk.destination import (
    Action,
    Layer,
    Rule,
    Target,
    dialled_number,
    refuse_emergency,
    without_punctuation,
)
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.trunk import PROVIDER

if TYPE_CHECKING:
    from sqlalchemy import Connection

_COLUMNS = ("owner", "target", "action", "layer", "locked", "note", "author")

trunk_option = click.option(
    "--trunk", shell_complete=trunk_names, help="For this trunk only.  [default: for all]"
)
lock_option = click.option(
    "--lock", is_flag=True, help="As the provider's last word: the customer cannot change it."
)
note_option = click.option("--note", type=LINE_OR_NONE, default="", help="Why.")
target_argument = click.argument("target", type=TARGET, shell_complete=targets)


@click.group()
def command() -> None:
    """Where calls may go, and what becomes of a number.

    \b
    A target is:
      +88213         numbers that begin so
      3949           a short number
      fr:premium     a country's numbers of one kind
      *:premium      numbers of one kind, everywhere
      lv             a country
      risk:high      what toll fraud prefers
      international  all beyond the trunk's own country
      all            everything
    The narrowest rule decides; a locked one before all others; then the customer's own.
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines


@command.command("list")
@click.option("--trunk", shell_complete=trunk_names, help="This trunk's rules too.")
@form_option
@pass_desk
def list_(desk: Desk, trunk: str | None, form: Form) -> None:
    """List the provider's rules for all trunks, and one trunk's own.

    Example: siptrunk destination list --trunk acme-paris
    """
    with desk.reading() as connection:
        stored = rules.every(connection, trunk)
    rows: list[Row] = [
        {
            "owner": each.trunk or PROVIDER,
            "target": str(each.rule.target),
            "action": each.rule.action,
            "layer": each.rule.layer,
            "locked": each.rule.locked,
            "note": each.rule.note,
            "author": each.author,
        }
        for each in stored
    ]
    show_rows(rows, _COLUMNS, form, desk.zone)


@command.command()
@target_argument
@trunk_option
@lock_option
@note_option
@pass_desk
def block(desk: Desk, target: Target, trunk: str | None, *, lock: bool, note: str) -> None:
    """Block a destination, from the next call on.

    \b
    Examples:
      siptrunk destination block cu --note "no traffic expected"
      siptrunk destination block international --trunk acme-paris
      siptrunk destination block +88213 --trunk acme-paris --lock --note "fraud of May"
    """  # noqa: D301
    _put(desk, Rule(target, Action.BLOCK, _layer(trunk, lock=lock), lock, note), trunk)


@command.command()
@target_argument
@trunk_option
@lock_option
@note_option
@pass_desk
def allow(desk: Desk, target: Target, trunk: str | None, *, lock: bool, note: str) -> None:
    """Open a destination, from the next call on.

    \b
    Examples:
      siptrunk destination allow lv --trunk acme-paris --note "branch in Riga"
      siptrunk destination allow fr:premium --trunk acme-paris
    """  # noqa: D301
    _put(desk, Rule(target, Action.ALLOW, _layer(trunk, lock=lock), lock, note), trunk)


@command.command()
@click.argument("target", type=TARGET, shell_complete=ruled_targets)
@trunk_option
@yes_option
@pass_desk
def remove(desk: Desk, target: Target, trunk: str | None, *, yes: bool) -> None:
    """Take away the rule for a target; a wider rule, or none, then decides.

    Of a trunk the customer's rule goes first; the same again takes the provider's. A rule for all
    trunks that stands in the place of one that we ship gives way to that one.

    Example: siptrunk destination remove lv --trunk acme-paris
    """
    owner = trunk or PROVIDER
    with desk.reading() as connection:
        _layer_to_remove(connection, target, trunk)
    confirm(f"Remove the rule for {target} of {owner}?", yes=yes)
    with desk.changing() as (connection, by):
        layer = _layer_to_remove(connection, target, trunk)
        again = rules.remove(connection, by, target, layer, trunk)
    say(f"The {layer}'s rule for {target} of {owner} removed.")
    if again:
        say(f"{target} is blocked again for all trunks, as shipped: {again.note}.")


@command.command()
@click.argument("number")
@click.option("--trunk", required=True, shell_complete=trunk_names, help="Who would call.")
@click.option("--from", "caller", default="", help="The caller number.  [default: the main one]")
@form_option
@pass_desk
def check(desk: Desk, number: str, trunk: str, caller: str, form: Form) -> None:
    """Say what would become of a call now, and by which rule; nothing is called or kept.

    Give the number as the PBX would dial it; spaces, dots and hyphens are left out.

    \b
    Examples:
      siptrunk destination check 0899123456 --trunk acme-paris
      siptrunk destination check 0037120000000 --trunk acme-paris --from 0123456789
    """  # noqa: D301
    dialled, shown = dialled_number(number), without_punctuation(caller)
    with desk.reading() as connection:
        now = bootstrap.signature().at
        seen = foresight.foresee(connection, trunk, dialled, shown, now)
    show_row(_foreseen(seen), form, desk.zone)


def _foreseen(seen: foresight.Foresight) -> Row:
    reason, callee = seen.decision.reason, seen.callee
    cause = reason.cause
    return {
        "verdict": "admitted" if seen.admitted else "refused",
        "reason": reason,
        "because": reason.sentence,
        "facts": seen.decision.facts,
        "trunk": seen.trunk.name,
        "dialled": seen.attempt.dialled,
        "callee": callee.number if callee else None,
        "zone": callee.zone if callee else None,
        "rule": seen.judgement.explanation if seen.judgement else None,
        "caller_given": seen.attempt.caller,
        "caller_shown": seen.caller_shown,
        "carriers": seen.carriers,
        "hangup_cause": None if cause is None else int(cause),
        "sip_answer": None if cause is None else cause.sip_answer,
    }


command.add_command(
    history_command(
        "destination",
        rule_owners,
        "acme-paris",
        whose="NAME is a trunk, for its own rules, or 'provider' for those of all trunks.",
    )
)


def _layer_to_remove(connection: "Connection", target: Target, trunk: str | None) -> Layer:
    own = [each for each in rules.every(connection, trunk) if each.trunk == trunk]
    layers = [each.rule.layer for each in own if each.rule.target == target]
    if not layers:
        raise NotFound(
            f"There is no rule for {target} of {trunk or PROVIDER}; see 'destination list'."
        )
    return Layer.CUSTOMER if Layer.CUSTOMER in layers else layers[0]


def _layer(trunk: str | None, *, lock: bool) -> Layer:
    """Whose rule it is: a trunk's own unless it is locked, which a provider alone can do."""
    return Layer.PROVIDER if lock or trunk is None else Layer.CUSTOMER


def _put(desk: Desk, rule: Rule, trunk: str | None) -> None:
    with desk.changing() as (connection, by):
        owner = trunks.get(connection, trunk) if trunk else None
        refuse_emergency(str(rule.target), (owner or desk.settings.provider).country)
        rules.put(connection, by, rule, trunk)
    verb = "open" if rule.action is Action.ALLOW else "blocked"
    locked = ", locked" if rule.locked else ""
    say(f"{rule.target} is {verb}{locked} for {f'trunk {trunk}' if trunk else 'all trunks'}.")
