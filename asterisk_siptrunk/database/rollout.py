"""One configuration on all servers: which `config apply` each of them followed, by number.

Each server renders its own files from what the database says. So an apply on one of them only
raises a number here, and every other one follows once it sees that.
"""

from sqlalchemy import Connection, select, update

from asterisk_siptrunk.database.tables import provider, server

LONGEST_ERROR = 500


def want(connection: Connection, name: str, generation: str) -> int:
    """Ask all servers for what the database says now; `name` has it, as that generation.

    Returns:
        The number of this apply. What servers told of those before is forgotten.
    """
    number = ask(connection)
    followed(connection, name, number, generation)
    return number


def ask(connection: Connection) -> int:
    """Ask all servers for what the database says once this transaction is done.

    Before anything of a trunk is changed in it, since whoever has a trunk's row may wait for the
    provider's.

    Returns:
        The number of this apply.
    """
    # The servers first, and then the provider, as whoever takes a server for lost does.
    connection.execute(update(server).values(config_error=""))
    connection.execute(update(provider).values(config_wanted=provider.c.config_wanted + 1))
    return _newest(connection)


def settle(connection: Connection, name: str, generation: str) -> None:
    """Note what a server was given by hand: what was asked of it before is not asked again."""
    followed(connection, name, _newest(connection), generation)


def followed(connection: Connection, name: str, number: int, generation: str) -> None:
    """Note that a server has what this apply asked for, as that generation."""
    connection.execute(
        update(server)
        .where(server.c.name == name, server.c.config_applied <= number)
        .values(config_applied=number, config_generation=generation, config_error="")
    )


def failed(connection: Connection, name: str, number: int, why: str) -> None:
    """Note why a server could not follow an apply, unless there has been another one since."""
    newest = select(provider.c.config_wanted).scalar_subquery()
    connection.execute(
        update(server)
        .where(server.c.name == name, server.c.config_applied < number, newest == number)
        .values(config_error=" ".join(why.split())[:LONGEST_ERROR])
    )


def _newest(connection: Connection) -> int:
    return int(connection.execute(select(provider.c.config_wanted)).scalar_one())
