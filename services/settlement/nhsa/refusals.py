"""What the gateway itself refuses: numbered like every other refusal, words in `words.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from shared.plumbing.problems import Kind, Problem

_WORDS = Path(__file__).parent / "words.toml"


@cache
def words() -> dict[str, dict[str, str]]:
    """All words of the gateway, by section and key."""
    tables: dict[str, dict[str, str]] = tomllib.loads(_WORDS.read_text(encoding="utf-8"))
    return tables


def _kind(number: int, slug: str, status: int = 200) -> Kind:
    section = slug.replace("-", "_")
    return Kind(number, slug, status, words()["en"][section], words()["zh"][section])


HEADERS_MISSING = _kind(5001, "gateway-headers-missing", 401)
TIME_OUTSIDE = _kind(5002, "gateway-time-outside", 401)
KEY_UNKNOWN = _kind(5003, "gateway-key-unknown", 401)
SIGNATURE_WRONG = _kind(5004, "gateway-signature-wrong", 401)
NONCE_USED = _kind(5005, "gateway-nonce-used", 401)
ENVELOPE_MALFORMED = _kind(5006, "envelope-malformed")
FIELD_WRONG = _kind(5007, "field-wrong")
NOT_SUPPORTED = _kind(5008, "transaction-not-supported")
MESSAGE_USED = _kind(5009, "message-used-with-another-input")
MESSAGE_WITHDRAWN = _kind(5010, "message-withdrawn")
MODE_NOT_KNOWN = _kind(5011, "delivery-mode-not-known")
OTHER_PERSON = _kind(5012, "stay-of-another-person")
NOT_TO_BE_UNDONE = _kind(5013, "message-not-to-be-undone")
ENCOUNTER_UNKNOWN = _kind(5014, "encounter-unknown")
NOTHING_REGISTERED = _kind(5015, "no-pregnancy-registered")
FILE_UNKNOWN = _kind(5016, "file-unknown")
FILE_UNREADABLE = _kind(5017, "file-unreadable")
FILES_TOO_MANY = _kind(5018, "files-too-many")
OTHER_ENCOUNTER = _kind(5020, "transaction-of-another-encounter")
WARNING_UNKNOWN = _kind(5019, "warning-unknown")
RECEIPT_NOT_KEPT = _kind(5021, "receipt-not-kept")
SETTLED_IN_THE_MIDST = _kind(5022, "settlement-within-a-stay")

KINDS: Mapping[str, Kind] = {
    kind.slug: kind
    for kind in (
        HEADERS_MISSING, TIME_OUTSIDE, KEY_UNKNOWN, SIGNATURE_WRONG, NONCE_USED, ENVELOPE_MALFORMED,
        FIELD_WRONG, NOT_SUPPORTED, MESSAGE_USED, MESSAGE_WITHDRAWN, MODE_NOT_KNOWN, OTHER_PERSON,
        NOT_TO_BE_UNDONE, ENCOUNTER_UNKNOWN, NOTHING_REGISTERED, FILE_UNKNOWN, FILE_UNREADABLE,
        FILES_TOO_MANY, WARNING_UNKNOWN, OTHER_ENCOUNTER, RECEIPT_NOT_KEPT, SETTLED_IN_THE_MIDST,
    )
}  # fmt: skip


class Wrong(Problem):
    """A field, node, part of the envelope or line of a file that is not as it must be: which, by
    what rule; or `told` as it stands."""

    def __init__(
        self, kind: Kind, rule: str, place: str = "", name: str = "", *, told: str = ""
    ) -> None:
        super().__init__(kind)
        said = told or words()["rules"][rule]
        self.told = f"{place} {name}{words()['frame']['rule']}{said}" if place else said


ERR_MSG_MOST = 200
_BESIDE = "；"


def together(wrongs: Sequence[Wrong]) -> Wrong:
    """Several that are wrong in one call, as one: as many as its message has whole room for."""
    first, *others = wrongs
    told = first.told
    for other in others:
        longer = told + _BESIDE + other.told
        if len(_message(first.kind, longer)) > ERR_MSG_MOST:
            break
        told = longer
    return Wrong(first.kind, "", told=told)


def err_msg(problem: Problem) -> str:
    """What the desk reads, in at most 200 characters: number, meaning, and where or by what."""
    told = problem.told if isinstance(problem, Wrong) else problem.article
    if not told:
        told = _BESIDE.join(
            words()["values"][name].format(value) for name, value in problem.values.items()
        )
    return _message(problem.kind, told)[:ERR_MSG_MOST]


def _message(kind: Kind, told: str) -> str:
    text = f"[{kind.number}] {kind.title_zh}"
    return f"{text}{words()['frame']['rule']}{told}" if told else text
