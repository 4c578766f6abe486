"""servers and their signs of life."""

import sqlalchemy as sa
from alembic import op

import asterisk_siptrunk.database.tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "server",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column(
            "beat_at", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=False
        ),
        sa.Column(
            "seen_at", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=False
        ),
        sa.Column(
            "started_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=False,
        ),
        sa.Column(
            "stopped_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=True,
        ),
        sa.Column(
            "lost_at", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=True
        ),
        sa.Column("program", sa.String(length=32), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("link", sa.String(length=16), nullable=False),
        sa.Column(
            "link_since",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=False,
        ),
        sa.Column("link_detail", sa.Text(), nullable=False),
        sa.Column("journal_behind", sa.BigInteger(), nullable=True),
        sa.Column("config_applied", sa.Integer(), nullable=False),
        sa.Column("config_generation", sa.String(length=16), nullable=False),
        sa.Column("config_error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_server")),
    )
    op.add_column("provider", sa.Column("kept", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "provider", sa.Column("config_wanted", sa.Integer(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    with op.batch_alter_table("provider", schema=None) as batch_op:
        batch_op.drop_column("config_wanted")
        batch_op.drop_column("kept")
    op.drop_table("server")
