"""Alembic's entry: `schema.upgrade` hands it a connection."""

from alembic import context

from asterisk_siptrunk.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot change a table in place: alembic makes a new one and copies.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
