"""The version of what all trunks share: carriers and the provider's own rules."""

from sqlalchemy import Connection, update

from asterisk_siptrunk.database.tables import provider


def touch(connection: Connection) -> None:
    """Say that something which all trunks share changed."""
    connection.execute(update(provider).values(version=provider.c.version + 1))
