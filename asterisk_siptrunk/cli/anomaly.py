"""`siptrunk anomaly`."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.anomaly.finding import span_words
from asterisk_siptrunk.anomaly.rule import Action, Level, Rule
from asterisk_siptrunk.anomaly.rule_file import changed as changed_rules
from asterisk_siptrunk.anomaly.rule_file import written
from asterisk_siptrunk.bootstrap import backtest, calls, findings, watch_rules
from asterisk_siptrunk.cli.complete import trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import form_option, given, nothing_to_set
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows
from asterisk_siptrunk.cli.values import LINE, LINE_OR_NONE, MOMENT, WholeNumber
from asterisk_siptrunk.errors import InvalidInput, NotFound

_ONE_SCREEN = 50
_MOST = 100_000
_LARGEST_ID = 2**63 - 1
_COLUMNS = (
    *("id", "at", "trunk", "level", "rule", "version", "key", "amount", "usual", "basis", "window"),
    *("sentence", "action", "dry_run", "state", "author", "remark", "changed_at", "evidence"),
)
_IN_TABLE = ("id", "at", "level", "sentence", "action", "dry_run", "state")
_RULE_COLUMNS = (
    *("name", "version", "measure", "of", "among", "per", "window", "least", "but_dearest"),
    *("usual_times", "warning", "critical", "on_warning", "on_critical", "end_calls", "expiry"),
    *("dry_run", "changed"),
)
_RULES_IN_TABLE = (
    *("name", "measure", "per", "window", "warning", "critical", "on_warning", "on_critical"),
    *("expiry", "dry_run", "changed"),
)
_TRIAL_COLUMNS = (
    *("at", "trunk", "level", "rule", "sentence", "stops", "refused", "ended", "saved"),
)
_STOPPED_COLUMNS = ("id", "rule", "trunk", "outcome", "caller", "callee", "zone", "started_at")
_ACTIONS = click.Choice(Action, case_sensitive=False)


@click.group()
def command() -> None:
    """What the watch over abnormal use finds, and the rules that it goes by."""


@command.command("list")
@click.option("--trunk", shell_complete=trunk_names, help="Only of this trunk.")
@click.option("--since", type=MOMENT, help="Found then or later.")
@click.option(
    "--level",
    type=click.Choice([each.name.lower() for each in Level], case_sensitive=False),
    help="Only of this level.",
)
@click.option("--all", "done", is_flag=True, help="Acknowledged and released ones, too.")
@click.option(
    "--limit",
    type=WholeNumber(1, _MOST),
    default=_ONE_SCREEN,
    show_default=True,
    help="How many at most, the newest.",
)
@form_option
@pass_desk
def list_(  # noqa: PLR0913 - one argument for each option
    desk: Desk,
    /,
    *,
    trunk: str | None,
    since: datetime | None,
    level: str | None,
    done: bool,
    limit: int,
    form: Form,
) -> None:
    """List what was found and nobody has seen to yet, newest first.

    \b
    Examples:
      siptrunk anomaly list
      siptrunk anomaly list --trunk acme-paris --since yesterday --all --format csv
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    wanted = findings.FindingFilter(
        trunk, since, Level[level.upper()] if level else None, done=done
    )
    with desk.reading() as connection:
        found = findings.listed(connection, wanted, limit)
    show_rows([_row(one) for one in found], _COLUMNS, form, desk.zone, _IN_TABLE)


@command.command()
@click.argument("number", metavar="ID", type=click.IntRange(1, _LARGEST_ID))
@form_option
@pass_desk
def show(desk: Desk, number: int, form: Form) -> None:
    """Show a finding, the calls that it rests on, and what was suspended for it.

    A suspension may stand for several findings: whoever lifts it forgives all of them.

    Example: siptrunk anomaly show 17
    """
    with desk.reading() as connection:
        found = findings.get(connection, number)
        evidence = [
            row for each in found.evidence if (row := _call(connection, str(each))) is not None
        ]
        stopped: list[Row] = [
            {
                "id": one.id,
                "scope": one.suspension.scope,
                "target": one.suspension.target,
                "expires_at": one.suspension.expires_at,
                "lifted_at": one.lifted_at,
                "findings": tuple(map(str, one.findings)),
            }
            for one in bootstrap.suspensions.listed(connection, found.trunk, lifted=True)
            if number in one.findings
        ]
    show_row(_row(found), form, desk.zone, suspensions=stopped, calls=evidence)


@command.command()
@click.argument("number", metavar="ID", type=click.IntRange(1, _LARGEST_ID))
@click.option("--reason", type=LINE_OR_NONE, default="", help="What it was; the history keeps it.")
@pass_desk
def ack(desk: Desk, number: int, reason: str) -> None:
    """Say that somebody has seen to a finding. What was stopped for it stays so.

    'trunk resume' and 'suspension lift' have it pass again.

    Example: siptrunk anomaly ack 17 --reason "a campaign, they told us"
    """
    with desk.changing() as (connection, by):
        findings.acknowledge(connection, by, number, reason)
    say(f"Finding {number} is acknowledged.")


@command.command()
@click.option("--trunk", shell_complete=trunk_names, help="As they are for this trunk.")
@form_option
@pass_desk
def rules(desk: Desk, trunk: str | None, form: Form) -> None:
    """List the rules with their thresholds, and what was changed of them.

    Amounts of cost and committed are in the provider's currency, of talk in minutes; those of a
    share (among) in hundredths.

    \b
    Examples:
      siptrunk anomaly rules
      siptrunk anomaly rules --trunk acme-paris --format json
    """  # noqa: D301 - see above
    base = bootstrap.base_rules(desk.settings)
    with desk.reading() as connection:
        changed = watch_rules.changes(connection, trunk)
        found = watch_rules.book(connection, base).of_trunk(trunk)
    rows = [_rule_row(rule, changed.get(rule.name, {})) for rule in found]
    show_rows(rows, _RULE_COLUMNS, form, desk.zone, _RULES_IN_TABLE)


@command.command("set")
@click.argument("rule", metavar="RULE")
@click.option("--trunk", shell_complete=trunk_names, help="For this trunk alone.  [default: all]")
@click.option("--warning", type=LINE, help="The amount from which on it warns.")
@click.option("--critical", type=LINE, help="The amount from which on it is critical.")
@click.option("--on-warning", type=_ACTIONS, help="What follows a warning.")
@click.option("--on-critical", type=_ACTIONS, help="What follows when it is critical.")
@click.option("--expiry", type=LINE, help='When what it blocked opens by itself: "2 hours".')
@click.option("--end-calls/--no-end-calls", default=None, help="End running calls that match.")
@click.option("--dry-run/--armed", default=None, help="Only note what would have followed.")
@click.option("--reset", is_flag=True, help="As it was before anything was changed.")
@pass_desk
def set_(desk: Desk, /, *, rule: str, trunk: str | None, reset: bool, **options: Any) -> None:  # noqa: ANN401
    """Change a rule, for all trunks or for one; the watch goes by it within seconds.

    \b
    Examples:
      siptrunk anomaly set day-cost --critical 400
      siptrunk anomaly set new-cost --trunk acme-paris --critical 80 --on-critical notify
      siptrunk anomaly set one-ring --dry-run
      siptrunk anomaly set new-cost --trunk acme-paris --reset
    """  # noqa: D301 - see above
    values = _values(given(options))
    if bool(values) == reset:
        raise nothing_to_set()
    base = bootstrap.base_rules(desk.settings)
    with desk.changing() as (connection, by):
        if reset:
            watch_rules.reset(connection, by, rule, trunk)
        else:
            watch_rules.put(connection, by, base, rule, values, trunk_name=trunk)
    say(f"Rule {rule} changed for {f'trunk {trunk}' if trunk else 'all trunks'}.")


@command.command("backtest")
@click.option("--rule", "names", multiple=True, help="Only this rule (repeat it).  [default: all]")
@click.option("--trunk", shell_complete=trunk_names, help="Only the calls of this trunk.")
@click.option("--from", "since", type=MOMENT, required=True, help="Calls that began then or later.")
@click.option("--to", "until", type=MOMENT, default="now", help="... and before then.")
@click.option("--warning", type=LINE, help="With this amount to warn from.")
@click.option("--critical", type=LINE, help="With this critical amount.")
@click.option("--calls", "with_calls", is_flag=True, help="List the calls that would be stopped.")
@form_option
@pass_desk
def backtest_(  # noqa: PLR0913 - one argument for each option
    desk: Desk,
    /,
    *,
    names: tuple[str, ...],
    trunk: str | None,
    since: datetime,
    until: datetime,
    with_calls: bool,
    form: Form,
    **amounts: str | None,
) -> None:
    """Try rules on stored calls: what would have been found, what stopped, what saved.

    The calls of the four weeks before tell what is usual. What is blocked without an expiry is
    taken to be released after a day. Nothing is changed. Look at the calls that would have been
    refused (--calls): those that were legitimate are what the rule costs.

    \b
    Examples:
      siptrunk anomaly backtest --from 2026-10-01 --to 2026-11-01
      siptrunk anomaly backtest --rule day-cost --critical 400 --trunk acme-paris \\
          --from 2026-10-01 --calls
    """  # noqa: D301 - see above
    base = bootstrap.base_rules(desk.settings)
    span = backtest.Span(since, until, trunk)
    with desk.reading() as connection:
        rules = _tried(watch_rules.book(connection, base), names, _values(given(amounts)))
        known = bootstrap.book_of_calls(desk.settings, connection, until)
        country = desk.settings.provider.country
        found = backtest.backtest(connection, known, rules, country, span)
    if with_calls:
        stopped = [row for trial in found for row in _stopped_rows(trial)]
        show_rows(stopped, _STOPPED_COLUMNS, form, desk.zone)
    else:
        show_rows([_trial_row(each) for each in found], _TRIAL_COLUMNS, form, desk.zone)
    say(
        f"{len(found)} findings, {sum(each.part is not None for each in found)} of which stop: "
        f"{sum(len(each.refused) for each in found)} calls refused, "
        f"{sum(len(each.ended) for each in found)} ended, "
        f"{sum((each.saved for each in found), Decimal(0)):.2f} saved."
    )


@command.command()
@click.option("--rule", "name", required=True, help="The rule.")
@click.option("--trunk", required=True, shell_complete=trunk_names, help="By whose calls.")
@click.option(
    "--alarms",
    type=click.FloatRange(0, _MOST),
    default=0.1,
    show_default=True,
    help="How often a month it may speak of such calls.",
)
@click.option("--from", "since", type=MOMENT, required=True, help="Calls that began then or later.")
@click.option("--to", "until", type=MOMENT, default="now", help="... and before then.")
@form_option
@pass_desk
def tune(  # noqa: PLR0913 - one argument for each option
    desk: Desk,
    /,
    *,
    name: str,
    trunk: str,
    alarms: float,
    since: datetime,
    until: datetime,
    form: Form,
) -> None:
    """Propose a critical amount by a trunk's past calls, all of which are taken for legitimate.

    It is the lowest by which the rule would have spoken so often a month, and no oftener. Nothing
    is changed.

    \b
    Example:
      siptrunk anomaly tune --rule day-cost --trunk acme-paris --alarms 0.5 --from 2026-09-01
    """  # noqa: D301 - see above
    base = bootstrap.base_rules(desk.settings)
    span = backtest.Span(since, until, trunk)
    with desk.reading() as connection:
        (rule,) = _tried(watch_rules.book(connection, base), (name,), {}).of_trunk(trunk)
        known = bootstrap.book_of_calls(desk.settings, connection, until)
        country = desk.settings.provider.country
        found = backtest.propose(connection, known, rule, country, span, alarms)
    if found is None:
        raise InvalidInput(f"No amount keeps rule {name} so quiet: give more --alarms.")
    before = written(rule).get("critical")
    after = written(replace(rule, critical=found, warning=None))["critical"]
    row: Row = {"rule": name, "trunk": trunk, "critical": before, "proposed": after}
    show_row(row, form, desk.zone)
    say(f"To set it: siptrunk anomaly set {name} --trunk {trunk} --critical {after}")


def _tried(
    book: watch_rules.RuleBook, names: tuple[str, ...], values: Mapping[str, Any]
) -> watch_rules.RuleBook:
    """The rules that are meant, armed, with these values."""
    known = {rule.name for rule in book.every}
    if unknown := sorted(set(names) - known):
        raise InvalidInput(f"There is no rule {unknown[0]!r}; 'siptrunk anomaly rules' lists them.")

    def of(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        meant = [rule for rule in rules if not names or rule.name in names]
        own = {rule.name: {**values, "dry-run": False} for rule in meant}
        return changed_rules(meant, own)

    return watch_rules.RuleBook(of(book.every), {name: of(own) for name, own in book.own.items()})


def _trial_row(trial: backtest.Trial) -> Row:
    finding = trial.finding
    return {
        "at": trial.at,
        "trunk": finding.trunk or None,
        "level": finding.level.name.lower(),
        "rule": finding.rule.name,
        "sentence": finding.sentence,
        "stops": trial.part.part if trial.part else None,
        "refused": len(trial.refused),
        "ended": len(trial.ended),
        "saved": f"{trial.saved:.2f}",
    }


def _stopped_rows(trial: backtest.Trial) -> Iterator[Row]:
    for what, stopped in (("ended", trial.ended), ("refused", trial.refused)):
        for seen in stopped:
            yield {
                "id": seen.id,
                "rule": trial.finding.rule.name,
                "trunk": seen.trunk,
                "outcome": what,
                "caller": seen.caller,
                "callee": seen.callee,
                "zone": seen.zone,
                "started_at": datetime.fromtimestamp(seen.started_at, UTC),
            }


def _values(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as the keys and values of a file of rules."""
    return {key.replace("_", "-"): _value(value) for key, value in options.items()}


def _value(value: object) -> object:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, bool) else str(value)


def _row(found: findings.FindingRecord) -> Row:
    row = asdict(found)
    return {key: row[key] for key in _COLUMNS} | {"evidence": tuple(map(str, found.evidence))}


def _call(connection: Any, reference: str) -> Row | None:  # noqa: ANN401 - a connection
    """A call of a finding; None where it was pruned."""
    try:
        one = calls.get(connection, reference)
    except NotFound:
        return None
    return {
        "id": one.id,
        "started_at": one.started_at,
        "caller": one.caller or one.presented,
        "callee": one.callee,
        "zone": one.zone,
        "reason": one.reason,
        "billable": one.billable,
    }


def _rule_row(rule: Rule, changed: Mapping[str, Any]) -> Row:
    table = {key.replace("-", "_"): value for key, value in written(rule).items()}
    row = {key: table.get(key) for key in _RULE_COLUMNS}
    return row | {
        "of": tuple(table["of"]),
        "among": tuple(table["among"]) if "among" in table else None,
        "window": span_words(rule.count.window),
        "changed": tuple(sorted(changed)),
    }
