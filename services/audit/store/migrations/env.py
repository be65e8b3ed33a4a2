"""Runs this service's versions."""

from shared.plumbing.migrate import run_env

run_env()
