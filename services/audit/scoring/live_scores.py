"""Scores of the claims that the service holds, by the same code as those of a file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import ibis
import pyarrow as pa
from ibis.expr import types as ir

from services.audit.domain.claim_score import Challenger, ClaimScore, DriftWarning, ScoringRun
from services.audit.domain.rule import Mode, RuleBook, Words
from services.audit.domain.series import Versions
from services.audit.scoring.claim_flags_file import Batch, batches
from services.audit.scoring.claim_reason import facts, sentences
from services.audit.scoring.claim_table import FEATURE_VERSION, claim_table
from services.audit.scoring.claims_file import History
from services.audit.scoring.drift import Warned
from services.audit.scoring.evidence import Weighed, weigh
from services.audit.scoring.features import marks, with_marks
from services.audit.scoring.models import Floats, Models, Sample, learned
from services.audit.scoring.queue_order import CHANCE_DRAWN, drawn
from services.audit.scoring.reviews_file import Review
from services.audit.scoring.rule_hits import exclude_each_other, rule_hits
from services.audit.scoring.thresholds import LIKELY
from shared.money import Money

SHARE_DRAWN: Final = Decimal(str(CHANCE_DRAWN))
"""Every claim's chance to be drawn by lot."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a run is to know beside the claims: the reviews that teach, the day, the claims that are
    flagged, the rules that are snoozed, as (institution, rule), or on trial, as (rule, version), on
    the day, whose score counts where a person says so, and the key that the lot is drawn under."""

    pool_code: str
    day: date
    reviews: Mapping[str, Review]
    lot_key: bytes = field(repr=False)
    flagged: Collection[str] = ()
    muted: Collection[tuple[str, str]] = ()
    on_trial: Collection[tuple[str, int]] = ()
    champion: str | None = None


def live_scores(history: History, book: RuleBook, ask: Ask) -> tuple[list[ClaimScore], ScoringRun]:
    """Score a pool's claims as of a day: those that are flagged, likely wrong or drawn by lot, and
    what the run was like. The rules are those of `book` that are in force on the day.

    Only reviews made before the day teach; the ranker's score counts once there are enough. Raises
    NoSuchChampion.
    """
    features = with_marks(history.claims, history.kept("marks", marks(history.claims)))
    # A rule on trial speaks to nobody, in a score no more than in a flag.
    rules = [
        rule
        for rule in book.in_force(ask.day).rules
        if rule.mode is Mode.LIVE and (rule.id, rule.version) not in ask.on_trial
    ]
    found_all = rule_hits(history.claims, rules, history.items, book.groups.of_pool(ask.pool_code))
    hits = history.kept("hits", _heard(found_all, history.claims, ask.muted))
    table = claim_table(features, hits, exclude_each_other(rules), history.kept)
    models = learned(table, ask.reviews, ask.day, ask.champion)
    sample = Sample.of(features)
    wanted = pa.array(sorted(ask.flagged), pa.string())
    found: list[ClaimScore] = []
    claims = likely = 0
    hospitals = history.claims.select("claim_id", "hospital_id")
    for batch in batches(history, table):
        weighed = weigh(batch.columns)
        chance = models.chances(batch.features, weighed.chance)
        sample.add(batch.columns, batch.at, batch.lot, weighed.chance)
        claims, likely = claims + len(chance), likely + int((chance >= LIKELY).sum())
        found += _scores(history, batch, models, weighed, chance, wanted, hospitals, ask)
    run = ScoringRun(
        pool_code=ask.pool_code,
        claims=claims,
        likely=likely,
        features=FEATURE_VERSION,
        champion=models.champion_version,
        challenger=models.challenger_version,
        reviewed=len(models.confirmed),
        confirmed=int(models.confirmed.sum()),
        warnings=tuple(_warning(one) for one in models.warnings(sample)),
    )
    return found, run


def _heard(hits: ir.Table, claims: ir.Table, muted: Collection[tuple[str, str]]) -> ir.Table:
    """The hits without those of rules that are quiet for the claim's institution."""
    if not muted:
        return hits
    quiet = ibis.memtable(
        {"hospital_id": [one for one, _ in muted], "rule_id": [rule for _, rule in muted]}
    )
    placed = hits.join(claims.select("claim_id", "hospital_id"), "claim_id")
    return placed.anti_join(quiet, ["hospital_id", "rule_id"]).select(*hits.columns)


def _scores(
    history: History, batch: Batch, models: Models, weighed: Weighed, chance: Floats, wanted: Any,
    hospitals: Any, ask: Ask,
) -> Iterator[ClaimScore]:  # fmt: skip
    told = pa.compute.is_in(batch.ids, value_set=wanted).to_numpy(zero_copy_only=False)
    at_random = drawn(batch.ids.to_pylist(), ask.lot_key)
    kept = told | at_random | (chance >= LIKELY)
    if not kept.any():
        return
    challenged = models.challenged(batch.features, weighed.chance)
    columns = {
        "claim_id": batch.ids,
        "rule_ids": batch.rule_ids,
        "chance": chance,
        "challenged": chance if challenged is None else challenged,
        "drawn": at_random,
        **facts(batch.columns, weighed, chance),
    }
    with history.lent(pa.table(columns).filter(pa.array(kept))) as claims:
        zh, en = sentences(claims, learned=models.by_ranker)
        rows = claims.select("claim_id", "chance", "challenged", "drawn", "yuan", zh=zh, en=en)
        named = history.engine.to_pyarrow(rows.join(hospitals, "claim_id").order_by("claim_id"))
    versions = Versions(FEATURE_VERSION, models.champion_version)
    rival = models.challenger_version
    for row in named.to_pylist():
        yield ClaimScore(
            pool_code=ask.pool_code,
            claim_id=UUID(row["claim_id"]),
            institution_code=row["hospital_id"],
            chance=_chance(row["chance"]),
            at_risk=Money(max(0, round(100 * row["yuan"]))),
            reason=Words(zh=row["zh"], en=row["en"]),
            versions=versions,
            challenger=None if rival is None else Challenger(_chance(row["challenged"]), rival),
            drawn=row["drawn"],
        )


def _chance(value: float) -> Decimal:
    return Decimal(f"{min(max(value, 0.0), 1.0):.4f}")


def _warning(one: Warned) -> DriftWarning:
    figure, low, high = (Decimal(f"{value:.4f}") for value in (one.figure, one.low, one.high))
    return DriftWarning(one.kind, one.of, figure, low, high)
