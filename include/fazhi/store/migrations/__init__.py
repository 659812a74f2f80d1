"""Alembic's migrations of the store. In: any earlier schema. Out: the schema of ``fazhi.store.tables``."""
