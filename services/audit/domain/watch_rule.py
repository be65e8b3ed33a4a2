"""What an alarm over an institution's months stands on: a rule for each channel that is watched,
with its version and its law, as a rule of claims has them."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from services.audit.domain.citation import cited
from services.audit.domain.rule import LegalBasis, Words
from shared.policy.speech import Language


class WatchRule(BaseModel):
    """One version of one channel's rule, from a day until the next."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{1,60}$")
    channel: str
    version: int = Field(ge=1)
    valid_from: date
    title: Words
    legal_basis: list[LegalBasis] = Field(min_length=1)

    def named(self, language: Language) -> dict[str, str]:
        """The rule as a sentence names it."""
        return {
            "rule": self.id,
            "version": str(self.version),
            "legal_basis": cited(self.legal_basis, language),
        }


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    rule: list[WatchRule]


@dataclass(frozen=True, slots=True)
class WatchRules:
    """The versions of each channel's rule, in order."""

    of_channels: Mapping[str, Sequence[WatchRule]]

    def newest(self, channel: str) -> WatchRule:
        """The rule by which a channel is watched now. Raises KeyError."""
        return self.of_channels[channel][-1]

    def in_force(self, channel: str, on: date) -> WatchRule:
        """The version by which something was found on a day. Raises KeyError."""
        first, *later = self.of_channels[channel]
        return [first, *(rule for rule in later if rule.valid_from <= on)][-1]


def read_watch_rules(text: str) -> WatchRules:
    """The rules of a file. Raises ValueError for two versions of one day, or of two names."""
    versions: dict[str, list[WatchRule]] = defaultdict(list)
    for rule in _File.model_validate(tomllib.loads(text)).rule:
        versions[rule.channel].append(rule)
    for those in versions.values():
        those.sort(key=lambda rule: rule.version)
        for earlier, later in pairwise(those):
            if earlier.id != later.id or earlier.valid_from >= later.valid_from:
                raise ValueError(f"two versions of {later.id} for one day, or two names")
    return WatchRules(dict(versions))


WATCH_RULES = read_watch_rules(
    Path(__file__).with_name("watch_rules.toml").read_text(encoding="utf-8")
)
