"""The tables, as SQLAlchemy Core; migrations build them, nothing else does.

All times are UTC. What a trunk is made of raises `trunk.version` whenever it changes, and what
all trunks share raises `provider.version`: admission and `config plan` see by these two alone
whether what they remember still holds.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.types import TypeEngine

from asterisk_siptrunk.call import epoch_of

_MONEY_DIGITS = 6

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone: it would be a guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give moments back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Epoch(TypeDecorator[float]):
    """A moment read as seconds since 1970: for many rows, of which a datetime costs too much."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite's text is read as it is."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else self.impl_instance)

    def process_result_value(
        self,
        value: datetime | str | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy gives it
    ) -> float | None:
        """Seconds, as `datetime.timestamp` gives them."""
        if value is None:
            return None
        if isinstance(value, str):
            value = datetime.fromisoformat(f"{value}+00:00")
        return value.timestamp()


class Money(TypeDecorator[Decimal]):
    """An amount or a price, in millionths of its currency: exact, and SQL can add it up."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Refuse what would have to be rounded: that is done by who knows the currency."""
        del dialect
        if value is None:
            return None
        millionths = value.scaleb(_MONEY_DIGITS)
        if millionths != int(millionths):
            raise ValueError(f"{value} has more digits than an amount of money is stored with")
        return int(millionths)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Give it back as it was."""
        del dialect
        return None if value is None else Decimal(value).scaleb(-_MONEY_DIGITS)


# SQLite numbers rows by itself only in columns of exactly INTEGER type.
_Id = BigInteger().with_variant(Integer(), "sqlite")


def _id() -> Column[Any]:
    return Column("id", _Id, primary_key=True, autoincrement=True)


provider = Table(
    "provider",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("version", Integer, nullable=False),
    # Percent of each limit that is left free for servers that are lost, and may live on alone.
    Column("kept", Integer, nullable=False, server_default="0"),
    Column("config_wanted", Integer, nullable=False, server_default="0"),  # rises at each apply
)

# One row for each `siptrunk serve`, which it writes itself: a sign of life, and how it is.
server = Table(
    "server",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("beat", BigInteger, nullable=False),
    Column("beat_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),  # by the database's clock
    Column("started_at", UtcDateTime, nullable=False),
    Column("stopped_at", UtcDateTime),
    Column("lost_at", UtcDateTime),
    Column("program", String(32), nullable=False),
    Column("share", Integer, nullable=False),
    Column("link", String(16), nullable=False),
    Column("link_since", UtcDateTime, nullable=False),
    Column("link_detail", Text, nullable=False),
    Column("journal_behind", BigInteger),
    Column("config_applied", Integer, nullable=False),
    Column("config_generation", String(16), nullable=False),
    Column("config_error", Text, nullable=False),
)

customer = Table(
    "customer",
    metadata,
    _id(),
    Column("name", String(40), nullable=False, unique=True),
    Column("title", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),  # lines, as on a letter
    Column("country", String(2), nullable=False, server_default=""),
    Column("tax_id", String(40), nullable=False, server_default=""),
    Column("tax_percent", Money),  # NULL: the provider's
    Column("created_at", UtcDateTime, nullable=False),
)

trunk = Table(
    "trunk",
    metadata,
    _id(),
    Column("name", String(40), nullable=False, unique=True),
    Column("customer_id", ForeignKey("customer.id"), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("shard", Integer, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("channels", Integer, nullable=False),
    Column("reserved_inbound", Integer, nullable=False),
    Column("calls_per_second", Integer),
    Column("country", String(2), nullable=False),
    Column("transport", String(8), nullable=False),
    Column("srtp", Boolean, nullable=False),
    Column("caller_policy", String(16), nullable=False),
    Column("away_policy", String(16), nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("addresses", Text, nullable=False),  # networks, separated by spaces
    Column("contact", Text),
    Column("inbound_context", String(79)),
    Column("credentials_username", String(80)),
    Column("credentials_realm", String(80)),
    Column("credentials_md5", String(32)),
    Column("credentials_sha256", String(64)),
    # The ones before, which a PBX may go on with until then.
    Column("previous_md5", String(32)),
    Column("previous_sha256", String(64)),
    Column("previous_until", UtcDateTime),
    Column("pace_tokens", Float),
    Column("pace_at", Float),  # epoch seconds
    Column("created_at", UtcDateTime, nullable=False),
)

# Few trunks have one, and whether one is over is asked every few seconds.
Index(
    "ix_trunk_grace",
    trunk.c.previous_until,
    sqlite_where=trunk.c.previous_until.is_not(None),
    postgresql_where=trunk.c.previous_until.is_not(None),
)

number = Table(
    "number",
    metadata,
    Column("e164", String(16), primary_key=True),
    Column("trunk_id", ForeignKey("trunk.id"), nullable=False, index=True),
    Column("main", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

suspension = Table(
    "suspension",
    metadata,
    _id(),
    Column("trunk_id", ForeignKey("trunk.id"), nullable=False, index=True),
    Column("scope", String(16), nullable=False),
    Column("target", String(40), nullable=False, server_default=""),  # of the scopes in part
    # Who may lift it without being asked to: billing what it suspended for an unpaid invoice.
    Column("source", String(16), nullable=False, server_default="admin"),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("lifted_at", UtcDateTime),
)

rule = Table(
    "rule",
    metadata,
    _id(),
    Column("trunk_id", ForeignKey("trunk.id"), index=True),  # NULL: the provider's, for all trunks
    Column("target", String(40), nullable=False),
    Column("action", String(8), nullable=False),
    Column("layer", String(16), nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("trunk_id", "target", "layer"),
)

carrier = Table(
    "carrier",
    metadata,
    _id(),
    Column("name", String(40), nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("profile", String(40), nullable=False),
    Column("server", Text, nullable=False),
    Column("country", String(2), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("channels", Integer),
    Column("enabled", Boolean, nullable=False),
    Column("username", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("match", Text, nullable=False),  # networks, separated by spaces
    Column("qualify", Integer),
    Column("created_at", UtcDateTime, nullable=False),
)


def _named_epoch(context: DefaultExecutionContext) -> int:
    values = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return epoch_of(values["uniqueid"])


# PostgreSQL keeps the rows of each month by themselves (see `months`), by the epoch: since that
# follows from the UniqueID, a call's identity stays unique over all months, and a statement about
# one call names its month. SQLite keeps one table. PostgreSQL's primary key has the epoch too,
# as it must; ids are unique by their sequence.
call = Table(
    "call",
    metadata,
    _id(),
    Column("server", String(64), nullable=False),
    Column("uniqueid", String(150), nullable=False),
    Column("epoch", BigInteger, nullable=False, default=_named_epoch),
    Column("sip_call_id", Text, nullable=False),
    Column("trunk_id", ForeignKey("trunk.id")),
    Column("carrier_id", ForeignKey("carrier.id")),
    Column("tried", String(80), nullable=False, server_default=""),  # ids of carriers that failed
    Column("direction", String(8), nullable=False),
    Column("caller", String(40), nullable=False),
    Column("presented", String(40), nullable=False),
    Column("withheld", Boolean, nullable=False),
    Column("dialled", String(40), nullable=False),
    Column("callee", String(40), nullable=False),
    Column("zone", String(40), nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("reason", String(24), nullable=False),
    Column("facts", Text, nullable=False),
    Column("via", String(8), nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("codec", String(16), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ringing_at", UtcDateTime),
    Column("answered_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("hangup_cause", Integer),
    Column("evidence", String(16)),
    UniqueConstraint("server", "uniqueid", "epoch"),
    Index("ix_call_started_at", "started_at"),
    Index("ix_call_trunk_id_started_at", "trunk_id", "started_at"),
    # The number of a call that was pruned is given to no other one.
    sqlite_autoincrement=True,
)
# Channels in use are the count of open rows: these indexes hold open rows only, so the count
# costs the same with a hundred calls in the table as with a hundred million.
Index(
    "ix_call_open_trunk",
    call.c.trunk_id,
    call.c.direction,
    sqlite_where=call.c.ended_at.is_(None),
    postgresql_where=call.c.ended_at.is_(None),
)
Index(
    "ix_call_open_carrier",
    call.c.carrier_id,
    sqlite_where=call.c.ended_at.is_(None),
    postgresql_where=call.c.ended_at.is_(None),
)
Index(
    "ix_call_open_server",
    call.c.server,
    sqlite_where=call.c.ended_at.is_(None),
    postgresql_where=call.c.ended_at.is_(None),
)

registration = Table(
    "registration",
    metadata,
    Column("trunk_id", ForeignKey("trunk.id"), primary_key=True),
    Column("server", String(64), primary_key=True),
    Column("registered", Boolean, nullable=False),
    Column("contact", Text, nullable=False),
    Column("user_agent", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

journal_position = Table(
    "journal_position",
    metadata,
    Column("server", String(64), primary_key=True),
    Column("inode", BigInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
)

security_event = Table(
    "security_event",
    metadata,
    Column("hour", UtcDateTime, primary_key=True),
    Column("server", String(64), primary_key=True),
    Column("source", String(45), primary_key=True),
    Column("account", String(40), primary_key=True),
    Column("kind", String(24), primary_key=True),
    Column("trunk", String(40), nullable=False),  # by name: a trunk that is gone was attacked, too
    Column("count", BigInteger, nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", UtcDateTime, nullable=False),
    Column("author", Text, nullable=False),
    Column("noun", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("change", Text, nullable=False),
    Index("ix_audit_noun_name", "noun", "name"),
)

# --- the watch over abnormal use ---

# The one server that watches now; it is another's turn when that one is lost.
watch = Table(
    "watch",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("server", String(64), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("seen_to", UtcDateTime, nullable=False),  # what it found until then is known
)

# What is usual for a trunk, as the watch knew it then: it is learned over weeks.
watch_profile = Table(
    "watch_profile",
    metadata,
    Column("trunk_id", ForeignKey("trunk.id"), primary_key=True),
    Column("as_of", UtcDateTime, primary_key=True),
    Column("profile", Text, nullable=False),  # JSON
)

# What was changed of the rules, for all trunks or for one.
rule_setting = Table(
    "rule_setting",
    metadata,
    _id(),
    Column("trunk_id", ForeignKey("trunk.id"), index=True),  # NULL: for all trunks
    Column("rule", String(40), nullable=False),
    Column("changed", Text, nullable=False),  # JSON: keys and values as in a file of rules
    Column("author", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("trunk_id", "rule"),
)

finding = Table(
    "finding",
    metadata,
    _id(),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("trunk_id", ForeignKey("trunk.id"), index=True),  # NULL: of all trunks together
    Column("rule", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("level", String(8), nullable=False),
    Column("key", String(45), nullable=False),  # the zone, caller, callee or address, or ""
    Column("amount", BigInteger, nullable=False),  # in the unit of what the rule measures
    Column("usual", BigInteger),
    Column("basis", Text, nullable=False),
    Column("window", Integer, nullable=False),  # seconds
    Column("sentence", Text, nullable=False),
    Column("evidence", Text, nullable=False),  # JSON: ids of calls
    Column("action", String(24), nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("author", Text, nullable=False, server_default=""),  # who acknowledged or released it
    Column("remark", Text, nullable=False, server_default=""),
    Column("changed_at", UtcDateTime),
    # What stands for it: of several findings for one part each is evidence for its suspension.
    Column("suspension_id", BigInteger, index=True),
    Index("ix_finding_state_changed_at", "state", "changed_at"),
)

# All that the watch knew at a time, to go on from after a start. Part 0 is written last: without it
# the others are the rest of what was broken off.
watch_state = Table(
    "watch_state",
    metadata,
    Column("as_of", UtcDateTime, primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),  # JSON, by zlib
)

# Running calls that the watch wants ended: each server ends its own.
ending = Table(
    "ending",
    metadata,
    Column("call_id", _Id, primary_key=True, autoincrement=False),
    Column("server", String(64), nullable=False, index=True),
    Column("uniqueid", String(150), nullable=False),
    Column("finding_id", ForeignKey("finding.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# What `usage prune` asks for before it drops a month: the last export of the whole of it.
exported_month = Table(
    "exported_month",
    metadata,
    Column("month", String(7), primary_key=True),  # "2026-11", in the provider's time zone
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of what was written
    Column("author", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("pruned_to", BigInteger),  # the newest call that may go since its prune began
)

# --- billing ---

# The whole catalogue of a day, as it was read: what was invoiced by it stays as it was.
catalogue = Table(
    "catalogue",
    metadata,
    Column("valid_from", Date, primary_key=True),
    Column("document", Text, nullable=False),  # TOML
    Column("author", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

rate = Table(
    "rate",
    metadata,
    _id(),
    Column("deck", String(40), nullable=False),
    Column("target", String(40), nullable=False),
    Column("name", String(80), nullable=False),
    Column("fee", Money, nullable=False),
    Column("price", Money, nullable=False),
    Column("first", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_until", Date),
    UniqueConstraint("deck", "target", "valid_from"),
)

# What was agreed; what a trunk may use follows from it and from the orders, see `billing`.
subscription = Table(
    "subscription",
    metadata,
    _id(),
    Column("trunk_id", ForeignKey("trunk.id"), nullable=False, unique=True),
    Column("offer", String(40), nullable=False),
    Column("plan", String(40)),
    Column("currency", String(3), nullable=False),
    Column("period", String(16), nullable=False),
    Column("began", Date, nullable=False),
    Column("ends", Date),  # the first day without it
    Column("turns_at", UtcDateTime, nullable=False, index=True),  # when the next period begins
)

# One for each wish, from its quote on: nothing takes effect that is not paid.
channel_order = Table(
    "channel_order",
    metadata,
    _id(),
    Column("reference", String(20), nullable=False, unique=True),
    Column("customer_id", ForeignKey("customer.id"), nullable=False, index=True),
    Column("subscription_id", ForeignKey("subscription.id"), index=True),  # NULL: a first order
    Column("kind", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("trunk", String(40), nullable=False),
    Column("asked", Integer, nullable=False),  # channels more, or less
    Column("granted", Integer, nullable=False),  # as asked, or more where that is cheaper
    Column("terms", Text, nullable=False),  # JSON: the lines of the quote, and what to make
    Column("currency", String(3), nullable=False),
    Column("percent", Money, nullable=False),
    Column("net", Money, nullable=False),
    Column("gross", Money, nullable=False),
    Column("author", Text, nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("closed_at", UtcDateTime),  # paid, cancelled or expired
    Index("ix_channel_order_state_expires_at", "state", "expires_at"),
)

held_option = Table(
    "held_option",
    metadata,
    _id(),
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False, index=True),
    Column("name", String(40), nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date),
)

# Each time that a trunk held a number: `number` tells only who holds it now.
held_number = Table(
    "held_number",
    metadata,
    _id(),
    Column("trunk_id", ForeignKey("trunk.id"), nullable=False, index=True),
    Column("e164", String(16), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
)

# What each call costs, exactly: in sixtieths of a millionth, since a price is one of a minute.
rated_call = Table(
    "rated_call",
    metadata,
    Column("call_id", _Id, primary_key=True, autoincrement=False),
    Column("subscription_id", ForeignKey("subscription.id"), nullable=False),
    Column("period", Date, nullable=False),  # its first day
    Column("rate", String(80), nullable=False),  # as the invoice calls it
    Column("seconds", Integer, nullable=False),  # as charged, without those that are included
    Column("included", Integer, nullable=False),  # seconds that the plan's price includes
    Column("cost", BigInteger, nullable=False),
    Index("ix_rated_call_subscription_id_period", "subscription_id", "period"),
)

# That the usage of a server was compared with its journal, and agreed.
usage_proof = Table(
    "usage_proof",
    metadata,
    _id(),
    Column("server", String(64), nullable=False, index=True),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# The last number given, locked while the next is: so numbers have no gap.
invoice_series = Table(
    "invoice_series",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("last", Integer, nullable=False),
)

invoice = Table(
    "invoice",
    metadata,
    _id(),
    Column("number", String(40), nullable=False, unique=True),
    Column("kind", String(8), nullable=False),  # invoice or credit
    Column("customer_id", ForeignKey("customer.id"), nullable=False, index=True),
    Column("subscription_id", ForeignKey("subscription.id"), index=True),
    Column("period", Date),  # the first day of the period that a renewal begins
    Column("order_id", ForeignKey("channel_order.id"), unique=True),
    Column("credits_id", ForeignKey("invoice.id"), index=True),
    Column("issued", Date, nullable=False),
    Column("due", Date, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("percent", Money, nullable=False),
    Column("net", Money, nullable=False),
    Column("tax", Money, nullable=False),
    Column("parties", Text, nullable=False),  # JSON: seller and buyer as they were that day
    Column("settled_at", UtcDateTime),  # paid, or credited whole
    Column("reminded", Integer, nullable=False, server_default="0"),  # steps of `dunning` taken
    Column("reason", Text, nullable=False, server_default=""),  # why a credit note was written
    Column("to_give_back", Money, nullable=False, server_default="0"),  # of what had been paid
    Column("given_back_at", UtcDateTime),
    UniqueConstraint("subscription_id", "period"),
)
Index(
    "ix_invoice_unsettled",
    invoice.c.due,
    sqlite_where=invoice.c.settled_at.is_(None),
    postgresql_where=invoice.c.settled_at.is_(None),
)

invoice_line = Table(
    "invoice_line",
    metadata,
    Column("invoice_id", ForeignKey("invoice.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("quantity", Money, nullable=False),
    Column("unit_price", Money, nullable=False),
    Column("days", Integer),  # NULL: not charged by days
    Column("of_days", Integer),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("amount", Money, nullable=False),
)

payment = Table(
    "payment",
    metadata,
    Column("reference", String(80), primary_key=True),  # whoever took the money names it
    Column("amount", Money, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("order_id", ForeignKey("channel_order.id"), index=True),
    Column("invoice_id", ForeignKey("invoice.id"), index=True),
    Column("state", String(16), nullable=False),  # applied, or to be given back
    Column("remark", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

# What customers and other systems are told, kept until it has reached them.
notice = Table(
    "notice",
    metadata,
    _id(),
    Column("kind", String(24), nullable=False),
    Column("way", String(8), nullable=False),  # mail or webhook
    Column("target", Text, nullable=False),
    Column("facts", Text, nullable=False),  # JSON
    Column("at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),  # also how long whoever tries it has
    Column("said_at", UtcDateTime),
    Column("error", Text, nullable=False),
)
Index(
    "ix_notice_waiting",
    notice.c.next_at,
    sqlite_where=notice.c.said_at.is_(None),
    postgresql_where=notice.c.said_at.is_(None),
)

# --- the management interface and its API ---

account = Table(
    "account",
    metadata,
    _id(),
    Column("login", String(254), nullable=False, unique=True),  # an address in small letters
    Column("name", Text, nullable=False),
    Column("role", String(20), nullable=False),
    Column("customer_id", ForeignKey("customer.id"), index=True),  # NULL: the provider's people
    Column("language", String(8), nullable=False, server_default=""),
    Column("timezone", String(64), nullable=False, server_default=""),
    Column("password", Text, nullable=False),  # argon2id
    Column("second_secret", String(64)),  # of TOTP; NULL: none is asked for
    Column("second_used", BigInteger, nullable=False, server_default="0"),  # the last code's step
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("closed_until", UtcDateTime),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("created_at", UtcDateTime, nullable=False),
)

session = Table(
    "session",
    metadata,
    _id(),
    Column("digest", String(64), nullable=False, unique=True),
    Column("account_id", ForeignKey("account.id"), nullable=False, index=True),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime, nullable=False),
    Column("address", String(45), nullable=False),
    Column("user_agent", Text, nullable=False),
)

api_token = Table(
    "api_token",
    metadata,
    _id(),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("customer_id", ForeignKey("customer.id"), index=True),  # NULL: the provider's
    Column("scopes", Text, nullable=False),  # separated by spaces
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    Column("author", Text, nullable=False),
)

# What an operation with an idempotency key came to: told again to whoever asks again.
answered = Table(
    "answered",
    metadata,
    Column("token_id", ForeignKey("api_token.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),  # of what was asked
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
)

# The PBXs that customers may use, told by the User-Agent that they register with.
pbx = Table(
    "pbx",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("agent", Text, nullable=False),  # how its User-Agent begins
    Column("state", String(16), nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("settings", String(16), nullable=False, server_default=""),  # which ready ones suit it
    Column("changed_on", Date, nullable=False),
)
