"""Rules on destinations: the provider's for all trunks, and each trunk's own."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from asterisk_siptrunk.database import provider, trunks
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.tables import rule
from asterisk_siptrunk.database.tables import trunk as trunk_table
from asterisk_siptrunk.destination import Action, Layer, Rule, Target, default_rules
from asterisk_siptrunk.errors import InvalidInput, NotFound


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule, whose it is (`trunk` None: the provider's, for all), and who made it."""

    rule: Rule
    trunk: str | None
    author: str


def put(connection: Connection, by: By, new: Rule, trunk: str | None) -> None:
    """Set the rule for a target; it takes the place of the one that its layer had for it.

    Raises:
        NotFound: there is no such trunk.
        InvalidInput: the provider locked this target.
    """
    if new.layer is Layer.CUSTOMER:
        _check_not_locked(connection, new.target, trunk)
    trunk_id = _trunk_id(connection, trunk)
    connection.execute(delete(rule).where(_same(trunk_id, new.target, new.layer)))
    connection.execute(
        insert(rule).values(
            trunk_id=trunk_id,
            target=str(new.target),
            action=new.action,
            layer=new.layer,
            locked=new.locked,
            note=new.note,
            author=by.author,
            created_at=by.at,
        )
    )
    _touch(connection, trunk_id)
    locked = ", locked" if new.locked else ""
    note(connection, by, "destination", trunk or "provider", f"{new.action} {new.target}{locked}")


def remove(
    connection: Connection, by: By, target: Target, layer: Layer, trunk: str | None
) -> Rule | None:
    """Take a rule away; gives the shipped rule that stands again in its place, if one does.

    What ships blocked stays ruled: without any rule it would be open for everyone, and nobody
    would have said so.

    Raises:
        NotFound: there is no such trunk, or no such rule.
        InvalidInput: it is a shipped rule itself.
    """
    shipped = _shipped(target) if trunk is None else None
    if shipped is not None:
        return _put_back(connection, by, shipped)
    trunk_id = _trunk_id(connection, trunk)
    gone = connection.execute(delete(rule).where(_same(trunk_id, target, layer)))
    if not gone.rowcount:
        owner = f"trunk {trunk}" if trunk else "the provider"
        raise NotFound(f"There is no {layer} rule for {target} of {owner}.")
    _touch(connection, trunk_id)
    note(connection, by, "destination", trunk or "provider", f"removed the rule for {target}")
    return None


def of_trunk(connection: Connection, trunk_id: int) -> list[Rule]:
    """All rules that hold for a trunk: the provider's and its own."""
    where = rule.c.trunk_id.is_(None) | (rule.c.trunk_id == trunk_id)
    return [stored.rule for stored in _load(connection, where)]


def every(connection: Connection, trunk: str | None) -> list[StoredRule]:
    """The provider's rules, and with `trunk` that trunk's too.

    Raises:
        NotFound: there is no such trunk.
    """
    where: ColumnElement[bool] = rule.c.trunk_id.is_(None)
    if trunk is not None:
        where |= rule.c.trunk_id == _trunk_id(connection, trunk)
    return _load(connection, where)


def store_defaults(connection: Connection, by: By) -> None:
    """Store the shipped rules as the provider's; they are the provider's to edit from then on."""
    for shipped in default_rules():
        put(connection, by, shipped, None)


def _shipped(target: Target) -> Rule | None:
    return next((each for each in default_rules() if each.target == target), None)


def _put_back(connection: Connection, by: By, shipped: Rule) -> Rule:
    """Put a shipped rule in the place of the provider's own for its target."""
    standing = _load(connection, _same(None, shipped.target, Layer.PROVIDER))
    if not standing:
        raise NotFound(f"There is no provider rule for {shipped.target} of the provider.")
    if standing[0].rule == shipped:
        raise InvalidInput(
            f"{shipped.target} ships blocked ({shipped.note}): without a rule it would be open for "
            f"everyone. If it is to be: siptrunk destination allow '{shipped.target}'."
        )
    put(connection, by, shipped, None)
    return shipped


def _load(connection: Connection, where: ColumnElement[bool]) -> list[StoredRule]:
    rows = connection.execute(
        select(rule, trunk_table.c.name.label("trunk"))
        .outerjoin(trunk_table, trunk_table.c.id == rule.c.trunk_id)
        .where(where)
        .order_by(rule.c.trunk_id, rule.c.target)
    )
    return [
        StoredRule(
            Rule(
                Target.parse(row.target), Action(row.action), Layer(row.layer), row.locked, row.note
            ),
            row.trunk,
            row.author,
        )
        for row in rows
    ]


def _check_not_locked(connection: Connection, target: Target, trunk: str | None) -> None:
    for stored in every(connection, trunk):
        if stored.rule.locked and stored.rule.target == target:
            raise InvalidInput(
                f"The provider locked {target}: {stored.rule.note or 'no reason given'}."
            )


def _same(trunk_id: int | None, target: Target, layer: Layer) -> ColumnElement[bool]:
    owner = rule.c.trunk_id.is_(None) if trunk_id is None else rule.c.trunk_id == trunk_id
    return owner & (rule.c.target == str(target)) & (rule.c.layer == layer)


def _trunk_id(connection: Connection, trunk: str | None) -> int | None:
    return None if trunk is None else trunks.get(connection, trunk).id


def _touch(connection: Connection, trunk_id: int | None) -> None:
    if trunk_id is None:
        provider.touch(connection)
    else:
        trunks.touch(connection, trunk_id)
