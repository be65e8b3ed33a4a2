"""Audit: what looks wrong and why, and who decided what about it."""
