"""Nouns and rules of review: pure."""
