"""A second reading of the policy documents, written apart from the core and as plainly as can be.

It reads the TOML by itself, looks for the clause in force by a loop over all of them, and counts
in fractions. It shares no line with what it judges; where both err alike, they err apart.
"""

from tests.policy.naive.answer import Naive

__all__ = ["Naive"]
