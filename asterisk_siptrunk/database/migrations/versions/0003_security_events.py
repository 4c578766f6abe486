"""attempts on the service's borders."""

import sqlalchemy as sa
from alembic import op

import asterisk_siptrunk.database.tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "security_event",
        sa.Column(
            "hour", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=False
        ),
        sa.Column("server", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=45), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("trunk", sa.String(length=40), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column(
            "first_at", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=False
        ),
        sa.Column(
            "last_at", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=False
        ),
        sa.PrimaryKeyConstraint(
            "hour", "server", "source", "account", "kind", name=op.f("pk_security_event")
        ),
    )


def downgrade() -> None:
    op.drop_table("security_event")
