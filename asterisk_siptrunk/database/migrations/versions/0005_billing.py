"""billing: catalogue, rates, subscriptions, orders, rated calls, invoices, payments, notices."""

import sqlalchemy as sa
from alembic import op

from asterisk_siptrunk.database.tables import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "catalogue",
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("valid_from", name=op.f("pk_catalogue")),
    )
    op.create_table(
        "invoice_series",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_invoice_series")),
    )
    op.create_table(
        "notice",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("said_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index(
        "ix_notice_waiting",
        "notice",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("said_at IS NULL"),
        postgresql_where=sa.text("said_at IS NULL"),
    )

    op.create_table(
        "rate",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("deck", sa.String(length=40), nullable=False),
        sa.Column("target", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate")),
        sa.UniqueConstraint(
            "deck", "target", "valid_from", name=op.f("uq_rate_deck_target_valid_from")
        ),
    )
    op.create_table(
        "usage_proof",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("server", sa.String(length=64), nullable=False),
        sa.Column("since", UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", UtcDateTime(timezone=True), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_proof")),
    )
    op.create_index(op.f("ix_usage_proof_server"), "usage_proof", ["server"], unique=False)

    op.create_table(
        "held_number",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("trunk_id", _ID, nullable=False),
        sa.Column("e164", sa.String(length=16), nullable=False),
        sa.Column("since", UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name=op.f("fk_held_number_trunk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_number")),
    )
    op.create_index(op.f("ix_held_number_trunk_id"), "held_number", ["trunk_id"], unique=False)

    op.create_table(
        "subscription",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("trunk_id", _ID, nullable=False),
        sa.Column("offer", sa.String(length=40), nullable=False),
        sa.Column("plan", sa.String(length=40), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("began", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("turns_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunk.id"], name=op.f("fk_subscription_trunk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscription")),
        sa.UniqueConstraint("trunk_id", name=op.f("uq_subscription_trunk_id")),
    )
    op.create_index(op.f("ix_subscription_turns_at"), "subscription", ["turns_at"], unique=False)

    op.create_table(
        "channel_order",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("subscription_id", _ID, nullable=True),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("trunk", sa.String(length=40), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("percent", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("placed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("closed_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_channel_order_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_channel_order_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_order")),
        sa.UniqueConstraint("reference", name=op.f("uq_channel_order_reference")),
    )
    op.create_index(
        op.f("ix_channel_order_customer_id"), "channel_order", ["customer_id"], unique=False
    )
    op.create_index(
        op.f("ix_channel_order_subscription_id"), "channel_order", ["subscription_id"], unique=False
    )
    op.create_index(
        "ix_channel_order_state_expires_at",
        "channel_order",
        ["state", "expires_at"],
        unique=False,
    )

    op.create_table(
        "held_option",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("subscription_id", _ID, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_held_option_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_option")),
    )
    op.create_index(
        op.f("ix_held_option_subscription_id"), "held_option", ["subscription_id"], unique=False
    )

    op.create_table(
        "rated_call",
        sa.Column("call_id", _ID, autoincrement=False, nullable=False),
        sa.Column("subscription_id", _ID, nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("rate", sa.String(length=80), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("included", sa.Integer(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_rated_call_subscription_id")
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_rated_call")),
    )
    op.create_index(
        "ix_rated_call_subscription_id_period",
        "rated_call",
        ["subscription_id", "period"],
        unique=False,
    )

    op.create_table(
        "invoice",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("customer_id", _ID, nullable=False),
        sa.Column("subscription_id", _ID, nullable=True),
        sa.Column("period", sa.Date(), nullable=True),
        sa.Column("order_id", _ID, nullable=True),
        sa.Column("credits_id", _ID, nullable=True),
        sa.Column("issued", sa.Date(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("percent", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("parties", sa.Text(), nullable=False),
        sa.Column("settled_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("reminded", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("to_give_back", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("given_back_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["credits_id"], ["invoice.id"], name=op.f("fk_invoice_credits_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_invoice_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["channel_order.id"], name=op.f("fk_invoice_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_invoice_subscription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
        sa.UniqueConstraint("order_id", name=op.f("uq_invoice_order_id")),
        sa.UniqueConstraint(
            "subscription_id", "period", name=op.f("uq_invoice_subscription_id_period")
        ),
    )
    op.create_index(op.f("ix_invoice_credits_id"), "invoice", ["credits_id"], unique=False)
    op.create_index(op.f("ix_invoice_customer_id"), "invoice", ["customer_id"], unique=False)
    op.create_index(
        op.f("ix_invoice_subscription_id"), "invoice", ["subscription_id"], unique=False
    )
    op.create_index(
        "ix_invoice_unsettled",
        "invoice",
        ["due"],
        unique=False,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )

    op.create_table(
        "invoice_line",
        sa.Column("invoice_id", _ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("of_days", sa.Integer(), nullable=True),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_line")),
    )
    op.create_table(
        "payment",
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("order_id", _ID, nullable=True),
        sa.Column("invoice_id", _ID, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_payment_invoice_id")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["channel_order.id"], name=op.f("fk_payment_order_id")
        ),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_payment")),
    )
    op.create_index(op.f("ix_payment_invoice_id"), "payment", ["invoice_id"])
    op.create_index(op.f("ix_payment_order_id"), "payment", ["order_id"])
    op.add_column("customer", sa.Column("address", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "customer", sa.Column("country", sa.String(length=2), server_default="", nullable=False)
    )
    op.add_column(
        "customer", sa.Column("tax_id", sa.String(length=40), server_default="", nullable=False)
    )
    op.add_column("customer", sa.Column("tax_percent", sa.BigInteger(), nullable=True))

    op.add_column(
        "suspension",
        sa.Column("source", sa.String(length=16), server_default="admin", nullable=False),
    )
    op.execute(
        "INSERT INTO held_number (trunk_id, e164, since) SELECT trunk_id, e164, created_at FROM number"
    )


def downgrade() -> None:
    op.drop_column("suspension", "source")
    op.drop_column("customer", "tax_percent")
    op.drop_column("customer", "tax_id")
    op.drop_column("customer", "address")
    op.drop_column("customer", "country")
    op.drop_table("payment")
    op.drop_table("invoice_line")
    op.drop_table("invoice")
    op.drop_table("rated_call")
    op.drop_table("held_option")
    op.drop_table("channel_order")
    op.drop_table("subscription")
    op.drop_table("held_number")
    op.drop_table("usage_proof")
    op.drop_table("rate")
    op.drop_table("notice")
    op.drop_table("invoice_series")
    op.drop_table("catalogue")
