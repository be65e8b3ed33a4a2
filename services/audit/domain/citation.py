"""The articles that a rule stands on, in words.

The words lie here, in `citation.toml`, as what says them has no room in common but this one: the
answers of `api` and the reasons of `scoring`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from services.audit.domain.rule import LegalBasis
from shared.policy.speech import Language

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def cited(legal_basis: Sequence[LegalBasis], language: Language) -> str:
    """The documents and their articles."""
    words = _WORDS[language]
    cited: str = words["semicolon"].join(
        words["one" if len(basis.articles) == 1 else "many"].format(
            document=getattr(basis.document, language),
            number=getattr(basis.number, language),
            articles=words["comma"].join(str(article) for article in basis.articles),
        )
        for basis in legal_basis
    )
    return cited
