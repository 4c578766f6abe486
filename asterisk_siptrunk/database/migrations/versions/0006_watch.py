"""the watch over abnormal use: suspensions in part, findings, rules as they were changed."""

import sqlalchemy as sa
from alembic import op

from asterisk_siptrunk.database.tables import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "suspension", sa.Column("target", sa.String(length=40), server_default="", nullable=False)
    )
    op.add_column("suspension", sa.Column("expires_at", UtcDateTime(timezone=True), nullable=True))
    op.add_column("suspension", sa.Column("finding_id", sa.BigInteger(), nullable=True))
    op.create_table(
        "watch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("server", sa.String(length=64), nullable=False),
        sa.Column("since", UtcDateTime(timezone=True), nullable=False),
        sa.Column("seen_to", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_watch_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch")),
    )
    op.create_table(
        "watch_profile",
        sa.Column("trunk_id", _ID, nullable=False),
        sa.Column("as_of", UtcDateTime(timezone=True), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name=op.f("fk_watch_profile_trunk_id")),
        sa.PrimaryKeyConstraint("trunk_id", "as_of", name=op.f("pk_watch_profile")),
    )
    op.create_table(
        "rule_setting",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("trunk_id", _ID, nullable=True),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("changed", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name=op.f("fk_rule_setting_trunk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_setting")),
        sa.UniqueConstraint("trunk_id", "rule", name=op.f("uq_rule_setting_trunk_id_rule")),
    )
    op.create_index(op.f("ix_rule_setting_trunk_id"), "rule_setting", ["trunk_id"])
    op.create_table(
        "finding",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("trunk_id", _ID, nullable=True),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("key", sa.String(length=45), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("usual", sa.BigInteger(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("window", sa.Integer(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=24), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("author", sa.Text(), server_default="", nullable=False),
        sa.Column("remark", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name=op.f("fk_finding_trunk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
    )
    op.create_index(op.f("ix_finding_at"), "finding", ["at"])
    op.create_index(op.f("ix_finding_trunk_id"), "finding", ["trunk_id"])
    op.create_index(op.f("ix_finding_state_changed_at"), "finding", ["state", "changed_at"])
    op.create_table(
        "ending",
        sa.Column("call_id", _ID, autoincrement=False, nullable=False),
        sa.Column("server", sa.String(length=64), nullable=False),
        sa.Column("uniqueid", sa.String(length=150), nullable=False),
        sa.Column("finding_id", _ID, nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_ending_finding_id")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_ending")),
    )
    op.create_index(op.f("ix_ending_server"), "ending", ["server"])


def downgrade() -> None:
    op.drop_table("ending")
    op.drop_table("finding")
    op.drop_table("rule_setting")
    op.drop_table("watch_profile")
    op.drop_table("watch")
    op.drop_column("suspension", "finding_id")
    op.drop_column("suspension", "expires_at")
    op.drop_column("suspension", "target")
