"""The watch's rules as people changed them: for all trunks, and for one."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from asterisk_siptrunk.anomaly.rule import Rule
from asterisk_siptrunk.anomaly.rule_file import changed
from asterisk_siptrunk.database import provider, trunks
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.tables import rule_setting, trunk
from asterisk_siptrunk.errors import InvalidInput, NotFound

log = logging.getLogger(__name__)

Values = Mapping[str, Any]
"""Keys and values as in a file of rules."""


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules that hold: for all trunks, and all those of a trunk that has some of its own."""

    every: tuple[Rule, ...]
    own: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)

    def of_trunk(self, name: str | None) -> tuple[Rule, ...]:
        """The rules of a trunk, or of all others."""
        return self.every if name is None else self.own.get(name, self.every)


def book(connection: Connection, base: Iterable[Rule]) -> RuleBook:
    """The rules that hold; `base` are those of the file.

    What was changed of a rule that is gone is left, and so is what does not go with the rule as the
    file has it now (a warning above its critical amount): that is logged, and the rule holds as the
    file, or as for all trunks.
    """
    settings = _settings(connection)
    every = _changed(base, settings.pop(None, {}), None)
    return RuleBook(
        every, {name: _changed(every, own, name) for name, own in settings.items() if name}
    )


def _changed(
    base: Iterable[Rule], own: Mapping[str, Values], whose: str | None
) -> tuple[Rule, ...]:
    return tuple(_changed_rule(rule, own.get(rule.name), whose) for rule in base)


def _changed_rule(rule: Rule, values: Values | None, whose: str | None) -> Rule:
    if values is None:
        return rule
    try:
        (own,) = changed((rule,), {rule.name: values})
    except InvalidInput as error:
        option = f" --trunk {whose}" if whose else ""
        log.warning(
            "What was changed of the watch's rule %s for %s does not go with the rule as it is "
            "now, and is left out (%s). Set it anew, or: siptrunk anomaly set %s%s --reset",
            *(rule.name, _whose(whose), " ".join(str(error).split()), rule.name, option),
        )
        return rule
    return own


def edition(connection: Connection) -> tuple[int, datetime | None]:
    """Another one after each change."""
    query = select(func.count(), func.max(rule_setting.c.at))
    count, last = connection.execute(query).one()
    return count, last


def changes(connection: Connection, trunk_name: str | None) -> Mapping[str, Values]:
    """What was changed for a trunk, or for all, by the names of rules.

    Raises:
        NotFound: there is no such trunk.
    """
    if trunk_name is not None:
        trunks.get(connection, trunk_name)
    return _settings(connection).get(trunk_name, {})


def put(  # noqa: PLR0913 - whose rule, and what of it
    connection: Connection,
    by: By,
    base: Iterable[Rule],
    rule: str,
    values: Values,
    *,
    trunk_name: str | None = None,
) -> Rule:
    """Change a rule, for one trunk or for all; what was changed of it before stays. Gives it.

    Raises:
        NotFound: there is no such trunk.
        InvalidInput: there is no such rule, or a value cannot be used.
    """
    provider.hold(connection)
    base = tuple(base)
    own = {**changes(connection, trunk_name).get(rule, {}), **values}
    changed(base, {rule: own})  # refuses what cannot be used, and a rule that is not there
    _remove(connection, rule, trunk_name)
    connection.execute(
        insert(rule_setting).values(
            trunk_id=_id_of(connection, trunk_name),
            rule=rule,
            changed=json.dumps(own),
            author=by.author,
            at=by.at,
        )
    )
    after = book(connection, base).of_trunk(trunk_name)
    said = ", ".join(f"{key}: {value}" for key, value in values.items())
    note(connection, by, "rule", rule, f"{_whose(trunk_name)}: {said}")
    return next(each for each in after if each.name == rule)


def reset(connection: Connection, by: By, rule: str, trunk_name: str | None) -> None:
    """Have a rule as the file has it, or, for a trunk, as it is for all.

    Raises:
        NotFound: there is no such trunk, or nothing was changed.
    """
    provider.hold(connection)
    if not _remove(connection, rule, trunk_name):
        raise NotFound(f"Nothing of rule {rule} was changed for {_whose(trunk_name)}.")
    note(connection, by, "rule", rule, f"{_whose(trunk_name)}: as it was")


def _whose(trunk_name: str | None) -> str:
    return f"trunk {trunk_name}" if trunk_name else "all trunks"


def _settings(connection: Connection) -> dict[str | None, dict[str, Values]]:
    rows = connection.execute(
        select(rule_setting.c.rule, rule_setting.c.changed, trunk.c.name).outerjoin(
            trunk, trunk.c.id == rule_setting.c.trunk_id
        )
    )
    found: dict[str | None, dict[str, Values]] = {}
    for row in rows:
        found.setdefault(row.name, {})[row.rule] = json.loads(row.changed)
    return found


def _remove(connection: Connection, rule: str, trunk_name: str | None) -> int:
    trunk_id = _id_of(connection, trunk_name)
    mine: ColumnElement[bool] = (
        rule_setting.c.trunk_id.is_(None)
        if trunk_id is None
        else rule_setting.c.trunk_id == trunk_id
    )
    return connection.execute(
        delete(rule_setting).where(mine, rule_setting.c.rule == rule)
    ).rowcount


def _id_of(connection: Connection, trunk_name: str | None) -> int | None:
    return None if trunk_name is None else trunks.get(connection, trunk_name).id
