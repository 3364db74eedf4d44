"""Run migrations on the connection that `regards_order_adapters.sql.migrate` hands over."""

from alembic import context

from regards_order_adapters.sql.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
