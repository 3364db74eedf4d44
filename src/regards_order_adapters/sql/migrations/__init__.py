"""Alembic's environment and all schema changes, oldest first."""
