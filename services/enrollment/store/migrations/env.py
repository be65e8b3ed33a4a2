"""Alembic's entry: the versions beside this file, run under a lock."""

from shared.plumbing.migrate import run_env

run_env()
