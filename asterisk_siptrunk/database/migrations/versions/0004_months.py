"""the epoch of a call's UniqueID, months as PostgreSQL's partitions, exported months."""

import re
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

import asterisk_siptrunk.database.tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_EPOCH = re.compile(r"(?:\A|-)(\d{1,10})\.\d{1,10}\Z", re.ASCII)
_EPOCH_SQL = "coalesce(substring(uniqueid from '(?:^|-)([0-9]{1,10})\\.[0-9]{1,10}$'), '0')::bigint"
# A UniqueID can name any year: months long before this program was, or after the next, get no partition.
_FIRST = "2020-01-01"
_NEXT = sa.text("nextval('call_id_seq')")
_INDEXES = {
    "ix_call_open_carrier": (["carrier_id"], "ended_at IS NULL"),
    "ix_call_open_server": (["server"], "ended_at IS NULL"),
    "ix_call_open_trunk": (["trunk_id", "direction"], "ended_at IS NULL"),
    "ix_call_started_at": (["started_at"], None),
    "ix_call_trunk_id_started_at": (["trunk_id", "started_at"], None),
}


def upgrade() -> None:
    op.create_table(
        "exported_month",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column(
            "since", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=False
        ),
        sa.Column(
            "until", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=False
        ),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column(
            "at", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=False
        ),
        sa.Column("pruned_to", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_exported_month")),
    )
    if op.get_bind().dialect.name == "postgresql":
        _take_apart()
    else:
        _add_epoch()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _put_together()
    else:
        with op.batch_alter_table("call", schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f("uq_call_server_uniqueid_epoch"), type_="unique")
            batch_op.create_unique_constraint(
                batch_op.f("uq_call_server_uniqueid"), ["server", "uniqueid"]
            )
            batch_op.drop_column("epoch")
    op.drop_table("exported_month")


def _add_epoch() -> None:
    """SQLite: one table as ever, with the column that statements name a month by."""
    op.add_column("call", sa.Column("epoch", sa.BigInteger(), nullable=True))
    driver: Any = op.get_bind().connection.dbapi_connection
    driver.create_function("epoch_of", 1, _epoch_of, deterministic=True)
    op.execute("UPDATE call SET epoch = epoch_of(uniqueid)")
    with op.batch_alter_table(
        "call", schema=None, table_kwargs={"sqlite_autoincrement": True}
    ) as batch_op:
        batch_op.alter_column("epoch", existing_type=sa.BigInteger(), nullable=False)
        batch_op.drop_constraint(batch_op.f("uq_call_server_uniqueid"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_call_server_uniqueid_epoch"), ["server", "uniqueid", "epoch"]
        )


def _epoch_of(uniqueid: str) -> int:
    found = _EPOCH.search(uniqueid)
    return int(found[1]) if found else 0


def _take_apart() -> None:
    """Copy the one table's rows into a table of months; the old one goes."""
    if views := _views():
        raise CommandError(
            f"{', '.join(views)} reads the table of calls, which is made anew: drop what reads it, "
            "and make it again after 'siptrunk init'."
        )
    _set_aside()
    columns = _columns()
    columns.insert(3, sa.Column("epoch", sa.BigInteger(), nullable=False))
    op.create_table(
        "call",
        *columns,
        *_foreign_keys(),
        sa.PrimaryKeyConstraint("id", "epoch", name=op.f("pk_call")),
        sa.UniqueConstraint(
            "server", "uniqueid", "epoch", name=op.f("uq_call_server_uniqueid_epoch")
        ),
        postgresql_partition_by="RANGE (epoch)",
    )
    op.execute("CREATE TABLE call_default PARTITION OF call DEFAULT")
    for since, until in _months():
        op.execute(
            f"CREATE TABLE call_{since:%Y_%m} PARTITION OF call"
            f" FOR VALUES FROM ({since.timestamp():.0f}) TO ({until.timestamp():.0f})"
        )
    names = ", ".join(column.name for column in _columns())
    op.execute(
        f"INSERT INTO call ({names}, epoch) SELECT {names}, {_EPOCH_SQL} FROM call_aside"  # noqa: S608 - names of ours
    )
    _finish()


def _put_together() -> None:
    """Copy the rows of all months back into one table."""
    _set_aside()
    op.create_table(
        "call",
        *_columns(),
        *_foreign_keys(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sa.UniqueConstraint("server", "uniqueid", name=op.f("uq_call_server_uniqueid")),
    )
    names = ", ".join(column.name for column in _columns())
    op.execute(f"INSERT INTO call ({names}) SELECT {names} FROM call_aside")  # noqa: S608 - names of ours
    _finish()


def _set_aside() -> None:
    """Free the names of the table and of all that belongs to it; its numbers go on."""
    op.execute("LOCK TABLE call IN ACCESS EXCLUSIVE MODE")
    for name in _INDEXES:
        op.drop_index(name, table_name="call")
    op.execute("ALTER SEQUENCE call_id_seq OWNED BY NONE")
    op.execute("ALTER TABLE call RENAME TO call_aside")
    inspector = sa.inspect(op.get_bind())
    unique = [each["name"] for each in inspector.get_unique_constraints("call_aside")]
    for constraint in (inspector.get_pk_constraint("call_aside")["name"], *unique):
        op.execute(f"ALTER TABLE call_aside DROP CONSTRAINT {constraint}")


def _finish() -> None:
    for grant in _grants():
        op.execute(grant)
    op.execute("DROP TABLE call_aside")
    op.execute("ALTER SEQUENCE call_id_seq OWNED BY call.id")
    for name, (columns, where) in _INDEXES.items():
        condition = sa.text(where) if where else None
        op.create_index(name, "call", columns, unique=False, postgresql_where=condition)


def _views() -> list[str]:
    """A site's own views of the calls, which keep the old table from going."""
    rows = op.get_bind().execute(
        sa.text(
            "SELECT DISTINCT ev_class::regclass::text FROM pg_depend"
            " JOIN pg_rewrite ON pg_rewrite.oid = objid AND classid = 'pg_rewrite'::regclass"
            " WHERE refclassid = 'pg_class'::regclass AND refobjid = 'call'::regclass ORDER BY 1"
        )
    )
    return [name for (name,) in rows]


def _grants() -> list[str]:
    """What others than the owner may do with the calls: billing reads them, and the service may be no owner."""
    rows = op.get_bind().execute(
        sa.text(
            "SELECT format('GRANT %s ON %s TO %s%s', privilege_type,"
            # An export asks whether a month was pruned.
            " CASE privilege_type WHEN 'SELECT' THEN 'call, exported_month' ELSE 'call' END,"
            " CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,"
            " CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)"
            " FROM pg_class, aclexplode(relacl)"
            " WHERE oid = 'call_aside'::regclass AND grantee <> relowner"
        )
    )
    return [grant for (grant,) in rows]


def _months() -> list[tuple[datetime, datetime]]:
    """The months, as UTC has them, in which rows began by their UniqueIDs."""
    month = f"date_trunc('month', to_timestamp({_EPOCH_SQL}) AT TIME ZONE 'UTC')"
    rows = op.get_bind().execute(
        sa.text(
            f"SELECT DISTINCT month, month + interval '1 month' FROM"  # noqa: S608 - as above
            f" (SELECT {month} AS month FROM call_aside) AS begun"
            f" WHERE month >= '{_FIRST}' AND month <= now() + interval '2 months' ORDER BY month"
        )
    )
    return [(since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)) for since, until in rows]


def _foreign_keys() -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([f"{table}_id"], [f"{table}.id"], name=op.f(f"fk_call_{table}_id"))
        for table in ("carrier", "trunk")
    ]


def _columns() -> list[sa.Column[Any]]:
    moment = asterisk_siptrunk.database.tables.UtcDateTime(timezone=True)
    return [
        sa.Column("id", sa.BigInteger(), server_default=_NEXT, nullable=False),
        sa.Column("server", sa.String(length=64), nullable=False),
        sa.Column("uniqueid", sa.String(length=150), nullable=False),
        sa.Column("sip_call_id", sa.Text(), nullable=False),
        sa.Column("trunk_id", sa.BigInteger(), nullable=True),
        sa.Column("carrier_id", sa.BigInteger(), nullable=True),
        sa.Column("tried", sa.String(length=80), server_default="", nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("caller", sa.String(length=40), nullable=False),
        sa.Column("presented", sa.String(length=40), nullable=False),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.Column("dialled", sa.String(length=40), nullable=False),
        sa.Column("callee", sa.String(length=40), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("via", sa.String(length=8), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("codec", sa.String(length=16), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("ringing_at", moment, nullable=True),
        sa.Column("answered_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.Column("hangup_cause", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.String(length=16), nullable=True),
    ]
