"""Alembic's entry; see shared/plumbing/migrate.py."""

from shared.plumbing.migrate import run_env

run_env()
