"""Where Alembic starts: it migrates over the connection that it is handed, in one transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
