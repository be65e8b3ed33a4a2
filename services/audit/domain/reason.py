"""Why a step of a review was taken: a closed list of codes, each with its verdict."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class Verdict(StrEnum):
    """What people found about a suspicion: rules, baselines and the ranker learn from it."""

    CONFIRMED = "confirmed"
    EXPLAINED = "explained"
    DATA_ERROR = "data-error"
    UNCLEAR = "unclear"


class Reason(BaseModel):
    """One code's verdict, and its words in both languages."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    verdict: Verdict = Field(strict=False)
    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


def read_reasons(text: str) -> dict[str, Reason]:
    """The reasons by code. Raises ValueError for one that is not whole."""
    return {code: Reason.model_validate(entry) for code, entry in tomllib.loads(text).items()}


REASONS = read_reasons(Path(__file__).with_name("reasons.toml").read_text(encoding="utf-8"))
