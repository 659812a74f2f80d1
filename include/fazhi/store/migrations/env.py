"""Alembic's entry. In: an engine from ``fazhi.store.engine``. Out: the store's schema."""

from alembic import context

from fazhi.store.engine import become_the_writer
from fazhi.store.tables import metadata

engine = context.config.attributes["engine"]

with engine.connect() as connection:
    if engine.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    become_the_writer(connection)
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    if engine.dialect.name == "sqlite":
        driver = connection.connection.driver_connection
        if driver.in_transaction:
            driver.execute("COMMIT")
    connection.commit()
