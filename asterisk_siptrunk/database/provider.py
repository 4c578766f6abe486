"""The version of what all trunks share: carriers and the provider's own rules."""

from sqlalchemy import Connection, insert, select, update

from asterisk_siptrunk.database.tables import provider


def begin(connection: Connection) -> bool:
    """Write the provider's one row; False where it stands already."""
    if connection.execute(select(provider.c.id)).one_or_none() is not None:
        return False
    connection.execute(insert(provider).values(id=1, version=1))
    return True


def hold(connection: Connection) -> None:
    """Have other commands that ask for the same wait until this transaction ends.

    It comes before all other locks of a transaction: two that took them in another order could
    wait for each other. On SQLite they wait anyway, since every transaction that may write has the
    database to itself.
    """
    connection.execute(select(provider.c.id).with_for_update())


def rewrite(connection: Connection) -> None:
    """Write what stands there once more: a change that changes nothing."""
    connection.execute(update(provider).values(version=provider.c.version))


def touch(connection: Connection) -> None:
    """Say that something which all trunks share changed."""
    connection.execute(update(provider).values(version=provider.c.version + 1))
