"""first schema."""

import sqlalchemy as sa
from alembic import op

import asterisk_siptrunk.database.tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "at", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=False
        ),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("noun", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_noun_name", ["noun", "name"], unique=False)

    op.create_table(
        "carrier",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("profile", sa.String(length=40), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("match", sa.Text(), nullable=False),
        sa.Column("qualify", sa.Integer(), nullable=True),
        sa.Column(
            "created_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier")),
        sa.UniqueConstraint("name", name=op.f("uq_carrier_name")),
    )
    op.create_table(
        "customer",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
        sa.UniqueConstraint("name", name=op.f("uq_customer_name")),
    )
    op.create_table(
        "journal_position",
        sa.Column("server", sa.String(length=64), nullable=False),
        sa.Column("inode", sa.BigInteger(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("server", name=op.f("pk_journal_position")),
    )
    op.create_table(
        "provider",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider")),
    )
    op.create_table(
        "trunk",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column(
            "customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("reserved_inbound", sa.Integer(), nullable=False),
        sa.Column("calls_per_second", sa.Integer(), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("transport", sa.String(length=8), nullable=False),
        sa.Column("srtp", sa.Boolean(), nullable=False),
        sa.Column("caller_policy", sa.String(length=16), nullable=False),
        sa.Column("away_policy", sa.String(length=16), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("inbound_context", sa.String(length=79), nullable=True),
        sa.Column("credentials_username", sa.String(length=80), nullable=True),
        sa.Column("credentials_realm", sa.String(length=80), nullable=True),
        sa.Column("credentials_md5", sa.String(length=32), nullable=True),
        sa.Column("credentials_sha256", sa.String(length=64), nullable=True),
        sa.Column("pace_tokens", sa.Float(), nullable=True),
        sa.Column("pace_at", sa.Float(), nullable=True),
        sa.Column(
            "created_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_trunk_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunk")),
        sa.UniqueConstraint("name", name=op.f("uq_trunk_name")),
    )
    with op.batch_alter_table("trunk", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trunk_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_trunk_shard"), ["shard"], unique=False)

    op.create_table(
        "call",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("server", sa.String(length=64), nullable=False),
        sa.Column("uniqueid", sa.String(length=150), nullable=False),
        sa.Column("sip_call_id", sa.Text(), nullable=False),
        sa.Column("trunk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "carrier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
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
        sa.Column(
            "started_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=False,
        ),
        sa.Column(
            "ringing_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=True,
        ),
        sa.Column(
            "answered_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=True,
        ),
        sa.Column(
            "ended_at", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=True
        ),
        sa.Column("hangup_cause", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["carrier_id"], ["carrier.id"], name=op.f("fk_call_carrier_id")),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name=op.f("fk_call_trunk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sa.UniqueConstraint("server", "uniqueid", name=op.f("uq_call_server_uniqueid")),
    )
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.create_index(
            "ix_call_open_carrier",
            ["carrier_id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            "ix_call_open_server",
            ["server"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(
            "ix_call_open_trunk",
            ["trunk_id", "direction"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index("ix_call_started_at", ["started_at"], unique=False)
        batch_op.create_index(
            "ix_call_trunk_id_started_at", ["trunk_id", "started_at"], unique=False
        )

    op.create_table(
        "number",
        sa.Column("e164", sa.String(length=16), nullable=False),
        sa.Column("trunk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("main", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name=op.f("fk_number_trunk_id")),
        sa.PrimaryKeyConstraint("e164", name=op.f("pk_number")),
    )
    with op.batch_alter_table("number", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_number_trunk_id"), ["trunk_id"], unique=False)

    op.create_table(
        "registration",
        sa.Column("trunk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("server", sa.String(length=64), nullable=False),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column(
            "changed_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name=op.f("fk_registration_trunk_id")),
        sa.PrimaryKeyConstraint("trunk_id", "server", name=op.f("pk_registration")),
    )
    op.create_table(
        "rule",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("trunk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("layer", sa.String(length=16), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name=op.f("fk_rule_trunk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule")),
        sa.UniqueConstraint(
            "trunk_id", "target", "layer", name=op.f("uq_rule_trunk_id_target_layer")
        ),
    )
    with op.batch_alter_table("rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rule_trunk_id"), ["trunk_id"], unique=False)

    op.create_table(
        "suspension",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("trunk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            asterisk_siptrunk.database.tables.UtcDateTime(timezone=True),
            nullable=False,
        ),
        sa.Column(
            "lifted_at", asterisk_siptrunk.database.tables.UtcDateTime(timezone=True), nullable=True
        ),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name=op.f("fk_suspension_trunk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspension")),
    )
    with op.batch_alter_table("suspension", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_suspension_trunk_id"), ["trunk_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("suspension", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_suspension_trunk_id"))

    op.drop_table("suspension")
    with op.batch_alter_table("rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rule_trunk_id"))

    op.drop_table("rule")
    op.drop_table("registration")
    with op.batch_alter_table("number", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_number_trunk_id"))

    op.drop_table("number")
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.drop_index("ix_call_trunk_id_started_at")
        batch_op.drop_index("ix_call_started_at")
        batch_op.drop_index(
            "ix_call_open_trunk",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_call_open_server",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_call_open_carrier",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("call")
    with op.batch_alter_table("trunk", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trunk_shard"))
        batch_op.drop_index(batch_op.f("ix_trunk_customer_id"))

    op.drop_table("trunk")
    op.drop_table("provider")
    op.drop_table("journal_position")
    op.drop_table("customer")
    op.drop_table("carrier")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_noun_name")

    op.drop_table("audit")
